"""Self-play: many games at once against oneself, from one network.

A *lane* is a stream of games. One task plays a fixed number of moves of every game in a lane and
is a pure function of the network, the lane as it was and the task's seed: a worker that dies is
replaced and the task done again, with the same bytes. Games go on from task to task.

Dimensions: `G` games of a lane, `A` actions, `S` bytes of a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.rows import step_rows
from tesuji.engine.lane import Lane, finish_game, join, record_move, start_game
from tesuji.engine.shards import Positions
from tesuji.engine.territory import PlayOut, Territory, count_cells
from tesuji.engine.training_config import SelfPlayConfig
from tesuji.search.base import Evaluation, Evaluator, FloatArray
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.decide import Summary
from tesuji.search.search import Search

_CHANCE = 1  # sets the seeds of chance apart from those of searches


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


def search_settings(config: SelfPlayConfig) -> PUCT | Gumbel:
    """Return how self-play searches."""
    if config.search == "gumbel":
        return Gumbel(
            gumbel_scale=config.gumbel_scale,
            lookahead=config.lookahead,
            proof_moves=None if config.leaf_proofs else 0,
            cache_entries=config.cache_entries,
        )
    return PUCT(
        policy_temperature=1.0,
        c_init=1.1,
        dirichlet_fraction=config.dirichlet_fraction,
        forced_playouts=config.forced_playouts,
        temperature=1.0,
        lookahead=config.lookahead,
        proof_moves=None if config.leaf_proofs else 0,
        cache_entries=config.cache_entries,
    )


def play_lane(
    domain: CompiledDomain,
    evaluator: Evaluator,
    config: SelfPlayConfig,
    lane: Lane,
    seed: int,
    live: Callable[[Mapping[str, int]], None] | None = None,
    territory: bool = False,
) -> SelfPlayResult:
    """Play `config.moves` moves of every game of a lane.

    Args:
        domain: the game.
        evaluator: the network.
        config: how to play.
        lane: the games so far; changed. Go on with the result's, which may have more room.
        seed: the run's; every game draws from its own stream.
        live: told after each move what has been done so far.
        territory: whether to play proven games out and record who owns what at the end.
    """
    timed = TimedEvaluator(evaluator)
    search = Search(domain, timed, search_settings(config))
    cells = count_cells(domain) if territory else 0
    settled = Gumbel(lookahead=config.lookahead, cache_entries=config.cache_entries)
    play_out = PlayOut(domain, Search(domain, timed, settled), config.simulations)
    began = time.perf_counter()
    finished: list[Positions] = []
    returns = 0.0
    counts = np.zeros(6, np.int64)  # games, wins, draws, simulations, cache hits, proven
    for _ in range(config.moves):
        summary, full = _search_move(search, config, lane, seed)
        trees = search.driver.tree.trees
        counts[3] += int(trees["simulations"].sum())
        counts[4] += int(trees["cache_hits"].sum())
        lane, ended, over = _play_move(domain, lane, summary, full, seed)
        ends: list[Territory | None] = [None] * len(ended)
        if territory:
            ends = list(play_out(lane.rows[ended], over[ended], _seeds(lane, seed)[ended]))
        for slot, end in zip(np.flatnonzero(ended).tolist(), ends, strict=False):
            positions = finish_game(domain, lane, slot, end)
            finished.append(positions)
            first = _first_return(domain, lane, slot, positions)
            counts[:3] += (1, first > 0, first == 0)
            returns += first
            counts[5] += int(summary.proven[slot])
            start_game(domain, config, lane, slot, seed)
        if live is not None:
            live(
                {
                    "games": int(counts[0]),
                    "simulations": int(counts[3]),
                    "evaluations": timed.rows,
                }
            )
    return SelfPlayResult(
        lane, join(finished, domain, cells), int(counts[0]), int(counts[1]), int(counts[2]),
        returns, int(counts[3]), timed.rows, int(counts[4]), int(counts[5]),
        time.perf_counter() - began, timed.seconds,
    )  # fmt: skip


def _search_move(
    search: Search, config: SelfPlayConfig, lane: Lane, seed: int
) -> tuple[Summary, npt.NDArray[np.bool_]]:
    seeds = _seeds(lane, seed)
    # The top bits decide how deep to search; the search itself mixes all of them.
    full = (seeds >> np.uint64(11)).astype(np.float64) / 2.0**53 < config.full_share
    simulations = np.where(full, config.simulations, config.fast_simulations).astype(np.int64)
    return search.run_rows(lane.rows, simulations, seeds, ~full), full


def _seeds(lane: Lane, seed: int) -> npt.NDArray[np.uint64]:
    """Return the seed of each game's next search."""
    places = zip(lane.game.tolist(), lane.length.tolist(), strict=True)
    return np.array([mix_seed(seed, game, length) for game, length in places], np.uint64)


def _play_move(
    domain: CompiledDomain, lane: Lane, summary: Summary, full: npt.NDArray[np.bool_], seed: int
) -> tuple[Lane, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Record the searched positions and play the moves.

    Returns:
        The lane, which games are over, and which of them at an end of the rules.
    """
    keys = _draw_keys(domain, lane, seed)
    rewards, discounts = np.zeros(len(lane.rows)), np.zeros(len(lane.rows))
    step_rows(
        domain.kernels.addresses(), domain.instance, lane.rows, summary.action, keys, rewards,
        discounts,
    )  # fmt: skip
    over = np.asarray(discounts == 0.0)
    lane = record_move(
        lane,
        summary.action,
        summary.policy,
        key=keys,
        value=summary.value,
        draw=summary.draw,
        full=full | summary.proven,
        # A proven root ends the game: its value is exact, as if played out without error.
        reward=np.where(summary.proven, summary.value, rewards),
        discount=np.where(summary.proven, 0.0, discounts),
    )
    return lane, np.asarray(summary.proven | over), over


def _draw_keys(domain: CompiledDomain, lane: Lane, seed: int) -> npt.NDArray[np.uint64]:
    """Return the random bits of each game's next move: its own, unknown to the search."""
    if domain.spec.deterministic:
        return np.zeros(len(lane.rows), np.uint64)
    places = zip(lane.game.tolist(), lane.length.tolist(), strict=True)
    return np.array([_bits(seed, game, length, _CHANCE) for game, length in places], np.uint64)


def _first_return(domain: CompiledDomain, lane: Lane, slot: int, positions: Positions) -> float:
    """Return what a game brought the side that moved first, from where it was recorded."""
    second = domain.spec.num_players == 2 and lane.opening[slot] % 2
    return float(positions.outcome[0]) * (-1.0 if second else 1.0)
