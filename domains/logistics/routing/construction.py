"""Driving an instance one customer after the other, as a domain for tree search.

    0 --> 7 --> 3 --> 0 --> 5 --> ...     action 0 returns to the depot, action i serves customer i

A vehicle may go to any customer whose demand it still has room for, or home; the episode is over
when all are served and the last vehicle is home. A state says by which move each customer was
served, so that it tells the routes. The reward of a move is minus its length, as a part of
`farthest`.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.base import DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.logistics.routing.instance import RoutingInstance

MAX_PLACES = 512  # a state's row has room for so many, depot included

state_dtype = np.dtype(
    [
        ("free", np.int64),
        ("at", np.int16),
        ("moves", np.int16),
        ("order", np.int16, MAX_PLACES),  # 1 + the move that served each, 0 where none has
    ],
    align=True,
)
kernels = Kernels(state_dtype)

# Places in the instance: numbers, then demands, then distances.
_PLACES, _CAPACITY, _FARTHEST, _DEMAND = range(4)
AT, MOVES, ORDER = 0, 1, 2  # in the observation


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Stand at the depot with an empty vehicle."""
    state.free = instance[_CAPACITY]


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow who is not served and fits; home from elsewhere."""
    for place in range(1, instance[_PLACES]):
        mask[place] = state.order[place] == 0 and instance[_DEMAND + place] <= state.free
    mask[0] = state.at != 0


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Drive to a customer, or home."""
    places = instance[_PLACES]
    way = instance[_DEMAND + places + np.int64(state.at) * places + action]
    state.at = action
    state.moves += 1
    reward = -way / instance[_FARTHEST]
    if action:
        state.order[action] = state.moves
        state.free -= instance[_DEMAND + action]
        return reward, 1.0
    state.free = instance[_CAPACITY]
    for place in range(1, places):
        if state.order[place] == 0:
            return reward, 1.0
    return reward, 0.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write the place, the number of moves, and by which of them each place was served."""
    out[AT] = state.at
    out[MOVES] = state.moves
    for place in range(instance[_PLACES]):
        out[ORDER + place] = state.order[place]


def farthest(instance: RoutingInstance) -> int:
    """Return what no plan without detours costs more than: every way as long as the longest."""
    return max(2 * (instance.num_nodes - 1) * int(instance.distance.max()), 1)


def construction(instance: RoutingInstance) -> CompiledDomain:
    """Return the domain of an instance of capacitated routing.

    Raises:
        ValueError: it is too large, or has windows or pairs.
    """
    nodes = instance.num_nodes
    if nodes > MAX_PLACES:
        raise ValueError(f"customers must be 1 to {MAX_PLACES - 1}, got {nodes - 1}")
    if instance.has_windows or instance.has_pairs:
        raise ValueError(f"{instance.name} has windows or pairs; this domain has neither")
    numbers = [nodes, instance.capacity, farthest(instance)]
    spec = DomainSpec(
        name="construction",
        num_actions=nodes,
        observation_shape=(ORDER + nodes,),
        num_players=1,
        max_steps=2 * (nodes - 1),
        value_range=(-1.0, 0.0),
    )
    arrays = np.concatenate([numbers, instance.demand, instance.distance.ravel()])
    return CompiledDomain(spec, kernels, arrays)
