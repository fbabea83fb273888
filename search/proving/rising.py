"""A proof search under a limit that rises, from each start clause in turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.grounding import make_bank
from tesuji.domains.proving.matrix import Matrix
from tesuji.domains.proving.tableau import OVERFLOWS, Tableau, used_copies
from tesuji.search.proving.sat_help import SatHelp

RUNNING, PROVED, EXHAUSTED = range(3)
CHOICES, INFERENCES, LIMITED = range(3)  # of `progress`


class Refutation(NamedTuple):
    """What the search came to.

    Attributes:
        copies: `(clause, offset)` of the copies that close the tableau; None without a proof.
        saturated: whether no closed tableau begins with a start clause: all was tried, and nothing
            stood in the way. Without axioms that contradict each other there is no proof then.
        inferences: made.
        limit: of the depth at the end.
        core: instances of the bank that contradict each other, where SAT help proves it.
    """

    copies: list[tuple[int, int]] | None
    saturated: bool
    inferences: int
    limit: int
    core: tuple[int, ...] = ()


class Rising(ABC):
    """A search from each start clause under a limit that rises; it may be asked to go on.

    Args:
        matrix: the clauses.
        tableau: closed, where a proof was found.
        progress: `[3]` choices, inferences, whether the limit was in the way.
        rise: of the limit, each time.
        cut: whether closed goals stay as they are.
        sat_help: whether a SAT solver is asked about the instances that were met.
    """

    def __init__(
        self, matrix: Matrix, tableau: Tableau, progress: npt.NDArray[np.int64], rise: float,
        cut: bool, sat_help: bool,
    ) -> None:  # fmt: skip
        self._matrix, self.tableau, self._progress = matrix, tableau, progress
        self._rise, self._cut = rise, cut
        self._help = SatHelp(matrix) if sat_help else None
        self.bank = make_bank(matrix, 0) if self._help is None else self._help.bank
        self._starts = np.flatnonzero(matrix.goal).tolist()
        self._limit, self._at = 0.0, -1  # no start is under way
        self._refutation: Refutation | None = None

    @property
    def inferences(self) -> int:
        """Return how many inferences were made."""
        return int(self._progress[INFERENCES])

    @property
    def limit(self) -> int:
        """Return the limit of the depth, rounded down."""
        return int(self._limit)

    @property
    def start(self) -> int:
        """Return the clause that the tableau starts with."""
        return int(self._starts[self._at])

    @abstractmethod
    def _begin(self, clause: int) -> bool:
        """Begin with a clause; return whether that can be."""

    @abstractmethod
    def _search(self, inferences: int) -> int:
        """Go on until so many inferences in all; return how that ended."""

    def run(self, inferences: int) -> Refutation | None:
        """Return the result, or None where so many inferences in all have not brought one."""
        while self._refutation is None and self._progress[INFERENCES] < inferences:
            if self._at < 0:
                self._next_limit()
                continue
            help_ = self._help
            found = self._search(inferences if help_ is None else min(inferences, help_.due))
            if found == PROVED:
                copies = used_copies(self._matrix, self.tableau, self.start)
                self._refutation = self._result(copies, saturated=False)
                break
            if help_ is not None and self.inferences >= min(inferences, help_.due):
                self._ask(help_)
            if found == EXHAUSTED:
                self._next_start()
        return self._refutation

    def go_on(self) -> None:
        """Give up the proof that was found: the next run looks for another."""
        self._refutation = None

    def _ask(self, help_: SatHelp) -> None:
        core = help_.ask(self.inferences)
        if core:
            found = Refutation(None, False, self.inferences, self.limit, tuple(core))
            self._refutation = found

    def _next_limit(self) -> None:
        if self._limit and not self._progress[LIMITED]:
            if self._help is not None:
                self._ask(self._help)
                if self._refutation is not None:
                    return
            whole = not self._cut and not self.tableau.counts[OVERFLOWS]
            self._refutation = self._result(None, saturated=whole)
            return
        self._limit += self._rise
        self._progress[LIMITED] = 0
        self._next_start()

    def _next_start(self) -> None:
        # Begin with the next clause that can begin.
        while self._at + 1 < len(self._starts):
            self._at += 1
            if self._begin(self.start):
                return
        self._at = -1

    def _result(self, copies: list[tuple[int, int]] | None, saturated: bool) -> Refutation:
        return Refutation(copies, saturated, self.inferences, self.limit)
