"""Metrics: one JSON line an event in `metrics.jsonl`, the truth; TensorBoard beside it.

Every line has a `step`. A resumed run cuts the lines after its checkpoint's step, so that none is
there twice; a last line torn by a kill goes as well.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tesuji.engine.measures import numbers
from tesuji.engine.storage import atomic_write, explained

METRICS = "metrics.jsonl"
TENSORBOARD = "tensorboard"

_logger = logging.getLogger(__name__)


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's metrics, oldest first; damaged ones are named and left out."""
    path = run / METRICS
    with explained("read", path):
        return [record for record, _ in _sound_lines(path)]


def _sound_lines(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield the lines that can be read, each as a record and as it stands."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    for number, line in enumerate(lines, 1):
        record = _parse(line)
        if record is not None:
            yield record, line
        elif line.endswith(b"\n"):  # else it was torn by a kill
            _logger.warning("%s: line %d is damaged and left out", path, number)


class MetricsWriter:
    """Appends to a run's metrics; a line that `write` returned from is on the disk.

    Args:
        run: the run's folder.
        step: lines after this step are cut; None keeps all.
        tensorboard: whether to write TensorBoard events too, where it is installed.
    """

    def __init__(self, run: Path, *, step: int | None = None, tensorboard: bool = True) -> None:
        self._path = run / METRICS
        with explained("write", self._path):
            run.mkdir(parents=True, exist_ok=True)
            _cut(self._path, step)
            self._file = self._path.open("ab", buffering=0)
        self._board = _open_board(run / TENSORBOARD, step) if tensorboard else None

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """Append a line; what is not finite becomes null.

        Raises:
            StorageError: it could not be written; the file is as it was.
            TypeError: a value is none that JSON has.
        """
        record = _plain({"step": step, **values})
        line = (json.dumps(record, allow_nan=False) + "\n").encode()
        with explained("write", self._path):
            size = os.fstat(self._file.fileno()).st_size
            try:
                rest = memoryview(line)
                while rest:  # a disk that fills up takes a part and says so only when asked again
                    rest = rest[self._file.write(rest) :]
                os.fsync(self._file.fileno())
            except OSError:
                os.truncate(self._path, size)
                raise
        if self._board is not None:
            with explained("write", self._path.with_name(TENSORBOARD)):
                for name, value in numbers(record).items():
                    self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _cut(path: Path, step: int | None) -> None:
    """Keep the sound lines up to `step`."""
    kept = [line for record, line in _sound_lines(path) if step is None or record["step"] <= step]
    atomic_write(path, b"".join(kept))


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return a line's record, None where it is torn or damaged."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = line.endswith(b"\n") and isinstance(record, dict)
    return record if whole and isinstance(record.get("step"), int) else None


def _plain(value: Any) -> Any:
    """Return `value` as JSON can say it: numpy's numbers as Python's, None for NaN and infinity."""
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _open_board(folder: Path, step: int | None) -> Any:
    """Return torch's writer, or None where TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  torch is slow to load

    # purge_step hides what a killed process wrote after the checkpoint.
    return SummaryWriter(str(folder), purge_step=None if step is None else step + 1)
