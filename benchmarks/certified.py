"""Certified play on TSPTW and CVRPTW, beside the same search alone.

    python benchmarks/certified.py [--customers 20 50 100] [--tasks 6] [--simulations 10]
        [--kinds TSPTW CVRPTW] [--evaluator uniform|net] [--json FILE]

Random tasks around planted routes. "Plain" plays the search under the compiled mask and no more;
"certified" plays it under a shield. Each certified move comes with a plan to the end, and a checker
that knows only the task's numbers, and shares no code with rules, model and search, drives it.
Dead ends are moves that the constraints allow and the shield proves hopeless, or cannot settle;
"from cache" are those refuted by the relaxation, a nogood or prices of an earlier proof; "without
z3" counts new proofs by prices ("bound"), too.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "docs" / "examples"))

from delivery import delivery_model  # type: ignore[import-not-found]

from tesuji.domains.base import Domain
from tesuji.domains.logistics.delivery import delivery
from tesuji.domains.logistics.delivery_task import DeliveryTask, random_task
from tesuji.search.base import Budget, Evaluator, UniformEvaluator
from tesuji.search.search import Search
from tesuji.search.symbolic.certified import CertifiedPlayer
from tesuji.search.symbolic.constrained import constrain
from tesuji.search.symbolic.cores import Verdict
from tesuji.search.symbolic.sequencing import Sequencing
from tesuji.search.symbolic.shield import Shield

KINDS = ("TSPTW", "CVRPTW")
VEHICLES_A_CUSTOMER = 0.1  # of the routing tasks


@dataclass
class Tally:
    """What play on the tasks of one kind came to."""

    kind: str
    customers: int
    tasks: int = 0
    plain: int = 0  # complete
    certified: int = 0
    moves: int = 0
    chosen: int = 0  # moves of the search's own choice
    certificates_refused: int = 0  # by the independent checker
    cpu_seconds: float = 0.0
    solver_seconds: float = 0.0
    refuted: dict[str, int] = field(default_factory=dict)  # dead ends by what refuted them
    unsettled: int = 0


def drives(task: DeliveryTask, plan: list[int]) -> bool:
    """Return whether `plan`, from the very first move, serves everybody as the task wants."""
    at = time_now = load = used = 0
    served: set[int] = set()
    for place in plan:
        arrival = time_now + int(task.travel[at][place])
        if place == 0:
            if at == 0 or arrival > task.due[0]:
                return False
            at = time_now = load = 0
            continue
        used += at == 0
        load += int(task.demand[place])
        if place in served or arrival > task.due[place]:
            return False
        if load > task.capacity or used > task.vehicles:
            return False
        served.add(place)
        time_now = max(arrival, int(task.ready[place])) + int(task.service[place])
        at = place
    return at == 0 and served == set(range(1, len(task.demand)))


def plays_plainly(search: Search, domain: Domain, task: DeliveryTask, budget: Budget) -> bool:
    """Return whether the search alone comes to the end."""
    state, discount, moves = domain.reset(), 1.0, []
    while discount:
        [result] = search.run([state], budget)
        if result.action < 0:
            return False
        moves.append(result.action)
        state, _, discount = domain.step(state, result.action)
    return drives(task, moves)


def play(tally: Tally, task: DeliveryTask, evaluator: Evaluator, budget: Budget) -> None:
    """Play one task both ways."""
    domain, model = delivery(task), delivery_model(task)
    constrained = constrain(domain, model)
    shield = Shield(model, Sequencing(task))
    player = CertifiedPlayer(Search(constrained, evaluator), shield)
    tally.tasks += 1
    tally.plain += plays_plainly(Search(constrained, evaluator), constrained, task, budget)
    state, discount, moves = domain.reset(), 1.0, []
    began = time.process_time()
    checking = 0.0
    while discount:
        move = player.move(state, budget)
        if move.verdict is not Verdict.ALLOWED:
            break
        check = time.process_time()
        tally.certificates_refused += not drives(task, [*moves, *move.plan])
        checking += time.process_time() - check
        tally.moves += 1
        tally.chosen += move.chosen
        moves.append(move.action)
        state, _, discount = domain.step(state, move.action)
    tally.cpu_seconds += time.process_time() - began - checking + shield.process_seconds
    tally.solver_seconds += shield.solver_seconds
    tally.certified += drives(task, moves)
    found = Counter(tally.refuted)
    for (verdict, source), count in shield.counts.items():
        if source in {"rules", "constraints"}:
            continue  # no dead end: the mask has it
        if verdict is Verdict.REFUSED:
            found[source] += count
        elif verdict is Verdict.UNKNOWN:
            tally.unsettled += count
    tally.refuted = dict(found)


def untrained_net(domain: Domain) -> Evaluator:
    """Return a network with random weights."""
    import torch  # noqa: PLC0415

    from tesuji.nets.config import MLPConfig  # noqa: PLC0415
    from tesuji.nets.evaluators import make_evaluator  # noqa: PLC0415
    from tesuji.nets.model import build  # noqa: PLC0415

    torch.manual_seed(0)
    return make_evaluator("torch", build(MLPConfig(), domain.spec), domain.spec)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--tasks", type=int, default=6)
    parser.add_argument("--simulations", type=int, default=10)
    parser.add_argument("--evaluator", choices=("uniform", "net"), default="net")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    budget = Budget(simulations=options.simulations)
    tallies = []
    for kind in options.kinds:
        for customers in options.customers:
            tally = Tally(kind, customers)
            tallies.append(tally)
            for seed in range(options.tasks):
                vehicles = 1 if kind == "TSPTW" else round(customers * VEHICLES_A_CUSTOMER)
                task = random_task(customers, vehicles, seed)
                domain = delivery(task)
                evaluator = (
                    untrained_net(domain)
                    if options.evaluator == "net"
                    else UniformEvaluator(domain.spec.num_actions)
                )
                play(tally, task, evaluator, budget)
            print(line(tally), flush=True)
    if options.json:
        found = {
            "machine": platform.processor() or platform.machine(),
            "numpy": np.__version__,
            "command": " ".join(sys.argv),
            "tallies": [asdict(tally) for tally in tallies],
        }
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def line(tally: Tally) -> str:
    """Return a tally as text."""
    refuted = sum(tally.refuted.values())
    total = max(1, refuted + tally.unsettled)
    unsolved = 100 * (refuted - tally.refuted.get("solver", 0)) / total
    share = unsolved - 100 * tally.refuted.get("bound", 0) / total
    solver = 100 * tally.solver_seconds / max(1e-9, tally.cpu_seconds)
    return (
        f"{tally.kind:6} n={tally.customers:3}: plain {tally.plain}/{tally.tasks}, "
        f"certified {tally.certified}/{tally.tasks}; {tally.moves} moves "
        f"({tally.chosen} the search's own, {tally.certificates_refused} certificates refused), "
        f"{1000 * tally.cpu_seconds / max(1, tally.moves):.0f} ms a move, solver {solver:.0f} %; "
        f"dead ends {refuted + tally.unsettled}: {share:.1f} % from cache, "
        f"{unsolved:.1f} % without z3 {tally.refuted}, "
        f"{tally.unsettled} unsettled"
    )


if __name__ == "__main__":
    main()
