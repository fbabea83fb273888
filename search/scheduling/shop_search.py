"""The search for short schedules: tabu search from dispatched and from relinked schedules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule, random_shop
from tesuji.search.scheduling.graph import (
    Plan,
    as_schedule,
    build,
    copy_plan,
    dispatch,
    makespan,
    shop_arrays,
)
from tesuji.search.scheduling.tabu import BEST, SINCE, improve, new_walk, set_out


@dataclass(frozen=True)
class ShopSearchParams:
    """How the search goes about it.

    Attributes:
        patience: moves without a better schedule after which a walk ends.
        elites: schedules that are kept and relinked.
        starts: walks from dispatched schedules before the first relinking.
        dispatched: schedules dispatched for each of them, of which the shortest is taken.
        noise: per cent by which the dispatching rule is blurred.
    """

    patience: int = 12_000
    elites: int = 8
    starts: int = 3
    dispatched: int = 10
    noise: int = 30

    def __post_init__(self) -> None:
        for name in ("patience", "elites", "starts", "dispatched"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.noise < 0:
            raise ValueError(f"noise must be at least 0, got {self.noise}")


def load_kernels() -> None:
    """Compile or load what a search runs on, so that no budget pays for it."""
    for flexibility in (1, 2):
        ShopSearch(random_shop(3, 3, 0, flexibility)).advance(20)


class ShopSearch:
    """A search that goes on for as long as it is asked to.

    Walks end when they stagnate and the ends are kept as elites. The next walk begins between two
    of them: the operations, sorted by a mean of their begins in both, are scheduled one by one, so
    that whatever both do in the same order stays so, and every child is feasible (a path relinking
    in the manner of Peng, Lü & Cheng 2015). How the moves are cut into calls of `advance` changes
    nothing: the same seed and number of moves give the same schedule.
    """

    is_feasible = True  # every schedule is, without side constraints

    def __init__(
        self, instance: ShopInstance, seed: int = 0, params: ShopSearchParams | None = None
    ) -> None:
        self.instance = instance
        self.params = params or ShopSearchParams()
        self.moves = 0
        self._shop = shop_arrays(instance)
        self._first = instance.job_start[:-1].copy()
        self._random = np.random.default_rng(seed)
        self._walk = new_walk(self._shop, int(self._random.integers(2**62)))
        self._elites: list[tuple[int, Plan]] = []
        self._walks = 0
        self._tenure = 10 + instance.num_jobs // instance.num_machines
        self._begin()
        self.best = copy_plan(self._walk.best)
        self.makespan = int(self._walk.counts[BEST])

    def advance(self, moves: int, target: int = 0) -> int:
        """Make `moves` moves, fewer where the makespan `target` is met; return their number."""
        left = moves
        while left > 0 and self.makespan > target:
            made = improve(self._shop, self._walk, left, self.params.patience, target, self._tenure)
            left -= made
            length = int(self._walk.counts[BEST])
            if length < self.makespan:
                self.makespan, self.best = length, copy_plan(self._walk.best)
            if self._walk.counts[SINCE] >= self.params.patience:
                self._keep(length)
                self._begin()
                left -= not made  # a shop without any move must not spin
        self.moves += moves - max(left, 0)
        return moves - max(left, 0)

    def schedule(self) -> ShopSchedule:
        """Return the best schedule."""
        return as_schedule(self.best)

    def adopt(self, schedule: ShopSchedule) -> None:
        """Go on from a schedule that came from elsewhere, if it is better than the best."""
        order = np.lexsort((np.arange(len(schedule.start)), schedule.start))
        duration = np.array(
            [dict(self.instance.choices(i))[int(m)] for i, m in enumerate(schedule.machine)]
        )
        length = int(build(self._shop, self._walk.plan, order, schedule.machine, duration))
        set_out(self._walk)
        if length < self.makespan:
            self.makespan, self.best = length, copy_plan(self._walk.best)

    def _keep(self, length: int) -> None:
        same = any(
            length == other and np.array_equal(plan.head, self._walk.best.head)
            for other, plan in self._elites
        )
        if not same:
            self._elites.append((length, copy_plan(self._walk.best)))
            self._elites.sort(key=lambda elite: elite[0])
            del self._elites[self.params.elites :]

    def _begin(self) -> None:
        """Put a first schedule of the next walk into it."""
        if self._walks < self.params.starts or len(self._elites) < 2:
            self._dispatch()
        else:
            self._relink()
        set_out(self._walk)
        self._walks += 1

    def _dispatch(self) -> None:
        plan, shortest = self._walk.plan, None
        for number in range(self.params.dispatched):
            noise = self.params.noise if number or self._walks else 0
            seed = np.uint64(self._random.integers(2**62))
            dispatch(self._shop, plan, self._first, noise, seed)
            if shortest is None or makespan(plan) < makespan(shortest):
                shortest = copy_plan(plan)
        assert shortest is not None
        for array, value in zip(plan, shortest, strict=True):
            array[:] = value

    def _relink(self) -> None:
        one, other = self._random.choice(len(self._elites), 2, replace=False)
        start, guide = self._elites[one][1], self._elites[other][1]
        share = self._random.uniform(0.3, 0.7)
        begin = (1 - share) * start.head + share * guide.head
        place = (1 - share) * start.place + share * guide.place
        order = np.lexsort((place[:-1], begin[:-1]))
        theirs = self._random.random(len(begin)) < share
        machine = np.where(theirs, guide.machine, start.machine)
        duration = np.where(theirs, guide.duration, start.duration)
        build(self._shop, self._walk.plan, order, machine, duration)
