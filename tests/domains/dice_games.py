"""Two small games of chance whose throws have four equal outcomes: the top bits of the key."""

from __future__ import annotations

import numpy as np

from tesuji.domains.base import DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels

GOAL, LAST_STEP = 5, 14
ROUNDS = 6

race_dtype = np.dtype([("position", np.int8, 2), ("steps", np.int8), ("to_play", np.int8)])
race = Kernels(race_dtype)


@race.reset
def _race_reset(state, instance, key):
    pass


@race.legal
def _race_legal(state, instance, mask):
    mask[:] = True


@race.step
def _race_step(state, action, instance, key):
    # 0 walks one step; 1 jumps three or none, evenly; 2 jumps six in one of four throws.
    side = state.to_play
    throw = key >> np.uint64(62)
    advance = 1
    if action == 1:
        advance = 3 if throw < np.uint64(2) else 0
    elif action == 2:
        advance = 6 if throw == np.uint64(0) else 0
    state.position[side] += advance
    state.steps += 1
    state.to_play = 1 - side
    if state.position[side] >= GOAL:
        return 1.0, 0.0
    return 0.0, 0.0 if state.steps >= LAST_STEP else -1.0


@race.observe
def _race_observe(state, instance, out):
    out[0] = state.position[state.to_play]
    out[1] = state.position[1 - state.to_play]
    out[2] = state.steps


def dice_race() -> CompiledDomain:
    """Return a race of two: the first on field 5 wins, after 14 throws nobody does."""
    spec = DomainSpec("dice_race", 3, (3,), 2, LAST_STEP, deterministic=False)
    return CompiledDomain(spec, race)


luck_dtype = np.dtype([("total", np.int16), ("rounds", np.int8)])
luck = Kernels(luck_dtype)


@luck.reset
def _luck_reset(state, instance, key):
    pass


@luck.legal
def _luck_legal(state, instance, mask):
    mask[:] = True


@luck.step
def _luck_step(state, action, instance, key):
    # 0 stops and keeps the total; 1 rolls: 0 loses it all, else it grows. A roll costs 1.
    if action == 0:
        return np.float64(state.total), 0.0
    throw = np.int64(key >> np.uint64(62))
    state.rounds += 1
    if throw == 0:
        return -1.0, 0.0
    state.total += 10 * throw
    return -1.0, 0.0 if state.rounds >= ROUNDS else 1.0


@luck.observe
def _luck_observe(state, instance, out):
    out[0] = state.total / 100
    out[1] = state.rounds


def press_your_luck() -> CompiledDomain:
    """Return a game for one: roll for more, or keep what there is."""
    spec = DomainSpec(
        "press_your_luck", 2, (2,), 1, ROUNDS + 1, value_range=(-6.0, 180.0), deterministic=False
    )
    return CompiledDomain(spec, luck)
