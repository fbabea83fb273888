"""Routes one customer after the other, each drawn by a learned policy (Kool et al. 2019).

The network has read the instance already (`nets/routing.py`); what is left of it are tables: from
the vehicle's place and its free capacity comes a query, the query looks at all customers that may
be next (multi-head attention), and what it saw is compared with each. A table of edges is added.

`N` nodes, `D` width, `P` rollouts, `T` moves at most (`2N`), a move is a node to drive to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.routing.instance import Integers, RoutingInstance
from tesuji.search.random import advance, gumbel, mix
from tesuji.search.tree import forced_kernel

Singles = npt.NDArray[np.float32]

CLIP = np.float32(10.0)  # logits of the pointer lie within this (Bello et al. 2017)
FORBIDDEN = np.float32(-1e30)

# Sums of floats may be reordered: the same machine gives the same routes all the same.
fast_kernel = njit(cache=True, nogil=True, fastmath=True, error_model="numpy", _nrt=False)


class PolicyTables(NamedTuple):
    """What a policy knows of one instance."""

    query: Singles  # [N, D] by the vehicle's place
    load: Singles  # [D] added times its free capacity, as a part of the whole
    key: Singles  # [N, D]
    value: Singles  # [N, D]
    point: Singles  # [N, D]
    edge: Singles  # [N, N] logits of driving from the one to the other
    heads: int


class Task(NamedTuple):
    """What a construction needs of an instance."""

    distance: Integers  # [N, N]
    demand: Integers  # [N]
    capacity: int
    symmetric: bool


class Room(NamedTuple):
    """Room for one construction; not for two at once."""

    left: Integers  # [N] whom nobody has visited yet, the first `counts[LEFT]` of them
    counts: Integers  # [3]
    logit: Singles  # [N + 1] of each of them, then of the depot
    score: Singles  # [H, N + 1]
    seen: Singles  # [D]
    query: Singles  # [D]
    seed: npt.NDArray[np.uint64]  # [1]


class Rollouts(NamedTuple):
    """Constructions that were drawn."""

    moves: npt.NDArray[np.int32]  # [P, T] nodes, 0 behind the end, too
    length: Integers  # [P] moves
    cost: Integers  # [P]
    log_probability: npt.NDArray[np.float64]  # [P] of the moves that were drawn


LEFT, AT, FREE = 0, 1, 2  # of Room.counts: customers left, the vehicle's place, free capacity


def construction_task(instance: RoutingInstance) -> Task:
    """Return what a construction needs of an instance."""
    return Task(instance.distance, instance.demand, instance.capacity, instance.symmetric)


def make_room(tables: PolicyTables, seed: int) -> Room:
    """Return room for one construction."""
    nodes, width = tables.key.shape
    return Room(
        np.zeros(nodes, np.int64), np.zeros(3, np.int64), np.zeros(nodes + 1, np.float32),
        np.zeros((tables.heads, nodes + 1), np.float32), np.zeros(width, np.float32),
        np.zeros(width, np.float32), np.array([seed], np.uint64),
    )  # fmt: skip


@forced_kernel
def begin(task, room):  # type: ignore[no-untyped-def]
    """Stand at the depot, with everyone to visit."""
    customers = len(task.demand) - 1
    for i in range(customers):
        room.left[i] = i + 1
    room.counts[LEFT], room.counts[AT], room.counts[FREE] = customers, 0, task.capacity


@forced_kernel
def _fits(task, room, place):  # type: ignore[no-untyped-def]
    # The last place is the depot's: home is where one may be unless one is there.
    if place == room.counts[LEFT]:
        return room.counts[AT] != 0
    return task.demand[room.left[place]] <= room.counts[FREE]


@forced_kernel
def _node(room, place):  # type: ignore[no-untyped-def]
    return room.left[place] if place < room.counts[LEFT] else np.int64(0)


@forced_kernel
def _dot(one, other, start, end):  # type: ignore[no-untyped-def]
    total = np.float32(0.0)
    for d in range(start, end):
        total += one[d] * other[d]
    return total


@forced_kernel
def _look(tables, task, room, head):  # type: ignore[no-untyped-def]
    # One head of attention over who may be next.
    size = tables.key.shape[1] // room.score.shape[0]
    start, end = head * size, head * size + size
    most, total = np.float32(-1e30), np.float32(0.0)
    for place in range(room.counts[LEFT] + 1):
        if _fits(task, room, place):
            dot = _dot(room.query, tables.key[_node(room, place)], start, end)
            room.score[head, place] = dot
            most = max(most, dot)
    for place in range(room.counts[LEFT] + 1):
        if _fits(task, room, place):
            weight = np.exp(room.score[head, place] - most)
            total += weight
            value = tables.value[_node(room, place)]
            for d in range(start, end):
                room.seen[d] += weight * value[d]
    for d in range(start, end):
        room.seen[d] /= total


@fast_kernel
def judge(tables, task, room):  # type: ignore[no-untyped-def]
    """Write the logit of each customer left, then of the depot; FORBIDDEN where not allowed."""
    at, part = room.counts[AT], np.float32(room.counts[FREE] / task.capacity)
    for d in range(len(room.query)):
        room.query[d] = tables.query[at, d] + part * tables.load[d]
        room.seen[d] = 0.0
    for head in range(room.score.shape[0]):
        _look(tables, task, room, head)
    for place in range(room.counts[LEFT] + 1):
        room.logit[place] = FORBIDDEN
        if _fits(task, room, place):
            node = _node(room, place)
            dot = _dot(room.seen, tables.point[node], 0, len(room.seen))
            room.logit[place] = CLIP * np.tanh(dot) + tables.edge[at, node]


@forced_kernel
def drive(task, room, place):  # type: ignore[no-untyped-def]
    """Go to whom stands at `place` of those left, or home; return the node."""
    if place == room.counts[LEFT]:
        room.counts[AT], room.counts[FREE] = 0, task.capacity
        return np.int64(0)
    node = room.left[place]
    room.counts[LEFT] -= 1
    room.left[place] = room.left[room.counts[LEFT]]
    room.counts[AT] = node
    room.counts[FREE] -= task.demand[node]
    return node


@forced_kernel
def _choose(room, heat):  # type: ignore[no-untyped-def]
    # The likeliest at heat 0, else one drawn (the largest of logits and Gumbel noise).
    best, most = room.counts[LEFT], -1e30
    for place in range(room.counts[LEFT] + 1):
        if room.logit[place] > FORBIDDEN:
            score = np.float64(room.logit[place])
            if heat > 0.0:
                room.seed[0] = advance(room.seed[0])
                score += heat * gumbel(mix(room.seed[0]))
            if score > most:
                best, most = place, score
    return best


@forced_kernel
def _log_share(room, place):  # type: ignore[no-untyped-def]
    most, total = room.logit[place], 0.0
    for other in range(room.counts[LEFT] + 1):
        most = max(most, room.logit[other])
    for other in range(room.counts[LEFT] + 1):
        total += np.exp(room.logit[other] - most)
    return room.logit[place] - most - np.log(total)


@fast_kernel
def drive_route(tables, task, room, heat, moves, count):  # type: ignore[no-untyped-def]
    """Go on from where the room stands until home; return (moves in all, cost, log-probability)."""
    cost, likely = np.int64(0), 0.0
    while True:
        start, place = room.counts[AT], room.counts[LEFT]  # home
        if place:
            judge(tables, task, room)
            place = _choose(room, heat)
            likely += _log_share(room, place)
        node = drive(task, room, place)
        cost += task.distance[start, node]
        moves[count] = node
        count += 1
        if node == 0:
            return count, cost, likely


@fast_kernel
def finish(tables, task, room, heat, moves, count):  # type: ignore[no-untyped-def]
    """Go on until all are visited; return (moves in all, cost, log-probability)."""
    cost, likely = np.int64(0), 0.0
    while room.counts[LEFT] or room.counts[AT]:
        count, more, own = drive_route(tables, task, room, heat, moves, count)
        cost += more
        likely += own
    return count, cost, likely


@fast_kernel
def _roll_out(tables, task, room, first, heat, seed, moves, length, cost, likely):  # type: ignore[no-untyped-def]
    for p in range(len(first)):
        room.seed[0] = mix(seed + np.uint64(p))
        begin(task, room)
        count, way = np.int64(0), np.int64(0)
        if first[p]:
            moves[p, 0] = drive(task, room, first[p] - 1)
            count, way = np.int64(1), task.distance[0, first[p]]
        length[p], cost[p], likely[p] = finish(tables, task, room, heat, moves[p], count)
        cost[p] += way


def roll_out(tables: PolicyTables, task: Task, first: Integers, heat: float, seed: int) -> Rollouts:
    """Construct routes, each from its own first customer (POMO, Kwon et al. 2020).

    Args:
        tables: the policy.
        task: what has to be driven.
        first: `[P]` the first customer of each, 0 for whomever the policy takes.
        heat: 1 to draw by the policy, 0 for its likeliest moves.
        seed: of what is drawn; a rollout's follows from its number.
    """
    many, nodes = len(first), len(task.demand)
    found = Rollouts(
        np.zeros((many, 2 * nodes), np.int32), np.zeros(many, np.int64), np.zeros(many, np.int64),
        np.zeros(many),
    )  # fmt: skip
    room = make_room(tables, 0)
    _roll_out(tables, task, room, first, heat, np.uint64(seed), *found)
    return found


def routes_from(moves: npt.NDArray[np.int32]) -> list[list[int]]:
    """Return the routes that moves `[T]` drive."""
    routes: list[list[int]] = [[]]
    for node in moves.tolist():
        if node:
            routes[-1].append(node)
        elif routes[-1]:
            routes.append([])
    return [route for route in routes if route]


@fast_kernel
def _weigh_edges(tables, task, room, odds):  # type: ignore[no-untyped-def]
    # Where the policy would go from each customer if nobody had been visited yet.
    nodes = len(task.demand)
    for node in range(1, nodes):
        begin(task, room)
        drive(task, room, node - 1)
        room.counts[FREE] = task.capacity
        judge(tables, task, room)
        home, most, total = room.counts[LEFT], FORBIDDEN, 0.0
        for place in range(home):
            most = max(most, room.logit[place])
        for place in range(home):
            total += np.exp(room.logit[place] - most)
        for place in range(home):
            odds[node, room.left[place]] = np.exp(room.logit[place] - most) / total


def edge_odds(tables: PolicyTables, task: Task) -> Singles:
    """Return how likely the policy drives from one customer to another or back, `[N, N]`.

    Of ways from and to the depot, which depend on the load above all, it is said to be a half.
    """
    odds = np.zeros((len(task.demand),) * 2, np.float32)
    _weigh_edges(tables, task, make_room(tables, 0), odds)
    odds = np.maximum(odds, odds.T)
    odds[0], odds[:, 0] = 0.5, 0.5
    return odds
