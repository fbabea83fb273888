"""The game of a shop: say which job goes on next, until all are done.

    action j   the next operation of job j goes to the machine that would end it first, behind all
               that the machine has to do

Every active schedule is the end of a game, so the best one is, for job shops, too. The reward of a
move is minus what it adds to the makespan, as a part of the time that one operation after the
other would take. A state tells each job's next operation and end, each machine's end, and the
makespan.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.base import DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.logistics.scheduling.shop import ShopInstance, random_shop

MAX_JOBS, MAX_MACHINES = 128, 64

state_dtype = np.dtype(
    [
        ("job_time", np.int32, MAX_JOBS),
        ("machine_time", np.int32, MAX_MACHINES),
        ("makespan", np.int32),
        ("following", np.int16, MAX_JOBS),  # the next operation, counted within the job
    ],
    align=True,
)
kernels = Kernels(state_dtype)

# Places in the instance: numbers, then the four arrays of the shop, then the work of each job.
_JOBS, _MACHINES, _OPERATIONS, _CHOICES, _LONGEST, _ARRAYS = range(6)
_FEATURES = 5  # of each job in the observation


@njit(cache=True)
def job_start(instance, job):  # type: ignore[no-untyped-def]
    """Return the first operation of the job."""
    return instance[_ARRAYS + job]


@njit(cache=True)
def soonest(state, instance, job):  # type: ignore[no-untyped-def]
    """Return `(machine, end)` where the job's next operation would end first; -1: it is done."""
    operation = job_start(instance, job) + state.following[job]
    if operation >= job_start(instance, job + 1):
        return -1, np.int64(state.job_time[job])
    starts = _ARRAYS + instance[_JOBS] + 1
    machines = starts + instance[_OPERATIONS] + 1
    durations = machines + instance[_CHOICES]
    best, end = -1, np.int64(2**62)
    for choice in range(instance[starts + operation], instance[starts + operation + 1]):
        machine = instance[machines + choice]
        begin = np.int64(max(state.job_time[job], state.machine_time[machine]))
        if begin + instance[durations + choice] < end:
            best, end = machine, begin + instance[durations + choice]
    return best, end


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Begin with nothing done: the row comes zeroed."""


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow every job that is not done."""
    for job in range(instance[_JOBS]):
        number = job_start(instance, job + 1) - job_start(instance, job)
        mask[job] = state.following[job] < number


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Schedule the job's next operation."""
    machine, end = soonest(state, instance, action)
    state.job_time[action] = end
    state.machine_time[machine] = end
    state.following[action] += 1
    longer = max(0, end - state.makespan)
    state.makespan += longer
    left = False
    for job in range(instance[_JOBS]):
        number = job_start(instance, job + 1) - job_start(instance, job)
        left = left or state.following[job] < number
    return -longer / instance[_LONGEST], 1.0 if left else 0.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write the makespan, five numbers of each job and the end of each machine.

    Of a job: its end, its work left, its share left, when its next operation would end, and how
    long it would wait and run until then. Times are parts of the makespan at the least.
    """
    jobs, size = instance[_JOBS], instance[_OPERATIONS]
    work = _ARRAYS + jobs + 1 + size + 1 + 2 * instance[_CHOICES]
    unit = np.float64(instance[_LONGEST]) / instance[_MACHINES]
    out[0] = state.makespan / unit
    for job in range(jobs):
        first, beyond = job_start(instance, job), job_start(instance, job + 1)
        _, end = soonest(state, instance, job)
        cell = 1 + job * _FEATURES
        out[cell] = state.job_time[job] / unit
        out[cell + 1] = instance[work + first + state.following[job] + job] / unit
        out[cell + 2] = 1 - state.following[job] / (beyond - first)
        out[cell + 3] = end / unit
        out[cell + 4] = (end - state.job_time[job]) / unit
    for machine in range(instance[_MACHINES]):
        out[1 + jobs * _FEATURES + machine] = state.machine_time[machine] / unit


def render(state: State) -> str:
    """Return how far it is."""
    done = int(np.sum(state.following))
    return f"{done} operations scheduled, makespan {int(state.makespan)}"


def action_name(state: State, action: int) -> str:
    """Return the job's number."""
    del state
    return f"job {action}"


def job_shop(shop: ShopInstance) -> CompiledDomain:
    """Return the game of a shop.

    Raises:
        ValueError: it has more jobs or machines than a state has room for.
    """
    jobs, machines = shop.num_jobs, shop.num_machines
    if jobs > MAX_JOBS or machines > MAX_MACHINES:
        raise ValueError(
            f"at most {MAX_JOBS} jobs and {MAX_MACHINES} machines, got {jobs} and {machines}"
        )
    rows = np.split(shop.shortest, shop.job_start[1:-1])
    # Work left before each operation of a job and, 0, after its last.
    left = [np.append(np.cumsum(row[::-1])[::-1], 0) for row in rows]
    longest = max(1, shop.longest)
    numbers = [jobs, machines, shop.num_operations, len(shop.choice_machine), longest]
    arrays = (shop.job_start, shop.choice_start, shop.choice_machine, shop.choice_duration)
    spec = DomainSpec(
        name="job_shop",
        num_actions=jobs,
        observation_shape=(1 + jobs * _FEATURES + machines,),
        num_players=1,
        max_steps=shop.num_operations,
        value_range=(-1.0, 0.0),
    )
    instance = np.concatenate([numbers, *arrays, *left])
    return CompiledDomain(spec, kernels, instance, render=render, action_name=action_name)


def random_job_shop(
    jobs: int = 6, machines: int = 6, seed: int = 0, flexibility: int = 1
) -> CompiledDomain:
    """Return the game of a random shop; see `random_shop`."""
    return job_shop(random_shop(jobs, machines, seed, flexibility))
