"""Rules of routes, for kernels: how many of them a sequence of customers breaks.

What a rule says is compiled elsewhere (`side_constraints.py`) and called by its address, so that
other rules compile nothing here. It reads one row, the quantities of one route: whole numbers, then
arrays over the nodes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import KERNEL_NAMES, restrict_at, row_pointer
from tesuji.search.tree import forced_kernel, kernel

# The whole numbers of a row; `place` and `begin` follow, then `visits`.
NUMBERS = ("vehicle", "stops", "load", "length", "duration", "waiting", "back", "unbroken")
VEHICLE, STOPS, LOAD, LENGTH, DURATION, WAITING, BACK, UNBROKEN = range(len(NUMBERS))
NEVER = 1 << 50  # a rest that no stop is long enough for


class Rules(NamedTuple):
    """The rules of an instance; room to work in for one thread."""

    row: npt.NDArray[np.uint8]  # [1, S]
    words: npt.NDArray[np.int64]  # [S / 8] the same bytes
    kernel: npt.NDArray[np.int64]  # a table of addresses
    data: npt.NDArray[np.int64]  # what the kernel reads besides the row
    holds: npt.NDArray[np.bool_]  # [number of rules]
    way: npt.NDArray[np.int64]  # [N + 1] customers
    rest: int  # how long a vehicle must stand for its driver to have rested
    fleet: int  # vehicles that have a number; 0 where no rule speaks of it


def row_dtype(num_nodes: int) -> np.dtype[Any]:
    """Return what a row of quantities holds."""
    arrays = [(name, np.int64, (num_nodes,)) for name in ("place", "begin")]
    numbers = [(name, np.int64) for name in NUMBERS]
    return np.dtype([*numbers, *arrays, ("visits", np.int8, (num_nodes,))])


def no_rules(num_nodes: int) -> Rules:
    """Return rules that say nothing."""
    return make_rules(num_nodes, 0, 0, np.zeros(1, np.int64), NEVER, 0)


def make_rules(
    num_nodes: int,
    count: int,
    kernel: int,
    data: npt.NDArray[np.int64],
    rest: int,
    fleet: int,
) -> Rules:
    """Return rules.

    Args:
        num_nodes: of the instance.
        count: how many rules there are.
        kernel: address of what clears those that a row breaks; it is a `restrict`.
        data: that it reads.
        rest: how long a vehicle must stand for its driver to have rested.
        fleet: vehicles that have a number; 0 where no rule speaks of it.
    """
    row = np.zeros((1, -(-row_dtype(num_nodes).itemsize // 8) * 8), np.uint8)
    table = np.zeros(len(KERNEL_NAMES), np.int64)
    table[KERNEL_NAMES.index("restrict")] = kernel
    return Rules(
        row, row[0].view(np.int64), table, data, np.zeros(count, np.bool_),
        np.zeros(num_nodes + 1, np.int64), rest, fleet,
    )  # fmt: skip


@kernel
def _write(rules, distance, demand, earliest, service, size):  # type: ignore[no-untyped-def]
    # Write the quantities of the customers of `way` into the row, which is clear.
    words, flags = rules.words, rules.row[0]
    place, begin = len(NUMBERS), len(NUMBERS) + len(demand)
    visits = 8 * (begin + len(demand))
    before, clock, leave = np.int64(0), earliest[0] + service[0], np.int64(0)
    driven, longest = np.int64(0), np.int64(0)
    words[STOPS], words[LOAD], words[LENGTH], words[WAITING] = size, 0, 0, 0
    for i in range(size + 1):
        node = rules.way[i] if i < size else np.int64(0)
        step = np.int64(distance[before, node])
        words[LENGTH] += step
        driven += step
        longest = max(longest, driven)
        clock += step
        if node == 0:
            break
        wait = max(np.int64(0), earliest[node] - clock)
        clock += wait
        if before == 0:
            leave, wait = clock - step, np.int64(0)  # whoever would wait there leaves later
        words[WAITING] += wait
        words[LOAD] += max(demand[node], np.int64(0))
        words[place + node], words[begin + node], flags[visits + node] = i + 1, clock, 1
        clock += service[node]
        if wait + service[node] >= rules.rest:
            driven = np.int64(0)
        before = node
    words[DURATION], words[BACK], words[UNBROKEN] = clock - leave, clock, longest


@kernel
def broken_rules(rules, distance, demand, earliest, service, size, vehicle):  # type: ignore[no-untyped-def]
    """Return how many rules a vehicle breaks that visits the first `size` customers of `way`.

    Args:
        rules: what holds.
        distance: `[N, N]`.
        demand: `[N]`.
        earliest: `[N]`.
        service: `[N]`.
        size: how many customers of `rules.way`, at least one.
        vehicle: from 0.
    """
    words, flags = rules.words, rules.row[0]
    _write(rules, distance, demand, earliest, service, size)
    words[VEHICLE] = vehicle + 1
    for i in range(len(rules.holds)):
        rules.holds[i] = True
    restrict_at(rules.kernel)(row_pointer(rules.row, 0), rules.data, rules.holds, 0)
    count = np.int64(0)
    for i in range(len(rules.holds)):
        if not rules.holds[i]:
            count += 1
    if rules.fleet and vehicle >= rules.fleet:
        count += 1  # there is no such vehicle
    place, begin = len(NUMBERS), len(NUMBERS) + len(demand)
    visits = 8 * (begin + len(demand))
    for i in range(size):
        node = rules.way[i]
        words[place + node], words[begin + node], flags[visits + node] = 0, 0, 0
    return count


@forced_kernel
def broken_with(problem, tours, route, node, before, other, behind):  # type: ignore[no-untyped-def]
    """Return how many rules a route breaks with `node` behind `before` and `other` behind `behind`.

    Args:
        problem: what has to be driven.
        tours: the plan.
        route: of it.
        node: a customer that is not in the plan; 0 for none.
        before: where it goes; 0 for the front.
        other: a second one that comes later; 0 for none.
        behind: where that goes, `node` perhaps.
    """
    way, size, here = problem.rules.way, np.int64(0), np.int64(0)
    after = np.int64(tours.first[route]) if tours.size[route] else np.int64(0)
    while True:
        if node and here == before:
            way[size] = node
            size += 1
            if other and behind == node:
                way[size] = other
                size += 1
        if other and here == behind:
            way[size] = other
            size += 1
        if after == 0:
            break
        way[size] = after
        size += 1
        here = after
        after = np.int64(tours.after[here])
    return broken_rules(
        problem.rules, problem.distance, problem.demand, problem.earliest, problem.service, size,
        route,
    )  # fmt: skip
