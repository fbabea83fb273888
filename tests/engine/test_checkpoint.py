"""A checkpoint comes back as it was saved, or the last good one does and says why."""

import dataclasses
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tesuji.engine.checkpoint import (
    MANIFEST,
    MODEL,
    TRAINING,
    Checkpoint,
    NoCheckpointError,
    checkpoint_path,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from tesuji.engine.storage import DamagedFileError, StorageError, atomic_write, dump_json, load_json


def make(step: int = 7) -> Checkpoint:
    rng = np.random.default_rng(step)
    return Checkpoint(
        game="connect_four",
        game_params={"rows": 6},
        net={"kind": "resnet", "blocks": 2},
        step=step,
        metadata={"seed": 1, "loss": 0.25},
        tensors={"conv": rng.random((4, 2, 3, 3), np.float32), "bias": np.float32(3).reshape(())},
        training={"momentum": rng.random(9), "rng": rng.integers(0, 256, 32).astype(np.uint8)},
    )


def make_run(run: Path, *numbers: int) -> Path:
    for number in numbers:
        save_checkpoint(checkpoint_path(run, number), make(number))
    return run


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    saved = make()
    save_checkpoint(tmp_path / "c", saved)
    loaded = load_checkpoint(tmp_path / "c", game="connect_four")
    for name in ("game", "game_params", "net", "step", "metadata", "warnings"):
        assert getattr(loaded, name) == getattr(saved, name)
    for group in ("tensors", "training"):
        assert getattr(loaded, group).keys() == getattr(saved, group).keys()
        for name, tensor in getattr(saved, group).items():
            found = getattr(loaded, group)[name]
            assert found.dtype == tensor.dtype
            assert found.flags.writeable
            np.testing.assert_array_equal(found, tensor)


def test_slices_and_transposes_are_saved_by_value(tmp_path: Path) -> None:
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    tensors = {"t": base.T, "s": base[::2, 1::2], "f": np.asfortranarray(base)}
    save_checkpoint(tmp_path / "c", dataclasses.replace(make(), tensors=tensors))
    loaded = load_checkpoint(tmp_path / "c").tensors
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(loaded[name], tensor)


def test_equal_checkpoints_are_equal_bytes(tmp_path: Path) -> None:
    for name in "ab":
        save_checkpoint(tmp_path / name, make())
    for file in (MANIFEST, MODEL, TRAINING):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_play_needs_no_training_state(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", make())
    (tmp_path / "c" / TRAINING).unlink()
    assert load_checkpoint(tmp_path / "c", training=False).training == {}
    with pytest.raises(DamagedFileError, match=r"training\.safetensors is damaged: no such file"):
        load_checkpoint(tmp_path / "c")


@pytest.mark.parametrize("name", [".", MODEL, MANIFEST])
def test_a_file_of_a_checkpoint_stands_for_it(name: str, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", make())
    assert load_checkpoint(tmp_path / "c" / name).step == 7


def test_a_run_stands_for_its_newest_checkpoint(tmp_path: Path) -> None:
    run = make_run(tmp_path, 9, 10, 100)
    (run / "checkpoints" / "000200.damaged-1").mkdir()
    (run / "checkpoints" / ".000300.1.tmp").mkdir()
    assert [path.name for path in list_checkpoints(run)] == ["000009", "000010", "000100"]
    assert load_checkpoint(run).step == 100


@pytest.mark.parametrize("name", [MANIFEST, MODEL, TRAINING])
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove"])
def test_a_damaged_checkpoint_is_named_set_aside_and_passed_over(
    name: str, damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(tmp_path, 1, 2, 3)
    path = run / "checkpoints" / "000003" / name
    content = path.read_bytes()
    path.unlink()
    if damage != "remove":
        kept = {"flip": content[:-9] + b"~" + content[-8:], "truncate": content[:-1], "empty": b""}
        path.write_bytes(kept[damage])
    with caplog.at_level(logging.WARNING):
        loaded = load_checkpoint(run, set_aside=True)
    assert loaded.step == 2
    assert f"000003/{name} is damaged" in loaded.warnings[0]
    assert "set aside as 000003.damaged-1; going on from 000002" in caplog.text
    assert [path.name for path in list_checkpoints(run)] == ["000001", "000002"]
    assert load_checkpoint(run).warnings == ()


def test_readers_do_not_set_aside(tmp_path: Path) -> None:
    run = make_run(tmp_path, 1, 2)
    flip(run / "checkpoints" / "000002" / MODEL, 900)
    assert load_checkpoint(run).step == 1
    assert len(list_checkpoints(run)) == 2


def test_a_run_of_damaged_checkpoints_names_them_all(tmp_path: Path) -> None:
    run = make_run(tmp_path, 1, 2)
    for path in list_checkpoints(run):
        flip(path / MODEL, 900)
    with pytest.raises(DamagedFileError, match=r"no sound checkpoint .*000002/.*000001/"):
        load_checkpoint(run)


def test_two_hundred_random_bit_flips_are_found(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", make())
    files = sorted((tmp_path / "c").iterdir())
    rng = np.random.default_rng(1)
    for number in range(200):
        path = files[number % len(files)]
        bit = int(rng.integers(8 * path.stat().st_size))
        flip(path, bit)
        with pytest.raises(DamagedFileError, match=path.name):
            load_checkpoint(tmp_path / "c")
        flip(path, bit)
    assert load_checkpoint(tmp_path / "c").step == 7


def test_another_game_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", make())
    with pytest.raises(StorageError, match="is for connect_four, not for othello"):
        load_checkpoint(tmp_path / "c", game="othello")


def test_foreign_files_are_refused_in_one_line(tmp_path: Path) -> None:
    save_file({"x": np.zeros(3)}, tmp_path / "model.safetensors")
    (tmp_path / "empty").mkdir()
    for path, line in {
        "model.safetensors": r"not a checkpoint of tesuji: there is no checkpoint\.json beside it",
        "empty": "has no checkpoint yet",
        "nowhere": "does not exist",
    }.items():
        kind = StorageError if path == "model.safetensors" else NoCheckpointError
        with pytest.raises(kind, match=line):
            load_checkpoint(tmp_path / path)


def test_a_well_hashed_file_that_is_no_checkpoint_is_damaged(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", make())
    manifest = load_json(tmp_path / "c" / MANIFEST)
    for change in ({"files": []}, {"files": {}}, {"net": 3}, {"step": None}):
        atomic_write(tmp_path / "c" / MANIFEST, dump_json({**manifest, **change}))
        with pytest.raises(DamagedFileError, match="not a checkpoint's manifest"):
            load_checkpoint(tmp_path / "c")


def test_a_newer_format_is_refused_and_not_set_aside(tmp_path: Path) -> None:
    run = make_run(tmp_path, 1)
    path = checkpoint_path(run, 1) / MANIFEST
    atomic_write(path, dump_json({**load_json(path), "format": 2}))
    with pytest.raises(StorageError, match="format 2, this tesuji reads 1"):
        load_checkpoint(run, set_aside=True)
    assert len(list_checkpoints(run)) == 1


def test_metadata_must_be_plain_json(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "c", dataclasses.replace(make(), metadata={"a": object()}))
    assert not list(tmp_path.iterdir())


def test_pruning_keeps_the_newest_and_the_milestones(tmp_path: Path) -> None:
    run = make_run(tmp_path, *range(8, 15), 20)
    removed = prune_checkpoints(run, keep_last=3, milestone=10)
    assert [int(path.name) for path in removed] == [8, 9, 11, 12]
    assert [int(path.name) for path in list_checkpoints(run)] == [10, 13, 14, 20]
    prune_checkpoints(run, keep_last=1, milestone=0)
    assert [int(path.name) for path in list_checkpoints(run)] == [20]
    with pytest.raises(ValueError, match="keep_last must be at least 1, got 0"):
        prune_checkpoints(run, keep_last=0)


def test_a_checkpoint_is_a_plain_folder(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "run" / "checkpoints" / "000001", make())
    shutil.copytree(tmp_path / "run" / "checkpoints" / "000001", tmp_path / "elsewhere")
    assert load_checkpoint(tmp_path / "elsewhere").step == 7
