"""Theorems: how many are proved, what the check costs, and whether E proves the instances again.

    python benchmarks/theorems.py FOLDER [--time 2] [--every 10] [--provers ours z3 together]
        [--json FILE]

All `.p` files below the folder, or every so manyth. Every proof is written, read back and verified
against the file; where Debian's `eprover` is installed, it refutes the ground instances again.
A folder whose name says nontheorems has no theorems, so that a proof there is wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tesuji.domains.proving.clausify import TooLargeError
from tesuji.engine.theorem_export import ground_instances, tptp_cnf
from tesuji.engine.theorem_proof import save_proof
from tesuji.engine.theorem_verification import verify_theorem_file
from tesuji.engine.theorems import REFUTED, SOLVED, Prover, TheoremAnswer, TheoremBudget, prove_file

_E_SECONDS = 20


def main() -> None:
    """Print a row for each prover, and write all as JSON if asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--time", type=float, default=2.0, help="CPU-seconds a problem")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--provers", nargs="+", default=["ours", "z3", "together"])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.rglob("*.p"))[:: arguments.every]
    rows = {}
    for prover in arguments.provers:
        rows[prover] = measure(paths, arguments.time, prover)
        print(f"{prover}: {json.dumps(rows[prover]['all'])}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def measure(paths: list[Path], seconds: float, prover: Prover) -> dict[str, Any]:
    """Return the counts of one prover, and the status and time of each problem."""
    problems: dict[str, tuple[str, float]] = {}
    times, checks, refuted, wrong, again, written = [], [], 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            answer = prove_file(path, TheoremBudget(seconds, memory_mb=2000.0), prover=prover)
            problems[path.name] = answer.status, round(answer.seconds, 4)
            refuted += answer.status in REFUTED
            wrong += answer.status in SOLVED and "nontheorems" in str(path)
            if answer.status in SOLVED:
                times.append(answer.seconds)
                checks.append(check(path, answer, Path(folder)))
                proved = e_refutes(answer, Path(folder))
                again, written = again + (proved is True), written + (proved is not None)
            sys.stderr.write(f"\r{len(problems)}/{len(paths)}, {len(times)} proved  ")
    return {
        "all": {
            "problems": len(paths), "proved": len(times), "refuted": refuted, "wrong": wrong,
            "verified": len(checks), "given to E": written, "proved by E": again,
            "median": round(median(times), 4) if times else None,
            "check": round(sum(checks) / sum(times), 4) if times else None,
            "largest check": round(max(checks, default=0.0), 4),
        },
        "problems": problems,
    }  # fmt: skip


def check(path: Path, answer: TheoremAnswer, folder: Path) -> float:
    """Return the CPU-seconds that a written proof's check against its problem takes."""
    save_proof(folder / "proof.json", answer.proof)
    began = time.process_time()
    verify_theorem_file(folder / "proof.json", path)
    return time.process_time() - began


def e_refutes(answer: TheoremAnswer, folder: Path) -> bool | None:
    """Return whether E refutes the ground instances; None where it is not there."""
    eprover = shutil.which("eprover")
    if eprover is None or answer.problem is None or answer.clauses is None:
        return None
    ground = ground_instances(answer.problem, answer.clauses, answer.instances)
    try:
        (folder / "ground.p").write_text(tptp_cnf(ground))
    except TooLargeError:
        return None
    command = [eprover, "--auto", "-s", f"--cpu-limit={_E_SECONDS}", str(folder / "ground.p")]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return "SZS status Unsatisfiable" in told


if __name__ == "__main__":
    main()
