"""Random instances of routing and scheduling as files, in the formats that are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tesuji.domains.logistics.routing.generate import random_cvrp, random_pairs, random_vrptw
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.domains.logistics.scheduling.shop import ShopInstance, random_shop
from tesuji.domains.logistics.tasks.families import Family

_LONGEST = 1 << 31


def cvrp(rng: np.random.Generator, customers: int) -> str:
    """Return an instance of capacitated routing in CVRPLIB's format."""
    instance = random_cvrp(customers, rng)
    nodes = range(1, instance.num_nodes + 1)
    places = (f"{n} {x:.0f} {y:.0f}" for n, (x, y) in zip(nodes, _places(instance), strict=True))
    demands = (f"{n} {d}" for n, d in zip(nodes, instance.demand.tolist(), strict=True))
    return _text(
        f"NAME : {instance.name}", "TYPE : CVRP", f"DIMENSION : {instance.num_nodes}",
        "EDGE_WEIGHT_TYPE : EUC_2D", f"CAPACITY : {instance.capacity}", "NODE_COORD_SECTION",
        *places, "DEMAND_SECTION", *demands, "DEPOT_SECTION", "1", "-1", "EOF",
    )  # fmt: skip


def vrptw(rng: np.random.Generator, customers: int) -> str:
    """Return an instance of routing with time windows in Solomon's format."""
    instance = random_vrptw(customers, rng)
    return _text(
        instance.name, "", "VEHICLE", "NUMBER CAPACITY",
        f"{instance.num_vehicles} {instance.capacity}", "", "CUSTOMER",
        "CUST NO. XCOORD. YCOORD. DEMAND READY TIME DUE DATE SERVICE TIME", "", *_rows(instance),
    )  # fmt: skip


def pickup_delivery(rng: np.random.Generator, pairs: int) -> str:
    """Return an instance of pick-up and delivery in Li and Lim's format."""
    instance = random_pairs(pairs, rng)
    delivery = instance.delivery.tolist()
    pickup = [0] * instance.num_nodes
    for node, other in enumerate(delivery):
        if other:
            pickup[other] = node
    ends = zip(_rows(instance), pickup, delivery, strict=True)
    head = f"{instance.num_vehicles} {instance.capacity} 1"
    return _text(head, *(f"{row} {before} {after}" for row, before, after in ends))


def job_shop(rng: np.random.Generator, jobs: int, machines: int) -> str:
    """Return a job shop: of each job its machines and durations."""
    return _shop(random_shop(jobs, machines, int(rng.integers(_LONGEST))), flexible=False)


def flexible_job_shop(rng: np.random.Generator, jobs: int, machines: int, flexibility: int) -> str:
    """Return a flexible job shop: of each operation its machines and durations."""
    seed = int(rng.integers(_LONGEST))
    return _shop(random_shop(jobs, machines, seed, flexibility), flexible=True)


def _places(instance: RoutingInstance) -> list[list[float]]:
    assert instance.coordinates is not None
    places: list[list[float]] = instance.coordinates.tolist()
    return places


def _rows(instance: RoutingInstance) -> Iterator[str]:
    columns = (instance.demand, instance.earliest, instance.latest, instance.service)
    for node, (x, y) in enumerate(_places(instance)):
        numbers = " ".join(str(int(column[node])) for column in columns)
        yield f"{node} {x:.0f} {y:.0f} {numbers}"


def _shop(instance: ShopInstance, flexible: bool) -> str:
    operation, lines = 0, [f"{instance.num_jobs} {instance.num_machines}"]
    for job in range(instance.num_jobs):
        words: list[int] = []
        count = int(instance.job_start[job + 1] - instance.job_start[job])
        if flexible:
            words.append(count)
        for _ in range(count):
            choices = list(instance.choices(operation))
            if flexible:
                words.append(len(choices))
            for machine, duration in choices:
                words += [machine + flexible, duration]
            operation += 1
        lines.append(" ".join(map(str, words)))
    return _text(*lines)


def _text(*lines: str) -> str:
    return "\n".join([*lines, ""])


_ALL = {
    ".vrp": (Family(cvrp, {"customers": 5}, {"customers": 10.0}),),
    ".txt": (
        Family(vrptw, {"customers": 5}, {"customers": 10.0}),
        Family(pickup_delivery, {"pairs": 3}, {"pairs": 5.0}),
        Family(job_shop, {"jobs": 3, "machines": 3}, {"jobs": 1.5, "machines": 1.0}),
        Family(
            flexible_job_shop,
            {"jobs": 3, "machines": 3, "flexibility": 2},
            {"jobs": 1.5, "machines": 1.0, "flexibility": 0.2},
        ),
    ),
}
# Each family, and how the names of its files end.
FILE_FAMILIES: dict[str, tuple[Family, str]] = {
    f"logistics/{family.name}": (family, suffix)
    for suffix, families in _ALL.items()
    for family in families
}
