"""What networks say of goals: a policy over the steps, its prices, and the chance to close."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.features import Names, describe_goal
from tesuji.domains.proving.matrix import NamedMatrix
from tesuji.domains.proving.tableau import LITERAL
from tesuji.domains.proving.unification import forced_kernel, kernel
from tesuji.search.proving.prices import USUAL, Prices

Reals = npt.NDArray[np.float32]


class Policy(NamedTuple):
    """A policy for a problem: a small network for goals, and what it has made of the actions.

    The logit of an action is `(relu(sum of the goal's rows) @ query + shift) @ action`.
    """

    names: Names
    table: Reals  # [F, H] a row a feature of a goal
    bias: Reals  # [H]
    query: Reals  # [H, D]
    shift: Reals  # [D]
    action: Reals  # [A, D]


class Chances(NamedTuple):
    """A small network that says how likely it is that a goal closes.

    The logit is `relu(sum of the goal's rows) @ weight + shift`.
    """

    table: Reals  # [BUCKETS + 1, H] a row a feature of a goal, and one for those of one problem
    bias: Reals  # [H]
    weight: Reals  # [H]
    shift: Reals  # [1]


class Guidance(NamedTuple):
    """What networks say of one problem, and the prices that they were trained with."""

    policy: Policy
    chances: Chances | None = None
    prices: Prices = USUAL


Guide = Callable[[NamedMatrix], Guidance]


@kernel
def read_goal(matrix, tableau, policy, options, goal):  # type: ignore[no-untyped-def]
    """Leave a goal's query at the end of `options.hidden`."""
    size = describe_goal(matrix, policy.names, tableau, goal, options.feature)
    read_features(policy, options.feature[:size], options.hidden)


@forced_kernel
def sum_rows(table, bias, feature, out):  # type: ignore[no-untyped-def]
    """Write the sum `[H]` of a bias and of the rows of features; the last row is of all others."""
    units = len(bias)
    for unit in range(units):
        out[unit] = bias[unit]
    for place in range(len(feature)):
        row = table[min(np.int64(feature[place]), len(table) - 1)]
        for unit in range(units):
            out[unit] += row[unit]


@forced_kernel
def read_features(policy, feature, hidden):  # type: ignore[no-untyped-def]
    """Leave the query of a goal with these features at the end of `hidden` `[H + D]`."""
    units = len(policy.bias)
    sum_rows(policy.table, policy.bias, feature, hidden)
    for place in range(len(policy.shift)):
        hidden[units + place] = policy.shift[place]
    for unit in range(units):
        value = hidden[unit]
        if value > 0:
            row = policy.query[unit]
            for place in range(len(row)):
                hidden[units + place] += value * row[place]


@forced_kernel
def log_chance(chances, feature, hidden):  # type: ignore[no-untyped-def]
    """Return the logarithm of the chance that a goal with these features closes."""
    sum_rows(chances.table, chances.bias, feature, hidden)
    logit = np.float64(chances.shift[0])
    for unit in range(len(chances.bias)):
        logit += max(hidden[unit], np.float32(0.0)) * chances.weight[unit]
    return -np.log1p(np.exp(-logit)) if logit > -30.0 else logit


@kernel
def price_options(matrix, tableau, policy, options, first, end, prices):  # type: ignore[no-untyped-def]
    """Give each option its price by the query that was left, and sort them by it, stably."""
    option, price, units = options.option, options.price, len(policy.bias)
    query = options.hidden[units:]
    most = np.float32(-np.inf)
    for at in range(first, end):
        code = option[at]
        row = code
        if code < 0:
            row = len(matrix.atom) + matrix.key[tableau.cells[-1 - code, LITERAL]]
        action = policy.action[row]
        logit = np.float32(0.0)
        for place in range(len(query)):
            logit += query[place] * action[place]
        price[at] = logit
        most = max(most, logit)
    total = np.float32(0.0)
    for at in range(first, end):
        total += np.exp(price[at] - most)
    shift = most + np.log(total)
    for at in range(first, end):
        cost, code, place = prices[0] + prices[1] * (shift - price[at]), option[at], at
        while place > first and price[place - 1] > cost:
            price[place], option[place] = price[place - 1], option[place - 1]
            place -= 1
        price[place], option[place] = cost, code
