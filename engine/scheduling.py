"""The solver of shops: a schedule that gets shorter while time lasts, and a bound beside it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule
from tesuji.engine.errors import TesujiError
from tesuji.engine.shop_verification import FORMAT, VERSION, verify_shop
from tesuji.engine.solving import Listener, SolveBudget, SolveClock, SolveProgress
from tesuji.engine.storage import atomic_write, dump_json
from tesuji.search.scheduling.policy_search import PolicySearch, PolicyWeights
from tesuji.search.scheduling.policy_search import load_kernels as load_policy_kernels
from tesuji.search.scheduling.shop_bounds import ShopBound, shop_bound
from tesuji.search.scheduling.shop_search import ShopSearch, load_kernels

if TYPE_CHECKING:
    import z3

    from tesuji.search.scheduling.constrained_search import ConstrainedSearch
    from tesuji.search.scheduling.shop_constraints import ShopConstraints

_SLICE = 0.05  # seconds in the kernels between two looks at the clock
_CP_SAT_SHARE = 0.5  # of the time, where CP-SAT is asked for its bound
_FREE_SHARE = 0.25  # of the time, without side constraints, for an order to begin with
_TRIED_SHARE = 0.4  # of the time, after which z3 is asked whether constraints can be kept


class NoScheduleError(TesujiError):
    """There is no schedule that keeps the side constraints, or none was found in time.

    Attributes:
        refuted: a smallest set of reasons why there is none, proved by z3; empty: nothing is.
    """

    def __init__(self, message: str, refuted: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.refuted = refuted


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
        constraints: names of the side constraints that the schedule keeps.
    """

    instance: ShopInstance
    schedule: ShopSchedule
    proof: ShopBound
    cp_sat_bound: int | None
    moves: int
    seconds: float
    constraints: tuple[str, ...] = ()

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
    constraints: Mapping[str, z3.BoolRef] | Sequence[str] = (),
) -> ShopAnswer:
    """Return the best schedule that is found in the budget, and a lower bound.

    The schedule keeps all constraints, which is decided exactly; the bound holds without them, and
    so with them.

    Args:
        instance: the shop.
        budget: when to stop.
        listener: called with the progress, a few times a second.
        stop: set it to stop at once; the best so far is returned.
        use_cp_sat: spend half of the time on CP-SAT, for its bound and, where there are no
            constraints, perhaps a better schedule.
        policy: search by a learned dispatching policy alone (`engine/shop_policy.py`), not by tabu.
        constraints: what must hold of the schedule, as text or as expressions over
            `ShopSymbols(instance)`; see `tesuji.search.scheduling.shop_constraints`.

    Raises:
        ModuleNotFoundError: CP-SAT is asked for and not installed.
        ConstraintError: a constraint cannot be read or compiled; it is named.
        NoScheduleError: no schedule that keeps the constraints exists, or was found.
    """
    load_kernels() if policy is None else load_policy_kernels()
    side = _side_constraints(instance, constraints)
    budget, stop = budget or SolveBudget(), stop or Event()
    clock = SolveClock(budget, stop)
    proof = shop_bound(instance)
    search: ShopSearch | PolicySearch = (
        ShopSearch(instance, budget.seed)
        if policy is None
        else PolicySearch(instance, policy, budget.seed)
    )
    seconds = budget.seconds * (_CP_SAT_SHARE if use_cp_sat else 1.0)
    if side is None:
        progress = _search(search, proof.value, clock, listener, seconds)
        schedule, moves = search.schedule(), search.moves
    else:
        _search(search, proof.value, clock, None, _FREE_SHARE * seconds)
        kept = _keep_constraints(search, side, proof.value, clock, listener, seconds)
        progress = SolveProgress(kept.makespan, proof.value, clock.seconds())
        schedule, moves = kept.schedule(), search.moves + kept.moves
    cp_sat_bound = None
    if use_cp_sat and not clock.is_over(progress):
        better, cp_sat_bound = _ask_cp_sat(instance, search.schedule(), clock)
        schedule = better if side is None else schedule
        cp_sat_bound = max(cp_sat_bound, proof.value)
        if listener is not None:
            listener(SolveProgress(schedule.makespan, cp_sat_bound, clock.seconds()))
    fault = check_schedule(instance, schedule)
    if fault is not None:
        raise AssertionError(f"the search returned no schedule: {fault}; please report this")
    if side is not None and (broken := side.broken(schedule)):
        raise AssertionError(f"the schedule breaks {', '.join(broken)}; please report this")
    names = () if side is None else tuple(side.expressions)
    answer = ShopAnswer(instance, schedule, proof, cp_sat_bound, moves, clock.seconds(), names)
    verify_shop(answer.certificate())
    return answer


def _side_constraints(
    instance: ShopInstance, constraints: Mapping[str, z3.BoolRef] | Sequence[str]
) -> ShopConstraints | None:
    if not constraints:
        return None
    # They load z3, which only constraints need.
    from tesuji.search.scheduling.constrained_search import (  # noqa: PLC0415
        load_kernels as load_constrained_kernels,
    )
    from tesuji.search.scheduling.shop_constraints import ShopConstraints  # noqa: PLC0415

    load_constrained_kernels()
    return ShopConstraints(instance, constraints)


def _keep_constraints(
    free: ShopSearch | PolicySearch,
    side: ShopConstraints,
    bound: int,
    clock: SolveClock,
    listener: Listener | None,
    seconds: float,
) -> ConstrainedSearch:
    """Return the search that went on under constraints, from a schedule that was found without."""
    from tesuji.search.scheduling.constrained_search import ConstrainedSearch  # noqa: PLC0415
    from tesuji.search.scheduling.shop_refutation import refuted  # noqa: PLC0415

    search = ConstrainedSearch(free.instance, side, free.schedule(), clock.budget.seed)
    _search(search, bound, clock, listener, _TRIED_SHARE * seconds)
    if not search.is_feasible:
        reasons = refuted(side)
        if reasons:
            raise NoScheduleError(f"no schedule exists; proved: {' + '.join(reasons)}", reasons)
    _search(search, bound, clock, listener, seconds)
    if not search.is_feasible:
        raise NoScheduleError("no schedule found that keeps the constraints; not proven")
    return search


def _search(
    search: ShopSearch | PolicySearch | ConstrainedSearch,
    bound: int,
    clock: SolveClock,
    listener: Listener | None,
    seconds: float,
) -> SolveProgress:
    """Search in slices until the time is up or the gap reached; return how far it came."""
    moves = 10
    progress = _progress(search, bound, clock)
    while not clock.is_over(progress) and clock.seconds() < seconds:
        start = time.monotonic()
        search.advance(moves, bound)
        took = time.monotonic() - start
        # At most doubled, so that one lucky slice does not make the next one long.
        moves = max(1, int(moves * min(2.0, _SLICE / max(took, 1e-6))))
        progress = _progress(search, bound, clock)
        if listener is not None:
            listener(progress)
    return progress


def _progress(
    search: ShopSearch | PolicySearch | ConstrainedSearch, bound: int, clock: SolveClock
) -> SolveProgress:
    elapsed = clock.seconds()
    makespan = search.makespan if search.is_feasible else None
    return SolveProgress(makespan, bound, elapsed, search.moves / max(elapsed, 1e-6))


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
