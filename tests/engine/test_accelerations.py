"""KataGo's accelerations in training: what is recorded, what is learned, and what plays."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tesuji.domains.registry import make
from tesuji.domains.rows import transform_weights
from tesuji.engine.arrays import load_arrays, save_arrays
from tesuji.engine.checkpoint import load_checkpoint
from tesuji.engine.errors import UsageError
from tesuji.engine.lane import new_lane
from tesuji.engine.metrics import read_metrics
from tesuji.engine.progress import Silent
from tesuji.engine.replay import ReplayWindow
from tesuji.engine.selfplay import play_lane
from tesuji.engine.shards import SHARDS, ShardInfo, decode, read_shard, record_dtype, write_shard
from tesuji.engine.storage import DamagedFileError
from tesuji.engine.territory import count_cells
from tesuji.engine.train import train
from tesuji.engine.trained import load_evaluator
from tesuji.engine.training_config import (
    AuxiliaryConfig,
    LearningConfig,
    NetSettings,
    SelfPlayConfig,
    TrainConfig,
    WindowConfig,
)
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.config import Gumbel
from tesuji.search.search import Search

GAME, CELLS = "othello_4x4", 16
PLAY = SelfPlayConfig(
    lanes=1, games=8, moves=12, simulations=12, fast_simulations=4, full_share=0.5,
    cache_entries=1024, search="puct", forced_playouts=2.0, lookahead=1, opening_plies=4,
)  # fmt: skip
ALL = TrainConfig(
    game=GAME,
    minutes=0.0,
    iterations=3,
    workers=1,
    net=NetSettings(channels=8, blocks=2, pool_policy=False),
    selfplay=PLAY,
    window=WindowConfig(1000, 1000, full_only=True),
    learning=LearningConfig(batch_size=16),
    auxiliary=AuxiliaryConfig(reply_weight=0.15, ownership_weight=1.5, lead_weight=0.5),
)


@pytest.fixture(scope="module")
def played():
    """Return what one task of self-play found."""
    domain = make(GAME)
    lane = new_lane(domain, PLAY, 0, 1)
    return play_lane(domain, UniformEvaluator(CELLS + 1), PLAY, lane, 1, territory=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run = tmp_path_factory.mktemp("all") / "run"
    train(ALL, run, Silent())
    return run


def window_of(played, run):
    domain = make(GAME)
    window = ReplayWindow(run, domain.row_size, CELLS + 1, WindowConfig(1000, 1000), CELLS)
    window.extend([write_shard(run, 0, played.positions)])
    return window


def test_owners_agree_with_the_result_and_turn_with_the_side_to_move(played):
    positions = played.positions
    assert positions.owners.shape == (len(positions.lead), CELLS)
    np.testing.assert_array_equal(positions.owners.sum(1), positions.lead)
    # Played out from a proof, who leads at the end has won, but for rare slips.
    assert (np.sign(positions.lead) == positions.outcome).mean() > 0.9
    states = positions.states.view(make(GAME).state_dtype)[:, 0]
    side = 1 - 2 * states["to_play"].astype(int)
    for game in np.unique(positions.game):
        leads = (positions.lead * side)[positions.game == game]
        assert len(set(leads.tolist())) == 1


def test_some_moves_are_searched_in_full_and_the_rest_fast_and_quiet():
    domain, seen = make(GAME), []
    config = replace(
        PLAY, search="gumbel", forced_playouts=0.0, lookahead=0, leaf_proofs=False, moves=1,
        games=64,
    )  # fmt: skip
    lane = new_lane(domain, config, 0, 1)
    rows = lane.rows.copy()
    lane = play_lane(domain, UniformEvaluator(CELLS + 1), config, lane, 1).lane
    full = lane.full[:, 0]
    assert 16 < full.sum() < 48
    plain = Search(domain, UniformEvaluator(CELLS + 1), Gumbel(lookahead=0, proof_moves=0))
    for slot in np.flatnonzero(~full):
        row, choice, share = rows[slot], lane.choice[slot, 0], lane.policy[slot, 0]
        [result] = plain.run([domain.state(row)], Budget(simulations=4))
        seen.append(np.array_equal(result.policy[choice[share > 0]], share[share > 0]))
        seen.append(np.count_nonzero(result.policy) == np.count_nonzero(share))
    assert all(seen)


def test_the_reply_is_the_policy_of_the_next_move_of_the_game(played, tmp_path):
    window, positions = window_of(played, tmp_path), played.positions
    numbers = np.arange(len(positions.game))
    policy, known = window.following(numbers)
    expected = np.zeros(len(numbers))
    for n in numbers[:-1]:
        same = positions.game[n] == positions.game[n + 1]
        expected[n] = same and positions.full[n + 1]
        if expected[n]:
            np.testing.assert_allclose(policy[n], positions.policy[n + 1], atol=2e-5)
    np.testing.assert_array_equal(known, expected)
    assert 0 < known.sum() < len(known)


def test_targets_turn_with_the_board():
    domain = make(GAME)
    owners = np.random.default_rng(0).normal(size=(8, CELLS)).astype(np.float32)
    out, symmetries = np.zeros_like(owners), np.arange(8)
    transform_weights(domain.kernels.addresses(), domain.instance, symmetries, owners, out)
    boards, turned = owners.reshape(8, 4, 4), out.reshape(8, 4, 4)
    for s in range(8):
        board = boards[s].T if s & 4 else boards[s]
        board = board[::-1] if s & 2 else board
        np.testing.assert_array_equal(turned[s], board[:, ::-1] if s & 1 else board)


def test_only_full_searches_are_learned_from_where_asked(played, tmp_path):
    domain = make(GAME)
    config = WindowConfig(1000, 1000, full_only=True)
    window = ReplayWindow(tmp_path, domain.row_size, CELLS + 1, config, CELLS)
    window.extend([write_shard(tmp_path, 0, played.positions)])
    drawn = window.draw(np.random.default_rng(0), 2000)
    assert set(drawn.tolist()) == set(np.flatnonzero(played.positions.full).tolist())


def test_all_heads_are_learned_and_none_of_them_plays(trained):
    rows = [row for row in read_metrics(trained) if "loss" in row]
    for name in ("loss_reply", "loss_ownership", "loss_lead"):
        assert all(np.isfinite(row[name]) and row[name] > 0 for row in rows)
    assert rows[-1]["cpu_seconds"] > rows[0]["cpu_seconds"] > 0
    checkpoint = load_checkpoint(trained)
    assert any(name.startswith("auxiliary.owners") for name in checkpoint.tensors)
    assert "policy_pooled.weight" not in checkpoint.tensors
    domain = make(GAME)
    observations = np.stack([domain.observe(domain.reset())] * 3)
    native, reference = (
        load_evaluator(trained, domain, backend=backend).evaluate(observations)
        for backend in ("native", "torch")
    )
    for ours, theirs in zip(native, reference, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_an_interrupted_run_with_everything_on_ends_with_the_same_weights(trained, tmp_path):
    class Stop:
        def update(self, row):
            if row.get("kind") == "iteration" and row["iteration"] == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(ALL, tmp_path / "run", Stop())
    with pytest.raises(UsageError, match="auxiliary weight"):
        train(replace(ALL, auxiliary=AuxiliaryConfig()), tmp_path / "run", Silent(), resume=True)
    train(ALL, tmp_path / "run", Silent(), resume=True)
    once, twice = (load_checkpoint(run).tensors for run in (trained, tmp_path / "run"))
    assert {k: v.tobytes() for k, v in once.items()} == {k: v.tobytes() for k, v in twice.items()}


def test_a_run_ends_when_its_processor_time_is_spent(tmp_path):
    config = replace(ALL, iterations=0, cpu_minutes=0.001, auxiliary=AuxiliaryConfig())
    assert train(config, tmp_path / "run", Silent()).iteration == 1


def test_a_shard_without_owners_is_read_where_none_are_wanted(played, tmp_path):
    domain = make(GAME)
    positions = played.positions._replace(owners=np.zeros((len(played.positions.lead), 0)))
    shard = write_shard(tmp_path, 0, positions)
    path = tmp_path / SHARDS / shard.name
    columns = load_arrays(path)
    old = {k: v for k, v in columns.items() if k not in ("owners", "lead", "format")}
    shard = ShardInfo(shard.name, save_arrays(path, old), shard.count)
    found = decode(read_shard(tmp_path, shard, record_dtype(domain.row_size, CELLS + 1)))
    np.testing.assert_array_equal(found.states, positions.states)
    with pytest.raises(DamagedFileError, match="format 1, without owners"):
        read_shard(tmp_path, shard, record_dtype(domain.row_size, CELLS + 1, CELLS))
    newer = ShardInfo(
        shard.name, save_arrays(path, columns | {"format": np.array(3, np.uint16)}), shard.count
    )
    with pytest.raises(DamagedFileError, match="its format is 3, this tesuji reads 1 to 2"):
        read_shard(tmp_path, newer, record_dtype(domain.row_size, CELLS + 1))


def test_a_game_without_territory_says_so():
    with pytest.raises(ValueError, match="tic_tac_toe has no territory to learn"):
        count_cells(make("tic_tac_toe"))


def test_a_perceptron_learns_replies_but_no_territory():
    net = NetSettings(kind="mlp").config((2, 4, 4), reply=True)
    from tesuji.nets.model import build

    outputs = build(net, make(GAME).spec).learn(torch.zeros(2, 2, 4, 4))
    assert outputs.reply is not None
    assert outputs.reply.shape == (2, CELLS + 1)
    with pytest.raises(ValueError, match="an mlp learns no territory"):
        NetSettings(kind="mlp").config((2, 4, 4), territory=True)


@pytest.mark.parametrize(
    ("make_config", "message"),
    [
        (lambda: SelfPlayConfig(forced_playouts=2.0), "set search to puct"),
        (lambda: AuxiliaryConfig(reply_weight=-1.0), "reply_weight must be at least 0, got -1"),
        (lambda: TrainConfig(minutes=0.0), "give minutes, cpu_minutes or iterations"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make_config, message):
    with pytest.raises(ValueError, match=message):
        make_config()
