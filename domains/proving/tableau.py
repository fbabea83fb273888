"""Connection tableaux as arrays: goals, copies of clauses, and the steps that close goals.

A tableau grows from a start clause. Its first open goal is closed by a *reduction*, where it is
made complementary to a goal above it, or by an *extension*, where it is made complementary to a
literal of a new copy of a clause, whose other literals are new goals (Otten & Bibel 2003).

    cells[c] = literal, offset of its copy, the goal above, the next open goal, the goal to the
               left, depth, what closed it, and the copy or goal that did

Nothing that a cell holds changes after it is closed, so a tableau is undone by taking the newest
cells, variables and bindings away. Whoever steps calls `extend` or `reduce`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.matrix import Matrix, Small
from tesuji.domains.proving.unification import (
    FREE,
    dereference,
    forced_kernel,
    identical,
    kernel,
    undo,
    unify,
)

LITERAL, OFFSET, ABOVE, NEXT, LEFT, DEPTH, CLOSED_BY, WITH = range(8)
NONE = -1
BY_GOAL, BY_LEMMA = -2, -3  # in CLOSED_BY, where there is else the literal of the copy
VARIABLES, TRAIL, CELLS, OPEN, OVERFLOWS, NUM_COUNTS = range(6)
TOO_LARGE = -3  # of a step: the tableau has no room for it


class Tableau(NamedTuple):
    """A tableau; `X` variables, `G` goals at most."""

    bound: Small  # [X] a term, or FREE
    copy: Small  # [X]
    trail: Small  # [X]
    cells: Small  # [G, 8]
    counts: npt.NDArray[np.int64]  # [6] variables, trail, cells, first open goal, overflows
    stack: Small  # [S, 4]
    room: Small  # [S, 4]


def make_tableau(variables: int = 1 << 15, goals: int = 1 << 14, stack: int = 1 << 12) -> Tableau:
    """Return room for a tableau.

    Args:
        variables: of all copies of clauses.
        goals: at most.
        stack: of terms that are compared.
    """
    return Tableau(
        np.full(variables, FREE, np.int32), np.zeros(variables, np.int32),
        np.zeros(variables, np.int32), np.zeros((goals, 8), np.int32),
        np.zeros(NUM_COUNTS, np.int64), np.zeros((stack, 4), np.int32),
        np.zeros((stack, 4), np.int32),
    )  # fmt: skip


@forced_kernel
def begin(matrix, tableau, clause):  # type: ignore[no-untyped-def]
    """Make the literals of a clause the goals; return whether there is room."""
    counts = tableau.counts
    counts[VARIABLES] = counts[TRAIL] = counts[CELLS] = 0
    counts[OPEN] = NONE
    if matrix.num_variables[clause] > len(tableau.bound):
        return False
    tableau.bound[: matrix.num_variables[clause]] = FREE
    counts[VARIABLES] = matrix.num_variables[clause]
    return _add_goals(matrix, tableau, clause, NONE, 0, NONE, NONE, 0)


@forced_kernel
def _add_goals(matrix, tableau, clause, but, offset, above, following, depth):  # type: ignore[no-untyped-def]
    # Open the literals of a copy, but one; the first is open next, and `following` after the last.
    cells, counts = tableau.cells, tableau.counts
    start = matrix.clause_first[clause]
    end = matrix.clause_first[clause + 1]
    at = counts[CELLS]
    if at + end - start > len(cells):
        return False
    left = NONE
    for literal in range(start, end):
        if literal == but:
            continue
        cells[at, LITERAL], cells[at, OFFSET], cells[at, ABOVE] = literal, offset, above
        cells[at, LEFT], cells[at, DEPTH], cells[at, CLOSED_BY] = left, depth, NONE
        cells[at, WITH] = NONE
        if left != NONE:
            cells[left, NEXT] = at
        left = at
        at += 1
    if left == NONE:
        counts[OPEN] = following
        return True
    cells[left, NEXT] = following
    counts[OPEN] = counts[CELLS]
    counts[CELLS] = at
    return True


@forced_kernel
def extend(matrix, tableau, goal, literal):  # type: ignore[no-untyped-def]
    """Close a goal by a literal of a new copy; return whether that can be, or TOO_LARGE."""
    cells, counts = tableau.cells, tableau.counts
    clause = matrix.clause[literal]
    offset = counts[VARIABLES]
    end = offset + matrix.num_variables[clause]
    size = matrix.clause_first[clause + 1] - matrix.clause_first[clause]
    if end > len(tableau.bound) or counts[CELLS] + size > len(cells):
        return TOO_LARGE
    for variable in range(offset, end):
        tableau.bound[variable] = FREE
    length = unify(
        matrix.symbol, matrix.first, matrix.arguments, matrix.ground,
        tableau.bound, tableau.copy, tableau.trail, counts[TRAIL],
        matrix.atom[literal], offset, matrix.atom[cells[goal, LITERAL]], cells[goal, OFFSET],
        tableau.stack, tableau.room,
    )  # fmt: skip
    if length < 0:
        counts[OVERFLOWS] += length == -2
        return 0
    cells[goal, CLOSED_BY], cells[goal, WITH] = literal, offset
    if len(matrix.apart.pair) and not keeps_apart(matrix, tableau, cells[goal, NEXT]):
        undo(tableau.bound, tableau.trail, length, counts[TRAIL])
        return 0
    counts[TRAIL], counts[VARIABLES] = length, end
    _add_goals(
        matrix, tableau, clause, literal, offset, goal, cells[goal, NEXT], cells[goal, DEPTH] + 1
    )
    return 1


@kernel
def keeps_apart(matrix, tableau, following):  # type: ignore[no-untyped-def]
    """Return whether all steps keep apart what they must; `following` is open next."""
    cells, apart = tableau.cells, matrix.apart
    while following != NONE:  # what closed it before was taken back
        cells[following, CLOSED_BY] = NONE
        following = cells[following, NEXT]
    for cell in range(tableau.counts[CELLS]):
        literal, offset = cells[cell, CLOSED_BY], cells[cell, WITH]
        if literal < 0:
            continue
        clause = matrix.clause[literal]
        for place in range(apart.first[clause], apart.first[clause + 1]):
            one, two = apart.pair[place, 0], apart.pair[place, 1]
            if _share(matrix, tableau, offset + one, offset + two):
                return False
    return True


@kernel
def _share(matrix, tableau, one, two):  # type: ignore[no-untyped-def]
    # Whether two variables of the tableau have a part in common, or parts that are not kept apart.
    stack, room, apart = tableau.stack, tableau.room, matrix.apart
    size = _leaves(matrix, tableau, one, stack, room)
    if size == NONE:
        return False
    for at in range(size):
        stack[at, 2] = stack[at, 3]
    other = _leaves(matrix, tableau, two, stack, room)
    for a in range(size):
        for b in range(max(other, 0)):
            x, y = stack[a, 2], stack[b, 3]
            if x == y or (x < 0 and y < 0 and not apart.kept[-1 - x, -1 - y]):
                return True
    return False


@kernel
def _leaves(matrix, tableau, variable, out, room):  # type: ignore[no-untyped-def]
    # Write free variables, and -1 - the numbers of constants, of what a variable stands for, into
    # the last column; return how many, or NONE without room.
    if tableau.bound[variable] == FREE:
        out[0, 3] = variable
        return 1
    found, waiting, steps = 0, 1, 0
    room[0, 0], room[0, 1] = tableau.bound[variable], tableau.copy[variable]
    while waiting:
        waiting -= 1
        steps += 1
        term, offset = dereference(
            matrix.symbol, tableau.bound, tableau.copy, room[waiting, 0], room[waiting, 1]
        )
        symbol = matrix.symbol[term]
        leaf = offset - 1 - symbol if symbol < 0 else -1 - matrix.apart.number[symbol]
        if symbol < 0 or leaf < 0:
            out[found, 3] = leaf
            found += 1
        start, end = matrix.first[term], matrix.first[term + 1]
        if found == len(out) or waiting + end - start > len(room) or steps > len(out):
            return NONE
        for place in range(start, end):
            room[waiting, 0], room[waiting, 1] = matrix.arguments[place], offset
            waiting += 1
    return found


@forced_kernel
def reduce(matrix, tableau, goal, above):  # type: ignore[no-untyped-def]
    """Close a goal by one above it of the other sign; return whether that can be."""
    cells, counts = tableau.cells, tableau.counts
    length = unify(
        matrix.symbol, matrix.first, matrix.arguments, matrix.ground,
        tableau.bound, tableau.copy, tableau.trail, counts[TRAIL],
        matrix.atom[cells[above, LITERAL]], cells[above, OFFSET],
        matrix.atom[cells[goal, LITERAL]], cells[goal, OFFSET],
        tableau.stack, tableau.room,
    )  # fmt: skip
    if length < 0:
        counts[OVERFLOWS] += length == -2
        return 0
    counts[TRAIL] = length
    cells[goal, CLOSED_BY], cells[goal, WITH] = BY_GOAL, above
    counts[OPEN] = cells[goal, NEXT]
    return 1


@forced_kernel
def is_copy(matrix, tableau, one, two):  # type: ignore[no-untyped-def]
    """Return whether two goals are the same literal as they are."""
    cells = tableau.cells
    return matrix.key[cells[one, LITERAL]] == matrix.key[cells[two, LITERAL]] and identical(
        matrix.symbol, matrix.first, matrix.arguments, matrix.ground, tableau.bound, tableau.copy,
        matrix.atom[cells[one, LITERAL]], cells[one, OFFSET],
        matrix.atom[cells[two, LITERAL]], cells[two, OFFSET], tableau.stack,
    )  # fmt: skip


@forced_kernel
def is_irregular(matrix, tableau, goal):  # type: ignore[no-untyped-def]
    """Return whether a goal is above itself: whatever closes it closes that one, too."""
    above = tableau.cells[goal, ABOVE]
    while above != NONE:
        if is_copy(matrix, tableau, goal, above):
            return True
        above = tableau.cells[above, ABOVE]
    return False


@forced_kernel
def lemma(matrix, tableau, goal):  # type: ignore[no-untyped-def]
    """Return a closed goal that is the same, to the left of it or of one above; else NONE."""
    above = goal
    while above != NONE:
        left = tableau.cells[above, LEFT]
        while left != NONE:
            if is_copy(matrix, tableau, goal, left):
                return left
            left = tableau.cells[left, LEFT]
        above = tableau.cells[above, ABOVE]
    return NONE


@forced_kernel
def take_lemma(tableau, goal, left):  # type: ignore[no-untyped-def]
    """Close a goal as one to its left was closed."""
    cells = tableau.cells
    cells[goal, CLOSED_BY], cells[goal, WITH] = BY_LEMMA, left
    tableau.counts[OPEN] = cells[goal, NEXT]


def used_copies(matrix: Matrix, tableau: Tableau, start: int) -> list[tuple[int, int]]:
    """Return `(clause, offset)` of the copies of a closed tableau, the start clause first."""
    cells = tableau.cells[: tableau.counts[CELLS]]
    extended = cells[cells[:, CLOSED_BY] >= 0]
    more = zip(
        matrix.clause[extended[:, CLOSED_BY]].tolist(), extended[:, WITH].tolist(), strict=True
    )
    return [(start, 0), *more]
