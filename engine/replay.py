"""Replay: the window of newest positions that training samples from.

The window is a ring in a mapped file without a name: a cache, filled from the run's shards whenever
training starts, that takes no more memory however long the run lasts.
"""

from __future__ import annotations

import logging
import mmap
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tesuji.engine.shards import (
    SHARDS,
    Positions,
    Records,
    ShardInfo,
    decode,
    read_shard,
    record_dtype,
)
from tesuji.engine.storage import DamagedFileError, explained, quarantine
from tesuji.engine.training_config import WindowConfig

Numbers = npt.NDArray[np.int64]

__all__ = ["ReplayWindow", "WindowConfig"]

_logger = logging.getLogger(__name__)


class ReplayWindow:
    """The newest positions of a run.

    Position number `n` of the run lies in slot `n % capacity`, so that what is sampled depends on
    the shards and the generator alone, not on when the window was filled.
    """

    def __init__(
        self, run: Path, row_size: int, num_actions: int, config: WindowConfig, num_cells: int = 0
    ) -> None:
        """Reserve the window's space in the run's folder.

        Raises:
            StorageError: there is not enough, or the folder cannot be written.
        """
        self.config = config
        self.total = 0  # positions of the run so far
        self._run = run
        self._held = 0
        self._ring = _map_records(
            run, config.capacity, record_dtype(row_size, num_actions, num_cells)
        )

    def __len__(self) -> int:
        """Return how many positions may be sampled."""
        return min(self._held, self.config.size(self.total))

    def extend(self, shards: Sequence[ShardInfo]) -> list[DamagedFileError]:
        """Append shards, oldest first, reading only those that reach into the window.

        A damaged shard is set aside and left out.

        Returns:
            What was wrong with each damaged shard.
        """
        damaged = []
        newer = sum(shard.count for shard in shards)
        for shard in shards:
            newer -= shard.count
            if newer >= self.config.capacity:
                self.total += shard.count
                self._held = 0
                continue
            try:
                self._append(read_shard(self._run, shard, self._ring.dtype))
            except DamagedFileError as error:
                aside = self._set_aside(shard)
                _logger.warning("shard %s%s; training goes on without it", error, aside)
                damaged.append(error)
        return damaged

    def sample(self, rng: np.random.Generator, size: int) -> Positions:
        """Return `size` positions drawn uniformly, with replacement.

        Raises:
            ValueError: the window is empty.
        """
        return self.at(self.draw(rng, size))

    def draw(self, rng: np.random.Generator, size: int) -> Numbers:
        """Return the numbers `[size]` of positions drawn uniformly, with replacement.

        Raises:
            ValueError: the window is empty, or has nothing to learn from.
        """
        if not len(self):
            raise ValueError("the replay window is empty; play games before training")
        first = self.total - len(self)
        if not self.config.full_only:
            return rng.integers(first, self.total, size)
        slots = np.arange(first, self.total) % self.config.capacity
        full = first + np.flatnonzero(self._ring["full"][slots])
        if not len(full):
            raise ValueError("no position of the replay window was searched in full")
        return np.asarray(full[rng.integers(len(full), size=size)])

    def at(self, numbers: Numbers) -> Positions:
        """Return the positions with these numbers, as drawn."""
        return decode(self._ring[numbers % self.config.capacity])

    def following(
        self, numbers: Numbers
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return `(policies [N, A], known [N])` of the positions after these in their games.

        Known, as 1 or 0, are those that are in the window and were searched in full.
        """
        capacity = self.config.capacity
        here, there = self._ring[numbers % capacity], self._ring[(numbers + 1) % capacity]
        known = (numbers + 1 < self.total) & there["full"] & (there["game"] == here["game"])
        known &= there["ply"] == here["ply"] + 1
        policy = there["policy"].astype(np.float32)
        policy /= np.maximum(policy.sum(1, keepdims=True), 1.0)
        return policy, known.astype(np.float32)

    def _append(self, records: Records) -> None:
        start = self.total
        self.total += len(records)
        self._held = min(self._held + len(records), self.config.capacity)
        slots = np.arange(start, self.total) % self.config.capacity
        # Of a shard larger than the ring only its newest part stays.
        self._ring[slots[-self.config.capacity :]] = records[-self.config.capacity :]

    def _set_aside(self, shard: ShardInfo) -> str:
        path = self._run / SHARDS / shard.name
        return f"; set aside as {quarantine(path).name}" if path.exists() else ""


def _map_records(run: Path, capacity: int, dtype: np.dtype[np.void]) -> Records:
    """Return zeroed records `[capacity]` in a file that vanishes with the process."""
    size = capacity * dtype.itemsize
    with explained(f"reserve {size >> 20} MiB for the replay window in", run):
        run.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=run) as file:
            # Reserved now: a mapped page that finds the disk full later would kill the process.
            os.posix_fallocate(file.fileno(), 0, size)
            return np.frombuffer(mmap.mmap(file.fileno(), size), dtype)
