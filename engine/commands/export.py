"""`tesuji export`: a net for other runtimes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tesuji.engine.commands.base import Answer, Common, File, Run

EXAMPLES = """
Examples:
  tesuji export runs/a                           writes connect_four.onnx
  tesuji export runs/a --to onnx-int8 --out net.onnx
  tesuji export runs/a --to openvino             writes connect_four.xml and .bin
  tesuji export runs/a --to net --out best       writes the folder best, to play or give away
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Write a net for ONNX Runtime or OpenVINO, and check that it says what the net says.

    Attributes:
        run: a run (its newest checkpoint) or a checkpoint.
        to: the format; net is the checkpoint without what only training needs, onnx-int8 is
            smaller and faster on some CPUs, and slightly different.
        out: the file to write, or the folder for net; the game's name by default.
    """

    run: Run
    to: Literal["net", "onnx", "onnx-int8", "openvino"] = "onnx"
    out: File = None


def run(arguments: Arguments) -> Answer:
    """Export, compare with torch, then write."""
    from tesuji.engine.checkpoint import load_checkpoint
    from tesuji.engine.exporting import export_checkpoint, export_net

    if arguments.to == "net":
        folder = arguments.out or Path(load_checkpoint(arguments.run, training=False).game)
        written = export_checkpoint(arguments.run, folder)
        return Answer("\n".join(map(str, written)), {"to": "net", "files": list(map(str, written))})
    suffix = ".xml" if arguments.to == "openvino" else ".onnx"
    exported = export_net(arguments.run, arguments.to)
    path = arguments.out or Path(exported.game + suffix)
    files = exported.write(path.with_suffix(suffix))
    facts = {
        "game": exported.game,
        "step": exported.step,
        "to": arguments.to,
        "files": [str(file) for file in files],
        "difference": exported.difference,
    }
    text = "\n".join(map(str, files))
    return Answer(f"{text}\nlargest difference from the net: {exported.difference:.2g}", facts)
