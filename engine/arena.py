"""Matches between two agents: many games at once, each opening played with both colours.

Openings, and the seed of every move, follow from the match's seed and the game's place in it:
results do not depend on how many games run at once, as long as the agents' own do not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count, islice
from pathlib import Path
from threading import Event

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.engine.agent import Agent
from tesuji.engine.match_file import GameRecord, MatchFile
from tesuji.engine.match_result import MatchResult, Tally
from tesuji.engine.statistics import SPRT

_OPENING_TRIES = 100  # draws of an opening before a repeated one is taken


@dataclass(frozen=True)
class MatchConfig:
    """How a match is played.

    Attributes:
        num_games: games at most; even, since each opening is played twice.
        opening_plies: random moves from which a pair of games starts.
        seed: decides openings and whatever the agents leave to chance.
        parallel_games: games that run at once.
        sprt: a sequential test that may end the match early.
    """

    num_games: int = 100
    opening_plies: int = 4
    seed: int = 0
    parallel_games: int = 256
    sprt: SPRT | None = None

    def __post_init__(self) -> None:
        if self.num_games < 2 or self.num_games % 2:
            raise ValueError(
                "num_games must be an even number of at least 2 (each opening is played with "
                f"both colours), got {self.num_games}"
            )
        if self.opening_plies < 0:
            raise ValueError(f"opening_plies must be at least 0, got {self.opening_plies}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")
        if self.parallel_games < 2:
            raise ValueError(f"parallel_games must be at least 2, got {self.parallel_games}")


@dataclass(eq=False)
class _Game:
    """A game in progress; `score` is what agent `a` has made so far."""

    pair: int
    a_first: bool
    state: State
    first: int  # the side that had the first move
    actions: list[int]
    score: float = 0.0
    ended: bool = False

    def by_a(self, domain: Domain) -> bool:
        """Return whether `a` is to move."""
        return (domain.to_play(self.state) == self.first) == self.a_first

    def seed(self, match_seed: int) -> int:
        """Return the seed of the next move, its own for every game and ply."""
        return self._bits(match_seed) >> 1

    def key(self, match_seed: int) -> int:
        """Return the 64 random bits that decide what the next move leads to."""
        return self._bits(match_seed, " chance")

    def _bits(self, match_seed: int, what: str = "") -> int:
        place = f"{match_seed} {self.pair} {self.a_first} {len(self.actions)}{what}"
        return int.from_bytes(blake2b(place.encode(), digest_size=8).digest())

    def record(self) -> GameRecord:
        """Return the finished game."""
        return GameRecord(self.pair, self.a_first, int(np.sign(self.score)), tuple(self.actions))


def match(
    domain: Domain,
    a: Agent,
    b: Agent,
    config: MatchConfig | None = None,
    *,
    resume_file: Path | None = None,
    progress: Callable[[MatchResult], None] | None = None,
    stop: Event | None = None,
) -> MatchResult:
    """Play agent `a` against agent `b` and return the result, seen by `a`.

    Args:
        domain: a game for two.
        a: the first agent.
        b: the second agent.
        config: how many games, from what openings.
        resume_file: where games are written as they end; those already there count.
        progress: called whenever games have ended.
        stop: set it from another thread to end the match early; games in flight are lost.

    Raises:
        ValueError: the domain is not for two, or an agent chose an illegal move.
        StorageError: the file cannot be used, or belongs to another match.
    """
    config = MatchConfig() if config is None else config
    if domain.spec.num_players != 2:
        raise ValueError(f"a match needs a game for two; {domain.spec.name} is for one")
    file = None if resume_file is None else MatchFile(resume_file, _header(domain, a, b, config))
    records = [] if file is None else file.read()
    tally = Tally(a.name, b.name, config.num_games // 2, config.sprt)
    tally.add(records)
    done = {(record.pair, record.a_first) for record in records}

    def over() -> bool:
        return tally.decided or (stop is not None and stop.is_set())

    for ended in _play(domain, (a, b), config, done, over):
        if file is not None:
            file.append(ended)
        tally.add(ended)
        if progress is not None:
            progress(tally.result())
    return tally.result()


def _header(domain: Domain, a: Agent, b: Agent, config: MatchConfig) -> dict[str, str | int]:
    return {
        "game": domain.spec.name,
        "a": a.name,
        "b": b.name,
        "seed": config.seed,
        "opening_plies": config.opening_plies,
        **({"constraints": "; ".join(domain.constraints)} if domain.constraints else {}),
    }


def _play(
    domain: Domain,
    agents: tuple[Agent, Agent],
    config: MatchConfig,
    done: Collection[tuple[int, bool]],
    over: Callable[[], bool],
) -> Iterator[list[GameRecord]]:
    """Yield games as they end; agents move in turn, each in all games where it is to move."""
    pending = _pending(domain, config, done)
    live: list[_Game] = []
    for agent in agents:
        agent.reset()
    while not over():
        live += islice(pending, config.parallel_games - len(live))
        if not live:
            return
        for agent, is_a in zip(agents, (True, False), strict=True):
            games = [game for game in live if not game.ended and game.by_a(domain) == is_a]
            if games:
                _move(domain, agent, games, 1 if is_a else -1, config.seed)
        ended = [game.record() for game in live if game.ended]
        live = [game for game in live if not game.ended]
        if ended:
            yield ended


def _move(domain: Domain, agent: Agent, games: list[_Game], sign: int, match_seed: int) -> None:
    """Make one move of `agent` in each of `games`."""
    seeds = [game.seed(match_seed) for game in games]
    moves = agent.act(domain, [game.state for game in games], seeds)
    for game, move in zip(games, moves, strict=True):
        if not domain.allowed(game.state)[move.action]:
            raise ValueError(
                f"agent {agent.name!r} chose the illegal action {move.action} after {game.actions}"
            )
        game.state, reward, discount = domain.step(game.state, move.action, game.key(match_seed))
        game.score += sign * reward
        game.actions.append(move.action)
        game.ended = discount == 0


def _pending(
    domain: Domain, config: MatchConfig, done: Collection[tuple[int, bool]]
) -> Iterator[_Game]:
    """Yield the games that are still to be played, in order."""
    seen: set[bytes] = set()
    for pair in range(config.num_games // 2):
        state, actions, first = _opening(domain, config, pair, seen)
        for a_first in (True, False):
            if (pair, a_first) not in done:
                yield _Game(pair, a_first, state, first, list(actions))


def _opening(
    domain: Domain, config: MatchConfig, pair: int, seen: set[bytes]
) -> tuple[State, list[int], int]:
    """Return `(state, actions, first side)` of a random opening, a new one if there is one."""
    rng = np.random.default_rng((config.seed, pair))
    for tries in count():
        state, discount = domain.reset(int(rng.integers(2**32))), 1.0
        first, actions = domain.to_play(state), list[int]()
        while discount != 0 and len(actions) < config.opening_plies:
            action = int(rng.choice(np.flatnonzero(domain.allowed(state))))
            state, _, discount = domain.step(
                state, action, int(rng.integers(2**64, dtype=np.uint64))
            )
            actions.append(action)
        key = domain.key(state) or repr(actions).encode()
        if discount != 0 and (key not in seen or tries > _OPENING_TRIES):
            break
        if tries > 10 * _OPENING_TRIES:
            raise ValueError(
                f"{config.opening_plies} random moves end {domain.spec.name}; give fewer "
                "opening_plies"
            )
    seen.add(key)
    return state, actions, first
