"""A folder of TPTP problems: what is proved of each, and the table of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tesuji.engine.theorems import REFUTED, SOLVED, Prover, TheoremBudget, prove_file

Row = dict[str, Any]
MEMORY_MB = 2000.0


def prove_instance(path: Path, seconds: float, prover: Prover) -> Row:
    """Prove one problem within `seconds` of processor time; return its row.

    Raises:
        ValueError: the file is malformed.
        OSError: it cannot be read.
        KeyboardInterrupt: it was stopped.
    """
    answer = prove_file(path, TheoremBudget(seconds, memory_mb=MEMORY_MB), prover=prover)
    if answer.reason == "stopped":
        raise KeyboardInterrupt
    return {
        "status": answer.status, "prover": answer.prover, "inferences": answer.inferences,
        "instances": len(answer.instances), "cpu_seconds": round(answer.seconds, 4),
        "check_seconds": round(answer.check_seconds, 4),
    }  # fmt: skip


def summary(rows: Mapping[str, Row]) -> list[Row]:
    """Return a line for each folder of problems, and one for all.

    `median` is of the processor seconds of what was proved, and `check` the part of them that the
    verifier took beside. A proof counts as checked, because no other is returned.
    """
    families: dict[str, list[Row]] = {}
    for name, row in rows.items():
        families.setdefault(name.rsplit("/", 1)[0], []).append(row)
    lines = []
    for family, own in [*families.items(), ("all", list(rows.values()))]:
        proved = [row for row in own if row["status"] in SOLVED]
        seconds = [row["cpu_seconds"] for row in proved]
        checks = sum(row["check_seconds"] for row in proved)
        lines.append({
            "family": family, "problems": len(own), "proved": len(proved),
            "share": f"{len(proved) / max(1, len(own)):.1%}",
            "refuted": sum(row["status"] in REFUTED for row in own),
            "errors": sum(row["status"] == "error" for row in own),
            "checked": sum(row["instances"] > 0 for row in proved),
            "median s": round(median(seconds), 3) if proved else None,
            "check": f"{checks / sum(seconds):.1%}" if sum(seconds) else None,
        })  # fmt: skip
    return lines
