"""Rebuilding routes by a policy: cut them around a customer that lies unlikely, drive on.

Where a route is cut, the policy goes on from its last customer with the capacity that is left; when
all that were cut are home, it drives new routes for whoever is still left.

`N` nodes, `K` neighbours, `T` moves at most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.routing.instance import Integers
from tesuji.search.random import advance, below, mix, uniform
from tesuji.search.routing.construct import AT, FREE, LEFT, drive_route, fast_kernel, finish
from tesuji.search.tree import forced_kernel

_FEWEST, _MOST = 6, 30  # customers that are driven anew, about
_ROUTES = 5  # that are cut, at most
_DRAWN = 3  # customers of which the least likely one is chosen


class Plan(NamedTuple):
    """Routes one after the other, as moves."""

    moves: npt.NDArray[np.int32]  # [T] customers, 0 behind each route
    start: Integers  # [N] of a route among the moves
    route: Integers  # [N] of each customer
    counts: Integers  # [3]


class Cuts(NamedTuple):
    """Where routes are cut, and what comes behind."""

    cut: Integers  # [N] of each route: the first of the moves that go, or WHOLE
    stub: Integers  # [N] routes of which something is left, in the order of their going on
    num: Integers  # [1] of those
    fresh: npt.NDArray[np.int32]  # [T] moves from there on, then those of new routes


LENGTH, ROUTES, COST = 0, 1, 2
WHOLE = -1  # in Cuts.cut: the route stays as it is


def make_plan(nodes: int) -> Plan:
    """Return room for routes."""
    return Plan(
        np.zeros(2 * nodes, np.int32), np.zeros(nodes + 1, np.int64), np.zeros(nodes, np.int64),
        np.zeros(3, np.int64),
    )  # fmt: skip


@forced_kernel
def _random(room):  # type: ignore[no-untyped-def]
    room.seed[0] = advance(room.seed[0])
    return mix(room.seed[0])


@fast_kernel
def index(task, plan):  # type: ignore[no-untyped-def]
    """Number the routes that the moves drive, and add up what they cost."""
    route, at, cost = np.int64(0), np.int64(0), np.int64(0)
    plan.start[0] = 0
    for i in range(plan.counts[LENGTH]):
        node = np.int64(plan.moves[i])
        cost += task.distance[at, node]
        at = node
        if node:
            plan.route[node] = route
        else:
            route += 1
            plan.start[route] = i + 1
    plan.counts[ROUTES], plan.counts[COST] = route, cost


@forced_kernel
def _likely(odds, plan, node):  # type: ignore[no-untyped-def]
    # How likely the ways to and from a customer are; its neighbours stand beside it.
    here = plan.start[plan.route[node]]
    before = np.int64(0)
    while plan.moves[here] != node:
        before = np.int64(plan.moves[here])
        here += 1
    return odds[before, node] + odds[node, np.int64(plan.moves[here + 1])]


@forced_kernel
def _unlikely(task, odds, plan, room):  # type: ignore[no-untyped-def]
    # The one of a few customers whose place is the least likely.
    seed, least = np.int64(0), np.float32(3.0)
    for _ in range(_DRAWN):
        node = 1 + below(_random(room), len(task.demand) - 1)
        likely = _likely(odds, plan, node)
        if likely < least:
            seed, least = node, likely
    return seed


@forced_kernel
def _turn(plan, route):  # type: ignore[no-untyped-def]
    # Drive a route the other way round.
    low, high = plan.start[route], plan.start[route + 1] - 2
    while low < high:
        plan.moves[low], plan.moves[high] = plan.moves[high], plan.moves[low]
        low += 1
        high -= 1


@forced_kernel
def _cut(task, near, odds, plan, cuts, room):  # type: ignore[no-untyped-def]
    # Cut the routes around a customer that lies unlikely; return what comes behind costs.
    seed = _unlikely(task, odds, plan, room)
    wanted = _FEWEST + below(_random(room), _MOST - _FEWEST)
    most = 2 + below(_random(room), _ROUTES - 1)
    for route in range(plan.counts[ROUTES]):
        cuts.cut[route] = WHOLE
    left, cost, stubs = np.int64(0), np.int64(0), np.int64(0)
    for k in range(near.shape[1]):
        route = plan.route[near[seed, k]]
        if cuts.cut[route] != WHOLE:
            continue
        if most == 0 or left >= wanted:
            break
        most -= 1
        if task.symmetric and uniform(_random(room)) < 0.5:
            _turn(plan, route)
        first = plan.start[route]
        place = first
        while plan.moves[place] != near[seed, k]:
            place += 1
        place -= below(_random(room), min(place - first, wanted // 2) + 1)
        cuts.cut[route] = place
        at = np.int64(plan.moves[place - 1]) if place > first else np.int64(0)
        if at:
            cuts.stub[stubs] = route
            stubs += 1
        for i in range(place, plan.start[route + 1]):
            node = np.int64(plan.moves[i])
            cost += task.distance[at, node]
            at = node
            if node:
                room.left[left] = node
                left += 1
    cuts.num[0], room.counts[LEFT] = stubs, left
    return cost


@forced_kernel
def _go_on(tables, task, plan, cuts, room, heat):  # type: ignore[no-untyped-def]
    # Drive on where routes were cut, then new routes; return (moves, cost).
    length, cost = np.int64(0), np.int64(0)
    for number in range(cuts.num[0]):
        route = cuts.stub[number]
        room.counts[FREE] = task.capacity
        for i in range(plan.start[route], cuts.cut[route]):
            room.counts[FREE] -= task.demand[plan.moves[i]]
        room.counts[AT] = plan.moves[cuts.cut[route] - 1]
        length, more, _ = drive_route(tables, task, room, heat, cuts.fresh, length)
        cost += more
    room.counts[AT], room.counts[FREE] = 0, task.capacity
    length, more, _ = finish(tables, task, room, heat, cuts.fresh, length)
    return length, cost + more


@forced_kernel
def _exchange(task, plan, scratch, cuts, length):  # type: ignore[no-untyped-def]
    # Put the new moves in the place of those behind the cuts.
    end, taken = np.int64(0), np.int64(0)
    for route in range(plan.counts[ROUTES]):
        stays = cuts.cut[route] == WHOLE
        for i in range(plan.start[route], plan.start[route + 1] if stays else cuts.cut[route]):
            scratch[end] = plan.moves[i]
            end += 1
        if not stays and cuts.cut[route] > plan.start[route]:
            own = _chunk(cuts, route)
            while True:
                scratch[end] = cuts.fresh[own]
                end += 1
                own += 1
                if cuts.fresh[own - 1] == 0:
                    break
            taken += 1
    for i in range(_after(cuts, taken), length):
        scratch[end] = cuts.fresh[i]
        end += 1
    for i in range(end):
        plan.moves[i] = scratch[i]
    plan.counts[LENGTH] = end
    index(task, plan)


@forced_kernel
def _after(cuts, number):  # type: ignore[no-untyped-def]
    # Where the moves of a stub begin, by its number.
    at = np.int64(0)
    while number:
        number -= cuts.fresh[at] == 0
        at += 1
    return at


@forced_kernel
def _chunk(cuts, route):  # type: ignore[no-untyped-def]
    number = np.int64(0)
    while cuts.stub[number] != route:
        number += 1
    return _after(cuts, number)


@forced_kernel
def _copy(source, target):  # type: ignore[no-untyped-def]
    for i in range(source.counts[LENGTH]):
        target.moves[i] = source.moves[i]
    for i in range(3):
        target.counts[i] = source.counts[i]


@fast_kernel
def rebuild(  # type: ignore[no-untyped-def]
    tables, task, near, odds, current, best, scratch, cuts, room, rounds, temperature, factor
):
    """Drive parts of the routes anew `rounds` times, while the temperature falls."""
    for _ in range(rounds):
        cost = _cut(task, near, odds, current, cuts, room)
        length, found = _go_on(tables, task, current, cuts, room, uniform(_random(room)))
        if found < cost - temperature * np.log(uniform(_random(room))):
            _exchange(task, current, scratch, cuts, length)
            if current.counts[COST] < best.counts[COST]:
                _copy(current, best)
        temperature *= factor
