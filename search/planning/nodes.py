"""The nodes of a search with a hash table of their states, and queues of successors that wait."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.search.tree import kernel


class Nodes(NamedTuple):
    """States that were judged or passed by a lookahead, and a hash table of them."""

    state: npt.NDArray[Any]  # [N, V]
    parent: npt.NDArray[np.int32]  # [N]
    operator: npt.NDArray[np.int32]  # [N]
    cost: npt.NDArray[np.int64]  # [N] of the way here
    value: npt.NDArray[np.int64]  # [N] of the relaxed plan
    landmarks: npt.NDArray[np.int64]  # [N] landmarks to come
    accepted: npt.NDArray[np.uint64]  # [N, W] landmarks seen on the way
    slot: npt.NDArray[np.int32]  # [H] nodes plus 1, H a power of 2 above 2 N


class Queue(NamedTuple):
    """A binary heap of successors that wait to be judged."""

    key: npt.NDArray[np.int64]
    node: npt.NDArray[np.int32]  # whose successor
    operator: npt.NDArray[np.int32]  # by which operator
    size: npt.NDArray[np.int64]  # [1]
    turns: npt.NDArray[np.int64]  # [1] fewer is sooner


def make_nodes(count: int, variables: int, words: int, kind: npt.DTypeLike) -> Nodes:
    """Return room for `count` nodes of states of a number type, with `words` of landmarks."""
    return Nodes(
        np.zeros((count, variables), kind), np.zeros(count, np.int32), np.zeros(count, np.int32),
        np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64),
        np.zeros((count, words), np.uint64), np.zeros(4 * count, np.int32),
    )  # fmt: skip


def make_queue(size: int) -> Queue:
    """Return an empty queue with room for `size` successors."""
    return Queue(
        np.zeros(size, np.int64), np.zeros(size, np.int32), np.zeros(size, np.int32),
        np.zeros(1, np.int64), np.zeros(1, np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def push_successor(queue, key, node, operator):  # type: ignore[no-untyped-def]
    """Let the successor of a node by an operator wait under a key."""
    at = queue.size[0]
    queue.size[0] += 1
    while at > 0:
        above = (at - 1) >> 1
        if queue.key[above] <= key:
            break
        queue.key[at] = queue.key[above]
        queue.node[at] = queue.node[above]
        queue.operator[at] = queue.operator[above]
        at = above
    queue.key[at] = key
    queue.node[at] = node
    queue.operator[at] = operator


@njit(cache=True, nogil=True)
def pop_successor(queue):  # type: ignore[no-untyped-def]
    """Take the successor with the least key: `(node, operator)`."""
    node, operator = queue.node[0], queue.operator[0]
    queue.size[0] -= 1
    size = queue.size[0]
    key = queue.key[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and queue.key[below + 1] < queue.key[below]:
            below += 1
        if queue.key[below] >= key:
            break
        queue.key[at] = queue.key[below]
        queue.node[at] = queue.node[below]
        queue.operator[at] = queue.operator[below]
        at = below
    queue.key[at] = key
    queue.node[at] = queue.node[size]
    queue.operator[at] = queue.operator[size]
    return np.int64(node), np.int64(operator)


@njit(cache=True, nogil=True)
def hash_state(state):  # type: ignore[no-untyped-def]
    """Return 64 bits that follow from a state."""
    bits = np.uint64(0x9E3779B97F4A7C15)
    for value in state:
        bits = (bits ^ np.uint64(value)) * np.uint64(0xD6E8FEB86659FD93)
        bits ^= bits >> np.uint64(32)
    return bits


@njit(cache=True, nogil=True)
def find_slot(nodes, state):  # type: ignore[no-untyped-def]
    """Return the slot of a state: that of its node, or the empty one where it belongs."""
    mask = np.uint64(len(nodes.slot) - 1)
    at = hash_state(state) & mask
    while nodes.slot[at]:
        other = nodes.state[nodes.slot[at] - 1]
        same = True
        for variable in range(len(state)):
            if other[variable] != state[variable]:
                same = False
                break
        if same:
            return at
        at = (at + np.uint64(1)) & mask
    return at


@kernel
def copy_row(row, out):  # type: ignore[no-untyped-def]
    """Write a row of numbers to `out`."""
    for i in range(len(row)):
        out[i] = row[i]


@njit(cache=True, nogil=True)
def fill_slots(nodes, count):  # type: ignore[no-untyped-def]
    """Enter the first `count` nodes into an empty hash table."""
    for node in range(count):
        nodes.slot[find_slot(nodes, nodes.state[node])] = node + 1
