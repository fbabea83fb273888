"""Sokoban levels: the XSB format that all programs read, and levels of our own.

    # wall    $ box    . goal    @ man    * box on a goal    + man on a goal

A made level is solved backwards: boxes start on their goals and are pulled away, so that pushing
them back is a solution.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

Cell = tuple[int, int]

MAX_CELLS = 448  # 7 words of 64 bits
MAX_LEVELS = 1000
MAX_TEXT = 1 << 20
DIRECTIONS: tuple[Cell, ...] = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left
_SYMBOLS = frozenset("#$.@*+ -_")


@dataclass(frozen=True)
class Level:
    """One level; every cell that is not reached from the man is a wall."""

    height: int
    width: int
    walls: frozenset[Cell]
    goals: frozenset[Cell]
    boxes: frozenset[Cell]
    man: Cell

    @property
    def dead(self) -> frozenset[Cell]:
        """Return the cells from which no push brings a box to any goal."""
        alive = set(self.goals)
        frontier = list(alive)
        while frontier:
            row, column = frontier.pop()
            for down, right in DIRECTIONS:  # pull the box one cell; the man needs the next one
                cell = (row + down, column + right)
                if cell in alive or not (
                    self.is_free(cell) and self.is_free(_next(cell, (down, right)))
                ):
                    continue
                alive.add(cell)
                frontier.append(cell)
        cells = ((row, column) for row in range(self.height) for column in range(self.width))
        return frozenset(cell for cell in cells if self.is_free(cell) and cell not in alive)

    def is_free(self, cell: Cell) -> bool:
        """Return whether a cell lies on the board and is no wall."""
        return 0 <= cell[0] < self.height and 0 <= cell[1] < self.width and cell not in self.walls


def read_levels(text: str, origin: str = "level") -> list[Level]:
    """Return the levels of a text in XSB.

    Args:
        text: rows of levels; whatever else stands between them (titles, `;` comments) is skipped.
        origin: what to call the text in errors.

    Raises:
        ValueError: a level is not sound; the message says which, and its line.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"{origin}: {len(text)} characters, at most {MAX_TEXT} are read")
    levels: list[Level] = []
    rows: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        row = line.rstrip()
        if row and set(row) <= _SYMBOLS and "#" in row:
            rows.append(row)
        elif rows:
            levels.append(_level(rows, f"{origin}, level {len(levels) + 1} before line {number}"))
            rows = []
    if not levels:
        raise ValueError(f"{origin}: no level found; its rows are made of {' '.join('#$.@*+')}")
    if len(levels) > MAX_LEVELS:
        raise ValueError(f"{origin}: {len(levels)} levels, at most {MAX_LEVELS} are read")
    return levels


def load_levels(path: Path) -> list[Level]:
    """Return the levels of a file; ValueError and OSError say what is wrong with it."""
    if path.stat().st_size > MAX_TEXT:
        raise ValueError(f"{path}: larger than {MAX_TEXT} bytes")
    try:
        return read_levels(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file in UTF-8") from None


def make_level(rng: np.random.Generator, size: int, boxes: int) -> Level:
    """Return a level of `size` by `size` cells that can be solved, by pulling boxes off goals."""
    while True:
        floor = _carve(rng, size)
        if len(floor) < 3 * boxes + 4:
            continue
        cells = sorted(floor)
        picked = rng.choice(len(cells), boxes + 1, replace=False)
        goals = frozenset(cells[i] for i in picked[1:])
        placed, man = _pull_away(rng, floor, set(goals), cells[picked[0]])
        if not placed & goals:
            every = {(row, column) for row in range(size) for column in range(size)}
            return Level(size, size, frozenset(every - floor), goals, frozenset(placed), man)


def _carve(rng: np.random.Generator, size: int) -> set[Cell]:
    """Return a connected floor: rooms of two by two along a walk inside the outer wall."""
    row, column = (int(x) for x in rng.integers(1, size - 2, 2))
    floor: set[Cell] = set()
    for _ in range(2 * size):
        floor |= {(row + down, column + right) for down in (0, 1) for right in (0, 1)}
        down, right = DIRECTIONS[int(rng.integers(4))]
        row = min(max(row + down, 1), size - 3)
        column = min(max(column + right, 1), size - 3)
    return floor


def _pull_away(
    rng: np.random.Generator, floor: set[Cell], boxes: set[Cell], man: Cell
) -> tuple[set[Cell], Cell]:
    for _ in range(60 * len(boxes)):
        reached = _reach(man, floor - boxes)
        pulls = [
            (box, step)
            for box in sorted(boxes)
            for step in DIRECTIONS
            if _next(box, step) in reached and _next(_next(box, step), step) in floor - boxes
        ]
        if not pulls:
            break
        box, step = pulls[int(rng.integers(len(pulls)))]
        boxes = boxes - {box} | {_next(box, step)}
        man = _next(_next(box, step), step)
    return boxes, man


def _reach(start: Cell, free: set[Cell]) -> set[Cell]:
    seen, frontier = {start}, [start]
    while frontier:
        cell = frontier.pop()
        for step in DIRECTIONS:
            neighbour = _next(cell, step)
            if neighbour in free and neighbour not in seen:
                seen.add(neighbour)
                frontier.append(neighbour)
    return seen


def _next(cell: Cell, step: Cell) -> Cell:
    return cell[0] + step[0], cell[1] + step[1]


def _level(rows: list[str], where: str) -> Level:
    height, width = len(rows), max(map(len, rows))
    if height * width > MAX_CELLS:
        raise ValueError(f"{where}: {height} x {width} cells, at most {MAX_CELLS} are supported")
    at: dict[str, set[Cell]] = {symbol: set() for symbol in _SYMBOLS}
    for row, line in enumerate(rows):
        for column, symbol in enumerate(line):
            at[symbol].add((row, column))
    men, boxes = at["@"] | at["+"], at["$"] | at["*"]
    goals = at["."] | at["*"] | at["+"]
    if len(men) != 1:
        raise ValueError(f"{where}: {len(men)} men (@ or +), expected 1")
    if not boxes or len(boxes) != len(goals):
        raise ValueError(f"{where}: {len(boxes)} boxes and {len(goals)} goals, expected as many")
    if boxes <= goals:
        raise ValueError(f"{where}: it is solved already")
    [man] = men
    every = {(row, column) for row in range(height) for column in range(width)}
    floor = _reach(man, every - at["#"])
    edge = {cell for cell in floor if cell[0] in (0, height - 1) or cell[1] in (0, width - 1)}
    if edge:
        row, column = min(edge)
        raise ValueError(f"{where}: the wall is open at row {row + 1}, column {column + 1}")
    if not boxes | goals <= floor:
        raise ValueError(f"{where}: a box or a goal lies outside the walls")
    if len(_reach(man, floor - boxes)) == 1 and not _can_push(man, boxes, floor):
        raise ValueError(f"{where}: the man cannot move")
    return Level(height, width, frozenset(every - floor), frozenset(goals), frozenset(boxes), man)


def _can_push(man: Cell, boxes: set[Cell], floor: set[Cell]) -> bool:
    return any(
        _next(man, step) in boxes and _next(_next(man, step), step) in floor - boxes
        for step in DIRECTIONS
    )
