"""A small plain search with the face of `Search`, so that play is tested without compiling one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tesuji.domains.base import Domain, State
from tesuji.search.base import Budget, Edge, SearchResult, Status


class Node:
    def __init__(self, domain: Domain, state: State, ended: bool) -> None:
        self.state, self.ended = state, ended
        self.actions = [] if ended else [int(a) for a in np.flatnonzero(domain.legal(state))]
        self.visits = dict.fromkeys(self.actions, 0)
        self.totals = dict.fromkeys(self.actions, 0.0)
        self.children: dict[int, tuple[Node, float, float]] = {}


class PlainTree:
    def __init__(self, root: Node) -> None:
        self.root = root

    def children(self, path: Sequence[int]) -> list[Edge]:
        node = self.root
        for action in path:
            if action not in node.children:
                raise ValueError("no such node")
            node = node.children[action][0]
        return sorted((edge(node, action) for action in node.actions), key=lambda e: -e.visits)

    def keys_of(self, path: Sequence[int]) -> tuple[int, ...]:
        return (0,) * len(path)


def edge(node: Node, action: int) -> Edge:
    visits = node.visits[action]
    q = node.totals[action] / visits if visits else float("nan")
    lower, upper = -1.0, 1.0
    if action in node.children and node.children[action][2] == 0:
        lower = upper = node.children[action][1]
    share = visits / max(sum(node.visits.values()), 1)
    return Edge(action, visits, 1 / len(node.actions), q, share, lower, upper)


class PlainSearch:
    """UCT with one random playout a simulation; a win in one ends it as proven."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.running = 0
        self.idle = threading.Event()

    def run(
        self,
        states: Sequence[State],
        budget: Budget,
        *,
        seed: int = 0,
        reuse: bool = False,
        keep_tree: bool = False,
        stop: threading.Event | None = None,
        progress: Callable[[list[SearchResult]], None] | None = None,
    ) -> list[SearchResult]:
        if len(states) > 1:
            options = {"seed": seed, "keep_tree": keep_tree, "stop": stop}
            return [self.run([state], budget, **options)[0] for state in states]
        self.running += 1
        self.idle.clear()
        rng = np.random.default_rng(seed)
        root = Node(self.domain, states[0], False)
        began = shown = time.monotonic()
        done, limit, status = 0, budget.simulations or 10**9, Status.SIMULATIONS
        while done < limit:
            self.simulate(root, rng)
            done += 1
            now = time.monotonic()
            if stop is not None and stop.is_set():
                status = Status.INTERRUPTED
                break
            if budget.seconds is not None and now - began > budget.seconds:
                status = Status.TIME
                break
            if progress is not None and now - shown > 0.05:
                shown = now
                progress([self.result(root, Status.SEARCHING, done, keep_tree)])
        self.running -= 1
        self.idle.set()
        return [self.result(root, status, done, keep_tree)]

    def simulate(self, node: Node, rng: np.random.Generator) -> float:
        if node.ended:
            return 0.0
        total = sum(node.visits.values()) + 1
        action = max(
            node.actions,
            key=lambda a: (
                node.totals[a] / node.visits[a] + (2 * np.log(total) / node.visits[a]) ** 0.5
                if node.visits[a]
                else np.inf
            ),
        )
        if action not in node.children:
            state, reward, discount = self.domain.step(node.state, action)
            node.children[action] = (Node(self.domain, state, discount == 0), reward, discount)
            value = reward + discount * self.playout(state, discount == 0, rng)
        else:
            child, reward, discount = node.children[action]
            value = reward + discount * self.simulate(child, rng)
        node.visits[action] += 1
        node.totals[action] += value
        return value

    def playout(self, state: State, ended: bool, rng: np.random.Generator) -> float:
        total, sign = 0.0, 1.0
        while not ended:
            action = int(rng.choice(np.flatnonzero(self.domain.legal(state))))
            state, reward, discount = self.domain.step(state, action)
            total, sign, ended = total + sign * reward, sign * discount, discount == 0
        return total

    def result(self, root: Node, status: Status, done: int, keep_tree: bool) -> SearchResult:
        size = self.domain.spec.num_actions
        visits, policy = np.zeros(size, np.int64), np.zeros(size, np.float32)
        priors, q = np.zeros(size, np.float32), np.full(size, np.nan, np.float32)
        lower, upper = np.full(size, np.nan, np.float32), np.full(size, np.nan, np.float32)
        edges = [edge(root, action) for action in root.actions]
        for e in edges:
            visits[e.action], policy[e.action], priors[e.action] = e.visits, e.policy, e.prior
            q[e.action], lower[e.action], upper[e.action] = e.q, e.lower, e.upper
        best = max(edges, key=lambda e: (e.lower, e.visits))
        if best.lower == 1:
            status = Status.PROVEN_WIN
        line, node = [best.action], root.children[best.action][0]
        while node.children and len(line) < 8:
            line.append(max(node.children, key=lambda a: node.visits[a]))
            node = node.children[line[-1]][0]
        value = best.lower if best.lower == 1 else sum(root.totals.values()) / done
        return SearchResult(
            action=best.action,
            policy=policy,
            value=value,
            wdl=((1 + value) / 2, 0.0, (1 - value) / 2),
            visits=visits,
            priors=priors,
            q=q,
            lower=lower,
            upper=upper,
            legal=self.domain.legal(root.state),
            raw_value=0.0,
            status=status,
            principal_variation=tuple(line),
            num_simulations=done,
            num_evaluations=done,
            num_nodes=done + 1,
            cache_hits=0,
            seconds=0.01,
            tree=PlainTree(root) if keep_tree else None,
        )


@pytest.fixture
def plain_search() -> Callable[[Domain], PlainSearch]:
    return PlainSearch
