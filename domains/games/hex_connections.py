"""Virtual connections in Hex: what a side can join, whoever moves first.

H-search (Anshelevich 2002). Points are the empty cells, the chains of one side's stones and its two
edges. Two points have a *full* connection in a set of empty cells, its carrier, where the side can
join them inside it even if the other moves first, and a *semi* connection where it can if it moves
first:

- neighbours have a full one with an empty carrier;
- two full ones that share a point and nothing else make a full one where that point is a chain,
  and a semi one, the point in its carrier, where it is an empty cell (*and*);
- semi ones whose carriers have no cell in common make a full one (*or*).

A side whose edges have a full connection has won. Where they have semi ones, the other side must
play into the cells that all of those have in common, or lose.

The side that is looked at always joins top and bottom: the other's board comes transposed.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.games.hex_points import (
    AND,
    BASE,
    OR,
    add,
    forced,
    is_known,
    kernel,
    mark_points,
    neighbour,
    next_point,
)

NEVER, FULL, SEMI = range(3)  # when to stop
_ONE = np.uint64(1)
_NONE = np.uint64(0)


@forced
def _combine(work, index):  # type: ignore[no-untyped-def]
    # The *or* rule: sets of up to four semi connections, the new one among them. `rest[i]` is what
    # all from `i` on need: where that meets what is common so far, no set can be free of it.
    record, parents, rest = work.pool[index], work.parents, work.rest
    first, second = np.int64(record.first), np.int64(record.second)
    common = record.carrier
    parents[0] = index
    count = work.num_semi[first, second]
    cells, semi = work.semi_cells[first, second], work.semi[first, second]
    rest[count] = ~_NONE
    for i in range(count - 1, -1, -1):
        rest[i] = rest[i + 1] & cells[i]
    for i in range(count):
        if common & rest[i]:
            return
        common_1 = common & cells[i]
        if common_1 == common:
            continue
        parents[1] = semi[i]
        union_1 = common | cells[i]
        if common_1 == _NONE:
            add(work, first, second, union_1, OR, 1, parents, 2)
            continue
        for j in range(i + 1, count):
            if common_1 & rest[j]:
                break
            common_2 = common_1 & cells[j]
            if common_2 == common_1:
                continue
            parents[2] = semi[j]
            union_2 = union_1 | cells[j]
            if common_2 == _NONE:
                add(work, first, second, union_2, OR, 1, parents, 3)
                continue
            for k in range(j + 1, count):
                if common_2 & rest[k]:
                    break
                if common_2 & cells[k] == _NONE:
                    parents[3] = semi[k]
                    add(work, first, second, union_2 | cells[k], OR, 1, parents, 4)


@forced
def _join(work, index, size, stop):  # type: ignore[no-untyped-def]
    # The *and* rule: a full connection with each that shares an end with it.
    pool, parents = work.pool, work.parents
    top = size * size
    carrier = pool[index].carrier
    for turn in range(2):
        end = np.int64(pool[index].first if turn == 0 else pool[index].second)
        middle = np.int64(pool[index].second if turn == 0 else pool[index].first)
        if middle >= top:
            continue
        end_bit = _NONE if work.chains[end] else _ONE << np.uint64(end)
        chain = work.chains[middle]
        middle_bit = _NONE if chain else _ONE << np.uint64(middle)
        far = np.int64(-1)
        while True:
            far = next_point(work.reach[middle] & ~carrier, far, top)
            if far < 0:
                break
            if far == end:
                continue
            low, high = min(middle, far), max(middle, far)
            near, away = min(end, far), max(end, far)
            fulls, semis = work.full_cells[near, away], work.semi_cells[near, away]
            i = 0
            while i < work.num_full[low, high]:
                other = work.full[low, high, i]
                there = work.full_cells[low, high, i]
                i += 1
                if (there & carrier) | (there & end_bit):
                    continue
                union = carrier | there | middle_bit
                if is_known(fulls, work.num_full[near, away], union):
                    continue
                if not chain and is_known(semis, work.num_semi[near, away], union):
                    continue
                parents[0] = index
                parents[1] = other
                made = add(work, end, far, union, AND, chain, parents, 2)
                if made >= 0 and not chain:
                    _combine(work, made)
                    if stop == SEMI and work.num_semi[top, top + 1]:
                        return
                if stop and work.num_full[top, top + 1]:
                    return


@kernel
def connect(work, own, other, size, stop):  # type: ignore[no-untyped-def]
    """Find the connections of the side that joins top and bottom.

    Args:
        work: where they are written.
        own: the side's stones.
        other: the other side's stones.
        size: of the board.
        stop: at the first connection of the edges: `FULL`, `SEMI` or `NEVER`.

    Returns:
        Whether stones alone join the edges.
    """
    top = size * size
    work.counts[:] = 0
    work.num_full[: top + 2, : top + 2] = 0
    work.num_semi[: top + 2, : top + 2] = 0
    work.reach[: top + 2] = _NONE
    if mark_points(work, own, other, size):
        return True
    parents = work.parents
    for cell in range(top):
        here = work.points[cell]
        if here < 0:
            continue
        for direction in range(6):
            near = neighbour(cell, direction, size)
            if near > cell and work.points[near] >= 0 and work.points[near] != here:
                add(work, here, work.points[near], _NONE, BASE, 1, parents, 0)
        if cell < size and here != top:
            add(work, here, np.int64(top), _NONE, BASE, 1, parents, 0)
        if cell >= top - size and here != top + 1:
            add(work, here, np.int64(top + 1), _NONE, BASE, 1, parents, 0)
    while work.counts[2] < work.counts[1]:
        index = np.int64(work.queue[work.counts[2]])
        work.counts[2] += 1
        if work.pool[index].alive:
            _join(work, index, size, stop)
        if stop and (work.num_full[top, top + 1] or (stop == SEMI and work.num_semi[top, top + 1])):
            break
    return False
