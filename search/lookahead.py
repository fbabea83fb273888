"""Exact look-ahead for ends of the game, a few plies deep, at a new leaf.

A hybrid of tree search and minimax (Baier & Winands, "MCTS-Minimax Hybrids", 2015): what it finds
are bounds that hold, so the tree takes them for proven. Depth first with an explicit stack.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import legal_at, row_pointer, step_at
from tesuji.search.tree import copy_row, inner, kernel

MAX_DEPTH = 8


level_dtype = np.dtype(
    [
        ("action", np.int64),  # the next to try
        ("lower", np.float64),  # of what was tried so far
        ("upper", np.float64),
        ("reward", np.float64),  # of the step into the level
        ("discount", np.float64),
    ]
)


class Stack(NamedTuple):
    """Room for the walk: one level a ply."""

    states: npt.NDArray[np.uint8]  # [D, S]
    legal: npt.NDArray[np.bool_]  # [D, A]
    levels: npt.NDArray[Any]  # [D] level_dtype


def allocate_stack(row_size: int, num_actions: int) -> Stack:
    """Return an empty stack."""
    depth = MAX_DEPTH + 2
    return Stack(
        np.zeros((depth, max(row_size, 1)), np.uint8),
        np.zeros((depth, num_actions), np.bool_),
        np.zeros(depth, level_dtype).view(np.recarray),
    )


@inner
def _enter(stack, level, step, legal, instance, highest):  # type: ignore[no-untyped-def]
    # Look at all ends one ply away before anything goes deeper: one winning move is enough.
    stack.levels[level].lower = -np.inf
    stack.levels[level].upper = -np.inf
    stack.levels[level].action = 0
    moves = stack.legal[level]
    legal(row_pointer(stack.states, level), instance, moves)
    for action in range(moves.shape[0]):
        if moves[action]:
            copy_row(stack.states, level, stack.states, level + 1)
            reward, discount = step(
                row_pointer(stack.states, level + 1), action, instance, np.uint64(0)
            )
            if discount == 0.0:
                moves[action] = False
                stack.levels[level].lower = max(stack.levels[level].lower, reward)
                stack.levels[level].upper = max(stack.levels[level].upper, reward)
                if reward >= highest:
                    return


@inner
def bounds(table, instance, stack, depth, lowest, highest):  # type: ignore[no-untyped-def]
    """Return bounds of the exact value of `stack.states[0]`, looking `depth` plies ahead."""
    step = step_at(table)
    legal = legal_at(table)
    level = np.int64(0)
    _enter(stack, level, step, legal, instance, highest)
    num_actions = stack.legal.shape[1]
    while True:
        action = stack.levels[level].action
        if stack.levels[level].lower >= highest:
            action = num_actions
        while action < num_actions and not stack.legal[level, action]:
            action += 1
        if action < num_actions and level + 1 >= depth:
            # What goes on here is unknown.
            stack.levels[level].lower = max(stack.levels[level].lower, lowest)
            stack.levels[level].upper = highest
            action = num_actions
        if action == num_actions:
            low = stack.levels[level].lower
            high = highest if low >= highest else stack.levels[level].upper
            if level == 0:
                return low, high
            first = stack.levels[level].reward + stack.levels[level].discount * low
            second = stack.levels[level].reward + stack.levels[level].discount * high
            level -= 1
            stack.levels[level].lower = max(stack.levels[level].lower, min(first, second))
            stack.levels[level].upper = max(stack.levels[level].upper, first, second)
            continue
        stack.levels[level].action = action + 1
        level += 1
        copy_row(stack.states, level - 1, stack.states, level)
        reward, discount = step(row_pointer(stack.states, level), action, instance, np.uint64(0))
        stack.levels[level].reward = reward
        stack.levels[level].discount = discount
        _enter(stack, level, step, legal, instance, highest)


@kernel
def plies(num_edges, parameters):  # type: ignore[no-untyped-def]
    """Return how far to look ahead from a node with so many legal actions."""
    depth = parameters.lookahead
    while depth > 1 and np.float64(num_edges) ** depth > parameters.lookahead_steps:
        depth -= 1
    return depth


@inner
def bound_edges(tree, t, node, table, instance, stack, parameters):  # type: ignore[no-untyped-def]
    """Step every edge of a new node and narrow its bounds, `parameters.lookahead` plies deep.

    The first ply goes over all edges before any goes deeper: one winning move ends the work.
    """
    step = step_at(table)
    record = tree.nodes[t, node]
    row = t * tree.nodes.shape[1] + node
    for index in range(record.first_edge, record.first_edge + record.num_edges):
        edge = tree.edges[t, index]
        copy_row(tree.states, row, stack.states, 0)
        reward, discount = step(
            row_pointer(stack.states, 0), np.int64(edge.action), instance, np.uint64(0)
        )
        if discount == 0.0:
            edge.lower = reward
            edge.upper = reward
            if reward >= parameters.highest:
                record.lower = reward
                record.upper = reward
                return
    depth = plies(record.num_edges, parameters)
    if depth > 1:
        for index in range(record.first_edge, record.first_edge + record.num_edges):
            edge = tree.edges[t, index]
            if edge.lower == edge.upper:
                continue
            copy_row(tree.states, row, stack.states, 0)
            reward, discount = step(
                row_pointer(stack.states, 0), np.int64(edge.action), instance, np.uint64(0)
            )
            low, high = bounds(
                table,
                instance,
                stack,
                depth - 1,
                parameters.lowest,
                parameters.highest,
            )
            first = reward + discount * low
            second = reward + discount * high
            edge.lower = max(edge.lower, min(first, second))
            edge.upper = min(edge.upper, max(first, second))
            if edge.lower >= parameters.highest:
                break


class Workspace(NamedTuple):
    """Scratch room of one thread that searches."""

    work: npt.NDArray[np.float64]  # [A]
    legal: npt.NDArray[np.bool_]  # [A]
    row: npt.NDArray[np.uint8]  # [2, S]
    stack: Stack


def allocate_workspace(row_size: int, num_actions: int) -> Workspace:
    """Return scratch room for one thread."""
    return Workspace(
        np.zeros(num_actions),
        np.zeros(num_actions, np.bool_),
        np.zeros((2, max(row_size, 1)), np.uint8),
        allocate_stack(row_size, num_actions),
    )
