"""A person, a game and an engine: moves at a level of strength, analysis and hints.

Chances are those of the *first* side in [0, 1], whoever moves; a draw counts one half.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.engine.game import Game, IllegalMoveError, Position, Step
from tesuji.search.base import Budget, Edge, SearchResult, Status

T = TypeVar("T")
Progress = Callable[[SearchResult], None]


class Level(NamedTuple):
    """How strong the engine plays: how much it thinks and how freely it picks."""

    simulations: int
    temperature: float


# A trained net is strong at once, so that the first levels must be free to err.
LEVELS = (
    Level(2, 3.0),
    Level(4, 2.0),
    Level(8, 1.3),
    Level(16, 0.9),
    Level(32, 0.6),
    Level(64, 0.4),
    Level(128, 0.25),
    Level(256, 0.1),
    Level(512, 0.0),
    Level(1600, 0.0),
)
_MAX_KEPT = 200_000  # nodes above which an analysis starts afresh, so that memory is bounded
_SLIP = 1e-3  # share of the policy that every legal action has before the temperature


class Searcher(Protocol):
    """What a session needs of a search (`tesuji.search.search.Search`)."""

    def run(
        self,
        states: Sequence[State],
        budget: Budget,
        *,
        seed: int = 0,
        reuse: bool = False,
        keep_tree: bool = False,
        stop: threading.Event | None = None,
        progress: Callable[[list[SearchResult]], None] | None = None,
    ) -> list[SearchResult]:
        """Search `states` until the budget is spent or `stop` is set."""
        ...


class Hint(NamedTuple):
    """The best move that a search found."""

    step: Step
    chance: float  # the first side's, after the move
    status: Status
    line: list[Step]


class Session:
    """A game in progress, with `search` as engine and adviser.

    Args:
        domain: the rules.
        search: thinks for the engine, for hints and for analysis; used by this session only.
        level: strength of the engine, 1 to 10.
        person: the side that a person plays, 0 or 1; None where the engine never moves by itself.
        seed: decides first state, chance and the engine's choices.
    """

    def __init__(
        self,
        domain: Domain,
        search: Searcher,
        *,
        level: int = 5,
        person: int | None = 0,
        seed: int = 0,
    ) -> None:
        self.search = search
        self.person = person if domain.spec.num_players == 2 else None
        self.level = level
        self.start(Game(domain, seed))

    def start(self, game: Game) -> None:
        """Go on with another game, new or loaded."""
        self.game = game
        self.results: dict[int, SearchResult] = {}  # the deepest one, by index of the position
        self.reviewed: set[int] = set()  # positions searched well enough to judge moves by
        self._explored: tuple[int, Any] = (-1, None)  # the last kept tree, and of which position

    @property
    def level(self) -> int:
        """Return the engine's strength, 1 to 10."""
        return self._level

    @level.setter
    def level(self, level: int) -> None:
        if not 1 <= level <= len(LEVELS):
            raise ValueError(f"level must be between 1 and {len(LEVELS)}, got {level}")
        self._level = level

    @property
    def engine_to_move(self) -> bool:
        """Whether it is the engine's turn."""
        here = self.game.current
        return not here.ended and self.person is not None and here.to_play != self.person

    def switch(self) -> None:
        """Swap seats: the engine takes the person's side.

        Raises:
            ValueError: the engine has no side.
        """
        if self.person is None:
            raise ValueError("the engine has no side here; choose one first")
        self.person = 1 - self.person

    def analyse(
        self,
        budget: Budget,
        *,
        stop: threading.Event | None = None,
        progress: Progress | None = None,
        keep_tree: bool = False,
    ) -> SearchResult:
        """Search the current position, on top of what the last search left.

        Args:
            budget: when to stop.
            stop: set it from another thread to stop early.
            progress: called with interim results by the searching thread.
            keep_tree: keep the tree for `explore`.
        """
        position = self.game.current
        if position.ended:
            raise ValueError(f"the game is over ({self.game.outcome()}); nothing to analyse")

        def note(interim: list[SearchResult]) -> None:
            self.note(position, interim[0])
            if progress is not None:
                progress(interim[0])

        known = self.results.get(position.index)
        [result] = self.search.run(
            [position.state],
            budget,
            seed=self.game.seed,
            reuse=known is None or known.num_nodes < _MAX_KEPT,
            keep_tree=keep_tree,
            stop=stop,
            progress=note,
        )
        self.note(position, result)
        return result

    def hint(self, budget: Budget, *, stop: threading.Event | None = None) -> Hint:
        """Return the best move here and the line that it expects."""
        position = self.game.current
        result = self.results.get(position.index)
        if result is None or not self._suffices(result, budget):
            result = self.analyse(budget, stop=stop)
        line = self.game.steps(
            position.state, result.principal_variation or (result.action,), result.principal_keys
        )
        chance = self.chance(result.value, position.to_play)
        return Hint(line[0], chance, result.status, line)

    def _suffices(self, result: SearchResult, budget: Budget) -> bool:
        """Return whether a search with `budget` would hardly tell more."""
        wanted = budget.simulations
        return result.status.proven or (wanted is not None and result.num_nodes > wanted)

    def choose(self, *, stop: threading.Event | None = None) -> int | None:
        """Return the engine's move for the side to play; None where `stop` came first."""
        level, position = LEVELS[self.level - 1], self.game.current
        if position.ended:
            raise IllegalMoveError(self.game.refusal(-1))
        seed = self.game.seed + 1 + position.index
        budget = Budget(simulations=level.simulations)
        # A fresh tree: what analysis has found must not make a weak level strong.
        [result] = self.search.run([position.state], budget, seed=seed, stop=stop)
        if stop is not None and stop.is_set():
            return None
        self.note(position, result)
        return pick(result, level.temperature, np.random.default_rng(seed))

    def note(self, position: Position, result: SearchResult) -> None:
        """Keep what a search found, unless more is known of the position."""
        if result.tree is not None:
            self._explored = (position.index, result.tree)
            result = replace(result, tree=None)  # one tree is enough to keep in memory
        known = self.results.get(position.index)
        deeper = known is None or result.num_nodes >= known.num_nodes
        if result.status.proven or (deeper and not (known and known.status.proven)):
            self.results[position.index] = result

    def win_rate(self, position: Position) -> float | None:
        """Return the first side's chances at `position`; None where nothing is known."""
        if position.ended:
            return self.chance(position.score, 0)
        if position.index in self.results:
            return self._share(position, self.results[position.index].value)
        before, move = position.parent, position.move
        if before is None or move is None or before.index not in self.results:
            return None
        value = float(self.results[before.index].q[move.action])
        return None if np.isnan(value) else self._share(before, value)

    def _share(self, position: Position, value: float) -> float:
        """Return the first side's chances where `value` is still to come at `position`."""
        turned = self.game.domain.spec.num_players == 2 and position.to_play == 1
        return self.chance(position.score + (-value if turned else value), 0)

    def chance(self, value: float, side: int) -> float:
        """Return a value seen by `side` as the first side's chances."""
        low, high = self.game.domain.spec.value_range
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return 1 - share if side == 1 else share

    def told(self, share: float) -> str:
        """Return a share of the range of values in words: as chances, for one player as value."""
        spec = self.game.domain.spec
        if spec.num_players == 2:
            return f"{share:.0%}"
        return f"{spec.value_range[0] + share * (spec.value_range[1] - spec.value_range[0]):.3g}"

    def explore(self, position: Position, path: Sequence[int]) -> list[Edge]:
        """Return the edges after `path` of the tree last kept, most visited first; or none."""
        index, tree = self._explored
        if tree is None or index != position.index:
            return []
        try:
            edges: list[Edge] = tree.children(path)
        except ValueError:  # the tree does not reach that far
            return []
        return edges

    def keys_of(self, position: Position, path: Sequence[int]) -> tuple[int, ...]:
        """Return what decides chance along `path` in the tree last kept, as far as it goes."""
        index, tree = self._explored
        if tree is None or index != position.index:
            return ()
        keys: tuple[int, ...] = tree.keys_of(path)
        return keys


def pick(result: SearchResult, temperature: float, rng: np.random.Generator) -> int:
    """Return the best action, or one drawn from the policy sharpened by `temperature`."""
    if temperature <= 0:
        return result.action
    with np.errstate(divide="ignore"):
        logits = np.log(np.where(result.legal, result.policy + _SLIP, 0.0)) / temperature
    weights = np.exp(logits - logits.max())
    return int(rng.choice(len(weights), p=weights / weights.sum()))


def stoppable(think: Callable[[threading.Event], T]) -> T:
    """Run `think` so that Ctrl-C sets its event instead of tearing it up."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        return think(stop)  # Ctrl-C goes to the main thread
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        return think(stop)
    finally:
        signal.signal(signal.SIGINT, before)


def verdict(lower: float, upper: float, value_range: tuple[float, float]) -> str | None:
    """Return what bounds that meet prove, for the side they are seen by; None while they do not."""
    if lower != upper:  # NaN, too: illegal
        return None
    words = {value_range[0]: "loss", value_range[1]: "win", sum(value_range) / 2: "draw"}
    return words.get(lower, f"{lower:g}")
