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

from tesuji.domains.logistics.pddl.numeric import make_row
from tesuji.domains.logistics.pddl.parser import load_task
from tesuji.domains.logistics.pddl.successors import copy_row, make_steps
from tesuji.engine.planning import ground
from tesuji.search.planning.nodes import find_row, find_slot, generate, make_nodes, make_successors
from tesuji.search.tree import kernel

_BYTES = 2 << 30


@kernel
def breadth_first(steps, nodes, successors, begin, limit):  # type: ignore[no-untyped-def]
    """Expand up to `limit` nodes from the `begin[0]`-th on; return how many were generated.

    `begin` holds the next node to expand and how many there are.
    """
    generated = 0
    count = begin[1]
    for node in range(begin[0], begin[0] + limit):
        if node == count or count + len(successors.bits) > len(nodes.state):
            break
        begin[0] += 1
        found = generate(steps, nodes.state[node], nodes.slot, nodes.state, successors)
        generated += found
        for i in range(found):
            state = successors.state[i]
            slot = find_row(nodes.slot, nodes.state, state, successors.bits[i])
            if not nodes.slot[slot]:
                copy_row(state, nodes.state[count])
                count += 1
                nodes.slot[slot] = count
    begin[1] = count
    return generated


def own_rate(domain: Path, problem: Path, seconds: float) -> float:
    """Return states generated in a second of CPU time."""
    variables = ground(load_task(domain, problem)).variables
    steps = make_steps(variables)
    init = make_row(variables.init, variables.numeric.init)
    successors = make_successors(steps, len(init), init.dtype)
    count = 1 << (_BYTES // (2 * len(init) + 56)).bit_length() - 1  # slots: a power of 2
    nodes = make_nodes(count, len(init), 0, init.dtype)
    begin = np.array([0, 1])
    nodes.state[0] = init
    nodes.slot[find_slot(nodes, init)] = 1
    breadth_first(steps, nodes, successors, begin, 1)
    began, generated = time.process_time(), 0
    while time.process_time() - began < seconds:
        more = breadth_first(steps, nodes, successors, begin, 1000)
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
