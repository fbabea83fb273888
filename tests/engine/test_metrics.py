"""Metrics are on the disk when written, and never there twice."""

import errno
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tesuji.engine.metrics import METRICS, MetricsWriter, read_metrics
from tesuji.engine.storage import StorageError


def make(run: Path, *steps: int) -> Path:
    writer = MetricsWriter(run, tensorboard=False)
    for step in steps:
        writer.write(step, {"loss": 1 / step})
    writer.close()
    return run / METRICS


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    make(tmp_path, 1, 2, 4)
    assert read_metrics(tmp_path) == [{"step": s, "loss": 1 / s} for s in (1, 2, 4)]


def test_a_run_without_metrics_has_none(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []


def test_numpy_numbers_and_infinities_are_plain_json(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path, tensorboard=False)
    values = {
        "a": np.float32(0.5),
        "b": np.int64(3),
        "c": math.nan,
        "d": {"e": [np.float64("inf")]},
    }
    writer.write(1, {**values, "f": "text", "g": None, "h": np.bool_(True)})
    plain = {"a": 0.5, "b": 3, "c": None, "d": {"e": [None]}, "f": "text", "g": None, "h": True}
    assert read_metrics(tmp_path) == [{"step": 1, **plain}]
    with pytest.raises(TypeError, match="not JSON serializable"):
        writer.write(2, {"a": object()})
    writer.close()
    assert len(read_metrics(tmp_path)) == 1


def test_a_resumed_run_has_no_line_twice(tmp_path: Path) -> None:
    make(tmp_path, 1, 2, 3, 4)
    writer = MetricsWriter(tmp_path, step=2, tensorboard=False)
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 2]
    writer.write(3, {"loss": 0.0})
    writer.close()
    assert [line["loss"] for line in read_metrics(tmp_path)] == [1, 0.5, 0.0]


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    path = make(tmp_path, 1, 2, 3)
    path.write_bytes(path.read_bytes()[:-4])
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 2]
    make(tmp_path, 3)
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 2, 3]


@pytest.mark.parametrize("text", [b"}{", b"[]", b'{"loss": 1}', b'{"step": "x"}', b"\xff"])
def test_a_damaged_line_is_named_and_left_out(
    text: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = make(tmp_path, 1)
    good = path.read_bytes()
    path.write_bytes(good + text + b"\n" + good)
    assert len(read_metrics(tmp_path)) == 2
    assert "line 2 is damaged and left out" in caplog.text


def test_a_failed_write_leaves_no_part_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = MetricsWriter(tmp_path, tensorboard=False)
    writer.write(1, {"loss": 1.0})
    with monkeypatch.context() as patch:

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "")

        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"cannot write .*metrics\.jsonl: the disk is full"):
            writer.write(2, {"loss": 2.0})
    writer.write(3, {"loss": 3.0})
    writer.close()
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 3]


def test_a_disk_that_takes_a_part_of_a_line_gets_it_back(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from tesuji.engine.metrics import MetricsWriter\n"
        "writer = MetricsWriter(Path(sys.argv[1]), tensorboard=False)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "for step in range(1000): writer.write(step, {'loss': 0.5})\n"
    )
    command = [sys.executable, "-c", code, tmp_path]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "larger than allowed" in result.stderr
    assert (tmp_path / METRICS).read_bytes().endswith(b"\n")
    assert len(read_metrics(tmp_path)) == (tmp_path / METRICS).read_bytes().count(b"\n") > 10


def test_an_unwritable_run_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot write .*choose another folder"):
        MetricsWriter(tmp_path / "run", tensorboard=False)


def test_tensorboard_lies_beside(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    for step in (None, 1):
        writer = MetricsWriter(tmp_path, step=step)
        writer.write(2, {"loss": 0.5, "text": "no scalar"})
        writer.close()
    assert len(list((tmp_path / "tensorboard").glob("events.out.tfevents.*"))) == 2
    assert read_metrics(tmp_path) == [{"step": 2, "loss": 0.5, "text": "no scalar"}]
