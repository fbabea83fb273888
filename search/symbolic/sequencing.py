"""`Sequencing`: completions of tasks where vehicles (or machines) do jobs one after the other.

For any domain whose action 0 sends the vehicle home and whose action `i` does job `i`, with state
fields as `delivery` has them. Proposals come from insertion with ruin and recreate. Questions are
scheduling problems: a start time for each job, and of two jobs on one vehicle one comes first.

The data must not be stricter than the model's constraints, or moves are refused that the model
allows; too lenient data only cost time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import State
from tesuji.search.symbolic.facts import Fact, Plan, Question
from tesuji.search.symbolic.insertion import Routes, Work, insert, nearness, refresh, repair
from tesuji.search.symbolic.prices import Prices, Rest
from tesuji.search.symbolic.schedule import HOME, Schedule, at_most
from tesuji.search.symbolic.smt_text import claims_of_text

Array = npt.NDArray[np.int64]

_FEW = 14  # jobs in the first question
_ROUNDS = 60  # of the search for prices
_PAIRS = 3000  # pairs of jobs times vehicles in the greatest question


class Jobs(Protocol):
    """The data of a task, whole numbers; `P` is the number of places, place 0 the depot."""

    @property
    def travel(self) -> Array:
        """The time from place to place `[P, P]`."""

    @property
    def demand(self) -> Array:
        """The load of each place `[P]`."""

    @property
    def ready(self) -> Array:
        """The earliest begin of service `[P]`."""

    @property
    def due(self) -> Array:
        """The latest begin of service `[P]`; at the depot, the latest return."""

    @property
    def service(self) -> Array:
        """The time that service takes `[P]`."""

    @property
    def capacity(self) -> int:
        """The load that a vehicle takes."""

    @property
    def vehicles(self) -> int:
        """The number of vehicles."""


class Sequencing:
    """Completions by insertion, and by z3's difference logic.

    A state has the fields `at`, `time` (when the vehicle can leave there), `load`, `vehicle` (how
    many have left the depot) and `visited` (1 for a job that is done).
    """

    def __init__(self, jobs: Jobs) -> None:
        arrays = (jobs.travel, jobs.demand, jobs.ready, jobs.due, jobs.service)
        travel, demand, ready, due, service = (np.ascontiguousarray(a, np.int64) for a in arrays)
        self.jobs = jobs
        near = nearness(travel, ready, due, service)
        self.work = Work(travel, demand, ready, due, service, near, jobs.capacity)
        self.absences = np.zeros(len(demand), np.int64)  # who is hard to place, in all so far
        # To leave out a job must never make the rest harder: take the shortest detours.
        self._lag = _shortest(service[:, None] + travel)  # from begin to begin, [P, P]
        self._due = np.minimum(due, due[0] - self._lag[:, 0])
        self._due[0] = due[0]
        self._anywhere = np.min([self._first(at) for at in range(len(demand))], axis=0)
        self._seed = 0
        self._prices = Prices(self._lag, ready, self._due, demand, jobs.capacity)

    def propose(self, state: State, hint: Plan, effort: int) -> Iterator[Plan]:
        """Yield a plan if insertion finds one in `effort` iterations."""
        routes, bank, size = self._warm(state, hint)
        if not all(refresh(self.work, routes, v) for v in range(len(routes.length))):
            return  # not even the way home is left
        spare = Routes(*(array.copy() for array in routes))
        self._seed += 1
        left = repair(
            self.work, routes, spare, bank, size, self.absences, effort, np.uint64(self._seed)
        )
        if left == 0:
            yield _plan(routes, int(state["at"]))

    def refute(self, state: State, effort: int) -> tuple[str, ...]:
        """Return what the vehicles cannot do if prices prove it."""
        at, left = int(state["at"]), self._left(state)
        vehicle, time, load = (int(state[name]) for name in ("vehicle", "time", "load"))
        if len(left) == 0 or self.jobs.vehicles == 1 or not self._prices.able:
            return ()  # for one vehicle, z3's questions about orders say more
        present = None if at == HOME else self._first(at) + time
        fresh, room = self.jobs.vehicles - vehicle, self.jobs.capacity - load
        rest = Rest(left, fresh, self._first(HOME), present, room)
        prices = self._prices
        price = prices.known(rest) if effort == 0 else prices.prove(rest, _ROUNDS)
        if price is None:
            return ()
        facts = [Fact("at", (), "==", at), Fact("vehicle", (), ">=", vehicle)]
        if present is not None:
            facts += [Fact("time", (), ">=", time), Fact("load", (), ">=", load)]
        facts += [Fact("visited", (j,), "==", 0) for j in left[price[left] > 0].tolist()]
        return tuple(map(str, facts))

    def questions(self, state: State) -> Iterator[Question]:
        """Yield a question about the jobs that are hardest to place, then one about all."""
        left = self._left(state)
        if len(left) == 0:
            return
        first = self._first(int(state["at"])) + int(state["time"])
        slack = self._due[left] - np.maximum(first[left], self.jobs.ready[left])
        hardest = left[np.lexsort((slack, -self.absences[left]))]
        machines = self.jobs.vehicles - int(state["vehicle"]) + (int(state["at"]) != HOME)
        if len(left) > _FEW and (machines == 1 or not self._prices.able):
            yield self._question(state, np.sort(hardest[:_FEW]))
        if len(left) * len(left) * machines <= 2 * _PAIRS or machines == 1:
            yield self._question(state, left)

    def _left(self, state: State) -> Array:
        return 1 + np.flatnonzero(state["visited"][1 : len(self.jobs.demand)] == 0)

    def _first(self, at: int) -> Array:
        """Return the least time from leaving `at` to the begin of each job `[P]`."""
        travel = self.jobs.travel[at]
        found: Array = np.minimum(travel, (travel[1:, None] + self._lag[1:]).min(0))
        return found

    def _warm(self, state: State, hint: Plan) -> tuple[Routes, Array, int]:
        """Return routes from `state` along `hint`, and the jobs that are not in them."""
        places, at = len(self.jobs.demand), int(state["at"])
        count = self.jobs.vehicles - int(state["vehicle"]) + (at != HOME)
        routes = Routes(
            jobs=np.zeros((count, places), np.int64),
            length=np.zeros(count, np.int64),
            origin=np.zeros(count, np.int64),
            clock=np.zeros(count, np.int64),
            load=np.zeros(count, np.int64),
            leave=np.zeros((count, places), np.int64),
            late=np.zeros((count, places + 1), np.int64),
        )
        if at != HOME:
            routes.origin[0], routes.clock[0], routes.load[0] = at, state["time"], state["load"]
        left = set(self._left(state).tolist())
        for v, segment in enumerate(_segments(hint, at)[:count]):
            refresh(self.work, routes, v)
            for job in segment:
                if job in left and self._fits_last(routes, v, job):
                    insert(self.work, routes, v, int(routes.length[v]), job)
                    left.remove(job)
        bank = np.zeros(places, np.int64)
        bank[: len(left)] = sorted(left)
        return routes, bank, len(left)

    def _fits_last(self, routes: Routes, v: int, job: int) -> bool:
        size, jobs = int(routes.length[v]), self.jobs
        at = routes.jobs[v, size - 1] if size else routes.origin[v]
        time = routes.leave[v, size - 1] if size else routes.clock[v]
        begin = max(time + jobs.travel[at, job], jobs.ready[job])
        home = begin + jobs.service[job] + jobs.travel[job, 0]
        heavy = routes.load[v] + jobs.demand[job] > jobs.capacity
        return not heavy and begin <= jobs.due[job] and home <= jobs.due[0]

    def _question(self, state: State, left: Array) -> Question:
        """Return whether the jobs `left` can all be done, whatever becomes of the others.

        Machine 0 is the vehicle under way, or at the depot the next one. Where it stands is a fact
        of its own: a proof that does without it speaks of every place.
        """
        at, vehicle = int(state["at"]), int(state["vehicle"])
        used = vehicle + (at == HOME)  # with machine 0
        schedule = Schedule(left.tolist(), range(1 + self.jobs.vehicles - used))
        self._times(schedule)
        self._orders(schedule)
        demands = [int(self.jobs.demand[j]) for j in schedule.jobs]

        def late(time: int) -> str:
            return f"(>= now {time})"

        def loaded(load: int) -> str:
            return at_most(self.jobs.capacity - load, demands, [f"on{j}_0" for j in schedule.jobs])

        time, load = int(state["time"]), int(state["load"])
        first = self._first(at).tolist()
        here = Fact("at", (), "==", at)
        begins = " ".join(f"(=> on{j}_0 (>= begin{j} (+ now {first[j]})))" for j in schedule.jobs)
        facts = {
            here: f"(and {begins})",
            Fact("time", (), ">=", time): late(time),
            Fact("load", (), ">=", load): loaded(load),
        }
        facts |= {Fact("visited", (j,), "==", 0): f"need{j}" for j in schedule.jobs}

        def refute(core: tuple[Fact, ...]) -> list[tuple[Fact, ...]]:
            start = Fact("vehicle", (), ">=", vehicle)
            if at != HOME or here in core:
                return [(start, *core)]
            return [(start, here, *core), (Fact("vehicle", (), ">=", used), *core)]

        whole = len(left) == len(self._left(state))
        return Question(
            tuple(facts),
            claims_of_text(schedule.declarations, facts.values()),
            schedule.script(),
            schedule.wanted if whole else {},
            refute,
            {"time": late, "load": loaded},
            schedule.declarations,
            schedule.decode if whole else None,
        )

    def _times(self, schedule: Schedule) -> None:
        """State when each job can begin, and that it is on a machine if it is needed."""
        anywhere, fresh = self._anywhere.tolist(), self._first(HOME).tolist()
        ready, due = self.jobs.ready.tolist(), self._due.tolist()
        schedule.state("(>= now 0)")
        for rank, j in enumerate(schedule.jobs):
            # Fresh vehicles are alike: the one of the r-th job is among the first r.
            machines = [k for k in schedule.machines if k <= rank + 1]
            places = " ".join(f"on{j}_{k}" for k in machines)
            schedule.state(f"(>= begin{j} {ready[j]})")
            schedule.state(f"(=> need{j} (and (<= begin{j} {due[j]}) (or {places})))")
            for k in machines:
                start = f"{fresh[j]}" if k else f"(+ now {anywhere[j]})"
                schedule.state(f"(=> on{j}_{k} (>= begin{j} {start}))")

    def _orders(self, schedule: Schedule) -> None:
        """State that jobs on one machine come one after the other and fit into it."""
        ready, due, lag = self.jobs.ready, self._due, self._lag
        for a, i in enumerate(schedule.jobs):
            for j in schedule.jobs[a + 1 :]:
                orders = " ".join(
                    f"(<= (+ begin{x} {lag[x, y]}) begin{y})"
                    for x, y in ((i, j), (j, i))
                    if ready[x] + lag[x, y] <= due[y]
                )
                for k in schedule.machines:
                    schedule.state(f"(or (not on{i}_{k}) (not on{j}_{k}) {orders})")
        demands = self.jobs.demand[schedule.jobs].tolist()
        if sum(demands) > self.jobs.capacity:
            for k in schedule.machines:
                terms = [f"on{j}_{k}" for j in schedule.jobs]
                schedule.state(at_most(self.jobs.capacity, demands, terms))


def _shortest(lag: Array) -> Array:
    """Return the lengths of shortest paths `[P, P]` (Floyd-Warshall)."""
    lag = lag.copy()
    for k in range(len(lag)):
        np.minimum(lag, lag[:, k, None] + lag[None, k], out=lag)
    return lag


def _segments(plan: Plan, at: int) -> list[list[int]]:
    """Return the routes of a plan, first the one that goes on from `at`."""
    segments: list[list[int]] = [[]]
    for action in plan:
        if action == HOME:
            segments.append([])
        else:
            segments[-1].append(action)
    for v, segment in enumerate(segments):
        if segment and segment[0] == at:  # a route that has just begun
            segments.insert(0, segments.pop(v))
            break
    return segments if at != HOME else [segment for segment in segments if segment]


def _plan(routes: Routes, at: int) -> Plan:
    """Return routes as one plan; the first goes on from `at`."""
    plan: list[int] = []
    for v, size in enumerate(routes.length.tolist()):
        if size or (v == 0 and at != HOME):
            plan += [*routes.jobs[v, :size].tolist(), HOME]
    return tuple(plan)
