"""Training runs: whole, resumed, hurt, and of a game that is not ours."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.engine.agent import load_agent
from tesuji.engine.checkpoint import list_checkpoints, load_checkpoint
from tesuji.engine.errors import TesujiError
from tesuji.engine.metrics import read_metrics
from tesuji.engine.progress import Silent
from tesuji.engine.train import train
from tesuji.engine.training_config import (
    LearningConfig,
    NetSettings,
    SelfPlayConfig,
    TrainConfig,
)

EXAMPLE = Path(__file__).parents[1] / "domains" / "example_game.py"
LUCK = f"{EXAMPLE.with_name('dice_games.py')}:press_your_luck"


def config(game="tic_tac_toe", **changes):
    return TrainConfig(
        **{
            "game": game,
            "minutes": 0.0,
            "iterations": 3,
            "workers": 1,
            "net": NetSettings(channels=4, blocks=1, hidden=16, layers=1),
            "selfplay": SelfPlayConfig(games=16, moves=6, simulations=8, cache_entries=1024),
            "learning": LearningConfig(batch_size=32),
            **changes,
        }
    )


def weights(run):
    tensors = load_checkpoint(run).tensors
    return {name: tensor.tobytes() for name, tensor in tensors.items()}


class KillAWorker:
    """Kills one worker while it plays."""

    def __init__(self):
        self.killed = 0

    def update(self, row):
        if row.get("kind") == "live" and not self.killed:
            for process in Path("/proc").iterdir():
                if process.name.isdecimal() and self._is_ours(process):
                    self.killed += 1
                    os.kill(int(process.name), signal.SIGKILL)
                    return

    def _is_ours(self, process):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            return False
        return b"tesuji.engine.worker" in words and int(parent) == os.getpid()


class StopAfter:
    """Interrupts as Ctrl-C does, once an iteration has been told of."""

    def __init__(self, iteration):
        self.iteration = iteration

    def update(self, row):
        if row.get("kind") == "iteration" and row["iteration"] == self.iteration:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    summary = train(config(), run, Silent())
    assert summary.iteration == 3
    assert summary.positions > 0
    return run


def test_a_run_leaves_checkpoints_and_metrics(undisturbed):
    assert [path.name for path in list_checkpoints(undisturbed)][-1] == "000003"
    rows = [row for row in read_metrics(undisturbed) if row["kind"] == "iteration"]
    assert [row["iteration"] for row in rows] == [1, 2, 3]
    assert all(np.isfinite(row["loss"]) for row in rows if "loss" in row)


def test_an_interrupted_run_ends_with_the_same_weights(undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(config(), tmp_path / "run", StopAfter(2))
    train(config(), tmp_path / "run", Silent(), resume=True)
    assert weights(tmp_path / "run") == weights(undisturbed)
    rows = [row["iteration"] for row in read_metrics(tmp_path / "run")]
    assert rows == sorted(set(rows))


def test_a_worker_may_die_and_two_may_share_the_work(undisturbed, tmp_path):
    killer = KillAWorker()
    train(config(workers=2), tmp_path / "run", killer)
    assert killer.killed == 1
    # Threads of torch may differ in the last bit; what is played is the same.
    ours = [row["games"] for row in read_metrics(tmp_path / "run")]
    assert ours == [row["games"] for row in read_metrics(undisturbed)]


def test_a_damaged_checkpoint_is_named_and_the_one_before_serves(undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(config(), tmp_path / "run", StopAfter(3))
    newest = list_checkpoints(tmp_path / "run")[-1] / "model.safetensors"
    content = bytearray(newest.read_bytes())
    content[-3] ^= 4
    newest.write_bytes(content)
    told = []

    class Listen:
        def update(self, row):
            told.append(str(row.get("message", "")))

    train(config(), tmp_path / "run", Listen(), resume=True)
    assert any("model.safetensors" in message for message in told)
    assert weights(tmp_path / "run") == weights(undisturbed)


def test_a_used_folder_is_not_trained_into(undisturbed):
    with pytest.raises(TesujiError, match="--resume"):
        train(config(), undisturbed, Silent())


def test_a_game_of_ones_own_is_trained_and_played(tmp_path):
    name = f"{EXAMPLE}:dots_and_boxes"
    train(config(name, iterations=2), tmp_path / "run", Silent())
    domain = make(name)
    agent = load_agent(f"{tmp_path / 'run'}:sims=8", domain)
    state, discount, moves = domain.reset(), 1.0, 0
    while discount:
        [move] = agent.act(domain, [state], [moves])
        assert domain.legal(state)[move.action]
        state, _, discount = domain.step(state, move.action)
        moves += 1
    assert 0 < moves <= domain.spec.max_steps


def test_a_game_of_chance_for_one_is_learned_in_its_own_values(tmp_path):
    # Rolling first is worth 23.5, stopping at once 0; random play earns about 13.
    learning = LearningConfig(
        batch_size=64, reuse=20.0, learning_rate=1e-2, warmup_steps=5, average=0.9
    )
    play = SelfPlayConfig(games=64, moves=6, simulations=8, cache_entries=1024)
    settings = config(LUCK, iterations=4, learning=learning, selfplay=play)
    train(settings, tmp_path / "run", Silent())
    rows = [row for row in read_metrics(tmp_path / "run") if row["kind"] == "iteration"]
    assert rows[-1]["mean_return"] > 10
    domain = make(LUCK)
    [move] = load_agent(f"{tmp_path / 'run'}:sims=64", domain).act(domain, [domain.reset()], [1])
    assert move.action == 1
    assert 5 < move.result.raw_value < 40
    train(replace(settings, workers=2), tmp_path / "again", Silent())
    assert weights(tmp_path / "again") == weights(tmp_path / "run")
