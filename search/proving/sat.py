"""An incremental SAT solver that learns clauses from conflicts (Marques-Silva & Sakallah 1999).

Two literals of each clause are watched (Moskewicz et al. 2001). The atom decided next is the one
that was last in a conflict (Biere & Froehlich 2015), with the truth value that it had last. Which
clauses a learned one was made of is kept, so that a refutation says which of those given it needs.
A literal is `2 * atom`, and 1 more where it is negated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.matrix import Small
from tesuji.domains.proving.unification import forced_kernel, kernel

NONE = -1
# `counts`: of clauses, atoms, the trail, what of it is propagated, the levels; the atom that was
# in a conflict last, how often atoms were, where to look for an open one, and the false clause.
CLAUSES, ATOMS, TRAIL, DONE, LEVEL, NEWEST, STAMP, OPEN, FALSE, NUM_COUNTS = range(10)
UNDECIDED, SATISFIABLE, REFUTED, FULL = range(4)

_RESTART = 100  # conflicts between restarts


class Solver(NamedTuple):
    """Clauses and what is known of their atoms; `C` clauses, `A` atoms at most."""

    literal_first: Small  # [C + 1]
    literal: Small  # the first two of a clause are watched
    use_first: Small  # [C + 1]
    use: Small  # clauses that a learned one was made of
    watch: Small  # [2 * A] 1 + the first place that watches a literal: 2 * clause + side
    watch_next: Small  # [2 * C] 1 + the next place
    given: Small  # [C] 1 + number of a clause that was given; 0 if it was learned
    value: Small  # [2 * A] of literals: 1 true, -1 false, 0 open
    phase: Small  # [A] whether the atom was true last
    level: Small  # [A]
    reason: Small  # [A] a clause, or NONE
    trail: Small  # [A] literals
    start: Small  # [A + 1] of a level in the trail
    older: Small  # [A] the atom that was in a conflict before, or NONE
    newer: Small  # [A]
    stamp: npt.NDArray[np.int64]  # [A] when it was
    seen: Small  # [A] room
    mark: Small  # [C] room
    counts: npt.NDArray[np.int64]


def make_solver(clauses: int, atoms: int, literals: int) -> Solver:
    """Return a solver with room for clauses, given and learned, and their literals."""

    def zeros(size: int, kind: Any = np.int32) -> Any:
        return np.zeros(size, kind)

    solver = Solver(
        zeros(clauses + 1), zeros(literals), zeros(clauses + 1), zeros(literals),
        zeros(2 * atoms), zeros(2 * clauses), zeros(clauses), zeros(2 * atoms), zeros(atoms),
        zeros(atoms), zeros(atoms), zeros(atoms), zeros(atoms + 1), zeros(atoms), zeros(atoms),
        zeros(atoms, np.int64), zeros(atoms), zeros(clauses), zeros(NUM_COUNTS, np.int64),
    )  # fmt: skip
    solver.counts[[NEWEST, OPEN, FALSE]] = NONE
    return solver


@kernel
def give_clauses(solver, first, literal, start, end):  # type: ignore[no-untyped-def]
    """Give clauses `start` to `end - 1`, where `literal[first[c]:first[c + 1]]` is clause `c`.

    Return whether there was room.
    """
    counts = solver.counts
    _back(solver, 0)
    for one in range(start, end):
        clause = counts[CLAUSES]
        at = solver.literal_first[clause]
        size = first[one + 1] - first[one]
        if clause + 1 >= len(solver.literal_first) or at + size > len(solver.literal):
            return False
        for place in range(first[one], first[one + 1]):
            if (literal[place] >> 1) + 1 > len(solver.level):
                return False
        for place in range(first[one], first[one + 1]):
            atom = literal[place] >> 1
            while counts[ATOMS] <= atom:
                _push(solver, counts[ATOMS])
                counts[ATOMS] += 1
            solver.literal[at] = literal[place]
            at += 1
        solver.given[clause] = one + 1
        _add(solver, at)
    return True


@kernel
def _add(solver, end):  # type: ignore[no-untyped-def]
    # Take the literals written up to `end` for a new clause, at level 0 or as learned.
    counts, literal, value = solver.counts, solver.literal, solver.value
    clause = counts[CLAUSES]
    first = solver.literal_first[clause]
    counts[CLAUSES] += 1
    solver.literal_first[clause + 1] = end
    if solver.given[clause]:
        solver.use_first[clause + 1] = solver.use_first[clause]
        free = first  # literals that are not false come first, to be watched
        for place in range(first, end):
            if value[literal[place]] >= 0 and free < first + 2:
                literal[place], literal[free] = literal[free], literal[place]
                free += 1
        if free == first and counts[FALSE] == NONE:
            counts[FALSE] = clause
        if free == first + 1 and value[literal[first]] == 0:
            _set(solver, literal[first], clause)
    if end - first > 1:
        for side in range(2):
            own = literal[first + side]
            solver.watch_next[2 * clause + side] = solver.watch[own]
            solver.watch[own] = 2 * clause + side + 1


@forced_kernel
def _set(solver, literal, reason):  # type: ignore[no-untyped-def]
    counts, atom = solver.counts, literal >> 1
    solver.value[literal], solver.value[literal ^ 1] = 1, -1
    solver.level[atom], solver.reason[atom] = counts[LEVEL], reason
    solver.trail[counts[TRAIL]] = literal
    counts[TRAIL] += 1


@kernel
def _push(solver, atom):  # type: ignore[no-untyped-def]
    # Note an atom as the newest.
    counts = solver.counts
    solver.older[atom], solver.newer[atom] = counts[NEWEST], NONE
    if counts[NEWEST] != NONE:
        solver.newer[counts[NEWEST]] = atom
    counts[NEWEST] = atom
    counts[STAMP] += 1
    solver.stamp[atom] = counts[STAMP]
    if not solver.value[2 * atom]:
        counts[OPEN] = atom


@kernel
def _renew(solver, atom):  # type: ignore[no-untyped-def]
    counts, older, newer = solver.counts, solver.older[atom], solver.newer[atom]
    if newer == NONE:
        return
    if counts[OPEN] == atom:  # all newer ones are decided
        counts[OPEN] = older if older != NONE else newer
    solver.older[newer] = older
    if older != NONE:
        solver.newer[older] = newer
    _push(solver, atom)


@kernel
def _back(solver, level):  # type: ignore[no-untyped-def]
    counts = solver.counts
    if counts[LEVEL] <= level:
        return
    start = solver.start[level]
    for place in range(counts[TRAIL] - 1, start - 1, -1):
        literal = solver.trail[place]
        atom = literal >> 1
        solver.value[literal] = solver.value[literal ^ 1] = 0
        solver.phase[atom] = 1 - (literal & 1)
        if solver.stamp[atom] > solver.stamp[counts[OPEN]]:
            counts[OPEN] = atom
    counts[TRAIL] = counts[DONE] = start
    counts[LEVEL] = level


@kernel
def _propagate(solver):  # type: ignore[no-untyped-def]
    # Return a clause that has become false, or NONE.
    counts, literal, value = solver.counts, solver.literal, solver.value
    while counts[DONE] < counts[TRAIL]:
        false = solver.trail[counts[DONE]] ^ 1
        counts[DONE] += 1
        place = solver.watch[false] - 1
        solver.watch[false] = 0
        while place >= 0:
            following = solver.watch_next[place] - 1
            clause = place >> 1
            first, side = solver.literal_first[clause], place & 1
            other = literal[first + 1 - side]
            moved = False
            if value[other] != 1:
                for at in range(first + 2, solver.literal_first[clause + 1]):
                    own = literal[at]
                    if value[own] >= 0:
                        literal[first + side], literal[at] = own, false
                        solver.watch_next[place] = solver.watch[own]
                        solver.watch[own] = place + 1
                        moved = True
                        break
            if not moved:
                solver.watch_next[place] = solver.watch[false]
                solver.watch[false] = place + 1
                if value[other] == -1:
                    while following >= 0:
                        place = following
                        following = solver.watch_next[place] - 1
                        solver.watch_next[place] = solver.watch[false]
                        solver.watch[false] = place + 1
                    return clause
                if not value[other]:
                    _set(solver, other, clause)
            place = following
    return NONE


@kernel
def _learn(solver, clause):  # type: ignore[no-untyped-def]  # noqa: PLR0912
    # Resolve until one literal of this level is left; False without room.
    counts, seen, literal = solver.counts, solver.seen, solver.literal
    new, level = counts[CLAUSES], counts[LEVEL]
    first = solver.literal_first[new]
    end, used, here, at = first + 1, solver.use_first[new], 0, counts[TRAIL]
    room = new + 1 < len(solver.literal_first)
    while room:
        if used == len(solver.use):
            room = False
            break
        solver.use[used] = clause
        used += 1
        for place in range(solver.literal_first[clause], solver.literal_first[clause + 1]):
            atom = literal[place] >> 1
            if seen[atom] or not solver.level[atom]:
                continue
            seen[atom] = 1
            if solver.level[atom] == level:
                here += 1
            elif end == len(literal):
                room = False
            else:
                literal[end] = literal[place]
                end += 1
        if not here:
            break
        at -= 1
        while not seen[solver.trail[at] >> 1]:
            at -= 1
        here -= 1
        clause = solver.reason[solver.trail[at] >> 1]
        if not here:
            break
    for place in range(at, counts[TRAIL]):
        atom = solver.trail[place] >> 1
        if seen[atom]:
            seen[atom] = 0
            _renew(solver, atom)
    after, back = first + 1, 0
    for place in range(first + 1, end):
        atom = literal[place] >> 1
        seen[atom] = 0
        _renew(solver, atom)
        if solver.level[atom] > back:
            after, back = place, solver.level[atom]
    if not room:
        return False
    if end > first + 1:
        literal[first + 1], literal[after] = literal[after], literal[first + 1]
    literal[first] = solver.trail[at] ^ 1
    solver.given[new], solver.use_first[new + 1] = 0, used
    _back(solver, back)
    _add(solver, end)
    _set(solver, literal[first], new)
    return True


@kernel
def solve(solver, conflicts):  # type: ignore[no-untyped-def]
    """Return whether the clauses can be true, UNDECIDED after so many conflicts, or FULL."""
    counts = solver.counts
    if counts[FALSE] != NONE:
        return REFUTED
    met = 0
    while True:
        clause = _propagate(solver)
        if clause != NONE:
            if not counts[LEVEL]:
                counts[FALSE] = clause
                return REFUTED
            met += 1
            if met > conflicts:
                _back(solver, 0)
                return UNDECIDED
            if not _learn(solver, clause):
                _back(solver, 0)
                return FULL
            if met % _RESTART == 0:
                _back(solver, 0)
            continue
        atom = counts[OPEN]
        while atom != NONE and solver.value[2 * atom]:
            atom = solver.older[atom]
        if atom == NONE:
            return SATISFIABLE
        counts[OPEN] = atom
        solver.start[counts[LEVEL]] = counts[TRAIL]
        counts[LEVEL] += 1
        _set(solver, 2 * atom + 1 - solver.phase[atom], NONE)


@kernel
def core(solver, needed):  # type: ignore[no-untyped-def]
    """Write the clauses given that a refutation needs, in no order; return how many."""
    mark, found, size = solver.mark, 0, 1
    mark[: solver.counts[CLAUSES]] = 0
    queue = solver.watch_next  # no more of use
    queue[0] = solver.counts[FALSE]
    mark[queue[0]] = 1
    while size:
        size -= 1
        clause = queue[size]
        if solver.given[clause]:
            needed[found] = solver.given[clause] - 1
            found += 1
        for place in range(solver.use_first[clause], solver.use_first[clause + 1]):
            other = solver.use[place]
            if not mark[other]:
                mark[other] = 1
                queue[size] = other
                size += 1
        for place in range(solver.literal_first[clause], solver.literal_first[clause + 1]):
            atom = solver.literal[place] >> 1
            other = solver.reason[atom]
            known = solver.value[2 * atom] and not solver.level[atom]
            if known and other != clause and not mark[other]:
                mark[other] = 1
                queue[size] = other
                size += 1
    return found
