"""`Prices`: proofs that the vehicles that are left cannot do the jobs that are left.

Give each job a price. If no vehicle can earn more than so much, and the jobs together are worth
more than all vehicles can earn, then no plan does them all:

    sum of prices  >  fresh vehicles * the dearest route of one + the dearest of the one under way

Prices are whole numbers and both maxima exact bounds (`pricing`), so each refusal is a proof by
itself, whatever the prices come from: from proofs that were found before, or from a linear program
over the routes that are known (column generation, Dantzig & Wolfe 1960; `master`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesuji.search.symbolic import pricing
from tesuji.search.symbolic.master import Base, first_base, improve
from tesuji.search.symbolic.pricing import MAX_JOBS, Market, dearest, packed, tails

Array = npt.NDArray[np.int64]

_SCALE = 100_000  # a price of the linear program as a whole number
_NEIGHBOURS = 10  # that a route remembers
_STRIDE = 16  # longest step of a window
_LATEST = 1 << 20  # no proof is tried where times are greater
_TRIED = 32  # proofs that are tried on a state
_KEPT = 256
_ROUTES = 24  # most new routes at once
_POOL = 3000  # routes in one program
_STORE = 1200  # routes that are kept for other states
_LONGEST = 40  # jobs of a route of the program
_COVERED = 1e-6  # what may be uncovered where a fraction of each route covers all


@dataclass(frozen=True)
class Rest:
    """What is left to do at a state; `P` places, of which `left` are `K` jobs.

    Attributes:
        left: places of the jobs `[K]`.
        fresh: vehicles at the depot.
        first: when one of these can begin each job, at the earliest `[P]`.
        present: the same of the vehicle under way `[P]`; None if there is none.
        room: the load that it can still take.
    """

    left: Array
    fresh: int
    first: Array
    present: Array | None
    room: int


class _Pool:
    """Routes of `K` jobs, each once."""

    def __init__(self, size: int) -> None:
        self._jobs = np.zeros((_POOL, min(size, _LONGEST)), np.int16)
        self._lengths = np.zeros(_POOL, np.int64)
        self._present = np.zeros(_POOL, np.bool_)
        self._known: set[tuple[bytes, bool]] = set()

    def add(self, route: Array, present: bool) -> None:
        """Take a route of job numbers, unless it is known, too long, or there is no room."""
        key, row = (route.tobytes(), present), len(self._known)
        if key in self._known or row == _POOL or not 0 < len(route) <= self._jobs.shape[1]:
            return
        self._known.add(key)
        self._jobs[row, : len(route)] = route
        self._lengths[row], self._present[row] = len(route), present

    def columns(self) -> tuple[npt.NDArray[np.int16], Array, npt.NDArray[np.bool_]]:
        """Return jobs, lengths, and whether each is of the vehicle under way."""
        size = len(self._known)
        return self._jobs[:size], self._lengths[:size], self._present[:size]


class Prices:
    """Refutes states, and remembers the prices that did.

    Args:
        lag: least time from begin to begin, by any way `[P, P]`.
        ready: earliest begin of each job `[P]`.
        due: latest begin from which the depot can be reached in time `[P]`.
        demand: load of each `[P]`.
        capacity: the load that a vehicle takes.
    """

    def __init__(self, lag: Array, ready: Array, due: Array, demand: Array, capacity: int) -> None:
        self._lag, self._ready, self._due, self._demand = lag, ready, due, demand
        self._capacity = capacity
        apart = lag[1:, 1:][~np.eye(len(lag) - 1, dtype=np.bool_)]
        self._stride = min(_STRIDE, int(apart.min())) if len(apart) else _STRIDE
        order = np.argsort(np.minimum(lag, lag.T), axis=1, kind="stable")
        self._rank = np.argsort(order, axis=1)  # [P, P] how near
        self._labels = pricing.allocate_labels()
        self._proofs: OrderedDict[bytes, Array] = OrderedDict()  # prices [P]
        self._routes: OrderedDict[bytes, None] = OrderedDict()  # of fresh vehicles, as places

    @property
    def able(self) -> bool:
        """Return whether proofs are tried: each job takes time, and numbers are moderate."""
        numbers = max(int(self._due.max()), self._capacity)
        return self._stride > 0 and numbers < _LATEST and len(self._due) <= 1 + MAX_JOBS

    def known(self, rest: Rest) -> Array | None:
        """Return prices `[P]` of an earlier proof that refute the jobs, or None."""
        worth = {key: int(price[rest.left].sum()) for key, price in self._proofs.items()}
        for key in sorted(worth, key=worth.__getitem__, reverse=True)[:_TRIED]:
            if self._refutes(rest, self._proofs[key]):
                self._proofs.move_to_end(key)
                return self._proofs[key]
        return None

    def prove(self, rest: Rest, rounds: int) -> Array | None:
        """Return new prices `[P]` that refute the jobs, and remember them; None without any."""
        size = len(rest.left)
        place = np.zeros(len(self._ready), np.int64)
        place[rest.left] = 1 + np.arange(size)
        pool = _Pool(size)
        for key in self._routes:
            route = place[np.frombuffer(key, np.int64)] - 1
            pool.add(route[route >= 0], False)
        base, found = first_base(size, rest.fresh), None
        for _ in range(rounds):
            price, proved, goes_on = self._round(rest, base, pool)
            if proved:  # one is enough here; the next may refute other states later
                self._remember(price)
                found = price
            if not goes_on:
                break
        return found

    def _round(self, rest: Rest, base: Base, pool: _Pool) -> tuple[Array, bool, bool]:
        """Add routes; return prices, whether they are a proof, and whether to go on."""
        size, dual = len(rest.left), base.dual
        uncovered = improve(base, *pool.columns())
        price = np.zeros(len(self._ready), np.int64)
        if uncovered < _COVERED or not np.isfinite(dual).all():
            return price, False, False
        price[rest.left] = np.maximum(0, np.floor(_SCALE * dual[:size])).astype(np.int64)
        market, index = self._market(rest.left, price)
        for hasty in (True, False):
            left, grown = int(price.sum()), False
            for own, share in ((True, int(rest.present is not None)), (False, rest.fresh)):
                if share == 0:
                    continue
                floor = max(0, int(-_SCALE * dual[size + 1 if own else size]))
                found, best, ways = self._dearest(rest, market, index, own, floor, hasty)
                if found == pricing.TOO_MANY:
                    return price, False, False
                left -= share * best
                grown = grown or found > 0
                for way in ways:
                    pool.add(np.searchsorted(rest.left, way), own)
                    if not own:
                        self._routes[way.tobytes()] = None
            if hasty and grown:
                return price, False, True
        while len(self._routes) > _STORE:
            self._routes.popitem(last=False)
        return price, left > 0, grown

    def _remember(self, price: Array) -> None:
        self._proofs[price.tobytes()] = price
        while len(self._proofs) > _KEPT:
            self._proofs.popitem(last=False)

    def _refutes(self, rest: Rest, price: Array) -> bool:
        """Return whether `price` refutes what is left."""
        market, index = self._market(rest.left, price)
        for hasty in (True, False):  # in haste most that fail are found out
            left = int(price[rest.left].sum())
            if rest.present is not None:
                found, best, _ = self._dearest(rest, market, index, True, 0, hasty)
                if found == pricing.TOO_MANY:
                    return False
                left -= best
            if left <= 0:
                return False
            most = (left - 1) // max(1, rest.fresh)
            if rest.fresh and self._dearest(rest, market, index, False, most, hasty)[0] != 0:
                return False
        return True

    def _market(self, left: Array, price: Array) -> tuple[Market, Array]:
        """Return the jobs that have a price, and their places `[K]`."""
        index = left[price[left] > 0][:MAX_JOBS]
        lag = np.ascontiguousarray(self._lag[np.ix_(index, index)])
        near = np.zeros((len(index), 2), np.uint64)
        rank = self._rank[np.ix_(index, index)]
        order = np.argsort(rank, axis=1, kind="stable")[:, : 1 + _NEIGHBOURS]
        for k in range(2):
            bits = np.where(order >> 6 == k, np.uint64(1) << (order & 63).astype(np.uint64), 0)
            near[:, k] = np.bitwise_or.reduce(bits.astype(np.uint64), axis=1)
        arrays = (self._ready[index], self._due[index], self._demand[index], price[index])
        return Market(lag, *arrays, near, self._stride), index

    def _dearest(
        self, rest: Rest, market: Market, index: Array, own: bool, floor: int, hasty: bool
    ) -> tuple[int, int, list[Array]]:
        """Return the number of routes above `floor`, the greatest worth, and the routes."""
        if len(index) == 0:
            return 0, floor, []
        first, room = rest.first, self._capacity
        if own:
            assert rest.present is not None
            first, room = rest.present, rest.room
        if room < 0:
            return 0, floor, []
        routes = np.zeros((_ROUTES, len(index)), np.int64)
        lengths = np.zeros(_ROUTES, np.int64)
        bounds, most = tails(market), packed(market, room)
        found, best = dearest(
            market, first[index], room, floor, hasty, bounds, most, self._labels, routes, lengths
        )
        ways = [index[routes[r, lengths[r] - 1 :: -1]] for r in range(max(0, found))]
        return found, int(best), ways
