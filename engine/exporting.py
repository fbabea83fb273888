"""Export of a trained network to a file for another runtime, checked against torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tesuji.domains.registry import make
from tesuji.engine.checkpoint import load_checkpoint, save_checkpoint
from tesuji.engine.config import SAVED
from tesuji.engine.metrics import METRICS
from tesuji.engine.storage import atomic_write
from tesuji.engine.trained import load_network, random_observations

Format = Literal["net", "onnx", "onnx-int8", "openvino"]

_CALIBRATION = 512  # positions of random games


@dataclass(frozen=True)
class ExportedNet:
    """A network in another runtime's format.

    Attributes:
        game: the game it plays.
        step: the training step it is of.
        difference: the largest difference from torch on positions of random games.
        files: contents by suffix.
    """

    game: str
    step: int
    difference: float
    files: Mapping[str, bytes]

    def write(self, path: Path) -> list[Path]:
        """Write the files as `path` with their suffixes and return their paths."""
        paths = [path.with_suffix(suffix) for suffix in self.files]
        for target, content in zip(paths, self.files.values(), strict=True):
            atomic_write(target, content)
        return paths


def export_net(source: Path, to: Format) -> ExportedNet:
    """Return the network of the run or checkpoint `source` in the format `to`.

    Raises:
        ParityError: the exported network differs from its source; int8 may.
    """
    from tesuji.nets.evaluators import make_evaluator  # noqa: PLC0415
    from tesuji.nets.export import check_parity, export_onnx  # noqa: PLC0415

    checkpoint = load_checkpoint(source, training=False)
    domain = make(checkpoint.game, **checkpoint.game_params)
    network = load_network(checkpoint, domain)
    observations = random_observations(domain, _CALIBRATION)
    exported = export_onnx(network, domain.spec)
    if to == "onnx-int8":
        from tesuji.nets.quantize import quantize_onnx  # noqa: PLC0415

        exported = quantize_onnx(exported, observations)
    backend = "openvino" if to == "openvino" else "onnx"
    difference = check_parity(
        make_evaluator("torch", network, domain.spec),
        make_evaluator(backend, exported, domain.spec),
        observations,
        math.inf if to == "onnx-int8" else 1e-3,
    )
    files = {".onnx": exported}
    if to == "openvino":
        from tesuji.nets.openvino_evaluator import openvino_files  # noqa: PLC0415

        files = openvino_files(exported)
    return ExportedNet(checkpoint.game, checkpoint.step, difference, files)


def export_checkpoint(source: Path, folder: Path) -> list[Path]:
    """Write the network of a run or checkpoint as a checkpoint of its own, to give away or to ship.

    What only resuming needs stays behind; a run's configuration and metrics come along.

    Raises:
        StorageError: the folder cannot be written, or is there already.
    """
    checkpoint = load_checkpoint(source, training=False)
    metadata = {k: v for k, v in checkpoint.metadata.items() if k != "lanes"}
    save_checkpoint(folder, replace(checkpoint, training={}, metadata=metadata, warnings=()))
    for name in (SAVED, METRICS):
        if (source / name).is_file():
            atomic_write(folder / name, (source / name).read_bytes())
    return sorted(folder.iterdir())
