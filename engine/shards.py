"""Shards: what self-play found, as immutable hashed files.

A shard is an npz file of positions; the run's list of shards (`manifest.json`) holds the SHA-256 of
each. Policies are 16-bit fixed point, values 16-bit floats, flags one bit, and a state is its row
of bytes: observations are made anew, under a random symmetry, when a position is sampled. Owners of
cells are 127ths. A shard says its format: 1 (which says nothing) has no owners and lead.

Dimensions: `N` positions, `S` bytes of a state row, `A` actions, `P` cells of a board with
territory, 0 where none is learned. Values are for the side to move.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.engine.arrays import load_arrays, save_arrays
from tesuji.engine.storage import (
    DamagedFileError,
    atomic_write,
    dump_json,
    explained,
    load_json,
    quarantine,
    read_checked,
    sha256,
)

SHARDS = "shards"
MANIFEST = "manifest.json"

Records = npt.NDArray[Any]  # [N] of `record_dtype`

_logger = logging.getLogger(__name__)

FORMAT = 2
_ONE = 65535  # the 1 of a stored policy
_OWNED = 127  # the 1 of a stored owner
_TABLES = ("states", "policy", "owners")  # what has a row a position


class Positions(NamedTuple):
    """Positions of self-play and what a network should say of them."""

    states: npt.NDArray[np.uint8]  # [N, S]
    policy: npt.NDArray[np.float32]  # [N, A] improved policy, sums to 1
    outcome: npt.NDArray[np.float32]  # [N] final return
    value: npt.NDArray[np.float32]  # [N] root value of the search
    draw: npt.NDArray[np.float32]  # [N] the search's chance of a draw
    full: npt.NDArray[np.bool_]  # [N] searched in full, so that the policy is worth learning
    ply: npt.NDArray[np.uint16]  # [N] moves before this position
    game: npt.NDArray[np.uint32]  # [N] number of the game
    owners: npt.NDArray[np.float32]  # [N, P] whose each cell is at the end, in [-1, 1]
    lead: npt.NDArray[np.float32]  # [N] by how much the side to move leads at the end


@dataclass(frozen=True)
class ShardInfo:
    """One shard in the run's list."""

    name: str
    sha256: str
    count: int


def record_dtype(row_size: int, num_actions: int, num_cells: int = 0) -> np.dtype[Any]:
    """Return how one position is stored; `num_cells` is `P`."""
    return np.dtype(
        [
            ("states", np.uint8, (row_size,)),
            ("policy", np.uint16, (num_actions,)),
            ("outcome", np.float32),
            ("value", np.float16),
            ("draw", np.float16),
            ("full", np.bool_),
            ("ply", np.uint16),
            ("game", np.uint32),
            ("owners", np.int8, (num_cells,)),
            ("lead", np.float32),
        ]
    )


def encode(positions: Positions) -> Records:
    """Return positions as they are stored.

    Raises:
        ValueError: the arrays do not fit together, or hold NaN or no policy.
    """
    size = len(positions.states)
    for name, array in positions._asdict().items():
        if len(array) != size or array.ndim != (2 if name in _TABLES else 1):
            raise ValueError(f"positions: {name} has shape {array.shape}, expected {size} rows")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"positions: {name} holds NaN or infinity")
    policy = positions.policy
    if size and not (policy.min() >= 0 and np.allclose(policy.sum(1), 1, atol=1e-3)):
        raise ValueError("positions: a policy must be at least 0 and sum to 1")
    sizes = (getattr(positions, name).shape[1] for name in _TABLES)
    records = np.zeros(size, record_dtype(*sizes))
    for name, array in positions._asdict().items():
        if name not in ("policy", "owners"):
            records[name] = array
    records["policy"] = np.rint(policy.clip(0, 1) * _ONE)
    records["owners"] = np.rint(positions.owners.clip(-1, 1) * _OWNED)
    return records


def decode(records: Records) -> Positions:
    """Return stored positions as a network learns from them; policies sum to 1."""
    policy = records["policy"].astype(np.float32)
    policy /= policy.sum(1, keepdims=True)
    return Positions(
        states=np.ascontiguousarray(records["states"]),
        policy=policy,
        outcome=records["outcome"].astype(np.float32),
        value=records["value"].astype(np.float32),
        draw=records["draw"].astype(np.float32),
        full=records["full"].copy(),
        ply=records["ply"].copy(),
        game=records["game"].copy(),
        owners=np.asarray(records["owners"] / _OWNED, np.float32),
        lead=records["lead"].copy(),
    )


