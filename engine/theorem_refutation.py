"""The verifier's own SAT solver: unit propagation, and clauses learned from conflicts.

A literal is a number, negative where it is negated. Clauses are learned by resolution alone
(Marques-Silva & Sakallah 1999), so that a conflict without decisions refutes the clauses given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush

MOST_CONFLICTS = 100_000

_MORE, _MOST_GAIN = 1.05, 1e100  # later conflicts weigh more in the choice of atoms


def conflicts_to_refute(clauses: Iterable[Sequence[int]], most: int = MOST_CONFLICTS) -> int | None:
    """Return how many conflicts refute clauses; None if they can be true, or after `most`."""
    solver = _Solver()
    for clause in clauses:
        if not solver.add(list(dict.fromkeys(clause))):
            return 1
    return solver.run(most)


class _Solver:
    """Holds the first two literals of each clause watched: they are false last."""

    def __init__(self) -> None:
        self._watching: dict[int, list[list[int]]] = {}
        self._true: dict[int, bool] = {}  # literals that are decided
        self._reason: dict[int, list[int] | None] = {}  # of an atom
        self._level: dict[int, int] = {}
        self._trail: list[int] = []
        self._starts: list[int] = []  # of the levels, in the trail
        self._done = 0  # of the trail
        self._weight: dict[int, float] = {}
        self._gain = 1.0
        self._queue: list[tuple[float, int]] = []

    def add(self, clause: list[int]) -> bool:
        """Take a clause before the run; return False where it is false already."""
        for literal in clause:
            self._weight.setdefault(abs(literal), 0.0)
        if len(clause) < 2:
            return bool(clause) and self._set(clause[0], None)
        self._watch(clause)
        return True

    def run(self, most: int) -> int | None:
        """Return the number of conflicts that refute the clauses, or None."""
        self._queue = [(0.0, atom) for atom in sorted(self._weight)]
        heapify(self._queue)
        conflicts = 0
        while conflicts < most:
            clause = self._propagate()
            if clause is not None:
                conflicts += 1
                if not self._starts:
                    return conflicts
                self._learn(clause)
                continue
            atom = self._undecided()
            if atom is None:
                return None
            self._starts.append(len(self._trail))
            self._set(-atom, None)
        return None

    def _undecided(self) -> int | None:
        while self._queue:
            _, atom = heappop(self._queue)
            if atom not in self._true:
                return atom
        return None

    def _watch(self, clause: list[int]) -> None:
        for literal in clause[:2]:
            self._watching.setdefault(literal, []).append(clause)

    def _set(self, literal: int, reason: list[int] | None) -> bool:
        if literal in self._true:
            return self._true[literal]
        self._true[literal], self._true[-literal] = True, False
        self._reason[abs(literal)], self._level[abs(literal)] = reason, len(self._starts)
        self._trail.append(literal)
        return True

    def _propagate(self) -> list[int] | None:
        # Return a clause that has become false.
        while self._done < len(self._trail):
            false = -self._trail[self._done]
            self._done += 1
            watching, self._watching[false] = self._watching.get(false, []), []
            for at, clause in enumerate(watching):
                if clause[0] == false:
                    clause[0], clause[1] = clause[1], clause[0]
                if self._true.get(clause[0]) is not True:
                    for place in range(2, len(clause)):
                        if self._true.get(clause[place]) is not False:
                            clause[1], clause[place] = clause[place], clause[1]
                            self._watching.setdefault(clause[1], []).append(clause)
                            break
                    else:
                        self._watching[false].append(clause)
                        if not self._set(clause[0], clause):
                            self._watching[false] += watching[at + 1 :]
                            return clause
                    continue
                self._watching[false].append(clause)
        return None

    def _learn(self, conflict: list[int]) -> None:
        # Resolve until one literal of this level is left (first unique implication point).
        level, seen, rest, open_here = len(self._starts), set[int](), list[int](), 0
        clause, at = conflict, len(self._trail)
        while True:
            for literal in clause:
                atom = abs(literal)
                if atom in seen or not self._level[atom]:
                    continue
                seen.add(atom)
                self._weight[atom] += self._gain
                if self._level[atom] == level:
                    open_here += 1
                else:
                    rest.append(literal)
            at -= 1
            while abs(self._trail[at]) not in seen:
                at -= 1
            open_here -= 1
            pivot = self._trail[at]
            if not open_here:
                break
            reason = self._reason[abs(pivot)]
            assert reason is not None
            clause = [literal for literal in reason if literal != pivot]
        rest.sort(key=lambda literal: -self._level[abs(literal)])
        learned = [-pivot, *rest]
        self._back(self._level[abs(rest[0])] if rest else 0)
        if rest:
            self._watch(learned)
        self._set(-pivot, learned if rest else None)
        self._gain *= _MORE
        if self._gain > _MOST_GAIN:
            self._weight = {atom: one / self._gain for atom, one in self._weight.items()}
            self._gain = 1.0

    def _back(self, level: int) -> None:
        start = self._starts[level]
        for literal in self._trail[start:]:
            del self._true[literal], self._true[-literal]
            heappush(self._queue, (-self._weight[abs(literal)], abs(literal)))
        del self._trail[start:], self._starts[level:]
        self._done = start
