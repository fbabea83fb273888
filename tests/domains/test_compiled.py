import numpy as np
import pytest

from tesuji.domains.base import DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.playout import random_playouts

ROW = np.dtype([("steps", np.int8)])
kernels = Kernels(ROW)


@kernels.reset
def reset(state, instance, key):
    state.steps = 0


@kernels.legal
def legal(state, instance, mask):
    mask[0] = True


@kernels.step
def step(state, action, instance, key):
    state.steps += 1
    return 1, int(state.steps < 3)  # integers where the search reads floats


@kernels.observe
def observe(state, instance, out):
    out[0] = state.steps


SPEC = DomainSpec("three", 1, (1,), num_players=1, max_steps=3, value_range=(0.0, 3.0))


def test_integers_from_a_kernel_reach_the_search_as_floats() -> None:
    game = CompiledDomain(SPEC, kernels)
    assert game.step(game.reset(), 0)[1:] == (1.0, 1.0)  # compiles from Python first
    assert random_playouts(game, 2).returns.tolist() == [3, 3]


def test_a_missing_kernel_is_named() -> None:
    with pytest.raises(ValueError, match="no 'reset' kernel"):
        Kernels(ROW).addresses()


def test_a_state_for_two_says_who_moves() -> None:
    spec = DomainSpec("three", 1, (1,), num_players=2, max_steps=3)
    with pytest.raises(ValueError, match="'to_play'"):
        CompiledDomain(spec, kernels)
