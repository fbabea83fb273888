"""What a policy of routes learns from: random instances, labelled routes, moves of rollouts.

`B` instances, `N` nodes, `P` rollouts of each, `T` moves, `S = P * T`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from tesuji.domains.logistics.routing.generate import random_cvrp
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.route_config import RouteLearningConfig
from tesuji.nets.routing import Moves, describe_instance
from tesuji.search.routing.anneal import Annealing

Nodes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class RouteExample:
    """An instance as the network reads it, and good routes of it.

    Attributes:
        instance: what has to be driven.
        node: its features `[N, NODE_FEATURES]`.
        edge: `[N, N, EDGE_FEATURES]`.
        routes: to imitate; empty where none were asked for.
        cost: of those.
    """

    instance: RoutingInstance
    node: torch.Tensor
    edge: torch.Tensor
    routes: tuple[tuple[int, ...], ...] = ()
    cost: int = 0


def draw_example(
    config: RouteLearningConfig, customers: int, rng: np.random.Generator, iterations: int = 0
) -> RouteExample:
    """Return a random instance, with the routes of so many iterations of ruin and recreate."""
    low, high = np.log([config.shortest, config.longest])
    instance = random_cvrp(customers, rng, float(np.exp(rng.uniform(low, high))))
    node, edge = describe_instance(
        instance.distance, instance.demand, instance.capacity, instance.coordinates
    )
    if not iterations:
        return RouteExample(instance, node, edge)
    search = Annealing(instance, int(rng.integers(2**31)))
    search.run(iterations, 0.0, 1.0)
    return RouteExample(instance, node, edge, tuple(map(tuple, search.routes)), search.cost)


def turned(node: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return features of nodes `[..., NODE_FEATURES]` of the map turned, and perhaps mirrored."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        turn = turn[::-1].copy()
    plane = node[..., :2] @ torch.from_numpy(turn.astype(np.float32))
    return torch.cat([plane, node[..., 2:]], -1)


def moves_of(routes: Sequence[Sequence[int]], num_nodes: int, rng: np.random.Generator) -> Nodes:
    """Return moves `[2N]` that drive the routes in a random order, each forwards or backwards."""
    moves = np.zeros(2 * num_nodes, np.int32)
    at = 0
    for number in rng.permutation(len(routes)):
        route = routes[number]
        moves[at : at + len(route)] = route if rng.random() < 0.5 else route[::-1]
        at += len(route) + 1
    return moves


def states_of(moves: npt.NDArray[np.int32], instances: Sequence[RoutingInstance]) -> Moves:
    """Return the states in which moves `[B, P, T]` were taken; those behind the end say nothing.

    Where a move is the only one that is allowed, its log-probability is 0.
    """
    batch, many, _ = moves.shape
    busy = np.flatnonzero((moves != 0).any((0, 1)))
    length = min(int(busy[-1]) + 2, moves.shape[2])  # the last customer, and the way home
    nodes = instances[0].num_nodes
    demand = np.stack([each.demand for each in instances])[:, None]  # [B, 1, N]
    capacity = np.array([[each.capacity] for each in instances])  # [B, 1]
    at = np.zeros((batch, many, length), np.int64)
    free = np.zeros((batch, many, length), np.float32)
    allowed = np.zeros((batch, many, length, nodes), np.bool_)
    visited = np.zeros((batch, many, nodes), np.bool_)
    visited[..., 0] = True
    here, load = np.zeros((batch, many), np.int64), np.broadcast_to(capacity, (batch, many)).copy()
    for step in range(length):
        at[..., step], free[..., step] = here, load / capacity
        allowed[:, :, step] = ~visited & (demand <= load[..., None])
        allowed[:, :, step, 0] = (here != 0) | visited.all(2)
        here = moves[..., step].astype(np.int64)
        wanted = np.take_along_axis(demand[:, 0], here, 1)
        load = np.where(here == 0, capacity, load - wanted)
        np.put_along_axis(visited, here[..., None], True, 2)
    flat = batch, many * length
    return Moves(
        torch.from_numpy(at.reshape(flat)), torch.from_numpy(free.reshape(flat)),
        torch.from_numpy(allowed.reshape(*flat, nodes)),
        torch.from_numpy(moves[..., :length].astype(np.int64).reshape(flat)),
    )  # fmt: skip
