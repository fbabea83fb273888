"""Shops: jobs are chains of operations, each done by one of several machines without a break.

A job shop is a flexible job shop whose operations have one machine each. All times are whole.
Letters of shapes: `J` jobs, `O` operations, `C` choices of a machine for an operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.int64]
Choices = Sequence[tuple[int, int]]  # (machine, duration) of one operation

_LONGEST = 2**31  # a schedule without two operations at once must be shorter


@dataclass(frozen=True, eq=False)
class ShopInstance:
    """One shop. The operations of a job follow each other, and so do the choices of an operation.

    Attributes:
        num_machines: how many there are, from 0.
        job_start: first operation of each job, and at last their number `[J + 1]`.
        choice_start: first choice of each operation, and at last their number `[O + 1]`.
        choice_machine: the machine of each choice `[C]`.
        choice_duration: how long the operation takes on it `[C]`.
        name: for people.
    """

    num_machines: int
    job_start: Array
    choice_start: Array
    choice_machine: Array
    choice_duration: Array
    name: str = "shop"

    def __post_init__(self) -> None:
        for name in ("job_start", "choice_start", "choice_machine", "choice_duration"):
            array = np.asarray(getattr(self, name))
            if array.ndim != 1 or array.dtype.kind not in "iu":
                raise ValueError(f"{name} must be whole numbers in one row, got {array.dtype}")
            object.__setattr__(self, name, np.ascontiguousarray(array, np.int64))
        for name, starts, end in (
            ("job_start", self.job_start, self.num_operations),
            ("choice_start", self.choice_start, len(self.choice_machine)),
        ):
            if len(starts) < 2 or starts[0] or starts[-1] != end or np.diff(starts).min() < 1:
                raise ValueError(f"{name} must rise from 0 to {end}, got {starts.tolist()}")
        if len(self.choice_duration) != len(self.choice_machine):
            raise ValueError("every choice needs one machine and one duration")
        machine = self.choice_machine
        if machine.min() < 0 or machine.max() >= self.num_machines:
            raise ValueError(f"machines must be 0 to {self.num_machines - 1}")
        if self.choice_duration.min() < 0:
            raise ValueError(f"durations must be at least 0, got {self.choice_duration.min()}")
        if self.longest >= _LONGEST:
            raise ValueError("durations must sum to less than 2**31; choose a greater unit")

    @property
    def num_jobs(self) -> int:
        """Return how many jobs there are."""
        return len(self.job_start) - 1

    @property
    def num_operations(self) -> int:
        """Return how many operations there are."""
        return len(self.choice_start) - 1

    @property
    def is_flexible(self) -> bool:
        """Return whether an operation has more than one machine to choose from."""
        return len(self.choice_machine) > self.num_operations

    @property
    def job_of(self) -> Array:
        """Return the job of each operation `[O]`."""
        return np.repeat(np.arange(self.num_jobs), np.diff(self.job_start))

    @property
    def shortest(self) -> Array:
        """Return the least duration of each operation `[O]`."""
        return np.minimum.reduceat(self.choice_duration, self.choice_start[:-1])

    @property
    def longest(self) -> int:
        """Return a time in which one operation after the other is done, whatever its machine."""
        longest = np.maximum.reduceat(self.choice_duration.astype(float), self.choice_start[:-1])
        return int(longest.sum())

    def choices(self, operation: int) -> list[tuple[int, int]]:
        """Return (machine, duration) of every choice of an operation."""
        part = slice(self.choice_start[operation], self.choice_start[operation + 1])
        machines, durations = self.choice_machine[part], self.choice_duration[part]
        return list(zip(machines.tolist(), durations.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class ShopSchedule:
    """When each operation begins and where.

    Attributes:
        start: `[O]`.
        machine: `[O]`.
        makespan: when the last operation ends.
    """

    start: Array
    machine: Array
    makespan: int


def make_shop(
    jobs: Sequence[Sequence[Choices]], num_machines: int | None = None, name: str = "shop"
) -> ShopInstance:
    """Return the shop of nested sequences: jobs, operations, choices (machine, duration)."""
    operations = [operation for job in jobs for operation in job]
    choices = [choice for operation in operations for choice in operation]
    machine = np.array([machine for machine, _ in choices], np.int64)
    return ShopInstance(
        num_machines=int(machine.max()) + 1 if num_machines is None else num_machines,
        job_start=np.cumsum([0, *(len(job) for job in jobs)]),
        choice_start=np.cumsum([0, *(len(operation) for operation in operations)]),
        choice_machine=machine,
        choice_duration=np.array([duration for _, duration in choices], np.int64),
        name=name,
    )


def random_shop(
    num_jobs: int = 6,
    num_machines: int = 6,
    seed: int = 0,
    flexibility: int = 1,
    longest: int = 99,
) -> ShopInstance:
    """Return a random shop as Taillard (1993) draws them.

    Every job visits every machine once, in random order, for 1 to `longest`. With a `flexibility`
    above 1 an operation may also go to up to `flexibility - 1` other machines, for 1 to 1.5 times
    its duration.
    """
    if min(num_jobs, num_machines, flexibility, longest) < 1:
        raise ValueError("jobs, machines, flexibility and the longest duration are at least 1")
    random = np.random.default_rng(seed)
    jobs = []
    for _ in range(num_jobs):
        job = []
        for machine in random.permutation(num_machines).tolist():
            duration = int(random.integers(1, longest + 1))
            others = random.permutation(num_machines)[: int(random.integers(flexibility))]
            job.append(
                [(machine, duration)]
                + [
                    (other, int(random.integers(duration, duration + duration // 2 + 1)))
                    for other in others.tolist()
                    if other != machine
                ]
            )
        jobs.append(job)
    return make_shop(jobs, num_machines, f"random {num_jobs}x{num_machines}, seed {seed}")
