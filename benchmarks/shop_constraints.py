"""Schedules under side constraints: how many are found, how long, and whether any breaks one.

    python benchmarks/shop_constraints.py --shops 100 --seconds 5

Random shops of 6x6 to 15x10, every second one flexible, with constraints of six kinds, most of
which a schedule without them breaks. Seconds are of this process's CPU time. Every schedule is
checked against the rules of shops and, by z3's arithmetic, against the constraints as written.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule, random_shop
from tesuji.engine.scheduling import NoScheduleError, solve_shop
from tesuji.engine.solving import SolveBudget
from tesuji.search.scheduling.shop_constraints import ShopConstraints
from tesuji.search.scheduling.shop_search import ShopSearch, load_kernels

SIZES = ((6, 6), (10, 5), (10, 10), (15, 10))


def constraints(shop: ShopInstance, free: ShopSchedule, random: np.random.Generator) -> list[str]:
    """Return constraints, sized by the schedule that is found without them."""
    span, jobs = free.makespan, shop.num_jobs
    machine, begin = int(random.integers(shop.num_machines)), int(random.integers(span // 2))
    some = [(int(j), int(random.integers(shop.num_machines))) for j in random.permutation(jobs)[:5]]
    words = [f"{j}, {k}" for j, k in some]
    last = shop.num_machines - 1
    return [
        f"closed: closed({machine}, {begin}, {begin + span // 8})",
        f"one: at_most(1, {', '.join(words[:3])})",
        f"two: at_most(2, {', '.join(words)})",
        f"order: end[{words[3]}] <= start[{words[4]}]",
        f"due: end[{some[0][0]}, {last}] <= {int(0.9 * span)}",
        f"soon: start[{some[1][0]}, {last}] <= end[{some[1][0]}, {last - 1}] + {span // 50}",
    ]


def main() -> None:
    """Solve the shops and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    load_kernels()
    counts, longer, gaps = Counter[str](), list[float](), list[float]()
    for number in range(arguments.shops):
        random = np.random.default_rng([arguments.seed, number])
        shop = random_shop(*SIZES[number // 2 % 4], number, 1 + 2 * (number % 2))
        search = ShopSearch(shop, arguments.seed)
        search.advance(20_000)
        free = search.schedule()
        side = ShopConstraints(shop, constraints(shop, free, random))
        counts["broken without them"] += len(side.broken(free))
        counts["constraints"] += len(side.expressions)
        budget = SolveBudget(arguments.seconds, seed=arguments.seed, cpu_time=True)
        try:
            answer = solve_shop(shop, budget, constraints=side.expressions)
        except NoScheduleError as error:
            counts["refuted" if error.refuted else "not found"] += 1
            print(f"{number:4} {shop.name:24} {error}", flush=True)
            continue
        counts["solved"] += 1
        counts["violated"] += len(side.broken(answer.schedule))
        counts["no schedules"] += check_schedule(shop, answer.schedule) is not None
        longer.append(answer.makespan / free.makespan - 1)
        gaps.append(answer.gap)
        print(f"{number:4} {shop.name:24} {free.makespan:6} {answer.makespan:6}", flush=True)
    print(dict(counts))
    print(f"longer than without: {np.mean(longer):.2%}; certified gap: {np.mean(gaps):.2%}")


if __name__ == "__main__":
    main()
