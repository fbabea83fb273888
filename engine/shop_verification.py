"""The verifier of shops: a certificate holds a shop, a schedule and a bound, and this adds up.

It shares no code with the search: nested lists in, plain Python. What it claims is about the shop
in the file; whoever doubts that it is theirs compares it with `jobs`.

    {"format": "tesuji shop certificate", "version": 1, "name": ...,
     "machines": M, "jobs": [[[[machine, duration], ...], ...], ...],
     "start": [[...], ...], "machine": [[...], ...], "makespan": ...,
     "bound": ..., "chain": false, "operations": [[job, index], ...]}

The bound of a chain is the sum of the operations of one job. Else it is, for operations that only
K machines can do: what must go by before the first of them, their shortest durations divided by K,
and what must go by after the last.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tesuji.engine.errors import UnprovenError
from tesuji.engine.storage import load_json

FORMAT = "tesuji shop certificate"
VERSION = 1

Jobs = list[list[dict[int, int]]]  # of each operation of each job: machine -> duration


class ShopFault(UnprovenError):
    """What a certificate claims does not follow from it."""


class VerifiedShop(NamedTuple):
    """What a certificate shows."""

    name: str
    jobs: int
    machines: int
    makespan: int
    bound: int

    @property
    def gap(self) -> float:
        """Return the part of the makespan that might be saved at most."""
        return (self.makespan - self.bound) / self.makespan if self.makespan else 0.0


def verify_shop_file(path: Path) -> VerifiedShop:
    """Check the certificate in a file.

    Raises:
        ShopFault: it does not show what it claims.
        DamagedFileError: it is not byte for byte what was written.
    """
    return verify_shop(load_json(path))


def verify_shop(content: dict[str, Any]) -> VerifiedShop:
    """Check what a certificate holds; see `verify_shop_file`."""
    if content.get("format") != FORMAT or content.get("version") != VERSION:
        raise ShopFault(f"expected {FORMAT!r}, version {VERSION}")
    name, chain = content.get("name"), content.get("chain")
    if not isinstance(name, str) or not isinstance(chain, bool):
        raise ShopFault("'name' must be text and 'chain' true or false")
    machines = _whole(content.get("machines"), "machines")
    jobs = _jobs(content.get("jobs"), machines)
    makespan = _makespan(jobs, content)
    if makespan != _whole(content.get("makespan"), "makespan"):
        raise ShopFault(f"the schedule ends at {makespan}, not at {content['makespan']}")
    operations = _operations(content.get("operations"), jobs)
    bound = _chain_bound(jobs, operations) if chain else _machine_bound(jobs, operations)
    if bound != _whole(content.get("bound"), "bound"):
        raise ShopFault(f"the operations show a bound of {bound}, not of {content['bound']}")
    return VerifiedShop(name, len(jobs), machines, makespan, bound)


def _whole(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ShopFault(f"{what}: expected a whole number from 0, got {value!r}")
    return value


def _list(value: object, what: str, size: int | None = None) -> list[Any]:
    if not isinstance(value, list) or not value or (size is not None and len(value) != size):
        many = "some" if size is None else str(size)
        raise ShopFault(f"{what}: expected a list of {many} entries")
    return value


def _jobs(value: object, machines: int) -> Jobs:
    jobs: Jobs = []
    for job in _list(value, "jobs"):
        jobs.append([])
        for choices in _list(job, "a job"):
            durations: dict[int, int] = {}
            for choice in _list(choices, "an operation"):
                machine, duration = (_whole(v, "a choice") for v in _list(choice, "a choice", 2))
                if machine >= machines:
                    raise ShopFault(f"machine {machine} is none of {machines}")
                durations[machine] = min(duration, durations.get(machine, duration))
            jobs[-1].append(durations)
    return jobs


def _makespan(jobs: Jobs, content: dict[str, Any]) -> int:
    """Return when the schedule ends, after a look at every rule."""
    starts = _list(content.get("start"), "start", len(jobs))
    machines = _list(content.get("machine"), "machine", len(jobs))
    busy: list[tuple[int, int, int]] = []
    last = 0
    for number, job in enumerate(jobs):
        free = 0
        own = _list(starts[number], "start", len(job)), _list(machines[number], "machine", len(job))
        for start, machine, durations in zip(*own, job, strict=True):
            if _whole(machine, "machine") not in durations:
                raise ShopFault(f"machine {machine} cannot do what job {number} has it do")
            if _whole(start, "start") < free:
                raise ShopFault(f"job {number} goes on at {start}, before {free}")
            free = start + durations[machine]
            busy.append((machine, start, free))
        last = max(last, free)
    busy.sort()
    for (one, _, end), (other, start, _) in pairwise(busy):
        if one == other and start < end:
            raise ShopFault(f"machine {one} does two things at {start}")
    return last


def _operations(value: object, jobs: Jobs) -> list[tuple[int, int]]:
    operations = []
    for pair in _list(value, "operations"):
        job, index = (_whole(v, "an operation") for v in _list(pair, "an operation", 2))
        if job >= len(jobs) or index >= len(jobs[job]):
            raise ShopFault(f"job {job} has no operation {index}")
        operations.append((job, index))
    if len(set(operations)) != len(operations):
        raise ShopFault("an operation counts twice")
    return operations


def _chain_bound(jobs: Jobs, operations: list[tuple[int, int]]) -> int:
    if len({job for job, _ in operations}) != 1:
        raise ShopFault("a chain is of one job")
    return sum(min(jobs[job][index].values()) for job, index in operations)


def _machine_bound(jobs: Jobs, operations: list[tuple[int, int]]) -> int:
    machines: set[int] = set()
    heads, tails, work = [], [], 0
    for job, index in operations:
        shortest = [min(durations.values()) for durations in jobs[job]]
        machines |= jobs[job][index].keys()
        heads.append(sum(shortest[:index]))
        tails.append(sum(shortest[index + 1 :]))
        work += shortest[index]
    return min(heads) + -(-work // len(machines)) + min(tails)
