"""Self-play: many games at once against oneself, from one network.

A *lane* is a stream of games. One task plays a fixed number of moves of every game in a lane and
is a pure function of the network, the lane as it was and the task's seed: a worker that dies is
replaced and the task done again, with the same bytes. Games go on from task to task.

Dimensions: `G` games of a lane, `T` moves of the longest game, `A` actions, `S` bytes of a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.rows import open_game, step_rows
from tesuji.engine.shards import Positions
from tesuji.engine.training_config import SelfPlayConfig
from tesuji.search.base import Evaluation, Evaluator, FloatArray
from tesuji.search.config import Gumbel
from tesuji.search.decide import Summary
from tesuji.search.search import Search

_CHANCE = 1  # sets the seeds of chance apart from those of searches


class Lane(NamedTuple):
    """The games of a lane: where they stand and what was seen of them."""

    rows: npt.NDArray[np.uint8]  # [G, S]
    game: npt.NDArray[np.int64]  # [G] number of the game
    opening: npt.NDArray[np.int64]  # [G] random moves at its start
    length: npt.NDArray[np.int64]  # [G] moves recorded
    states: npt.NDArray[np.uint8]  # [G, T, S]
    policy: npt.NDArray[np.float32]  # [G, T, A]
    value: npt.NDArray[np.float32]  # [G, T]
    draw: npt.NDArray[np.float32]  # [G, T]
    full: npt.NDArray[np.bool_]  # [G, T]
    reward: npt.NDArray[np.float32]  # [G, T]
    discount: npt.NDArray[np.float32]  # [G, T]
    next_game: npt.NDArray[np.int64]  # [1]


@dataclass(frozen=True)
class SelfPlayResult:
    """What a task found."""

    lane: Lane
    positions: Positions
    games: int
    wins: int  # of the side that moved first
    draws: int
    returns: float  # sum over the games, for the side that moved first
    simulations: int
    evaluations: int
    cache_hits: int
    proven: int  # games that ended by proof
    seconds: float
    evaluator_seconds: float


class TimedEvaluator:
    """An evaluator that keeps the time it takes."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.seconds = 0.0
        self.rows = 0

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge a batch."""
        began = time.perf_counter()
        evaluation = self._evaluator.evaluate(observations)
        self.seconds += time.perf_counter() - began
        self.rows += len(observations)
        return evaluation


def mix_seed(*numbers: int) -> int:
    """Return 64 random bits that follow from `numbers`, never 0."""
    return _bits(*numbers) | 1


def _bits(*numbers: int) -> int:
    words = np.random.SeedSequence([int(number) for number in numbers]).generate_state(1, np.uint64)
    return int(words[0])


def new_lane(domain: CompiledDomain, config: SelfPlayConfig, number: int, seed: int) -> Lane:
    """Return lane `number` at the start of a run."""
    games, longest = config.games, domain.spec.max_steps + 1
    size, actions = domain.row_size, domain.spec.num_actions
    lane = Lane(
        rows=np.zeros((games, size), np.uint8),
        game=np.zeros(games, np.int64),
        opening=np.zeros(games, np.int64),
        length=np.zeros(games, np.int64),
        states=np.zeros((games, longest, size), np.uint8),
        policy=np.zeros((games, longest, actions), np.float32),
        value=np.zeros((games, longest), np.float32),
        draw=np.zeros((games, longest), np.float32),
        full=np.zeros((games, longest), np.bool_),
        reward=np.zeros((games, longest), np.float32),
        discount=np.zeros((games, longest), np.float32),
        next_game=np.array([number], np.int64),
    )
    for slot in range(games):
        _start_game(domain, config, lane, slot, seed)
    return lane


def play_lane(
    domain: CompiledDomain,
    evaluator: Evaluator,
    config: SelfPlayConfig,
    lane: Lane,
    seed: int,
    live: Callable[[Mapping[str, int]], None] | None = None,
) -> SelfPlayResult:
    """Play `config.moves` moves of every game of a lane; `lane` is changed in place.

    Args:
        domain: the game.
        evaluator: the network.
        config: how to play.
        lane: the games so far.
        seed: the run's; every game draws from its own stream.
        live: told after each move what has been done so far.
    """
    timed = TimedEvaluator(evaluator)
    search = Search(
        domain,
        timed,
        Gumbel(
            gumbel_scale=config.gumbel_scale,
            lookahead=config.lookahead,
            cache_entries=config.cache_entries,
            canonical=True,
        ),
    )
    began = time.perf_counter()
    finished: list[Positions] = []
    returns = 0.0
    counts = np.zeros(6, np.int64)  # games, wins, draws, simulations, cache hits, proven
    for _ in range(config.moves):
        summary, full = _search_move(search, config, lane, seed)
        trees = search.driver.tree.trees
        counts[3] += int(trees["simulations"].sum())
        counts[4] += int(trees["cache_hits"].sum())
        ended = _play_move(domain, lane, summary, full, seed)
        for slot in np.flatnonzero(ended).tolist():
            positions = _finish_game(lane, slot)
            finished.append(positions)
            first = _first_return(domain, lane, slot, positions)
            counts[:3] += (1, first > 0, first == 0)
            returns += first
            counts[5] += int(summary.proven[slot])
            _start_game(domain, config, lane, slot, seed)
        if live is not None:
            live(
                {
                    "games": int(counts[0]),
                    "simulations": int(counts[3]),
                    "evaluations": timed.rows,
                }
            )
    return SelfPlayResult(
        lane, _join(finished, domain), int(counts[0]), int(counts[1]), int(counts[2]), returns,
        int(counts[3]), timed.rows, int(counts[4]), int(counts[5]),
        time.perf_counter() - began, timed.seconds,
    )  # fmt: skip


def _search_move(
    search: Search, config: SelfPlayConfig, lane: Lane, seed: int
) -> tuple[Summary, npt.NDArray[np.bool_]]:
    games = len(lane.rows)
    seeds = np.array(
        [mix_seed(seed, int(lane.game[i]), int(lane.length[i])) for i in range(games)], np.uint64
    )
    # The top bits decide how deep to search; the search itself mixes all of them.
    full = (seeds >> np.uint64(11)).astype(np.float64) / 2.0**53 < config.full_share
    simulations = np.where(full, config.simulations, config.fast_simulations).astype(np.int64)
    return search.run_rows(lane.rows, simulations, seeds), full


def _play_move(
    domain: CompiledDomain, lane: Lane, summary: Summary, full: npt.NDArray[np.bool_], seed: int
) -> npt.NDArray[np.bool_]:
    """Record the searched positions and play the moves; return which games are over."""
    slots = np.arange(len(lane.rows))
    now = lane.length
    lane.states[slots, now] = lane.rows
    lane.policy[slots, now] = summary.policy
    lane.value[slots, now] = summary.value
    lane.draw[slots, now] = summary.draw
    lane.full[slots, now] = full | summary.proven
    rewards, discounts = np.zeros(len(slots)), np.zeros(len(slots))
    step_rows(
        domain.kernels.addresses(), domain.instance, lane.rows, summary.action,
        _draw_keys(domain, lane, seed), rewards, discounts,
    )  # fmt: skip
    # A proven root ends the game: its value is exact, as if played out without error.
    lane.reward[slots, now] = np.where(summary.proven, summary.value, rewards)
    lane.discount[slots, now] = np.where(summary.proven, 0.0, discounts)
    lane.length[:] += 1
    return np.asarray(summary.proven | (discounts == 0.0))


def _draw_keys(domain: CompiledDomain, lane: Lane, seed: int) -> npt.NDArray[np.uint64]:
    """Return the random bits of each game's next move: its own, unknown to the search."""
    if domain.spec.deterministic:
        return np.zeros(len(lane.rows), np.uint64)
    places = zip(lane.game.tolist(), lane.length.tolist(), strict=True)
    return np.array([_bits(seed, game, length, _CHANCE) for game, length in places], np.uint64)