def write_shard(run: Path, index: int, positions: Positions) -> ShardInfo:
    """Write positions as shard `index` of a run, atomically; equal positions give equal bytes.

    Raises:
        StorageError: it could not be written.
        ValueError: there are no positions, or they do not fit together.
    """
    records = encode(positions)
    if not len(records):
        raise ValueError(f"shard {index} would be empty")
    columns = {name: records[name] for name in records.dtype.names or ()}
    name = f"{index:06d}.npz"
    packed = {
        **columns,
        "full": np.packbits(columns["full"]),
        "format": np.array(FORMAT, np.uint16),
    }
    return ShardInfo(name, save_arrays(run / SHARDS / name, packed), len(records))


def read_shard(run: Path, shard: ShardInfo, dtype: np.dtype[Any]) -> Records:
    """Return the records `[N]` of a shard.

    Args:
        run: the run's folder.
        shard: its entry in the list.
        dtype: the `record_dtype` that it must have.

    Raises:
        DamagedFileError: it is not what was written, or of another game.
    """
    path = run / SHARDS / shard.name
    columns = load_arrays(path, shard.sha256, max_bytes=shard.count * dtype.itemsize)
    records = np.zeros(shard.count, dtype)
    try:
        _check_format(path, columns, dtype)
        for name in dtype.names or ():
            if name not in columns and name in ("owners", "lead"):
                continue  # of format 1, where none are wanted
            column = columns[name]
            if name == "full":
                column = np.unpackbits(column, count=shard.count).astype(np.bool_)
            if column.dtype != records[name].dtype or column.shape != records[name].shape:
                raise DamagedFileError(
                    path,
                    f"{name} is {column.dtype} {column.shape}, expected {records[name].dtype} "
                    f"{records[name].shape}; is it a shard of another game?",
                )
            records[name] = column
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(path, f"it is not a shard ({error!r})") from error
    return records


def _check_format(path: Path, columns: Mapping[str, Any], dtype: np.dtype[Any]) -> None:
    """Check that this version reads the shard, and that it has what is learned from it."""
    found = int(columns.get("format", 1))
    if not 1 <= found <= FORMAT:
        raise DamagedFileError(path, f"its format is {found}, this tesuji reads 1 to {FORMAT}")
    if found == 1 and dtype["owners"].shape != (0,):
        raise DamagedFileError(
            path, "it is of format 1, without owners of cells; learn no ownership or start anew"
        )


def save_shard_list(run: Path, shards: Sequence[ShardInfo]) -> None:
    """Write the run's list of shards, atomically."""
    atomic_write(run / MANIFEST, dump_json({"shards": [asdict(shard) for shard in shards]}))


def load_shard_list(run: Path) -> list[ShardInfo]:
    """Return the run's list of shards; empty where there is none yet.

    Raises:
        DamagedFileError: the list is not what was written; see `recover_shard_list`.
    """
    path = run / MANIFEST
    with explained("read", path):
        if not path.exists():
            return []
    content = load_json(path)
    try:
        return [ShardInfo(**entry) for entry in content["shards"]]
    except (KeyError, TypeError) as error:
        raise DamagedFileError(path, f"it is not a list of shards ({error!r})") from error


def recover_shard_list(run: Path) -> list[ShardInfo]:
    """Set a damaged list aside and return a new one of the shards that read soundly.

    Their hashes are lost with the list, so that each is judged by its own checksums (CRC-32).
    """
    aside = quarantine(run / MANIFEST)
    _logger.warning("%s is damaged: set aside as %s and made anew", run / MANIFEST, aside.name)
    shards = []
    for path in sorted((run / SHARDS).glob("*.npz")):
        try:
            digest = sha256(read_checked(path))
            shards.append(ShardInfo(path.name, digest, len(load_arrays(path, digest)["states"])))
        except (DamagedFileError, KeyError) as error:
            _logger.warning("shard %s; set aside as %s", error, quarantine(path).name)
    save_shard_list(run, shards)
    return shards
