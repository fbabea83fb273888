"""Skeletons: plans with holes, a template a step, ranked by a network.

A template is a set of actions, among which z3 chooses; a skeleton says which template comes at
which step. They come best first. What a skeleton costs is the log-probability that it loses, step
by step, against the template that the network likes best there, so that the network's favourite
comes first and of two that part at one step the likelier: limited discrepancy search (Harvey &
Ginsberg 1995) with the network's own weights. Ties go to the shorter one.

A skeleton without holes comes to a state that is sure: there rules and constraints are asked at
once, and no solver. Where templates have more than one action, the network judges states along its
favourite choice.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import BoolArray, State
from tesuji.search.base import Evaluator
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.refusals import refusing
from tesuji.search.symbolic.symbols import Symbols

_LEAST = 1e-6  # probability of a template that the network, or the favourite's state, rules out
_ANY = -1


class Templates:
    """A partition of the actions.

    Args:
        groups: actions; each of the domain's in one of them.

    Attributes:
        groups: the same.
        members: which action is in which template `[G, A]`.
    """

    def __init__(self, groups: Sequence[Sequence[int]], num_actions: int) -> None:
        flat = sorted(action for group in groups for action in group)
        if flat != list(range(num_actions)) or not all(len(group) for group in groups):
            raise ValueError(
                f"each of {num_actions} actions must be in one template, once, got {groups}"
            )
        self.groups = tuple(tuple(group) for group in groups)
        self.members: BoolArray = np.zeros((len(groups), num_actions), np.bool_)
        for number, group in enumerate(self.groups):
            self.members[number, list(group)] = True

    def __len__(self) -> int:
        return len(self.groups)


def templates_by(symbols: Symbols, *parts: str) -> Templates:
    """Return templates whose actions agree in some parts; z3 chooses the other parts.

    Without parts each action is a template of its own.
    """
    count = symbols.domain.spec.num_actions
    known = {v.name: v.values for v in symbols.of("action") if v.values is not None}
    groups: dict[tuple[object, ...], list[int]] = {}
    for part in parts:
        if part not in known:
            raise ValueError(f"no part of the action is called {part!r}; known: {list(known)}")
    for action in range(count):
        key = tuple(known[part][action].item() for part in parts) if parts else (action,)
        groups.setdefault(key, []).append(action)
    return Templates(list(groups.values()), count)


@dataclass(frozen=True)
class Skeleton:
    """A template a step.

    Attributes:
        lost: log-probability against the network's favourites; 0 for the favourite.
        templates: numbers of templates, one a step.
        actions: the favourite choice.
        state: where it comes to; None where it comes nowhere.
        exact: whether it has no holes, so that the state is sure.
        over: whether the episode is over there.
    """

    lost: float
    templates: tuple[int, ...]
    actions: tuple[int, ...]
    state: State | None
    exact: bool
    over: bool


class Skeletons:
    """Skeletons of one start, best first; they grow from those that are found alive.

    Args:
        templates: what a step can be.
        model: rules and constraints, which those without holes keep.
        evaluator: the network.
        start: the first state.
        distinct: whether to drop a skeleton without holes that comes to a state where another one,
            no longer, has been; only where nothing but the number of steps counts.
    """

    def __init__(
        self,
        templates: Templates,
        model: SymbolicModel,
        evaluator: Evaluator,
        start: State,
        distinct: bool,
    ) -> None:
        self._templates = templates
        self._model = model
        self._domain = model.symbols.domain
        self._evaluator = evaluator
        self._distinct = distinct
        self._seen: dict[bytes, int] = {}  # least steps to a state
        self._heap: list[tuple[float, int, int, Skeleton]] = []
        self._count = 0
        self._push(Skeleton(0.0, (), (), start, True, over=False))

    def pop(self) -> Skeleton | None:
        """Return the next skeleton, None when there are no more."""
        while self._heap:
            skeleton = heapq.heappop(self._heap)[-1]
            if self._is_new(skeleton):
                return skeleton
        return None

    def grow(self, skeleton: Skeleton) -> None:
        """Let a skeleton come back with each template as one more step."""
        state = skeleton.state
        if state is None or (skeleton.over and not skeleton.exact):
            for number in range(len(self._templates)):
                templates = (*skeleton.templates, number)
                self._push(Skeleton(skeleton.lost, templates, (), None, exact=False, over=False))
            return
        if skeleton.over:
            return
        legal = self._domain.legal(state)
        priors = self._priors(state, legal)  # [A]
        shares = self._templates.members @ priors  # [G]
        lost = np.log(max(shares.max(), _LEAST)) - np.log(np.maximum(shares, _LEAST))
        for number, group in enumerate(self._templates.groups):
            best = max(group, key=lambda action: (legal[action], priors[action]))
            exact = skeleton.exact and int(legal[list(group)].sum()) == 1
            refused = not legal[best] or (
                exact and refusing(self._domain, self._model, state, best) != ()
            )
            if refused and skeleton.exact:
                continue
            entered, over = None, False
            if legal[best]:
                entered, _, discount = self._domain.step(state, best)
                over = discount == 0
            templates = (*skeleton.templates, number)
            actions = (*skeleton.actions, best)
            total = skeleton.lost + float(lost[number])
            self._push(Skeleton(total, templates, actions, entered, exact, over))

    def _push(self, skeleton: Skeleton) -> None:
        self._count += 1
        length = len(skeleton.templates)
        heapq.heappush(self._heap, (skeleton.lost, length, self._count, skeleton))

    def _is_new(self, skeleton: Skeleton) -> bool:
        if not self._distinct or not skeleton.exact:
            return True
        key = self._domain.key(skeleton.state)
        length = len(skeleton.templates)
        if key is None:
            return True
        if self._seen.get(key, length + 1) <= length:
            return False
        self._seen[key] = length
        return True

    def _priors(self, state: State, legal: BoolArray) -> npt.NDArray[np.float64]:
        logits = self._evaluator.evaluate(self._domain.observe(state)[None]).logits[0]
        if not legal.any():
            return np.zeros(len(legal))
        masked = np.where(legal, logits.astype(np.float64), -np.inf)
        weights = np.exp(masked - masked.max())
        found: npt.NDArray[np.float64] = weights / weights.sum()
        return found


class DeadEnds:
    """Parts of skeletons that z3 has refuted; `N` of them, over `T` steps."""

    def __init__(self, horizon: int) -> None:
        self._steps = horizon
        self._parts = np.zeros((0, horizon), np.int64)  # [N, T], `_ANY` where any template does
        self._least = np.zeros(0, np.int64)  # [N] length from which each refutation holds
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, part: dict[int, int], least: int) -> None:
        """Remember that no skeleton of `least` steps or more has these templates at these steps."""
        if self._size == len(self._parts):
            room = max(64, self._size)
            more = np.full((room, self._steps), _ANY, np.int64)
            self._parts = np.concatenate([self._parts, more])
            self._least = np.concatenate([self._least, np.zeros(room, np.int64)])
        self._parts[self._size] = _ANY
        for t, template in part.items():
            self._parts[self._size, t] = template
        self._least[self._size] = least
        self._size += 1

    def match(self, templates: tuple[int, ...]) -> bool:
        """Return whether a skeleton has a part that was refuted."""
        if not self._size:
            return False
        length = len(templates)
        parts = self._parts[: self._size]
        whole = np.full(self._steps, _ANY - 1, np.int64)
        whole[:length] = templates
        hit = ((parts == _ANY) | (parts == whole)).all(1)
        return bool((hit & (self._least[: self._size] <= length)).any())
