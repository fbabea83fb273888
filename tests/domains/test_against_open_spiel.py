"""A sample of `benchmarks/differential.py`: random games move for move against OpenSpiel."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

NUM_GAMES = 20


def load() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks/differential.py"
    spec = importlib.util.spec_from_file_location("differential", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["differential"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DIFFERENTIAL = load()
PAIRS = DIFFERENTIAL.pairs()


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.spiel for pair in PAIRS])
def test_random_games_go_as_in_open_spiel(pair, needs_jit) -> None:
    row = DIFFERENTIAL.compare(pair, NUM_GAMES, seed=10**6, progress=False)
    assert (row["games"], row["first"]) == (NUM_GAMES, [])


def test_a_difference_is_seen(needs_jit: None) -> None:
    (pair,) = (pair for pair in PAIRS if pair.spiel == "hex(board_size=3)")
    game = pair.recorder.play(seed=1)
    assert DIFFERENTIAL.difference(pair, game) is None
    game.outcomes[-1, 0] = 0
    assert "the reward is 0.0, theirs is 1.0" in DIFFERENTIAL.difference(pair, game)
    game.outcomes[-1] = (1, 0)
    game.legal[2].pop()
    assert "ply 2: legal are" in DIFFERENTIAL.difference(pair, game)


def test_the_chance_of_2048_must_be_one_tile(needs_jit: None) -> None:
    (pair,) = (pair for pair in PAIRS if pair.spiel == "2048(max_tile=64)")
    game = pair.recorder.play(seed=2)
    game.states[3].board[:16] = game.states[2].board[:16]
    assert "no single new tile" in DIFFERENTIAL.difference(pair, game)
