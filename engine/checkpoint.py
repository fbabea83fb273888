"""Checkpoints: a trained network and all that resuming needs, each file hashed.

    checkpoints/000012/
        checkpoint.json        game, network, step, and the SHA-256 of every file and of itself
        model.safetensors      the weights that play
        training.safetensors   optimizer, averages, random state: only to resume

A run's checkpoints are numbered folders; the newest sound one counts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tesuji.engine.storage import (
    DamagedFileError,
    StorageError,
    atomic_folder,
    dump_json,
    explained,
    load_json,
    quarantine,
    read_checked,
    remove_folder,
    sha256,
)

Tensors = dict[str, npt.NDArray[Any]]

FORMAT = 1
MANIFEST = "checkpoint.json"
MODEL = "model.safetensors"
TRAINING = "training.safetensors"
CHECKPOINTS = "checkpoints"

_logger = logging.getLogger(__name__)


class NoCheckpointError(StorageError):
    """There is no checkpoint, not even a damaged one."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network at one moment of its training.

    Attributes:
        game: registered name of the domain.
        game_params: what else `make(game, ...)` was given.
        net: configuration of the network.
        step: optimizer steps so far.
        metadata: whatever else is worth knowing, as plain JSON values.
        tensors: the weights that play, by name.
        training: what only resuming needs, by name.
        warnings: damaged checkpoints that were passed over to get this one, a line each.
    """

    game: str
    net: Mapping[str, Any]
    step: int
    tensors: Tensors
    game_params: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    training: Tensors = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def checkpoint_path(run: Path, number: int) -> Path:
    """Return the folder of a run's checkpoint `number`."""
    return run / CHECKPOINTS / f"{number:06d}"


def list_checkpoints(run: Path) -> list[Path]:
    """Return a run's checkpoint folders, oldest first, without those set aside."""
    folder = run / CHECKPOINTS
    with explained("read", folder):
        found = [path for path in folder.iterdir()] if folder.is_dir() else []
    return sorted((path for path in found if path.name.isdecimal()), key=lambda p: int(p.name))


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint as `folder`, atomically; the same checkpoint gives the same bytes.

    Raises:
        StorageError: it could not be written; nothing is left behind.
        TypeError: `net`, `game_params` or `metadata` hold more than plain JSON values.
    """
    files = {MODEL: _pack(checkpoint.tensors)}
    if checkpoint.training:
        files[TRAINING] = _pack(checkpoint.training)
    manifest = {
        "format": FORMAT,
        "game": checkpoint.game,
        "game_params": dict(checkpoint.game_params),
        "net": dict(checkpoint.net),
        "step": checkpoint.step,
        "metadata": dict(checkpoint.metadata),
        "files": {name: {"sha256": sha256(c), "size": len(c)} for name, c in files.items()},
    }
    atomic_folder(folder, {**files, MANIFEST: dump_json(manifest)})


def load_checkpoint(
    path: Path, *, game: str | None = None, training: bool = True, set_aside: bool = False
) -> Checkpoint:
    """Return a checkpoint that is byte for byte what was written.

    Args:
        path: a checkpoint's folder, a file in it, or a run's folder (its newest sound one).
        game: the game that it must be for.
        training: whether to read what only resuming needs.
        set_aside: whether to rename a run's damaged checkpoints to `NAME.damaged-N`.

    Raises:
        DamagedFileError: the checkpoint, or every one of the run, is damaged.
        NoCheckpointError: there is none.
        StorageError: it is for another game, or a newer tesuji wrote it.
    """
    with explained("read", path):
        folder = path.parent if path.is_file() else path
        if (folder / MANIFEST).is_file():
            return _load(folder, game, training)
        if path.is_file():
            raise StorageError(
                f"{path} is not a checkpoint of tesuji: there is no {MANIFEST} beside it"
            )
        if not list_checkpoints(folder):
            found = "has no checkpoint yet" if folder.is_dir() else "does not exist"
            raise NoCheckpointError(f"{path} {found}; give the folder of a run or of a checkpoint")
    return _load_newest(folder, game, training, set_aside)


def _load_newest(run: Path, game: str | None, training: bool, set_aside: bool) -> Checkpoint:
    warnings: list[str] = []
    for folder in reversed(list_checkpoints(run)):
        try:
            checkpoint = _load(folder, game, training)
        except DamagedFileError as error:
            aside = f"; set aside as {quarantine(folder).name}" if set_aside else ""
            warnings.append(f"checkpoint {error}{aside}")
            continue
        for line in warnings:
            _logger.warning("%s; going on from %s", line, folder.name)
        return replace(checkpoint, warnings=tuple(warnings))
    raise DamagedFileError(run, f"it has no sound checkpoint ({'; '.join(warnings)})")


def prune_checkpoints(run: Path, keep_last: int = 3, milestone: int = 10) -> list[Path]:
    """Remove all but the newest checkpoints and those whose number `milestone` divides.

    Args:
        run: the run's folder.
        keep_last: how many of the newest stay; two or more survive a damaged one.
        milestone: 0 keeps no milestones.

    Returns:
        The folders that are gone.
    """
    if keep_last < 1:
        raise ValueError(f"keep_last must be at least 1, got {keep_last}")
    older = list_checkpoints(run)[:-keep_last]
    doomed = [path for path in older if not milestone or int(path.name) % milestone]
    for path in doomed:
        remove_folder(path)
    return doomed


def _load(folder: Path, game: str | None, training: bool) -> Checkpoint:
    path = folder / MANIFEST
    manifest = load_json(path)
    if manifest.get("format") != FORMAT:
        raise StorageError(
            f"{folder} has checkpoint format {manifest.get('format')}, this tesuji reads {FORMAT}; "
            "use the version that wrote it"
        )
    try:
        found = str(manifest["game"])
        if game is not None and found != game:
            raise StorageError(f"checkpoint {folder} is for {found}, not for {game}")
        files = {str(name): entry for name, entry in manifest["files"].items()}
        wanted = [TRAINING] if training and TRAINING in files else []
        tensors, *rest = _read_files(folder, files, [MODEL, *wanted])
        return Checkpoint(
            game=found,
            game_params=dict(manifest["game_params"]),
            net=dict(manifest["net"]),
            step=int(manifest["step"]),
            metadata=dict(manifest["metadata"]),
            tensors=tensors,
            training=rest[0] if rest else {},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(path, f"it is not a checkpoint's manifest ({error!r})") from error


def _read_files(folder: Path, files: Mapping[str, Any], names: list[str]) -> Iterator[Tensors]:
    """Yield the tensors of each named file, checked against its entry in the manifest."""
    for name in names:
        entry = files[name]
        yield _unpack(
            folder / name, read_checked(folder / name, entry["sha256"], size=entry["size"])
        )


def _pack(tensors: Tensors) -> bytes:
    return save({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()})


def _unpack(path: Path, content: bytes) -> Tensors:
    try:
        # Copies, because the loaded arrays are read-only views and torch warns of those.
        return {name: tensor.copy() for name, tensor in load(content).items()}
    except (SafetensorError, KeyError) as error:
        raise DamagedFileError(path, f"it is no safetensors file of numbers ({error})") from error
