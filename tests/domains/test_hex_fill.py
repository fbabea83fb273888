"""Fill-in for Hex: the right cells, and the same winner as before."""

from __future__ import annotations

import numpy as np
import pytest

from tesuji.domains.games.hex_fill import CAPTURED, DEAD, fill, fill_tables


def read(drawing):
    """Return the stones of both sides, `X` top to bottom and `O` left to right, and the size."""
    rows = [row.split() for row in drawing.strip().splitlines()]
    cells = [cell for row in rows for cell in row]
    return *(sum(1 << i for i, c in enumerate(cells) if c == side) for side in "XO"), len(rows)


def filled(drawing):
    """Return the steps that fill in a position."""
    first, second, size = read(drawing)
    tables = fill_tables(size)
    _, _, count = fill(tables, np.uint64(first), np.uint64(second), size)
    return [tuple(step) for step in tables.steps[:count].tolist()]


def test_a_cell_with_four_stones_of_a_side_in_a_row_around_it_is_dead():
    board = """
    . . . . .
     . . O O .
      . O . . .
       . . . . .
        . . . . .
    """
    assert (DEAD, 0, 12, -1) not in filled(board)
    board = """
    . . . . .
     . . O O .
      . O . O .
       . . . . .
        . . . . .
    """
    assert (DEAD, 0, 12, -1) in filled(board)


def test_a_stone_on_the_second_row_captures_the_cells_below_it():
    board = """
    . . . . .
     . X . . .
      . . . . .
       . . . . .
        . . . . .
    """
    assert (CAPTURED, 0, 1, 2) in filled(board)
    board = """
    . . . . .
     . . . . .
      . . . . .
       . O . . .
        . . . . .
    """
    assert all(step[1:] != (1, 21, 22) for step in filled(board))  # red's edge, not blue's


def joined(stones, size):
    """Return whether stones join top and bottom."""
    reached = stones & (1 << size) - 1
    while True:
        more = reached
        for cell in range(size * size):
            row, column = divmod(cell, size)
            for down, right in ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0)):
                r, c = row + down, column + right
                if reached >> cell & 1 and 0 <= r < size and 0 <= c < size:
                    more |= 1 << r * size + c & stones
        if more == reached:
            return bool(reached >> size * (size - 1))
        reached = more


def first_wins(first, second, to_play, size, memory):
    """Return whether the first side wins, by trying everything."""
    key = (first, second, to_play)
    if key not in memory:
        empty = [c for c in range(size * size) if not (first | second) >> c & 1]
        if not empty:
            memory[key] = joined(first, size)
        elif to_play == 0:
            memory[key] = any(first_wins(first | 1 << c, second, 1, size, memory) for c in empty)
        else:
            memory[key] = all(first_wins(first, second | 1 << c, 0, size, memory) for c in empty)
    return memory[key]


@pytest.mark.parametrize(("size", "most", "number"), [(3, 9, 400), (4, 6, 150)])
def test_a_filled_position_has_the_same_winner_whoever_moves(size, most, number):
    rng, tables, memory = np.random.default_rng(0), fill_tables(size), {}
    changed = 0
    for _ in range(number):
        empty = int(rng.integers(1, most))
        cells = rng.permutation(size * size)[empty:]
        at = int(rng.integers(len(cells) + 1))
        first, second = (sum(1 << int(c) for c in part) for part in (cells[:at], cells[at:]))
        one, two, count = fill(tables, np.uint64(first), np.uint64(second), size)
        assert int(one) & first == first
        assert int(two) & second == second
        assert not int(one) & int(two)
        changed += count > 0
        for to_play in (0, 1):
            before = first_wins(first, second, to_play, size, memory)
            assert first_wins(int(one), int(two), to_play, size, memory) == before
    assert changed > number // 2
