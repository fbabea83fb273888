"""A lane: a stream of games of self-play, between its tasks as arrays.

Dimensions: `G` games of a lane, `T` moves of the longest game, `A` actions, `S` bytes of a row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.rows import open_game
from tesuji.engine.shards import Positions
from tesuji.engine.territory import Territory
from tesuji.engine.training_config import SelfPlayConfig


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
        start_game(domain, config, lane, slot, seed)
    return lane


def finish_game(
    domain: CompiledDomain, lane: Lane, slot: int, territory: Territory | None = None
) -> Positions:
    """Return the positions of a game that is over; `territory` is its end's."""
    length = int(lane.length[slot])
    outcome = np.zeros(length, np.float32)
    following = 0.0
    for move in range(length - 1, -1, -1):
        following = float(lane.reward[slot, move]) + float(lane.discount[slot, move]) * following
        outcome[move] = following
    if territory is not None:
        states = lane.states[slot, :length].view(domain.state_dtype)[:, 0]
        side = 1.0 - 2.0 * states["to_play"].astype(np.float32)
        owners, lead = side[:, None] * territory.owners.ravel(), side * territory.lead
    return Positions(
        states=lane.states[slot, :length].copy(),
        policy=lane.policy[slot, :length].copy(),
        outcome=outcome,
        value=lane.value[slot, :length].copy(),
        draw=lane.draw[slot, :length].copy(),
        full=lane.full[slot, :length].copy(),
        ply=(np.arange(length) + lane.opening[slot]).astype(np.uint16),
        game=np.full(length, lane.game[slot], np.uint32),
        owners=np.zeros((length, 0), np.float32) if territory is None else owners,
        lead=np.zeros(length, np.float32) if territory is None else lead,
    )


def start_game(
    domain: CompiledDomain, config: SelfPlayConfig, lane: Lane, slot: int, seed: int
) -> None:
    """Start the next game of a lane in `slot`, from a random opening now and then."""
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


def join(parts: list[Positions], domain: CompiledDomain, num_cells: int) -> Positions:
    """Return the positions of several games, or none of `domain`."""
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
        owners=np.zeros((0, num_cells), np.float32),
        lead=np.zeros(0, np.float32),
    )
