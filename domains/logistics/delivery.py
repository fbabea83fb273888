"""Delivery: vehicles serve customers in time windows, one route after the other.

    0 --> 7 --> 3 --> 0 --> 5 --> ...     action 0 returns to the depot, action i serves customer i

The rules let a vehicle go to any customer that is not served, or home; the last vehicle goes home
when all are served, and then the episode is over. Capacity, windows and the end of the shift are
constraints for the user to state (docs/examples/delivery.py), so that the rules alone never come
to a dead end.

A state tells the place, the vehicles that have left the depot, load and time of the present one,
and who is served. The reward of a move is minus its travel, as a part of what the longest play
could travel. `instance` holds the task.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.base import DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.logistics.delivery_task import MAX_PLACES, DeliveryTask, random_task

state_dtype = np.dtype(
    [
        ("time", np.int32),
        ("load", np.int32),
        ("at", np.int16),
        ("vehicle", np.int16),
        ("visited", np.int8, MAX_PLACES),
    ],
    align=True,
)
kernels = Kernels(state_dtype)

# Places in the instance: numbers, then arrays of one number a place, then the matrix.
_PLACES, _VEHICLES, _CAPACITY, _LONGEST, _ARRAYS = range(5)
_DEMAND, _READY, _DUE, _SERVICE, _TRAVEL = range(5)
_FEATURES = 6  # of each place in the observation


@njit(cache=True)
def get(instance, array, place):  # type: ignore[no-untyped-def]
    """Return the number of `place` in one of the task's arrays."""
    return instance[_ARRAYS + array * instance[_PLACES] + place]


@njit(cache=True)
def travel(instance, start, end):  # type: ignore[no-untyped-def]
    """Return the time from `start` to `end`."""
    return get(instance, _TRAVEL + start, end)


@njit(cache=True)
def num_left(state, instance):  # type: ignore[no-untyped-def]
    """Return how many customers are not served."""
    left = 0
    for place in range(1, instance[_PLACES]):
        left += state.visited[place] == 0
    return left


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Stand at the depot: the row comes zeroed."""


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow who is not served; home, too, unless the last vehicle would leave some unserved."""
    left = 0
    for place in range(1, instance[_PLACES]):
        mask[place] = state.visited[place] == 0
        left += mask[place]
    mask[0] = state.at != 0 and (left == 0 or state.vehicle < instance[_VEHICLES])


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Drive to a customer, wait until it is ready and serve it; or drive home."""
    way = travel(instance, np.int64(state.at), action)
    reward = -way / instance[_LONGEST]
    if action == 0:
        state.at = 0
        state.time = 0
        state.load = 0
        return reward, 1.0 if num_left(state, instance) else 0.0
    if state.at == 0:
        state.vehicle += 1
    state.time = max(state.time + way, get(instance, _READY, action))
    state.time += get(instance, _SERVICE, action)
    state.load += get(instance, _DEMAND, action)
    state.at = action
    state.visited[action] = 1
    return reward, 1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write the vehicle's load, time and number, then six numbers of each place."""
    shift = max(1, get(instance, _DUE, 0))
    capacity = max(1, instance[_CAPACITY])
    at = np.int64(state.at)
    out[0] = state.load / capacity
    out[1] = state.time / shift
    out[2] = state.vehicle / instance[_VEHICLES]
    for place in range(instance[_PLACES]):
        cell = 3 + place * _FEATURES
        out[cell] = state.visited[place]
        out[cell + 1] = at == place
        out[cell + 2] = travel(instance, at, place) / shift
        out[cell + 3] = (get(instance, _READY, place) - state.time) / shift
        out[cell + 4] = (get(instance, _DUE, place) - state.time) / shift
        out[cell + 5] = get(instance, _DEMAND, place) / capacity


def render(state: State) -> str:
    """Return where the vehicle stands."""
    served = int(np.count_nonzero(state.visited))
    return (
        f"vehicle {int(state.vehicle)} at {int(state.at)}, time {int(state.time)}, "
        f"load {int(state.load)}, {served} served"
    )


def action_name(state: State, action: int) -> str:
    """Return the customer's number or `home`."""
    del state
    return str(action) if action else "home"


def delivery(task: DeliveryTask) -> CompiledDomain:
    """Return the domain of one task."""
    arrays = (task.demand, task.ready, task.due, task.service, task.travel.ravel())
    places = task.customers + 1
    instance = np.concatenate([[places, task.vehicles, task.capacity, task.longest], *arrays])
    spec = DomainSpec(
        name="delivery",
        num_actions=places,
        observation_shape=(3 + places * _FEATURES,),
        num_players=1,
        max_steps=task.customers + task.vehicles,
        value_range=(-1.0, 0.0),
    )
    return CompiledDomain(spec, kernels, instance, render=render, action_name=action_name)


def random_delivery(
    customers: int = 20, vehicles: int = 1, seed: int = 0, width: int = 400
) -> CompiledDomain:
    """Return the domain of a random task; see `random_task`."""
    return delivery(random_task(customers, vehicles, seed, width))
