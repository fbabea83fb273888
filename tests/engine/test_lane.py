"""A lane takes room for the moves that its games have by now, and goes on from its file."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.engine.arrays import save_arrays
from tesuji.engine.lane import count_games, load_lane, new_lane, save_lane
from tesuji.engine.selfplay import play_lane
from tesuji.engine.training_config import SelfPlayConfig
from tesuji.search.base import UniformEvaluator

PLAY = SelfPlayConfig(lanes=1, games=4, moves=20, simulations=2, lookahead=0, cache_entries=0)


def play(name, config, lane=None):
    domain = make(name)
    lane = new_lane(domain, config, 0, 1) if lane is None else lane
    return play_lane(domain, UniformEvaluator(domain.spec.num_actions), config, lane, 1)


def test_a_lane_of_chess_has_no_room_for_the_longest_game():
    lane = play("chess", PLAY).lane
    assert lane.action.shape == (4, 32)
    assert lane.policy.shape[2] < 100  # of 4,672 actions
    assert sum(array.nbytes for array in lane) < 200_000


@pytest.mark.parametrize("name", ["hex_5x5", "2048"])  # 2048: outcomes are played again, too
def test_a_lane_that_was_saved_goes_on_as_if_it_had_not_been(name, tmp_path):
    half = replace(PLAY, moves=10)
    first = play(name, half)
    saved = load_lane(tmp_path / "lane.npz", save_lane(tmp_path / "lane.npz", first.lane))
    assert saved is not None
    second = play(name, half, saved)
    whole = play(name, PLAY)
    for name_, array in whole.positions._asdict().items():
        parts = [getattr(first.positions, name_), getattr(second.positions, name_)]
        np.testing.assert_array_equal(np.concatenate(parts), array)
    np.testing.assert_array_equal(second.lane.rows, whole.lane.rows)


def test_positions_follow_from_the_moves_and_policies_are_whole():
    domain, positions = make("hex_5x5"), play("hex_5x5", replace(PLAY, moves=30)).positions
    np.testing.assert_allclose(positions.policy.sum(1), 1, atol=1e-5)
    rows = list(positions.states)
    for number, (row, following) in enumerate(itertools.pairwise(rows)):
        if positions.game[number] == positions.game[number + 1]:
            state = domain.state(row.copy())
            after = [
                domain.step(state, action)[0] for action in np.flatnonzero(domain.legal(state))
            ]
            assert following.tobytes() in [domain.key(state) for state in after]


def test_a_lane_of_an_earlier_version_starts_anew(tmp_path):
    digest = save_arrays(tmp_path / "lane.npz", {"rows": np.zeros((2, 8), np.uint8)})
    assert load_lane(tmp_path / "lane.npz", digest) is None


def test_large_boards_are_played_by_fewer_games_at_once():
    counts = [count_games(make(name), SelfPlayConfig()) for name in ("connect_four", "go_19x19")]
    assert counts == [256, 30]
    assert count_games(make("go_19x19"), replace(SelfPlayConfig(), games=7)) == 7
    with pytest.raises(ValueError, match="games must be at least 0, got -1"):
        SelfPlayConfig(games=-1)
