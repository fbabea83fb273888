"""Agents: whatever chooses moves. All of them take many positions at once.

`load_agent` makes one from text: a kind or the path of a run or checkpoint, then options after a
colon, such as `net:sims=400`, `runs/a:sims=100,search=gumbel,lookahead=2` or `rollout:sims=200`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import (
    TYPE_CHECKING,
    Literal,
    NamedTuple,
    Protocol,
    TypeVar,
    cast,
    get_args,
    get_type_hints,
)

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Domain, State
from tesuji.engine.errors import UsageError
from tesuji.engine.trained import load_evaluator
from tesuji.search.base import Budget, Evaluator, SearchResult
from tesuji.search.config import PUCT, Gumbel

_T = TypeVar("_T")

if TYPE_CHECKING:
    from tesuji.search.driver import RolloutEvaluator

DEFAULT_BUDGET = Budget(simulations=100)

# Searched at once; bounds the memory of a big set of positions.
_TREES = 1024


class Move(NamedTuple):
    """A chosen action, and the search behind it where there was one."""

    action: int
    result: SearchResult | None = None


class Agent(Protocol):
    """Anything that chooses moves."""

    @property
    def name(self) -> str:
        """Return what reports call it."""
        ...

    def reset(self) -> None:
        """Forget what was kept from earlier moves."""
        ...

    def act(self, domain: Domain, states: Sequence[State], seeds: Sequence[int]) -> list[Move]:
        """Return a move for each state; all that is random comes from its seed."""
        ...


@dataclass(frozen=True)
class RandomAgent:
    """Plays any legal move, all alike."""

    name: str = "random"

    def reset(self) -> None:
        """Keep nothing."""

    def act(self, domain: Domain, states: Sequence[State], seeds: Sequence[int]) -> list[Move]:
        """Return a random legal move for each state."""
        return [
            Move(int(np.random.default_rng(seed).choice(np.flatnonzero(domain.allowed(state)))))
            for state, seed in zip(states, seeds, strict=True)
        ]


@dataclass(frozen=True)
class PolicyAgent:
    """Plays the evaluator's most probable legal move, without search."""

    evaluator: Evaluator
    name: str = "policy"

    def reset(self) -> None:
        """Keep nothing."""

    def act(self, domain: Domain, states: Sequence[State], seeds: Sequence[int]) -> list[Move]:
        """Return the most probable legal move of each state."""
        del seeds
        moves = []
        for start in range(0, len(states), _TREES):
            part = states[start : start + _TREES]
            observations = np.stack([domain.observe(state) for state in part])
            logits = self.evaluator.evaluate(observations).logits
            legal = np.stack([domain.allowed(state) for state in part])
            moves += [Move(int(a)) for a in np.where(legal, logits, -np.inf).argmax(axis=1)]
        return moves


class SearchAgent:
    """Plays what a tree search chooses."""

    def __init__(
        self,
        domain: Domain,
        evaluator: Evaluator | RolloutEvaluator,
        settings: PUCT | Gumbel | None = None,
        budget: Budget = DEFAULT_BUDGET,
        name: str = "search",
    ) -> None:
        from tesuji.search.search import Search  # noqa: PLC0415

        self.name = name
        self.budget = budget
        self.search = Search(domain, evaluator, settings)

    def reset(self) -> None:
        """Keep nothing: each move is searched anew, so that it depends on its position only."""

    def act(self, domain: Domain, states: Sequence[State], seeds: Sequence[int]) -> list[Move]:
        """Return the move that a search of each state chooses."""
        made_for = self.search.domain
        if domain is not made_for:
            raise ValueError(
                f"agent {self.name!r} was made for {made_for.spec.name} as it was loaded, "
                f"not for this {domain.spec.name}"
            )
        moves = []
        for start in range(0, len(states), _TREES):
            part = slice(start, start + _TREES)
            results = self.search.run(states[part], self.budget, seed=seeds[part])
            moves += [Move(result.action, result) for result in results]
        return moves


class SolverAgent:
    """Plays Connect Four perfectly: a best move by exact score, any of them by the seed."""

    def __init__(self, domain: Domain) -> None:
        from tesuji.domains.games.connect_four_solver import Solver  # noqa: PLC0415

        if domain.spec.name != "connect_four":
            raise UsageError(f"the solver plays connect_four only, not {domain.spec.name}")
        if domain.constraints:
            raise UsageError("the solver plays by the plain rules only, not under constraints")
        self.name = "solver"
        self._solver = Solver()

    def reset(self) -> None:
        """Keep what was solved: it stays true."""

    def scores(self, state: State) -> npt.NDArray[np.int16]:
        """Return the exact score of every move `[A]`, far below 0 where illegal."""
        from tesuji.domains.games.connect_four_bitboard import Bitboard  # noqa: PLC0415

        own, other = int(state.stones[state.to_play]), int(state.stones[1 - state.to_play])
        return self._solver.scores(Bitboard(own, own | other))

    def act(self, domain: Domain, states: Sequence[State], seeds: Sequence[int]) -> list[Move]:
        """Return a best move of each state."""
        del domain
        moves = []
        for state, seed in zip(states, seeds, strict=True):
            scores = self.scores(state)
            best = np.flatnonzero(scores == scores.max())
            moves.append(Move(int(np.random.default_rng(seed).choice(best))))
        return moves


