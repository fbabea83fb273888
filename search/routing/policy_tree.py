"""Construction by tree search: the policy is the prior, what it would cost to go on is the value.

At each leaf the policy drives on to the end, its likeliest move each time (as in simulation-guided
beam search, Choo et al. 2022); the cheapest of all those routes is kept.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tesuji.domains.logistics.routing.construction import (
    AT,
    MOVES,
    ORDER,
    construction,
    farthest,
)
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.search.base import Budget, Evaluation, FloatArray
from tesuji.search.config import PUCT
from tesuji.search.routing import construct
from tesuji.search.routing.construct import (
    FORBIDDEN,
    FREE,
    LEFT,
    PolicyTables,
    construction_task,
    fast_kernel,
    finish,
    judge,
    make_room,
    routes_from,
)
from tesuji.search.search import Search

SETTINGS = PUCT(
    lookahead=0, prove=False, policy_temperature=1.0, cache_entries=0, fpu="parent", c_init=1.0
)


@fast_kernel
def _evaluate(tables, task, room, seen, logits, moves, best, cheapest):  # type: ignore[no-untyped-def]
    # Judge one state, drive on from there; return what that costs. Keep the routes if cheaper.
    moves[:] = 0
    left, done = 0, np.int64(seen[MOVES])
    for node in range(1, len(task.demand)):
        logits[node] = FORBIDDEN
        if seen[ORDER + node] > 0:
            moves[np.int64(seen[ORDER + node]) - 1] = node
        else:
            room.left[left] = node
            left += 1
    cost, at, free = np.int64(0), 0, task.capacity
    room.counts[LEFT], room.counts[construct.AT] = left, np.int64(seen[AT])
    for i in range(done):
        node = moves[i]
        cost += task.distance[at, node]
        at = node
        free = task.capacity if node == 0 else free - task.demand[node]
    room.counts[FREE] = free
    logits[0] = FORBIDDEN
    judge(tables, task, room)
    for place in range(left):
        logits[room.left[place]] = room.logit[place]
    logits[0] = room.logit[left]
    _, more, _ = finish(tables, task, room, 0.0, moves, done)
    if cost + more < cheapest[0]:
        cheapest[0] = cost + more
        for i in range(len(moves)):
            best[i] = moves[i]
    return more


class PolicyEvaluator:
    """A policy as the evaluator of the domain `construction`.

    Attributes:
        best: moves `[2N]` of the cheapest routes so far.
        cost: of those.
    """

    def __init__(self, instance: RoutingInstance, tables: PolicyTables) -> None:
        self._tables, self._task = tables, construction_task(instance)
        self._room, self._farthest = make_room(tables, 0), farthest(instance)
        self._moves, self.best = (np.zeros(2 * instance.num_nodes, np.int32) for _ in range(2))
        self._cheapest = np.array([np.iinfo(np.int64).max])

    @property
    def cost(self) -> int:
        """Return the length of the cheapest routes so far."""
        return int(self._cheapest[0])

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge `observations` `[B, 2 + N]`."""
        size, nodes = len(observations), len(self._task.demand)
        logits, value = np.zeros((size, nodes), np.float32), np.zeros(size, np.float32)
        for row in range(size):
            more = _evaluate(
                self._tables, self._task, self._room, observations[row], logits[row], self._moves,
                self.best, self._cheapest,
            )  # fmt: skip
            value[row] = -more / self._farthest
        return Evaluation(logits, value, np.zeros(size, np.float32))


def construct_by_search(
    instance: RoutingInstance,
    tables: PolicyTables,
    simulations: int,
    seed: int = 0,
    is_over: Callable[[], bool] = lambda: False,
) -> list[list[int]]:
    """Return the cheapest routes that tree search meets while it drives once to the end.

    Args:
        instance: what has to be driven.
        tables: the policy, having read it.
        simulations: of each move.
        seed: of the search.
        is_over: asked before each move whether to end with what there is.

    Raises:
        ValueError: the instance is too large, or not of capacitated routing.
    """
    domain, evaluator = construction(instance), PolicyEvaluator(instance, tables)
    search, state = Search(domain, evaluator, SETTINGS), domain.reset()
    budget, discount = Budget(simulations=simulations), 1.0
    while discount and not (evaluator.cost < np.iinfo(np.int64).max and is_over()):
        [result] = search.run([state], budget, seed=seed, reuse=True)
        state, _, discount = domain.step(state, result.action)
    return sorted(routes_from(evaluator.best))
