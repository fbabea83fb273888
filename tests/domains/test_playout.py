import os
import subprocess
import sys

import numpy as np
import pytest

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.playout import random_playouts
from tesuji.domains.registry import make, names


def compiled(name: str) -> CompiledDomain:
    domain = make(name)
    assert isinstance(domain, CompiledDomain)
    return domain


def test_the_same_seed_plays_the_same_games() -> None:
    first, second, other = (random_playouts(compiled("othello_6x6"), 9, s) for s in (1, 1, 2))
    assert first.num_steps == second.num_steps
    assert np.array_equal(first.returns, second.returns)
    assert (first.num_steps, *first.returns) != (other.num_steps, *other.returns)


def test_random_tic_tac_toe_ends_as_counted(needs_jit: None) -> None:
    """The first side wins 58.5 %, the second 28.8 %, as exact enumeration gives."""
    returns = random_playouts(compiled("tic_tac_toe"), 100_000).returns
    shares = [(returns == outcome).mean() for outcome in (1, -1, 0)]
    assert shares == pytest.approx([0.585, 0.288, 0.127], abs=0.006)


def test_no_games_are_no_steps() -> None:
    assert random_playouts(compiled("tic_tac_toe"), 0).num_steps == 0
    with pytest.raises(ValueError, match="num_games must be at least 0, got -1"):
        random_playouts(compiled("tic_tac_toe"), -1)


PLAY = """
import sys
from tesuji.domains.playout import random_playouts
from tesuji.domains.registry import make
for name in sys.argv[1:]:
    played = random_playouts(make(name), 3, 7)
    sys.stdout.write(f"{name} {played.num_steps} {played.returns.tolist()}\\n")
"""


def test_plain_python_plays_the_same_games() -> None:
    def output(disable: str) -> str:
        environment = os.environ | {"NUMBA_DISABLE_JIT": disable}
        command = [sys.executable, "-W", "error", "-c", PLAY, *names()]
        return subprocess.check_output(command, env=environment, text=True)

    assert output("0") == output("1")
