"""Random playouts in one kernel for any compiled domain, and random positions of any domain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, types

from tesuji.domains.base import Domain, State
from tesuji.domains.compiled import (
    CompiledDomain,
    choose_legal,
    legal_at,
    reset_at,
    row_pointer,
    step_at,
)


class Playouts(NamedTuple):
    """Finished random episodes.

    Attributes:
        num_steps: the steps of all episodes together.
        returns: each episode's return as the side that began sees it, `[B]`.
    """

    num_steps: int
    returns: npt.NDArray[np.float64]


@njit(cache=True)
def next_random(bits):  # type: ignore[no-untyped-def]
    """Return the next 64 random bits (xorshift64, Marsaglia 2003); never 0 from non-zero bits."""
    bits ^= bits << np.uint64(13)
    bits ^= bits >> np.uint64(7)
    return bits ^ (bits << np.uint64(17))


@njit(
    types.int64(
        types.int64[::1],
        types.int64[::1],
        types.uint8[:, ::1],
        types.boolean[::1],
        types.int64,
        types.uint64,
        types.float64[::1],
    ),
    cache=True,
    nogil=True,
)
def _play(addresses, instance, rows, mask, max_steps, bits, returns):  # type: ignore[no-untyped-def]
    """Play one episode for each of `returns` in row 0 of `rows`; return the number of steps."""
    reset, legal, step = reset_at(addresses), legal_at(addresses), step_at(addresses)
    state = row_pointer(rows, 0)
    num_steps = 0
    for game in range(len(returns)):
        bits = next_random(bits)
        rows[0, :] = 0
        reset(state, instance, bits)
        total, scale = 0.0, 1.0
        for _ in range(max_steps):
            legal(state, instance, mask)
            bits = next_random(bits)
            action = choose_legal(mask, bits)
            if action < 0:
                break
            bits = next_random(bits)
            reward, discount = step(state, action, instance, bits)
            num_steps += 1
            total += scale * reward
            scale *= discount
            if discount == 0.0:
                break
        returns[game] = total
    return num_steps


def random_playouts(domain: CompiledDomain, num_games: int, seed: int = 0) -> Playouts:
    """Return `num_games` uniformly random episodes from the start; the same for the same seed."""
    if num_games < 0:
        raise ValueError(f"num_games must be at least 0, got {num_games}")
    rows = np.zeros((1, domain.row_size), np.uint8)
    mask = np.zeros(domain.spec.num_actions, np.bool_)
    returns = np.zeros(num_games)
    # A seed's bits are spread, and one is set, because xorshift never leaves 0.
    bits = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] | np.uint64(1)
    addresses, max_steps = domain.kernels.addresses(), domain.spec.max_steps
    num_steps = _play(addresses, domain.instance, rows, mask, max_steps, bits, returns)
    return Playouts(int(num_steps), returns)


def random_state(domain: Domain, rng: np.random.Generator, low: int, high: int) -> State:
    """Return a position that is no end, after `low` to `high` random moves."""
    while True:
        state, discount = domain.reset(), 1.0
        for _ in range(int(rng.integers(low, high + 1))):
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action)
            if discount == 0.0:
                break
        if discount != 0.0:
            return state


def random_states(domain: Domain, number: int, low: int, high: int, seed: int = 0) -> list[State]:
    """Return positions that are no ends, after `low` to `high` random moves each."""
    rng = np.random.default_rng(seed)
    return [random_state(domain, rng, low, high) for _ in range(number)]
