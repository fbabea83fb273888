"""Checking certificates of routing, in integers, with nothing of what made them.

Let `x(a, b)` be how often routes drive between two nodes, either way. Two for each customer:
`x(customer) = 2`. Inside a set `S` of customers at most `|S| - k(S)` edges are driven, where `k(S)`
vehicles carry what `S` wants (one where goods go from customer to customer). An edge that is late
both ways is not driven; one of the depot at most twice, others at most once. So for all `p` of
customers and all `m >= 0` of sets the routes cost at least

    2 sum p - sum m (|S| - k(S)) + sum over edges of most(a, b) * min(0, d - p_a - p_b + sum m)

with the shorter way `d` of both: weak duality. Multipliers come in millionths.

Where customers have prices `q`, routes cost `sum q` and, each, what it costs beyond the prices of
its customers. No route costs less beyond them than `r`, the least over all ways in time from depot
to depot, among them some that are no routes: time is rounded down to steps of `width` at each
customer, a customer may come twice with two others between, loads and pairs do not count. So routes
cost at least `sum q + vehicles * min(0, r)`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tesuji.engine.errors import UnprovenError

_UNIT = 1_000_000
_MAX_BYTES = 1 << 30
_MAX_STEPS = 10_000
_FORMAT, _VERSION = "tesuji routing certificate", 2
_NUMBERS = ("version", "nodes", "capacity", "vehicles", "scale", "routes", "cuts", "width", "bound")


class RoutingFault(UnprovenError):
    """A certificate of routing does not prove what it claims; the message says where."""


@dataclass(frozen=True)
class Checked:
    """What a certificate proves.

    Attributes:
        name: of the instance.
        cost: of its routes; None where it has none.
        bound: no routes cost less.
        scale: units of both in one of the file's.
        cuts: how many it used.
    """

    name: str
    cost: int | None
    bound: int
    scale: int
    cuts: int


@dataclass(frozen=True)
class _Task:
    capacity: int
    vehicles: int
    demand: list[int]
    earliest: list[int]
    latest: list[int] | None
    service: list[int]
    delivery: list[int] | None
    distance: list[list[int]]


def verify_routing(path: Path) -> Checked:
    """Check a certificate of routing.

    Raises:
        RoutingFault: it proves nothing.
    """
    header, rows = _read(path)
    nodes = header["nodes"]
    demand = _row(rows, nodes)
    windows = [_row(rows, nodes) for _ in range(3)] if header["windows"] else None
    delivery = _row(rows, nodes) if header["pairs"] else None
    distance = [_row(rows, nodes) for _ in range(nodes)]
    zeros = [0] * nodes
    task = _Task(
        header["capacity"], header["vehicles"], demand, windows[0] if windows else zeros,
        windows[1] if windows else None, windows[2] if windows else zeros, delivery, distance,
    )  # fmt: skip
    _check_task(task)
    routes = [_row(rows) for _ in range(header["routes"])]
    multipliers = _row(rows, nodes)
    cuts = [_row(rows) for _ in range(header["cuts"])]
    prices = _row(rows, nodes) if header["width"] else None
    if next(rows, None) is not None:
        raise RoutingFault("there are lines after the last of the proof")
    cost = None
    if header["cost"] is not None:
        cost = _check_routes(task, routes)
        if cost != header["cost"]:
            raise RoutingFault(f"the routes cost {cost}, not {header['cost']}")
    elif routes:
        raise RoutingFault("there are routes without a cost")
    if prices is None:
        bound = _bound(task, multipliers, cuts)
    elif any(multipliers) or cuts:
        raise RoutingFault("there are multipliers beside the prices")
    else:
        bound = _bound_by_prices(task, prices, header["width"])
    if bound < header["bound"]:
        raise RoutingFault(f"the multipliers prove {bound}, not {header['bound']}")
    return Checked(str(header["name"]), cost, header["bound"], header["scale"], len(cuts))


def _read(path: Path) -> tuple[dict[str, Any], Iterator[list[int]]]:
    try:
        data = path.read_bytes()[: _MAX_BYTES + 1]
    except OSError as error:
        raise RoutingFault(f"it cannot be read: {error.strerror or error}") from error
    first, _, body = data.partition(b"\n")
    try:
        header = json.loads(first)
        rows = [json.loads(line) for line in body.splitlines()]
    except (ValueError, RecursionError):
        raise RoutingFault("a line is not JSON") from None
    if len(data) > _MAX_BYTES or not isinstance(header, dict):
        raise RoutingFault("it is no certificate of routing")
    claimed = header.pop("sha256", None)
    text = (json.dumps(header) + "\n").encode() + body
    if hashlib.sha256(text).hexdigest() != claimed:
        raise RoutingFault("it is not what was written (SHA-256)")
    if header.get("format") != _FORMAT or header.get("version") != _VERSION:
        raise RoutingFault("its format or version is not known here")
    for key in _NUMBERS:
        if type(header.get(key)) is not int or header[key] < 0:
            raise RoutingFault(f"{key} must be a whole number of at least 0")
    for key in ("windows", "pairs"):
        if type(header.get(key)) is not bool:
            raise RoutingFault(f"{key} must be true or false")
    if not (header.get("cost", "") is None or type(header.get("cost")) is int):
        raise RoutingFault("cost must be a whole number or null")
    if header["nodes"] < 2 or header["capacity"] < 1 or header["scale"] < 1:
        raise RoutingFault("there must be two nodes, a capacity and a scale of at least 1")
    return header, iter(rows)


def _row(rows: Iterator[Any], length: int | None = None) -> list[int]:
    row = next(rows, None)
    if not isinstance(row, list) or not all(type(value) is int for value in row):
        raise RoutingFault("a list of whole numbers is missing")
    if length is not None and len(row) != length:
        raise RoutingFault(f"a list has {len(row)} numbers instead of {length}")
    return row


def _check_task(task: _Task) -> None:
    if min(min(row) for row in task.distance) < 0:
        raise RoutingFault("a distance is below 0")
    if min(task.service) < 0:
        raise RoutingFault("a service takes less than no time")
    if task.demand[0] or (task.delivery is None and min(task.demand) < 0):
        raise RoutingFault("the depot wants something, or a demand is below 0")
    if task.delivery is not None:
        ends = [node for node in task.delivery if node]
        if task.delivery[0] or len(set(ends)) != len(ends):
            raise RoutingFault("a delivery has two pick-ups, or the depot is one")
        if not all(0 < node < len(task.demand) for node in ends):
            raise RoutingFault("a delivery is no customer")


def _check_routes(task: _Task, routes: list[list[int]]) -> int:
    # Return what the routes cost.
    nodes = len(task.demand)
    if sorted(node for route in routes for node in route) != list(range(1, nodes)):
        raise RoutingFault("the routes do not visit each customer once")
    if sum(1 for route in routes if route) > task.vehicles:
        raise RoutingFault("there are more routes than vehicles")
    for number, route in enumerate(routes, 1):
        _check_route(task, route, f"route {number}")
    ways = [pairwise([0, *route, 0]) for route in routes]
    return sum(task.distance[a][b] for way in ways for a, b in way)


def _check_route(task: _Task, route: list[int], name: str) -> None:
    load = 0 if task.delivery else sum(task.demand[node] for node in route)
    if load > task.capacity:
        raise RoutingFault(f"{name} carries {load}, more than {task.capacity}")
    clock, done = task.earliest[0] + task.service[0], set[int]()
    for a, b in pairwise([0, *route, 0]):
        clock = max(clock + task.distance[a][b], task.earliest[b])
        if task.latest is not None and clock > task.latest[b]:
            raise RoutingFault(f"{name} is late at node {b}")
        clock += task.service[b]
        if task.delivery:
            load += task.demand[b]
            if load > task.capacity:
                raise RoutingFault(f"{name} carries {load}, more than {task.capacity}")
        done.add(b)
        if task.delivery and b and b in task.delivery and task.delivery.index(b) not in done:
            raise RoutingFault(f"{name} delivers at node {b} before it picks up")
    if task.delivery and any(task.delivery[n] and task.delivery[n] not in done for n in route):
        raise RoutingFault(f"{name} does not deliver what it picks up")


def _bound(task: _Task, multipliers: list[int], cuts: list[list[int]]) -> int:
    # What the multipliers prove.
    nodes = len(task.demand)
    if multipliers[0]:
        raise RoutingFault("the depot has a multiplier, but no equation")
    extra = [[0] * nodes for _ in range(nodes)]
    total = 2 * sum(multipliers)
    for multiplier, *members in cuts:
        if multiplier < 0:
            raise RoutingFault("the multiplier of a cut is below 0")
        if not members or len(set(members)) < len(members):
            raise RoutingFault("a cut names no customers, or one twice")
        if not all(0 < node < nodes for node in members):
            raise RoutingFault("a cut names what is no customer")
        wanted = 0 if task.delivery else sum(task.demand[node] for node in members)
        needed = max(1, -(-wanted // task.capacity))
        total -= multiplier * (len(members) - needed)
        for a in members:
            row = extra[a]
            for b in members:
                row[b] += multiplier
    for a in range(nodes):
        for b in range(a + 1, nodes):
            length = min(task.distance[a][b], task.distance[b][a]) * _UNIT
            reduced = length - multipliers[a] - multipliers[b] + extra[a][b]
            if reduced < 0 and _drivable(task, a, b):
                total += reduced * (2 if a == 0 else 1)
    return -(-total // _UNIT)


def _drivable(task: _Task, a: int, b: int) -> bool:
    # Whether one of the two ways is in time.
    if task.latest is None:
        return True
    leave_a, leave_b = (task.earliest[node] + task.service[node] for node in (a, b))
    return (
        leave_a + task.distance[a][b] <= task.latest[b]
        or leave_b + task.distance[b][a] <= task.latest[a]
    )


def _bound_by_prices(task: _Task, prices: list[int], width: int) -> int:
    nodes = len(task.demand)
    if task.latest is None or prices[0]:
        raise RoutingFault("prices need windows, and the depot has none")
    for a in range(1, nodes):
        for b in range(nodes):
            if a != b and task.service[a] + task.distance[a][b] < width:
                raise RoutingFault(f"from node {a} to {b} is less than a step of time")
    steps = task.latest[0] // width + 1
    if steps > _MAX_STEPS:
        raise RoutingFault(f"there are {steps} steps of time; at most {_MAX_STEPS} are checked")
    # Of each step and node the two cheapest ways there, from different nodes: (cost, node before).
    ways: list[dict[int, list[tuple[int, int]]]] = [{} for _ in range(steps)]
    least = 0
    _extend(task, prices, width, ways, (0, task.earliest[0]), [(0, -1)])
    for step, here in enumerate(ways):
        for node, found in here.items():
            clock = max(step * width, task.earliest[node])
            home = clock + task.service[node] + task.distance[node][0]
            if home <= task.latest[0]:
                least = min(least, found[0][0] + task.distance[node][0] * _UNIT)
            _extend(task, prices, width, ways, (node, clock), found)
        here.clear()
    return -(-(sum(prices) + task.vehicles * least) // _UNIT)


def _extend(
    task: _Task,
    prices: list[int],
    width: int,
    ways: list[dict[int, list[tuple[int, int]]]],
    here: tuple[int, int],
    found: list[tuple[int, int]],
) -> None:
    # Add the ways that go on from a node at a time.
    assert task.latest is not None
    node, clock = here
    leave = clock + task.service[node]
    for other in range(1, len(prices)):
        at = max(leave + task.distance[node][other], task.earliest[other])
        if other == node or at > min(task.latest[other], task.latest[0]):
            continue
        best = next((cost for cost, before in found if before != other), None)
        if best is None:
            continue
        cost = best + task.distance[node][other] * _UNIT - prices[other]
        known = ways[at // width].setdefault(other, [])
        known.append((cost, node))
        known.sort()
        # All come from different nodes, for each node is left once a step.
        apart = {before: (cost, before) for cost, before in reversed(known)}
        known[:] = sorted(apart.values())[:2]
