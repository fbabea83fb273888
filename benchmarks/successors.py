"""States generated in a second by blind breadth-first search, against Fast Downward's.

    python benchmarks/successors.py DOMAIN.pddl PROBLEM.pddl [--rounds 3] [--json FILE]

Both generate successors, look each up among the states seen and keep the new ones, on one core in
CPU time, one after the other in each round; the median of the rounds counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import fast_downward
import numpy as np
from numba import njit

from tesuji.domains.logistics.pddl.numeric import make_row
from tesuji.domains.logistics.pddl.parser import load_task
from tesuji.domains.logistics.pddl.successors import applicable, apply, make_steps
from tesuji.engine.planning import ground
from tesuji.search.planning.best_first import make_scratch
from tesuji.search.planning.nodes import find_slot, make_nodes

_BYTES = 2 << 30


@njit(cache=True, nogil=True)
def breadth_first(steps, nodes, scratch, begin, limit):  # type: ignore[no-untyped-def]
    """Expand up to `limit` nodes from the `begin[0]`-th on; return how many were generated.

    `begin` holds the next node to expand and how many there are.
    """
    generated = 0
    for _ in range(limit):
        node = begin[0]
        if node == begin[1] or begin[1] + len(scratch.applicable) > len(nodes.state):
            break
        begin[0] += 1
        found = applicable(steps, nodes.state[node], scratch.applicable, scratch.stack)
        generated += found
        for i in range(found):
            apply(steps, scratch.applicable[i], nodes.state[node], scratch.state)
            slot = find_slot(nodes, scratch.state)
            if not nodes.slot[slot]:
                nodes.state[begin[1]] = scratch.state
                begin[1] += 1
                nodes.slot[slot] = begin[1]
    return generated


def own_rate(domain: Path, problem: Path, seconds: float) -> float:
    """Return states generated in a second of CPU time."""
    variables = ground(load_task(domain, problem)).variables
    steps = make_steps(variables)
    init = make_row(variables.init, variables.numeric.init)
    scratch = make_scratch(len(init), len(variables.cost), len(steps.switches.own))
    count = 1 << (_BYTES // (2 * len(init) + 56)).bit_length() - 1  # slots: a power of 2
    nodes = make_nodes(count, len(init), 0, init.dtype)
    begin = np.array([0, 1])
    nodes.state[0] = init
    nodes.slot[find_slot(nodes, init)] = 1
    breadth_first(steps, nodes, scratch, begin, 1)
    began, generated = time.process_time(), 0
    while time.process_time() - began < seconds:
        more = breadth_first(steps, nodes, scratch, begin, 1000)
        if not more:
            break
        generated += more
    return generated / (time.process_time() - began)


def main() -> None:
    """Measure both in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("domain", type=Path)
    parser.add_argument("problem", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {"tesuji": [], "Fast Downward": []}
    for _ in range(options.rounds):
        rates["tesuji"].append(own_rate(options.domain, options.problem, options.seconds))
        generated, spent = fast_downward.generated_per_second(
            options.domain, options.problem, options.seconds
        )
        rates["Fast Downward"].append(generated / spent)
    facts: dict[str, Any] = {name: statistics.median(of) for name, of in rates.items()}
    print(json.dumps(facts))
    if options.json is not None:
        options.json.write_text(json.dumps({**facts, "rounds": rates}, indent=1) + "\n")


if __name__ == "__main__":
    main()
