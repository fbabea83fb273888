"""From a tree to a `SearchResult`: status, lines, and the lines that prove."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from tesuji.search.base import Domain, DomainSpec, SearchResult, State, Status
from tesuji.search.decide import Summary, best_line
from tesuji.search.driver import Driver
from tesuji.search.tree import ROOT
from tesuji.search.view import TreeView

MAX_LINE = 256  # actions


def build_results(
    driver: Driver,
    roots: Sequence[State],
    summary: Summary,
    reason: Status,
    seconds: float,
    keep_tree: bool,
) -> list[SearchResult]:
    """Return a result for each tree; `reason` is why the unproven ones stopped."""
    return [
        _result(driver, t, root, summary, reason, seconds, keep_tree)
        for t, root in enumerate(roots)
    ]


def _result(
    driver: Driver,
    t: int,
    root: State,
    summary: Summary,
    reason: Status,
    seconds: float,
    keep_tree: bool,
) -> SearchResult:
    record = driver.tree.trees[t]
    status = _status(driver, t, reason)
    value, draw = float(summary.value[t]), float(summary.draw[t])
    action = int(summary.action[t])
    line, keys = _line(driver, t, root, action, status.proven)
    view = None
    if keep_tree:
        view = TreeView.of(driver.tree, t, partial(driver.domain.action_name, root))
    return SearchResult(
        action=action,
        policy=summary.policy[t].copy(),
        value=value,
        wdl=chances(value, draw, driver.spec),
        visits=summary.visits[t].copy(),
        priors=summary.priors[t].copy(),
        q=summary.q[t].copy(),
        lower=summary.lower[t].copy(),
        upper=summary.upper[t].copy(),
        legal=~np.isnan(summary.lower[t]),
        raw_value=float(summary.raw_value[t]),
        status=status,
        principal_variation=line,
        num_simulations=int(record.simulations),
        num_evaluations=int(record.evaluations),
        num_nodes=int(record.num_nodes),
        cache_hits=int(record.cache_hits),
        seconds=seconds,
        principal_keys=keys,
        tree=view,
    )


def chances(value: float, draw: float, spec: DomainSpec) -> tuple[float, float, float]:
    """Return chances of win, draw and loss; without winners, a value's place in its range."""
    if spec.value_range != (-1.0, 1.0):
        low, high = spec.value_range
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return share, 0.0, 1.0 - share
    draw = min(draw, 1.0 - min(abs(value), 1.0))
    return (1.0 - draw + value) / 2.0, draw, (1.0 - draw - value) / 2.0


def _status(driver: Driver, t: int, reason: Status) -> Status:
    root = driver.tree.nodes[t, ROOT]
    if driver.parameters.prove and root.lower == root.upper:
        if driver.spec.num_players == 2:
            named = {1.0: Status.PROVEN_WIN, 0.0: Status.PROVEN_DRAW, -1.0: Status.PROVEN_LOSS}
            return named.get(float(root.lower), Status.SOLVED)
        return Status.SOLVED
    if reason is Status.SIMULATIONS and driver.tree.trees[t].full:
        return Status.NODES
    return reason


def _line(
    driver: Driver, t: int, root: State, action: int, proven: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the line of best actions, and the random bits that replay it where there are any."""
    out = np.zeros((MAX_LINE, 2), np.int64)
    length = best_line(driver.tree, t, action, out, driver.parameters)
    line, nodes = out[:length].T.tolist()
    if driver.parameters.chance:
        keys = tuple(int(driver.tree.keys[t, node]) if node >= 0 else 0 for node in nodes)
        return tuple(line), keys
    return tuple(line + _rest_of_proof(driver, root, line)) if proven else tuple(line), ()


def _rest_of_proof(driver: Driver, root: State, line: Sequence[int]) -> list[int]:
    # Where look-ahead proved a leaf, its moves are not in the tree: play them out again.
    domain = driver.domain
    state = root
    for action in line:
        state, _, discount = domain.step(state, action)
        if discount == 0.0:
            return []
    rest: list[int] = []
    value_range = (driver.parameters.lowest, driver.parameters.highest)
    for _ in range(driver.parameters.lookahead):
        # The nearest proof first: it is the cheapest to find again.
        found = (
            _best_proven(domain, state, depth, value_range)
            for depth in range(1, driver.parameters.lookahead + 1)
        )
        best = next((action for action in found if action is not None), None)
        if best is None:
            break
        rest.append(best)
        state, _, discount = domain.step(state, best)
        if discount == 0.0:
            break
    return rest


def _best_proven(
    domain: Domain, state: State, depth: int, value_range: tuple[float, float]
) -> int | None:
    """Return an action that attains the exact value that look-ahead finds, if it finds one."""
    low, high = exact_bounds(domain, state, depth, value_range)
    if low != high:
        return None
    best, best_length = None, np.inf
    for action in np.flatnonzero(domain.legal(state)).tolist():
        following, reward, discount = domain.step(state, action)
        pair = (reward, reward)
        length = 0.0
        if discount != 0.0:
            behind = (
                exact_bounds(domain, following, depth - 1, value_range)
                if depth > 1
                else value_range
            )
            first, second = (reward + discount * bound for bound in behind)
            pair = (min(first, second), max(first, second))
            length = 1.0 if low > 0 else -1.0
        if pair[0] >= low and length < best_length:
            best, best_length = action, length
    return best


def exact_bounds(
    domain: Domain, state: State, depth: int, value_range: tuple[float, float]
) -> tuple[float, float]:
    """Return bounds of a state's exact value from its tree of `depth` plies (`depth` >= 1)."""
    lowest, highest = value_range
    lower = upper = -np.inf
    for action in np.flatnonzero(domain.legal(state)):
        following, reward, discount = domain.step(state, int(action))
        if discount == 0.0:
            low = high = reward
        elif depth <= 1:
            low, high = lowest, highest
        else:
            pair = exact_bounds(domain, following, depth - 1, value_range)
            low, high = sorted(reward + discount * bound for bound in pair)
        lower, upper = max(lower, low), max(upper, high)
        if lower >= highest:
            return lower, highest
    return lower, upper


def terminal(num_actions: int) -> SearchResult:
    """Return the answer for a root that is an end."""
    nothing = np.full(num_actions, np.nan, np.float32)
    zeros = np.zeros(num_actions, np.float32)
    return SearchResult(
        action=-1, policy=zeros, value=0.0, wdl=(0.0, 1.0, 0.0),
        visits=np.zeros(num_actions, np.int64), priors=zeros, q=nothing, lower=nothing,
        upper=nothing, legal=np.zeros(num_actions, np.bool_), raw_value=0.0,
        status=Status.TERMINAL, principal_variation=(), num_simulations=0, num_evaluations=0,
        num_nodes=0, cache_hits=0, seconds=0.0,
    )  # fmt: skip
