"""Theorems of a Metamath database, proved anew: with and without guidance, checked by `metamath`.

    python benchmarks/metamath.py set_logic.mm --time 2 --every 2

Each theorem is proved from what is before it, and guidance learns from proofs before it alone. All
proofs are put into a copy of the database, which our verifier and, where it is installed,
`metamath` check from the text.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from tesuji.engine.metamath import MetamathAnswer, MetamathProver
from tesuji.engine.metamath_verification import check_metamath, compare
from tesuji.engine.theorems import TheoremBudget

_WITHIN = (2000, 20_000, 200_000)  # inferences


def refused_by_metamath(database: Path) -> set[str] | None:
    """Return the theorems whose proofs `metamath` refuses; None where it is not installed."""
    if shutil.which("metamath") is None:
        return None
    command = ["metamath", f'read "{database}"', "verify proof *", "exit"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    refused = set(re.findall(r'label\s+"([^"]+)"', said))
    if "?Error" in said and not refused:
        raise SystemExit(f"metamath: {said[-500:]}")
    return refused


def choose(prover: MetamathProver, options: argparse.Namespace) -> list[str]:
    """Return the theorems to prove."""
    names = prover.library.theorems()
    if options.theorems == "open":
        gaps = set(prover.open_theorems())
        names = [name for name in names if name in gaps]
    return names[:: options.every]


def measure(path: Path, options: argparse.Namespace, guided: bool) -> dict[str, Any]:
    """Prove the theorems; return the figures."""
    began = time.process_time()
    prover = MetamathProver(path, options.until, guided, options.seed)
    read = time.process_time() - began
    names = choose(prover, options)
    budget = TheoremBudget(options.time, options.inferences)
    answers: list[MetamathAnswer] = []
    search = "guided" if guided else "unguided"
    for number, name in enumerate(names, 1):
        answers.append(prover.prove(name, budget))
        proved = sum(bool(each.proof) for each in answers)
        sys.stderr.write(
            f"\r{'guided' if guided else 'unguided'} {number}/{len(names)}: {proved}  "
        )
    sys.stderr.write("\n")
    proofs = {each.label: each.proof for each in answers if each.proof}
    with tempfile.TemporaryDirectory() as folder:
        proved_file = Path(folder) / "proved.mm"
        proved_file.write_text(prover.library.database.with_proofs(proofs))
        checked = check_metamath(proved_file)
        compare(checked, check_metamath(path))
        refused = refused_by_metamath(proved_file)
    found = [each for each in answers if each.proof]
    return {
        "search": search, "theorems": len(names), "proved": len(found),
        "share": round(len(found) / max(1, len(names)), 3),
        "by_policy": sum("policy" in each.prover for each in found),
        "verified": len(proofs.keys() & set(checked.proven)),
        "metamath": None if refused is None else len(proofs.keys() - refused),
        "median_seconds": round(median([each.seconds for each in found] or [0.0]), 4),
        "median_inferences": median([each.inferences for each in found] or [0]),
        "within": {most: sum(each.inferences <= most for each in found) for most in _WITHIN},
        "seconds": round(sum(each.seconds for each in answers), 1), "read_seconds": round(read, 2),
        "learning_seconds": round(prover.teacher.seconds, 1) if prover.teacher else 0.0,
        "unproved": [each.label for each in answers if not each.proof],
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--time", type=float, default=2.0, help="CPU seconds a theorem")
    parser.add_argument("--inferences", type=int, help="at most, a theorem")
    parser.add_argument("--theorems", choices=("open", "all"), default="open")
    parser.add_argument("--until", help="a label after which nothing is read")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--searches", nargs="+", choices=("unguided", "guided"), default=["unguided", "guided"]
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measure(options.database, options, each == "guided") for each in options.searches]
    for row in rows:
        print(json.dumps(row))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
