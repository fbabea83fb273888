"""The nodes of a search with a hash table of their states, and queues of successors that wait."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.successors import Steps, applicable, apply, inline_kernel
from tesuji.search.planning.colour_tables import mix
from tesuji.search.tree import kernel

AnyNodes = TypeVar("AnyNodes", bound=tuple[Any, ...])


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


class Successors(NamedTuple):
    """Room for all successors of a state."""

    operator: npt.NDArray[np.int32]  # [n]
    state: npt.NDArray[Any]  # [n, V]
    bits: npt.NDArray[np.uint64]  # [n] hashes
    touched: npt.NDArray[np.int32]  # [n]
    stack: npt.NDArray[np.int32]  # for the tree of switches


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
        np.zeros((count, words), np.uint64), np.zeros(2 * count, np.int32),
    )  # fmt: skip


def make_successors(steps: Steps, variables: int, kind: npt.DTypeLike) -> Successors:
    """Return room for the successors of states with so many values in a row."""
    count = len(steps.cost)
    return Successors(
        np.zeros(count, np.int32), np.zeros((count, variables), kind), np.zeros(count, np.uint64),
        np.zeros(count, np.int32), np.zeros(max(1, len(steps.switches.own)), np.int32),
    )  # fmt: skip


def make_queue(size: int) -> Queue:
    """Return an empty queue with room for `size` successors."""
    return Queue(
        np.zeros(size, np.int64), np.zeros(size, np.int32), np.zeros(size, np.int32),
        np.zeros(1, np.int64), np.zeros(1, np.int64),
    )  # fmt: skip


@kernel
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


@kernel
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


@inline_kernel
def hash_state(state):  # type: ignore[no-untyped-def]
    """Return 64 bits that follow from a state's row: a sum over its words."""
    words = state.view(np.uint64)
    bits = np.uint64(0)
    for i in range(len(words)):
        bits += mix(words[i] + np.uint64(i + 1) * np.uint64(0x9E3779B97F4A7C15))
    return bits


@inline_kernel
def find_row(slot, rows, state, bits):  # type: ignore[no-untyped-def]
    """Return the slot of a state: that which holds its row's number plus 1, or where it belongs.

    Args:
        slot: `[H]` numbers of rows plus 1, 0 where empty; H is a power of 2.
        rows: `[N, V]` states.
        state: `[V]`, a row of whole words.
        bits: its hash.
    """
    mask = np.uint64(len(slot) - 1)
    words = state.view(np.uint64)
    at = bits & mask
    while slot[at]:
        other = rows[slot[at] - 1].view(np.uint64)
        different = np.uint64(0)
        for i in range(len(words)):
            different |= other[i] ^ words[i]
        if not different:
            break
        at = (at + np.uint64(1)) & mask
    return at


@inline_kernel
def find_slot(nodes, state):  # type: ignore[no-untyped-def]
    """Return the slot of a state: that of its node, or the empty one where it belongs."""
    return find_row(nodes.slot, nodes.state, state, hash_state(state))


@inline_kernel
def generate(steps, state, slot, rows, successors):  # type: ignore[no-untyped-def]
    """Write all successors of a state and their hashes; return how many there are.

    What looking them up by `find_row` will read is read here for all of them, one after the other,
    so that the waits for memory overlap.
    """
    found = applicable(steps, state, successors.operator, successors.stack)
    mask = np.uint64(len(slot) - 1)
    for i in range(found):
        apply(steps, successors.operator[i], state, successors.state[i])
        successors.bits[i] = hash_state(successors.state[i])
    for i in range(found):
        successors.touched[i] = slot[successors.bits[i] & mask]
    for i in range(found):
        successors.touched[i] ^= rows[max(0, successors.touched[i] - 1), 0]
    return found


@kernel
def fill_slots(slot, rows, count):  # type: ignore[no-untyped-def]
    """Enter the first `count` rows into an empty hash table."""
    for number in range(count):
        slot[find_row(slot, rows, rows[number], hash_state(rows[number]))] = number + 1


def larger(nodes: AnyNodes, count: int) -> AnyNodes:
    """Return twice the room, with the first `count` nodes in it.

    Args:
        nodes: arrays, of which `state` and `slot` are as those of `Nodes`.
        count: of nodes.
    """
    grown: Any = type(nodes)(*(twice(array) for array in nodes))
    grown.slot[:] = 0
    fill_slots(grown.slot, grown.state, count)
    return cast(AnyNodes, grown)


def twice(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array with as many zeros after it."""
    return np.concatenate([array, np.zeros_like(array)])
