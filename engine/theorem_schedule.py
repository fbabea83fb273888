"""The schedule of searches by tableaux."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from tesuji.domains.proving.banked import banked_instances
from tesuji.domains.proving.clauses import Instance
from tesuji.domains.proving.matrix import NamedMatrix
from tesuji.domains.proving.tableau import OVERFLOWS, Tableau
from tesuji.engine.theorem_choices import Choice, choices_of
from tesuji.search.proving.deepening import Deepening
from tesuji.search.proving.guided import Guided
from tesuji.search.proving.instantiation import Instantiation
from tesuji.search.proving.policy import Guidance
from tesuji.search.proving.tree_search import TreeSearch

_SLICE_SECONDS = 0.05
_FIRST_SLICE, _LARGEST_SLICE = 500, 1 << 20  # inferences
_WIDEST = 10_000  # literals or variables of a clause that a tableau surely has room for


class Strategy(NamedTuple):
    """A search of the schedule.

    Attributes:
        name: in words.
        cut: whether it restricts backtracking.
        goals: whether it begins with the conjecture; else with all clauses that a refutation may
            begin with.
        share: of the processor time.
        sat_help: whether a SAT solver is asked about the instances that are met.
        instances: whether it searches instances by E-matching, and no tableaux.
    """

    name: str
    cut: bool
    goals: bool
    share: float
    sat_help: bool = False
    instances: bool = False


RESTRICTED = Strategy("tableaux with restricted backtracking", True, True, 0.4)
COMPLETE = Strategy("tableaux", False, True, 0.2)
SCHEDULE = (
    RESTRICTED,
    Strategy("instances in models", False, True, 1.2, instances=True),
    COMPLETE,
    Strategy("tableaux from all negative clauses", False, False, 0.4),
    Strategy("tableaux with SAT help", True, True, 0.4, sat_help=True),
)

GUIDED = Strategy("tableaux guided by a policy", False, True, 1.0, sat_help=True)  # beside those


class Search:
    """A search of the schedule under way.

    Attributes:
        strategy: what it does.
        policy: that guides it, if one does.
        deepening: where it is.
        seconds: of processor time, so far.
        ended: whether it has nothing left to try.
        is_saturated: whether that means that there is no proof.
        copies: of clauses, that make one.
        core: instances of the search's bank that contradict each other, where SAT help found them.
    """

    def __init__(
        self, named: NamedMatrix, strategy: Strategy, guidance: Guidance | None = None,
        tree: TreeSearch | None = None,
    ) -> None:  # fmt: skip
        self.strategy = strategy
        self.policy = None if guidance is None else guidance.policy
        matrix = named.matrix
        if not strategy.goals:
            # Each unsatisfiable set holds a clause without positive literals in its refutation.
            counts = np.add.reduceat(matrix.key & 1 ^ 1, matrix.clause_first[:-1])
            matrix = matrix._replace(goal=(counts == 0).astype(np.int32))
        self._fits = max(np.diff(matrix.clause_first).max(), matrix.num_variables.max()) < _WIDEST
        self._matrix = matrix
        self.deepening: Deepening | Guided | TreeSearch | Instantiation
        if tree is not None:
            self.deepening = tree
        elif guidance is not None:
            self.deepening = Guided(
                matrix, guidance.policy, guidance.prices, strategy.cut, sat_help=strategy.sat_help
            )
        elif strategy.instances:
            self.deepening = Instantiation(matrix)
        else:
            self.deepening = Deepening(matrix, strategy.cut, sat_help=strategy.sat_help)
        self.seconds = 0.0
        self._slice = _FIRST_SLICE
        self.ended = self.is_saturated = False
        self.copies: list[tuple[int, int]] | None = None
        self.core: tuple[int, ...] = ()

    @property
    def inferences(self) -> int:
        """Return how many were made."""
        return self.deepening.inferences

    @property
    def tableau(self) -> Tableau:
        """Return the tableau, closed where one is a proof."""
        assert not isinstance(self.deepening, Instantiation)
        return self.deepening.tableau

    def look_for_another(self) -> None:
        """Give up the proof that was found."""
        assert isinstance(self.deepening, Deepening | Guided)
        self.ended, self.copies = False, None
        self.deepening.go_on()

    def instances(self, named: NamedMatrix) -> tuple[Instance, ...]:
        """Return the instances of the core."""
        assert not isinstance(self.deepening, TreeSearch)
        return banked_instances(named, self.deepening.bank, list(self.core))

    @property
    def _saw_all(self) -> bool:
        # Whether no tableau was too large.
        return bool(self._fits) and not self.tableau.counts[OVERFLOWS]

    def choices(self) -> tuple[Choice, ...]:
        """Return what the policy had to choose in the proof that was found."""
        if self.policy is None or self.copies is None:
            return ()
        return choices_of(self._matrix, self.policy, self.tableau, self.copies[0][0])

    def go_on(self, most: int | None) -> None:
        """Search for a slice of time, and at most so many inferences."""
        began = time.process_time()
        slice_ = self._slice if most is None else min(self._slice, most)
        found = self.deepening.run(self.deepening.inferences + slice_)
        spent = time.process_time() - began
        faster = _SLICE_SECONDS / max(spent, 1e-4)
        self._slice = min(max(_FIRST_SLICE, int(self._slice * min(2.0, faster))), _LARGEST_SLICE)
        self.seconds += spent
        if found is not None:
            self.ended, self.copies, self.core = True, found.copies, found.core
            # What begins with the conjecture alone does not see that axioms contradict each other.
            self.is_saturated = found.saturated and not self.strategy.goals and self._saw_all
