"""Connection tableaux as a domain: close the open goals, one after the other.

    -: which clause to begin with
    1. ~ happy(ann)
       happy(ann) | ~ friend(X, ann)       action 0: extend with this clause's first literal
          ~ friend(X, ann)                 action 1: reduce with a goal above ...

The first action picks a start clause, each other one closes the first open goal by a reduction or
an extension that unifies (`actions.py`); they are numbered in the order of the calculus. Goals that
a lemma closes need no action. A closed tableau is worth 1; a goal that nothing closes, that stands
above itself, or a tableau that is too large is worth -1. What is found is a list of instances, as
everywhere (`instances`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tesuji.domains.base import BoolArray, Domain, DomainSpec, FloatArray
from tesuji.domains.proving.clauses import ClauseSet, Instance
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.features import MOST, name_matrix
from tesuji.domains.proving.goals import GOALS_SIZE, count_walks, observe_goals
from tesuji.domains.proving.instances import goals_of, instances_of
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.steps import CLOSED, take_start, take_step
from tesuji.domains.proving.tableau import (
    CELLS,
    DEPTH,
    NONE,
    OPEN,
    TRAIL,
    VARIABLES,
    Tableau,
    make_tableau,
    used_copies,
)
from tesuji.domains.proving.tptp import read_problem

NUM_ACTIONS = 64  # of a goal; more are left out
BUCKETS = 256  # of an observation
MAX_STEPS = 200

_VARIABLES, _GOALS, _STACK = 2048, 1024, 1024


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
    """Tableaux of one problem; not for use by two threads at once.

    Args:
        clauses: of the problem.
        name: of the domain.
        goals: observe what networks of connections read (`goals.py`): all open goals and the
            steps, not counts for a network of any kind.
    """

    def __init__(self, clauses: ClauseSet, name: str = "connection", goals: bool = False) -> None:
        self.clauses, self.named = clauses, make_matrix(clauses)
        self.names = name_matrix(self.named)
        self._goals, size = goals, GOALS_SIZE if goals else BUCKETS + 3
        self.spec = DomainSpec(name, NUM_ACTIONS, (size,), 1, MAX_STEPS)
        self._work = make_tableau(_VARIABLES, _GOALS, _STACK)  # that kernels change
        self._option = np.zeros(NUM_ACTIONS, np.int32)
        self._feature = np.zeros(MOST, np.int32)

    def reset(self, seed: int = 0) -> TableauState:
        """Return the state before a start clause is chosen."""
        del seed
        starts = np.flatnonzero(self.named.matrix.goal)[:NUM_ACTIONS]
        return TableauState(None, NONE, tuple(starts.tolist()), ())

    def legal(self, state: TableauState) -> BoolArray:
        """Return which numbers stand for a step."""
        return np.arange(NUM_ACTIONS) < len(state.options)

    def step(
        self, state: TableauState, action: int, key: int = 0
    ) -> tuple[TableauState, float, float]:
        """Take the step; the reward is 1 for a closed tableau, -1 for one that cannot be."""
        del key
        matrix, option, start = self.named.matrix, state.options[action], state.start
        actions = (*state.actions, action)
        if state.tableau is None:
            start = option
            found = take_start(matrix, self._work, option, self._option)
        else:
            found = take_step(matrix, state.tableau, self._work, option, self._option)
        kept = _kept(self._work)
        if found == CLOSED:
            return TableauState(kept, start, (), actions), 1.0, 0.0
        options = self._option[:found].tolist() if len(actions) < MAX_STEPS else ()
        after = TableauState(kept, start, tuple(options), actions)
        return (after, 0.0, 1.0) if options else (after, -1.0, 0.0)

    def observe(self, state: TableauState) -> FloatArray:
        """Return counts of hashed walks over the open goal, its depth, goals and steps so far."""
        seen = np.zeros(self.spec.observation_shape, np.float32)
        matrix, tableau = self.named.matrix, state.tableau
        if self._goals:
            options = np.array(state.options, np.int32)
            kept = _NOTHING if tableau is None else tableau
            observe_goals(matrix, self.names, kept, self._work, options, self._feature, seen)
            return seen
        if tableau is not None and tableau.counts[OPEN] != NONE:
            count_walks(matrix, self.names, tableau, self._work, self._feature, seen[:BUCKETS])
            seen[BUCKETS] = tableau.cells[tableau.counts[OPEN], DEPTH] / MAX_STEPS
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
        for number, goal in enumerate(goals_of(self.named, state.tableau)):
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
        matrix = self.named.matrix
        clause = int(matrix.clause[option])
        place = option - int(matrix.clause_first[clause]) + 1
        return f"extend with {self.clauses.clauses[clause].name}, literal {place}"

    def instances(self, state: TableauState) -> tuple[Instance, ...]:
        """Return the proof that a closed tableau is."""
        if state.tableau is None or state.tableau.counts[OPEN] != NONE:
            raise ValueError("the tableau has open goals")
        copies = used_copies(self.named.matrix, state.tableau, state.start)
        return instances_of(self.named, state.tableau, copies)


def connection(problem: str | Path, goals: bool = False) -> ConnectionDomain:
    """Return the domain of a TPTP file; `goals` as `ConnectionDomain` has it.

    Raises:
        TptpError: the file is malformed.
        OSError: it cannot be read.
    """
    path = Path(problem)
    return ConnectionDomain(clausify(read_problem(path)), path.stem, goals)


def _kept(tableau: Tableau) -> Tableau:
    # A copy of what is used.
    counts = tableau.counts.copy()
    variables, trail, cells = (int(counts[each]) for each in (VARIABLES, TRAIL, CELLS))
    return Tableau(
        tableau.bound[:variables].copy(), tableau.copy[:variables].copy(),
        tableau.trail[:trail].copy(), tableau.cells[:cells].copy(), counts, _NO_ROOM, _NO_ROOM,
    )  # fmt: skip


_NOTHING = make_tableau(0, 0, 0)
_NOTHING.counts[OPEN] = NONE
_NO_ROOM = _NOTHING.stack
