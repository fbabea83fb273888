"""Connection tableaux as a domain: close the open goals, one after the other.

    -: which clause to begin with
    1. ~ happy(ann)
       happy(ann) | ~ friend(X, ann)       action 0: extend with this clause's first literal
          ~ friend(X, ann)                 action 1: reduce with a goal above ...

The first action picks a start clause, each other one closes the first open goal by a reduction or
an extension that unifies (`actions.py`); they are numbered in the order of the calculus. A closed
tableau is worth 1; a goal that nothing closes, that stands above itself, or a tableau that is too
large is worth -1. What is found is a list of instances, as everywhere (`instances`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tesuji.domains.base import BoolArray, Domain, DomainSpec, FloatArray
from tesuji.domains.proving.actions import alternatives
from tesuji.domains.proving.clauses import ClauseSet, Instance
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.features import MOST, describe_goal, name_matrix
from tesuji.domains.proving.instances import goals_of, instances_of
from tesuji.domains.proving.matrix import Small, make_matrix
from tesuji.domains.proving.tableau import (
    CELLS,
    DEPTH,
    NONE,
    OPEN,
    Tableau,
    begin,
    extend,
    is_irregular,
    make_tableau,
    reduce,
    used_copies,
)
from tesuji.domains.proving.tptp import read_problem

NUM_ACTIONS = 64  # of a goal; more are left out
BUCKETS = 256  # of an observation
MAX_STEPS = 200

_VARIABLES, _GOALS, _STACK, _OPTIONS = 2048, 1024, 1024, 4096


@dataclass(frozen=True, eq=False)
class TableauState:
    """A tableau that nobody changes.

    Attributes:
        tableau: None before a start clause is chosen.
        start: the start clause.
        options: what closes the first open goal, as `actions.alternatives` has it; before the
            start, clauses.
        actions: that led here.
    """

    tableau: Tableau | None
    start: int
    options: tuple[int, ...]
    actions: tuple[int, ...]


class ConnectionDomain(Domain):
    """Tableaux of one problem.

    Args:
        clauses: of the problem.
        name: of the domain.
    """

    def __init__(self, clauses: ClauseSet, name: str = "connection") -> None:
        self.clauses = clauses
        self._named = make_matrix(clauses)
        self._names = name_matrix(self._named)
        self.spec = DomainSpec(name, NUM_ACTIONS, (BUCKETS + 3,), 1, MAX_STEPS)

    def reset(self, seed: int = 0) -> TableauState:
        """Return the state before a start clause is chosen."""
        del seed
        starts = np.flatnonzero(self._named.matrix.goal)[:NUM_ACTIONS]
        return TableauState(None, NONE, tuple(starts.tolist()), ())

    def legal(self, state: TableauState) -> BoolArray:
        """Return which numbers stand for a step."""
        return np.arange(NUM_ACTIONS) < len(state.options)

    def step(
        self, state: TableauState, action: int, key: int = 0
    ) -> tuple[TableauState, float, float]:
        """Take the step; the reward is 1 for a closed tableau, -1 for one that cannot be."""
        del key
        matrix, option, start = self._named.matrix, state.options[action], state.start
        actions = (*state.actions, action)
        if state.tableau is None:
            tableau, start = make_tableau(_VARIABLES, _GOALS, _STACK), option
            made = bool(begin(matrix, tableau, option))
        else:
            tableau = _copied(state.tableau)
            goal = tableau.counts[OPEN]
            made = (
                extend(matrix, tableau, goal, option)
                if option >= 0
                else reduce(matrix, tableau, goal, -1 - option)
            ) == 1
        if made and tableau.counts[OPEN] == NONE:
            return TableauState(_kept(tableau), start, (), actions), 1.0, 0.0
        options = self._options(tableau) if made and len(actions) < MAX_STEPS else ()
        after = TableauState(_kept(tableau), start, options, actions)
        return (after, 0.0, 1.0) if options else (after, -1.0, 0.0)

    def _options(self, tableau: Tableau) -> tuple[int, ...]:
        matrix, goal = self._named.matrix, tableau.counts[OPEN]
        if is_irregular(matrix, tableau, goal):
            return ()
        option = np.zeros(_OPTIONS, np.int32)
        end = alternatives(matrix, tableau, goal, option, 0)
        found = option[: _OPTIONS if end == NONE else end][:NUM_ACTIONS]
        return tuple(found.tolist())

    def observe(self, state: TableauState) -> FloatArray:
        """Return counts of hashed walks over the open goal, its depth, goals and steps so far."""
        seen = np.zeros(BUCKETS + 3, np.float32)
        tableau = state.tableau
        if tableau is not None and tableau.counts[OPEN] != NONE:
            out = np.zeros(MOST, np.int32)
            goal = int(tableau.counts[OPEN])
            working = tableau._replace(stack=_room(), room=_room())
            size = describe_goal(self._named.matrix, self._names, working, goal, out)
            np.add.at(seen, out[:size] % BUCKETS, 1.0)
            seen[BUCKETS] = tableau.cells[goal, DEPTH] / MAX_STEPS
            seen[BUCKETS + 1] = tableau.counts[CELLS] / _GOALS
        seen[BUCKETS + 2] = len(state.actions) / MAX_STEPS
        return seen

    def key(self, state: TableauState) -> bytes:
        """Return the actions that led to the state."""
        return bytes(state.actions)

    def render(self, state: TableauState) -> str:
        """Return the goals, indented by their depth; closed ones in brackets."""
        if state.tableau is None:
            return "which clause to begin with"
        lines = []
        for number, goal in enumerate(goals_of(self._named, state.tableau)):
            mark = ">" if number == state.tableau.counts[OPEN] else " "
            sign = "" if goal.literal.positive else "~ "
            lines.append(f"{mark} {'  ' * goal.depth}{sign}{goal.literal.atom.predicate}")
        return "\n".join(lines)

    def action_name(self, state: TableauState, action: int) -> str:
        """Return the clause that the step takes, or the goal above."""
        option = state.options[action]
        if state.tableau is None:
            return f"start with {self.clauses.clauses[option].name}"
        if option < 0:
            return f"reduce with goal {-option}"
        matrix = self._named.matrix
        clause = int(matrix.clause[option])
        place = option - int(matrix.clause_first[clause]) + 1
        return f"extend with {self.clauses.clauses[clause].name}, literal {place}"

    def instances(self, state: TableauState) -> tuple[Instance, ...]:
        """Return the proof that a closed tableau is."""
        if state.tableau is None or state.tableau.counts[OPEN] != NONE:
            raise ValueError("the tableau has open goals")
        copies = used_copies(self._named.matrix, state.tableau, state.start)
        return instances_of(self._named, state.tableau, copies)


def connection(problem: str | Path) -> ConnectionDomain:
    """Return the domain of a TPTP file.

    Raises:
        TptpError: the file is malformed.
        OSError: it cannot be read.
    """
    path = Path(problem)
    return ConnectionDomain(clausify(read_problem(path)), path.stem)


def _kept(tableau: Tableau) -> Tableau:
    return tableau._replace(stack=_room(0), room=_room(0))


def _copied(tableau: Tableau) -> Tableau:
    # A copy to be changed, with room for the kernels, which states do without.
    bound, copy, trail = tableau.bound.copy(), tableau.copy.copy(), tableau.trail.copy()
    cells, counts = tableau.cells.copy(), tableau.counts.copy()
    return Tableau(bound, copy, trail, cells, counts, _room(), _room())


def _room(size: int = _STACK) -> Small:
    return np.zeros((size, 4), np.int32)