def _finish_game(lane: Lane, slot: int) -> Positions:
    length = int(lane.length[slot])
    outcome = np.zeros(length, np.float32)
    following = 0.0
    for move in range(length - 1, -1, -1):
        following = float(lane.reward[slot, move]) + float(lane.discount[slot, move]) * following
        outcome[move] = following
    return Positions(
        states=lane.states[slot, :length].copy(),
        policy=lane.policy[slot, :length].copy(),
        outcome=outcome,
        value=lane.value[slot, :length].copy(),
        draw=lane.draw[slot, :length].copy(),
        full=lane.full[slot, :length].copy(),
        ply=(np.arange(length) + lane.opening[slot]).astype(np.uint16),
        game=np.full(length, lane.game[slot], np.uint32),
    )


def _first_return(domain: CompiledDomain, lane: Lane, slot: int, positions: Positions) -> float:
    """Return what a game brought the side that moved first, from where it was recorded."""
    second = domain.spec.num_players == 2 and lane.opening[slot] % 2
    return float(positions.outcome[0]) * (-1.0 if second else 1.0)


def _start_game(
    domain: CompiledDomain, config: SelfPlayConfig, lane: Lane, slot: int, seed: int
) -> None:
    number = int(lane.next_game[0])
    lane.next_game[0] += config.lanes
    rng = np.random.default_rng([seed, number])
    plies = 0
    if rng.random() < config.opening_share:
        plies = int(rng.integers(config.opening_plies + 1))
    mask = np.zeros(domain.spec.num_actions, np.bool_)
    bits = np.uint64(rng.integers(1, 2**63))
    table = domain.kernels.addresses()
    lane.opening[slot] = open_game(table, domain.instance, lane.rows, slot, plies, bits, mask)
    lane.game[slot] = number
    lane.length[slot] = 0


def _join(parts: list[Positions], domain: CompiledDomain) -> Positions:
    if parts:
        return Positions._make(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Positions(
        states=np.zeros((0, domain.row_size), np.uint8),
        policy=np.zeros((0, domain.spec.num_actions), np.float32),
        outcome=np.zeros(0, np.float32),
        value=np.zeros(0, np.float32),
        draw=np.zeros(0, np.float32),
        full=np.zeros(0, np.bool_),
        ply=np.zeros(0, np.uint16),
        game=np.zeros(0, np.uint32),
    )