@dataclass(frozen=True)
class AgentOptions:
    """What text can set of an agent besides the fields of its search's settings.

    Attributes:
        sims: simulations a move; 0 plays the raw policy.
        seconds: time a move.
        nodes: most nodes of one tree.
        search: kind of search.
        rollouts: random games a leaf, of `rollout`.
        rollout_steps: moves after which such a game is cut off.
        backend: what runs the network; `auto` chooses.
        device: `cpu` or `cuda`.
        threads: threads of one evaluation.
    """

    sims: int | None = None
    seconds: float | None = None
    nodes: int | None = None
    search: Literal["puct", "gumbel"] = "puct"
    rollouts: int = 1
    rollout_steps: int = 1000
    backend: str = "auto"
    device: str = "cpu"
    threads: int = 1

    def budget(self, default: Budget) -> Budget:
        """Return the budget of one move, `default` where nothing is said of it."""
        if self.sims is None and self.seconds is None and self.nodes is None:
            return default
        sims = self.sims
        if sims is None and self.seconds is None:
            sims = default.simulations
        return Budget(simulations=sims, seconds=self.seconds, nodes=self.nodes)


_KINDS = ("random", "solver", "net", "uniform", "rollout")


def load_agent(text: str, domain: Domain, *, budget: Budget = DEFAULT_BUDGET) -> Agent:
    """Return the agent that `text` names, for `domain`.

    Args:
        text: `random`, `solver`, `uniform`, `rollout`, `net` (the network that ships with the
            game), or the path of a run or checkpoint; then options, as `:sims=100,search=gumbel`.
        domain: the game that it is to play.
        budget: of one move, where the options do not say.

    Raises:
        UsageError: no such agent or option; the message suggests a near one.
    """
    head, colon, tail = text.rpartition(":")
    source, written = (head, tail) if colon and "=" in tail else (text, "")
    if source in ("random", "solver"):
        if written:
            raise UsageError(f"agent {text!r}: {source!r} takes no options")
        return RandomAgent() if source == "random" else SolverAgent(domain)
    options, settings = _read_options(text, written)
    if source == "rollout" and options.sims == 0:
        raise UsageError(f"agent {text!r}: rollout has no policy to play without search")
    try:
        spent = budget if options.sims == 0 else options.budget(budget)
        evaluator = load_evaluator(
            source,
            domain,
            backend=options.backend,
            device=options.device,
            threads=options.threads,
            rollouts=(options.rollouts, options.rollout_steps),
            known=_KINDS,
        )
    except ValueError as error:
        raise UsageError(f"agent {text!r}: {error}") from None
    if options.sims == 0:
        return PolicyAgent(cast("Evaluator", evaluator), name=text)
    return SearchAgent(domain, evaluator, settings, spent, name=text)


def _read_options(text: str, written: str) -> tuple[AgentOptions, PUCT | Gumbel]:
    """Return the options and settings of `name=value,name=value`."""
    values: dict[str, str] = {}
    for part in filter(None, written.split(",")):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise UsageError(f"agent {text!r}: option {part!r} should be NAME=VALUE")
        values[name] = value
    settings: type[PUCT | Gumbel] = Gumbel if values.get("search") == "gumbel" else PUCT
    known = {field.name for kind in (AgentOptions, settings) for field in fields(kind)}
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            raise UsageError(f"agent {text!r} has no option {name!r}; {hint}")
    try:
        return _fill(AgentOptions, values), _fill(settings, values)
    except ValueError as error:
        raise UsageError(f"agent {text!r}: {error}") from None


def _fill(kind: type[_T], values: Mapping[str, str]) -> _T:
    """Return a dataclass with those of its fields that `values` names."""
    hints = get_type_hints(kind)
    given = {
        name: _parse(name, hints[name], text) for name, text in values.items() if name in hints
    }
    return kind(**given)


def _parse(name: str, hint: object, text: str) -> object:
    """Return `text` as a value of the type `hint`."""
    kinds = get_args(hint) or (hint,)
    if bool in kinds:
        kinds = ("true", "false")
    if all(isinstance(kind, str) for kind in kinds):
        if text not in kinds:
            raise ValueError(f"{name} must be one of {', '.join(map(str, kinds))}, got {text!r}")
        return text == "true" if kinds == ("true", "false") else text
    kind = next(kind for kind in (int, float, str) if kind in kinds)
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {text!r}") from None
