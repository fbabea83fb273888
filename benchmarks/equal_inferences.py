"""How many theorems the tableau search proves in so many inferences: learned or not, with SAT help.

    python benchmarks/equal_inferences.py FOLDER --inferences 20000 --every 4
    python benchmarks/equal_inferences.py FOLDER --agent RUN

Unguided is restricted backtracking from the conjecture, the first search of the schedule; with a
run's policy it is the guided search, over the problems that the run only searched. Every proof
is checked by the verifier. A JSON line a search.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from tesuji.domains.proving.banked import banked_instances
from tesuji.domains.proving.clausify import TooLargeError, clausify
from tesuji.domains.proving.instances import instances_of
from tesuji.domains.proving.matrix import NamedMatrix, make_matrix
from tesuji.domains.proving.tptp import read_problem
from tesuji.engine.theorem_config import TheoremLearningConfig
from tesuji.engine.theorem_policy import connection_net_of, load_prover, policy_for
from tesuji.engine.theorem_problems import is_held_back
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.nets.connection import ConnectionNet
from tesuji.search.proving.deepening import Deepening
from tesuji.search.proving.guided import Guided

HELD_BACK = TheoremLearningConfig().held_back


def _search(named: NamedMatrix, net: ConnectionNet | None, sat_help: bool) -> Deepening | Guided:
    if net is None:
        return Deepening(named.matrix, sat_help=sat_help)
    return Guided(named.matrix, policy_for(net, named), sat_help=sat_help)


def measure(
    paths: Sequence[Path], inferences: int, sat_help: bool, net: ConnectionNet | None = None
) -> dict[str, object]:
    """Return what was proved, and in how many processor's seconds of search.

    Those of a guided search hold what the network makes of a problem's actions.
    """
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
        search = _search(named, net, sat_help)
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
        "learned": net is not None,
        "sat_help": sat_help,
        "problems": len(paths),
        "unread": unread,
        "proved": proved,
        "by_sat": by_sat,
        "inferences": made,
        "cpu_seconds": round(seconds, 2),
    }


def main(words: Sequence[str] | None = None) -> None:
    """Measure all searches on one folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--agent", help="the folder of a run of proving")
    parser.add_argument("--held-back", type=int, default=HELD_BACK, help="percent, as in the run")
    parser.add_argument("--inferences", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=1, help="take every so manieth problem")
    options = parser.parse_args(words)
    paths = sorted(options.folder.rglob("*.p"))
    nets: list[ConnectionNet | None] = [None]
    if options.agent:
        paths = [path for path in paths if is_held_back(path.name, options.held_back)]
        nets.append(connection_net_of(load_prover(options.agent)))
    paths = paths[:: options.every]
    for net in nets:
        for sat_help in (False, True):
            measure(paths[:1], 100, sat_help, net)  # kernels are loaded
            row = measure(paths, options.inferences, sat_help, net)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
