"""`Replies`: can the own side keep its obligations for some plies, whatever the opponent replies?

An exhaustive look-ahead over the own side's allowed moves and all replies, for games of two
players. Obligations are the model's: guards hold of own moves, invariants of every state that is
entered, and where the model has a goal, it must be reached within the plies. No solver takes part:
masks are those of the compiled check, decided exactly where that cannot.

What it says, it says of so many plies and no more. A budget that runs out is `UNKNOWN`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tesuji.domains.base import BoolArray, State
from tesuji.domains.compiled import CompiledDomain
from tesuji.search.symbolic.constrained import ConstrainedDomain, ConstrainedObjectDomain
from tesuji.search.symbolic.cores import Verdict
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.facts import Plan
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.refusals import refusing
from tesuji.search.symbolic.unrolling import GOAL

Freedom = Literal["rules", "constraints"]

_MEMORY = 200_000  # positions that are remembered
_VERDICTS = {True: Verdict.ALLOWED, False: Verdict.REFUSED, None: Verdict.UNKNOWN}

Found = tuple[bool | None, Plan]  # whether it can be kept, and a line of play that shows it


@dataclass(frozen=True)
class Outcome:
    """What is known of a move or a position against any reply.

    Attributes:
        verdict: `ALLOWED` where the own side has an answer to every reply.
        line: with `ALLOWED`, one line of the strategy; with `REFUSED`, play up to a reply that
            nothing answers.
    """

    verdict: Verdict
    line: Plan


@dataclass(frozen=True)
class Blame:
    """A smallest set of obligations that cannot be kept together.

    Attributes:
        names: of constraints; `goal` stands for the goal.
        minimal: whether it was proved that no name can be left out.
        proved: whether a second search, by exact evaluation alone, came to the same.
    """

    names: tuple[str, ...]
    minimal: bool
    proved: bool


class Replies:
    """Looks ahead in one game of two players without chance.

    Args:
        model: the own side's obligations: those of the side to move where a question is asked.
        plies: moves of either side to look ahead.
        freedom: what a reply may be: anything that the "rules" allow, or, where the constraints
            bind both sides as rules of their own, only what the "constraints" allow, too.
        nodes: positions that one question may look at.
        seconds: wall-clock time of one question.
    """

    def __init__(
        self, model: SymbolicModel, plies: int, freedom: Freedom, nodes: int, seconds: float
    ) -> None:
        if plies < 1:
            raise ValueError(f"horizon must be at least 1, got {plies}")
        if nodes < 1:
            raise ValueError(f"nodes must be at least 1, got {nodes}")
        if freedom not in {"rules", "constraints"}:
            raise ValueError(f"replies must be 'rules' or 'constraints', got {freedom!r}")
        domain = model.symbols.domain
        self.plies = plies
        self.freedom = freedom
        self._model, self._domain = model, domain
        self._constrained = (
            ConstrainedDomain(domain, model)
            if isinstance(domain, CompiledDomain)
            else ConstrainedObjectDomain(domain, model)
        )
        self._invariants = frozenset(model.invariants)
        goal = () if model.goal is None else (GOAL,)
        self._all: frozenset[str] = frozenset([*model.constraints, *goal])
        self._nodes, self._seconds = nodes, seconds
        self._known: OrderedDict[tuple[bytes, int, int, frozenset[str]], Found] = OrderedDict()
        self._names: OrderedDict[tuple[bytes, int], frozenset[str]] = OrderedDict()
        self._left, self._deadline, self._side = 0, 0.0, 0
        self._by_names = False  # every mask by exact evaluation, for a second proof

    @property
    def scope(self) -> str:
        """Return in words what a verdict speaks of."""
        bound = "" if self.freedom == "rules" else " that keeps the constraints"
        return f"within {self.plies} plies, against any reply{bound}"

    def after(self, state: State, action: int) -> Outcome:
        """Return the verdict on an own, allowed move."""
        self._begin(state)
        value, line = self._entered(state, action, self.plies, self._all)
        return Outcome(_VERDICTS[value], (action, *line))

    def at(self, state: State) -> Outcome:
        """Return the verdict on a position with the own side to move."""
        self._begin(state)
        value, line = self._value(state, self.plies, self._all)
        return Outcome(_VERDICTS[value], line)

    def blame(self, state: State, action: int) -> Blame:
        """Return which obligations refuse a move that `after` refuses."""
        core, minimal = self._all, True
        for name in [*self._model.constraints, GOAL]:
            if name not in core:
                continue
            self._begin(state)
            value, _ = self._entered(state, action, self.plies, core - {name})
            if value is False:
                core = core - {name}
            minimal = minimal and value is not None
        known, self._known = self._known, OrderedDict()
        self._by_names = True
        try:
            self._begin(state)
            proved = self._entered(state, action, self.plies, core)[0] is False
        finally:
            self._known, self._by_names = known, False
        names = tuple(name for name in [*self._model.constraints, GOAL] if name in core)
        return Blame(names, minimal, proved)

    def _begin(self, state: State) -> None:
        self._left = self._nodes
        self._deadline = time.monotonic() + self._seconds
        self._side = self._domain.to_play(state)

    def _entered(self, state: State, action: int, plies: int, kept: frozenset[str]) -> Found:
        """Return whether the obligations `kept` can be kept after a move of either side."""
        entered, _, discount = self._domain.step(state, action)
        if GOAL in kept and self._arrived(entered):
            return True, ()
        if discount == 0 or plies == 1:
            return GOAL not in kept, ()
        return self._value(entered, plies - 1, kept)

    def _value(self, state: State, plies: int, kept: frozenset[str]) -> Found:
        """Return whether the obligations can be kept from a position that is no end."""
        key = (self._domain.key(state) or b"", plies, self._side, kept)
        if key[0] and key in self._known:
            return self._known[key]
        if self._left <= 0 or time.monotonic() > self._deadline:
            return None, ()
        self._left -= 1
        own = self._domain.to_play(state) == self._side
        found = (self._any if own else self._every)(state, plies, kept)
        if key[0] and found[0] is not None:
            self._known[key] = found
            if len(self._known) > _MEMORY:
                self._known.popitem(last=False)
        return found

    def _any(self, state: State, plies: int, kept: frozenset[str]) -> Found:
        """Return whether an own move keeps the obligations."""
        unsure, line = False, Plan()
        for action in self._moves(state, kept):
            value, rest = self._entered(state, action, plies, kept)
            if value:
                return True, (action, *rest)
            unsure = unsure or value is None
            line = line or (action, *rest)
        return (None, ()) if unsure else (False, line)

    def _every(self, state: State, plies: int, kept: frozenset[str]) -> Found:
        """Return whether the obligations are kept after each reply."""
        unsure, line = False, Plan()
        if self.freedom == "constraints":
            replies = list(self._moves(state, kept))
            if not replies:
                return GOAL not in kept, ()  # the opponent cannot move and has lost
        else:
            replies = np.flatnonzero(self._domain.legal(state)).tolist()
        for action in replies:
            if self.freedom == "rules" and self._breaks(state, action, kept):
                return False, (action,)
            value, rest = self._entered(state, action, plies, kept)
            if value is False:
                return False, (action, *rest)
            unsure = unsure or value is None
            line = line or (action, *rest)
        return (None, ()) if unsure else (True, line)

    def _moves(self, state: State, kept: frozenset[str]) -> Iterable[int]:
        """Yield the legal moves that the constraints among `kept` allow."""
        allowed = self._allowed(state)
        for action in np.flatnonzero(self._domain.legal(state)).tolist():
            if allowed[action] or not self._refused_by(state, action) & kept:
                yield action

    def _breaks(self, state: State, action: int, kept: frozenset[str]) -> bool:
        """Return whether a reply enters a state that an invariant among `kept` forbids."""
        if not self._invariants & kept or self._allowed(state)[action]:
            return False
        return bool(self._refused_by(state, action) & self._invariants & kept)

    def _allowed(self, state: State) -> BoolArray:
        if self._by_names:
            return np.zeros(self._domain.spec.num_actions, np.bool_)  # ask of each by name
        return self._constrained.allowed(state)

    def _refused_by(self, state: State, action: int) -> frozenset[str]:
        """Return all constraints that refuse an action, decided exactly."""
        key = (self._domain.key(state) or b"", action)
        if key[0] and key in self._names:
            return self._names[key]
        found = frozenset(refusing(self._domain, self._model, state, action))
        if key[0]:
            self._names[key] = found
            if len(self._names) > _MEMORY:
                self._names.popitem(last=False)
        return found

    def _arrived(self, state: State) -> bool:
        goal = self._model.goal
        return goal is not None and decide(self._model.symbols, goal, state, 0) is True
