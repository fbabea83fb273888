import subprocess
import sys
from pathlib import Path

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


# Too long for the compiler to write it into its callers: it is called by its symbol.
TWINS = """
import sys

import numpy as np
from numba import njit

import tesuji.domains.kernels  # noqa: F401


@njit(cache=True)
def check(state):
    total = 0
    for i in range(len(state.cells)):
        cell = state.cells[i]
LINES
    return total


@njit(cache=True)
def first(state):
    return check(state)


@njit(cache=True)
def both(state):
    return first(state) + 2 * check(state)


for size in map(int, sys.argv[1:]):
    rows = np.zeros(1, [("cells", np.int64, (size,))]).view(np.recarray)
    rows[0].cells[:] = 1
    print(both(rows[0]))
""".replace(
    "LINES", "\n".join(f"        total += cell * {n} // (i * i + {n % 7 + 1})" for n in range(60))
)


def test_sizes_that_different_processes_compiled_keep_their_own_rules(tmp_path: Path) -> None:
    script = tmp_path / "twins.py"
    script.write_text(TWINS)

    def run(*sizes: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, script, *sizes], capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    five, nine = run("5"), run("9")
    assert five != nine
    assert run("5", "9") == [*five, *nine]
    assert run("9", "5") == [*nine, *five]
