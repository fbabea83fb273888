"""The solver of shops: a schedule that gets shorter while time lasts, and a bound beside it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule
from tesuji.engine.shop_verification import FORMAT, VERSION, verify_shop
from tesuji.engine.solving import Listener, SolveBudget, SolveClock, SolveProgress
from tesuji.engine.storage import atomic_write, dump_json
from tesuji.search.scheduling.policy_search import PolicySearch, PolicyWeights
from tesuji.search.scheduling.policy_search import load_kernels as load_policy_kernels
from tesuji.search.scheduling.shop_bounds import ShopBound, shop_bound
from tesuji.search.scheduling.shop_search import ShopSearch, load_kernels

_SLICE = 0.05  # seconds in the kernels between two looks at the clock
_CP_SAT_SHARE = 0.5  # of the time, where CP-SAT is asked for its bound


@dataclass(frozen=True)
class ShopAnswer:
    """What came out.

    Attributes:
        instance: the shop.
        schedule: the best schedule; it has passed the checker.
        bound: no schedule is shorter; `save_certificate` writes the proof.
        proof: what shows the bound.
        cp_sat_bound: the bound that CP-SAT tells of, which no file proves; None if not asked.
        moves: that the search made.
        seconds: that it took.
    """

    instance: ShopInstance
    schedule: ShopSchedule
    proof: ShopBound
    cp_sat_bound: int | None
    moves: int
    seconds: float

    @property
    def makespan(self) -> int:
        """Return when all is done."""
        return self.schedule.makespan

    @property
    def bound(self) -> int:
        """Return the bound that a certificate proves."""
        return self.proof.value

    @property
    def gap(self) -> float:
        """Return the part of the makespan that might be saved at most, by the better bound."""
        best = max(self.bound, self.cp_sat_bound or 0)
        return 1 - best / self.makespan if self.makespan else 0.0

    def certificate(self) -> dict[str, Any]:
        """Return shop, schedule and bound as `tesuji verify` reads them."""
        shop, bound = self.instance, self.proof
        job = shop.job_of
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": shop.name,
            "machines": shop.num_machines,
            "jobs": _by_job(shop, (list(map(list, shop.choices(i))) for i in range(len(job)))),
            "start": _by_job(shop, self.schedule.start.tolist()),
            "machine": _by_job(shop, self.schedule.machine.tolist()),
            "makespan": self.makespan,
            "bound": bound.value,
            "chain": bound.is_chain,
            "operations": [
                [int(job[i]), int(i - shop.job_start[job[i]])] for i in bound.operations
            ],
        }

    def save_certificate(self, path: Path) -> None:
        """Write the certificate."""
        atomic_write(path, dump_json(self.certificate()))


def solve_shop(
    instance: ShopInstance,
    budget: SolveBudget | None = None,
    listener: Listener | None = None,
    stop: Event | None = None,
    use_cp_sat: bool = False,
    policy: PolicyWeights | None = None,
) -> ShopAnswer:
    """Return the best schedule that is found in the budget, and a lower bound.

    Args:
        instance: the shop.
        budget: when to stop.
        listener: called with the progress, a few times a second.
        stop: set it to stop at once; the best so far is returned.
        use_cp_sat: spend half of the time on CP-SAT, for its bound and perhaps a better schedule.
        policy: search by a learned dispatching policy alone (`engine/shop_policy.py`), not by tabu.

    Raises:
        ModuleNotFoundError: CP-SAT is asked for and not installed.
    """
    load_kernels() if policy is None else load_policy_kernels()
    budget, stop = budget or SolveBudget(), stop or Event()
    clock = SolveClock(budget, stop)
    proof = shop_bound(instance)
    search: ShopSearch | PolicySearch = (
        ShopSearch(instance, budget.seed)
        if policy is None
        else PolicySearch(instance, policy, budget.seed)
    )
    share = _CP_SAT_SHARE if use_cp_sat else 1.0
    progress = _search(search, proof.value, clock, listener, share * budget.seconds)
    schedule, cp_sat_bound = search.schedule(), None
    if use_cp_sat and not clock.is_over(progress):
        schedule, cp_sat_bound = _ask_cp_sat(instance, schedule, clock)
        cp_sat_bound = max(cp_sat_bound, proof.value)
        if listener is not None:
            listener(SolveProgress(schedule.makespan, cp_sat_bound, clock.seconds()))
    fault = check_schedule(instance, schedule)
    if fault is not None:
        raise AssertionError(f"the search returned no schedule: {fault}; please report this")
    answer = ShopAnswer(instance, schedule, proof, cp_sat_bound, search.moves, clock.seconds())
    verify_shop(answer.certificate())
    return answer


def _search(
    search: ShopSearch | PolicySearch,
    bound: int,
    clock: SolveClock,
    listener: Listener | None,
    seconds: float,
) -> SolveProgress:
    """Search in slices until the time is up or the gap reached; return how far it came."""
    moves = 10
    progress = SolveProgress(search.makespan, bound, clock.seconds())
    while not clock.is_over(progress) and clock.seconds() < seconds:
        start = time.monotonic()
        search.advance(moves, bound)
        took = time.monotonic() - start
        # At most doubled, so that one lucky slice does not make the next one long.
        moves = max(1, int(moves * min(2.0, _SLICE / max(took, 1e-6))))
        elapsed = clock.seconds()
        progress = SolveProgress(search.makespan, bound, elapsed, search.moves / max(elapsed, 1e-6))
        if listener is not None:
            listener(progress)
    return progress


def _ask_cp_sat(
    instance: ShopInstance, schedule: ShopSchedule, clock: SolveClock
) -> tuple[ShopSchedule, int]:
    from tesuji.search.scheduling.cp_sat import solve_by_cp_sat  # noqa: PLC0415

    seconds = clock.budget.seconds - clock.seconds()
    found = solve_by_cp_sat(instance, schedule, seconds, clock.budget.seed % 2**31, stop=clock.stop)
    better = found.schedule is not None and found.schedule.makespan < schedule.makespan
    return (found.schedule if better and found.schedule else schedule), found.bound


def _by_job(shop: ShopInstance, values: Iterable[Any]) -> list[list[Any]]:
    """Return values of the operations, a list a job."""
    flat, starts = list(values), shop.job_start.tolist()
    return [flat[first:end] for first, end in pairwise(starts)]
