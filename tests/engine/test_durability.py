"""A run killed at any of its durable steps and resumed ends like one that was left alone.

The trainer here is a toy; what it does with the disk is what training does.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tesuji.engine.checkpoint import (
    Checkpoint,
    checkpoint_path,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from tesuji.engine.metrics import MetricsWriter, read_metrics
from tesuji.engine.replay import ReplayWindow, WindowConfig
from tesuji.engine.run_folder import RunFolder
from tesuji.engine.shards import Positions, load_shard_list, save_shard_list, write_shard
from tesuji.engine.storage import atomic_write, exclusive, remove_leftovers

ITERATIONS = 3
DURABLE_CALLS = ("fsync", "replace", "rename")


def play(weights: np.ndarray, iteration: int) -> Positions:
    """Return positions that depend on the weights, as self-play does."""
    rng = np.random.default_rng([iteration, int(weights.sum() * 1000)])
    policy = rng.dirichlet(np.ones(3), 20).astype(np.float32)
    numbers = np.arange(20)
    return Positions(
        states=rng.integers(0, 256, (20, 4)).astype(np.uint8),
        policy=policy,
        outcome=np.ones(20, np.float32),
        value=policy[:, 0],
        draw=policy[:, 1],
        full=numbers % 2 == 0,
        ply=numbers.astype(np.uint16),
        game=numbers.astype(np.uint32),
        owners=np.zeros((len(numbers), 0), np.float32),
        lead=np.zeros(len(numbers), np.float32),
    )


def train(run: Path) -> None:
    """Train from the last checkpoint, or from nothing, to the end."""
    with exclusive(run):
        remove_leftovers(run)
        weights, done = np.ones(3, np.float32), 0
        if list_checkpoints(run):
            checkpoint = load_checkpoint(run, set_aside=True)
            weights, done = checkpoint.tensors["weights"], checkpoint.step
        shards = load_shard_list(run)
        window = ReplayWindow(run, 4, 3, WindowConfig(50, 50))
        window.extend(shards[:done])
        writer = MetricsWriter(run, step=done, tensorboard=False)
        for iteration in range(done + 1, ITERATIONS + 1):
            if len(shards) < iteration:  # else a kill came after self-play: its games are kept
                shards.append(write_shard(run, iteration, play(weights, iteration)))
                save_shard_list(run, shards)
            window.extend(shards[iteration - 1 : iteration])
            sample = window.sample(np.random.default_rng(iteration), 16)
            weights = weights + sample.policy.mean(0) * sample.value.mean()
            writer.write(iteration, {"norm": float(np.linalg.norm(weights))})
            save_checkpoint(
                checkpoint_path(run, iteration),
                Checkpoint("toy", {}, iteration, {"weights": weights}),
            )
        prune_checkpoints(run, keep_last=2, milestone=0)
        writer.close()


def in_a_child(function: Callable[[], None]) -> int | None:
    """Return the exit code of `function` in a process of its own."""
    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    process.join()
    return process.exitcode


def train_and_die(run: Path, at: int) -> None:
    """Train until the durable call number `at`, then be killed before it is made."""
    calls = 0

    def counting(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)

        return call

    for name in DURABLE_CALLS:
        setattr(os, name, counting(getattr(os, name)))
    train(run)


def finished(run: Path) -> tuple[dict[str, bytes], list[dict[str, object]]]:
    """Return all that a finished run leaves."""
    files = {p.relative_to(run).as_posix(): p.read_bytes() for p in run.rglob("*") if p.is_file()}
    return files, read_metrics(run)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("undisturbed")
    train(run)
    return run


def test_a_kill_at_every_durable_step_changes_nothing(undisturbed: Path, tmp_path: Path) -> None:
    at, code = 0, None
    while code != 0:
        at += 1
        run = tmp_path / str(at)
        code = in_a_child(lambda run=run, at=at: train_and_die(run, at))
        train(run)
        assert finished(run) == finished(undisturbed)
    assert at > 30


def test_a_damaged_lane_starts_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = ("a.npz", "b.npz", "c.npz")
    lanes = [{"lane_file": n, "lane_sha256": atomic_write(tmp_path / n, b"x")} for n in names]
    (tmp_path / "b.npz").write_bytes(b"y")
    (tmp_path / "c.npz").unlink()
    anew = {"lane_file": "", "lane_sha256": ""}
    assert RunFolder.lanes(tmp_path, lanes) == [lanes[0], anew, anew]
    assert "b.npz is damaged" in caplog.text
    assert "set aside as b.npz.damaged-1; starting new ones" in caplog.text


def test_kill_after_kill_still_ends_alike(undisturbed: Path, tmp_path: Path) -> None:
    kills = 0
    for at in np.random.default_rng(1).integers(5, 30, 1000).tolist():
        if in_a_child(lambda at=at: train_and_die(tmp_path, at)) == 0:
            break
        kills += 1
    assert kills > 1
    assert finished(tmp_path) == finished(undisturbed)
