"""How many theorems the tableau search closes in so many inferences, with and without SAT help.

    python benchmarks/equal_inferences.py FOLDER --inferences 20000 --every 4

Restricted backtracking from the conjecture, as the first search of the schedule. Every proof is
checked by the verifier. A JSON line a search.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from tesuji.domains.proving.clausify import TooLargeError, clausify
from tesuji.domains.proving.grounding import banked_instances
from tesuji.domains.proving.instances import instances_of
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.tptp import read_problem
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.search.proving.deepening import Deepening


def measure(paths: Sequence[Path], inferences: int, sat_help: bool) -> dict[str, object]:
    """Return what was proved, and in how many processor's seconds of search."""
    proved, by_sat, made, seconds, unread = 0, 0, 0, 0.0, 0
    for path in paths:
        try:
            problem = read_problem(path)
            clauses = clausify(problem)
        except (ValueError, TooLargeError):
            unread += 1
            continue
        named = make_matrix(clauses)
        began = time.process_time()
        search = Deepening(named.matrix, sat_help=sat_help)
        found = search.run(inferences)
        seconds += time.process_time() - began
        made += search.inferences
        if found is None or not (found.copies or found.core):
            continue
        instances = (
            instances_of(named, search.tableau, found.copies)
            if found.copies
            else banked_instances(named, search.bank, list(found.core))
        )
        verify_theorem(theorem_proof(problem, clauses, instances))
        proved += 1
        by_sat += bool(found.core)
    return {
        "sat_help": sat_help,
        "problems": len(paths),
        "unread": unread,
        "proved": proved,
        "by_sat": by_sat,
        "inferences": made,
        "cpu_seconds": round(seconds, 2),
    }


def main(words: Sequence[str] | None = None) -> None:
    """Measure both searches on one folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inferences", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=1, help="take every so manieth problem")
    options = parser.parse_args(words)
    paths = sorted(options.folder.rglob("*.p"))[:: options.every]
    for sat_help in (False, True):
        measure(paths[:1], 100, sat_help)  # kernels are loaded
        print(json.dumps(measure(paths, options.inferences, sat_help)), flush=True)


if __name__ == "__main__":
    main()
