"""A lane: a stream of games of self-play, between its tasks as arrays.

A game is kept as its moves, from which its positions follow; of a policy only what is not 0 is
kept. So a lane takes as much room as its games are long by now, not as the longest game could be:
those of chess would need 57 GiB.

Dimensions: `G` games of a lane, `T` moves that there is room for, `K` actions of one policy that
there is room for, `A` actions, `S` bytes of a row.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.rows import open_game, replay_rows
from tesuji.engine.arrays import load_arrays, save_arrays
from tesuji.engine.shards import Positions
from tesuji.engine.territory import Territory
from tesuji.engine.training_config import SelfPlayConfig

_MOST_GAMES = 256  # of a lane, where nothing is said
_WORK = 7_000_000  # cells that a network sees in one lane and iteration then
_FEWEST_MOVES = 16  # that there is room for
_MOST_BYTES = 8 << 30


class Lane(NamedTuple):
    """The games of a lane: where they stand and what was seen of them."""

    rows: npt.NDArray[np.uint8]  # [G, S]
    start: npt.NDArray[np.uint8]  # [G, S] where the recorded moves began
    game: npt.NDArray[np.int64]  # [G] number of the game
    opening: npt.NDArray[np.int64]  # [G] random moves at its start
    length: npt.NDArray[np.int64]  # [G] moves recorded
    next_game: npt.NDArray[np.int64]  # [1]
    action: npt.NDArray[np.int32]  # [G, T] what was played
    key: npt.NDArray[np.uint64]  # [G, T] random bits of the move
    choice: npt.NDArray[np.int32]  # [G, T, K] actions of the policy
    policy: npt.NDArray[np.float32]  # [G, T, K] their shares, 0 where there are fewer
    value: npt.NDArray[np.float32]  # [G, T]
    draw: npt.NDArray[np.float32]  # [G, T]
    full: npt.NDArray[np.bool_]  # [G, T]
    reward: npt.NDArray[np.float32]  # [G, T]
    discount: npt.NDArray[np.float32]  # [G, T]


_OF_MOVES = Lane._fields[Lane._fields.index("action") :]
_OF_POLICIES = ("choice", "policy")


def count_games(domain: CompiledDomain, config: SelfPlayConfig) -> int:
    """Return the games of a lane: those of `config`, or as many as an iteration has time for."""
    if config.games:
        return config.games
    cells = math.prod(domain.spec.observation_shape[1:])
    return max(1, min(_MOST_GAMES, _WORK // (config.moves * config.simulations * cells)))


def new_lane(domain: CompiledDomain, config: SelfPlayConfig, number: int, seed: int) -> Lane:
    """Return lane `number` at the start of a run."""
    games, size = count_games(domain, config), domain.row_size
    lane = Lane(
        rows=np.zeros((games, size), np.uint8),
        start=np.zeros((games, size), np.uint8),
        game=np.zeros(games, np.int64),
        opening=np.zeros(games, np.int64),
        length=np.zeros(games, np.int64),
        next_game=np.array([number], np.int64),
        action=np.zeros((games, 0), np.int32),
        key=np.zeros((games, 0), np.uint64),
        choice=np.zeros((games, 0, 0), np.int32),
        policy=np.zeros((games, 0, 0), np.float32),
        value=np.zeros((games, 0), np.float32),
        draw=np.zeros((games, 0), np.float32),
        full=np.zeros((games, 0), np.bool_),
        reward=np.zeros((games, 0), np.float32),
        discount=np.zeros((games, 0), np.float32),
    )
    for slot in range(games):
        start_game(domain, config, lane, slot, seed)
    return lane


def save_lane(path: Path, lane: Lane) -> str:
    """Write a lane without its empty room; return the file's SHA-256."""
    longest = int(lane.length.max())
    widest = int(np.count_nonzero(lane.policy, axis=2).max(initial=0))
    return save_arrays(path, _resized(lane, longest, widest)._asdict())


def load_lane(path: Path, digest: str) -> Lane | None:
    """Return the lane of a file, None where an earlier version wrote it in another form."""
    arrays = load_arrays(path, digest, _MOST_BYTES)
    if tuple(arrays) != Lane._fields:
        return None
    return Lane(**{name: array.copy() for name, array in arrays.items()})


def record_move(
    lane: Lane,
    action: npt.NDArray[np.int64],
    policy: npt.NDArray[np.float32],
    **seen: npt.NDArray[Any],
) -> Lane:
    """Append a move to every game; return the lane, with more room where it had none left.

    Args:
        lane: changed in place, as far as there is room.
        action: `[G]` what is played.
        policy: `[G, A]`.
        **seen: the other fields of a move, `[G]` each.
    """
    slots, now = np.arange(len(lane.rows)), lane.length
    games, actions = np.nonzero(policy)
    counts = np.bincount(games, minlength=len(slots))
    places = np.arange(len(games)) - np.repeat(np.cumsum(counts) - counts, counts)
    longest, widest = int(now.max()) + 1, int(counts.max())
    room, width = lane.action.shape[1], lane.policy.shape[2]
    if longest > room or widest > width:
        room = room if longest <= room else max(2 * room, longest, _FEWEST_MOVES)
        lane = _resized(lane, room, max(widest, width))
    lane.choice[games, now[games], places] = actions
    lane.policy[games, now[games], places] = policy[games, actions]
    lane.action[slots, now] = action
    for name, values in seen.items():
        getattr(lane, name)[slots, now] = values
    lane.length[:] += 1
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
    states = _replayed(domain, lane, slot)
    if territory is not None:
        to_play = states.view(domain.state_dtype)[:, 0]["to_play"]
        side = 1.0 - 2.0 * to_play.astype(np.float32)
        owners, lead = side[:, None] * territory.owners.ravel(), side * territory.lead
    return Positions(
        states=states,
        policy=_whole_policies(domain, lane, slot),
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
    lane.start[slot] = lane.rows[slot]
    lane.game[slot] = number
    lane.length[slot] = 0
    for name in _OF_MOVES:
        getattr(lane, name)[slot] = 0


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


def _resized(lane: Lane, room: int, width: int) -> Lane:
    """Return a lane with other room for moves and policies."""
    arrays = lane._asdict()
    for name in _OF_MOVES:
        old = arrays[name]
        rest = (width,) if name in _OF_POLICIES else ()
        fresh = np.zeros((len(old), room, *rest), old.dtype)
        kept = tuple(slice(min(a, b)) for a, b in zip(old.shape, fresh.shape, strict=True))
        fresh[kept] = old[kept]
        arrays[name] = fresh
    return Lane(**arrays)


def _replayed(domain: CompiledDomain, lane: Lane, slot: int) -> npt.NDArray[np.uint8]:
    """Return the row `[T, S]` before each move of a game."""
    length = int(lane.length[slot])
    rows = np.zeros((length, domain.row_size), np.uint8)
    rows[0] = lane.start[slot]
    table = domain.kernels.addresses()
    replay_rows(table, domain.instance, rows, lane.action[slot, :length], lane.key[slot, :length])
    return rows


def _whole_policies(domain: CompiledDomain, lane: Lane, slot: int) -> npt.NDArray[np.float32]:
    """Return the policy `[T, A]` of each move of a game."""
    length = int(lane.length[slot])
    shares = lane.policy[slot, :length]
    moves, places = np.nonzero(shares)
    policy = np.zeros((length, domain.spec.num_actions), np.float32)
    policy[moves, lane.choice[slot, moves, places]] = shares[moves, places]
    return policy
