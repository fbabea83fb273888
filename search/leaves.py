"""New leaves: judged at once where that is possible, else put into the batch for the evaluator.

No network is needed for ends, proven positions, cached evaluations, and the evaluators that run
inside the kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import (
    observe_at,
    row_pointer,
    transform_action_at,
    transform_at,
)
from tesuji.search.backup import back_up, tighten
from tesuji.search.graph import hash_row
from tesuji.search.lookahead import bound_edges
from tesuji.search.moves import list_moves, random_playouts
from tesuji.search.random import advance as next_seed
from tesuji.search.random import gamma, gumbel, mix
from tesuji.search.tree import (
    ROOT,
    add_edges,
    forced,
    forced_kernel,
    inner,
    kernel,
    set_priors,
)

_MOST_CACHE_BYTES = 768 << 20

INLINE_NONE, INLINE_UNIFORM, INLINE_ROLLOUT = range(3)
DONE, REQUESTED, COLLIDED = range(3)

request_dtype = np.dtype(
    [("key", np.uint64), ("tree", np.int32), ("node", np.int32), ("symmetry", np.int32)],
    align=True,
)


class Cache(NamedTuple):
    """Evaluations by position, direct mapped; a key of 0 is an empty slot."""

    keys: npt.NDArray[np.uint64]  # [M], M a power of two
    values: npt.NDArray[np.float32]  # [M, 2] value and draw
    logits: npt.NDArray[np.float32]  # [M, A]


class Batch(NamedTuple):
    """What goes to the evaluator."""

    requests: npt.NDArray[Any]  # [R] request_dtype
    observations: npt.NDArray[np.float32]  # [R, observation size]


class Rules(NamedTuple):
    """A compiled domain as the kernels take it, and what judges its leaves."""

    table: npt.NDArray[np.int64]
    moves: npt.NDArray[np.int64]  # the kernels of the rules without constraints
    restricted: int  # whether there are constraints, which `table` keeps
    instance: npt.NDArray[np.int64]
    inline: int  # which evaluator runs inside the kernel, if any
    rollouts: int
    rollout_steps: int  # after which a rollout is cut off
    roots: npt.NDArray[np.bool_]  # [B, A] what is allowed at each root; [0, A] where `legal` says


def allocate_cache(entries: int, num_actions: int) -> Cache:
    """Return an empty cache with room for at least `entries`, or none at all for 0.

    Where actions are thousands, there is room for fewer, so that it takes no more than 768 MiB.
    """
    size = 1 << max(entries - 1, 0).bit_length() if entries else 0
    while size * num_actions * 4 > _MOST_CACHE_BYTES:
        size //= 2
    return Cache(
        np.zeros(size, np.uint64),
        np.zeros((size, 2), np.float32),
        np.zeros((size, num_actions), np.float32),
    )


@inner
def _identify(tree, row, rules, parameters, workspace):  # type: ignore[no-untyped-def]
    # The key of a position and the symmetry that leads to its canonical form.
    key = hash_row(tree.states[row])
    symmetry = np.int64(0)
    if parameters.canonical:
        transform = transform_at(rules.table)
        for k in range(1, parameters.num_symmetries):
            workspace.row[1] = 0
            transform(
                row_pointer(tree.states, row), k, rules.instance, row_pointer(workspace.row, 1)
            )
            other = hash_row(workspace.row[1])
            if other < key:
                key = other
                symmetry = np.int64(k)
    return key, symmetry


@kernel
def dress_root(tree, t, parameters):  # type: ignore[no-untyped-def]
    """Give an evaluated root its priors anew, with this search's noise."""
    record = tree.trees[t]
    root = tree.nodes[t, ROOT]
    first = root.first_edge
    count = root.num_edges
    seed = record.seed
    record.considered = min(parameters.max_considered, count)
    total = 0.0
    for index in range(first, first + count):
        total += np.exp(tree.edges[t, index].logit)
    noise_total = 0.0
    for index in range(first, first + count):
        edge = tree.edges[t, index]
        edge.prior = np.exp(edge.logit) / total
        edge.noise = 0.0
        if record.quiet:
            continue
        if parameters.gumbel and parameters.gumbel_scale > 0.0:
            seed = next_seed(seed)
            edge.noise = parameters.gumbel_scale * gumbel(mix(seed))
        elif parameters.dirichlet_fraction > 0.0:
            alpha = parameters.dirichlet_alpha if parameters.dirichlet_alpha > 0 else 10.0 / count
            number, seed = gamma(seed, alpha)
            edge.noise = number
            noise_total += number
    if noise_total > 0.0:
        fraction = parameters.dirichlet_fraction
        for index in range(first, first + count):
            edge = tree.edges[t, index]
            edge.prior = (1.0 - fraction) * edge.prior + fraction * edge.noise / noise_total
            edge.noise = 0.0
    record.seed = seed


@forced_kernel
def settle(tree, t, node, value, draw, parameters):  # type: ignore[no-untyped-def]
    """Mark a node as judged and back its value up."""
    record = tree.nodes[t, node]
    record.raw_value = value
    record.evaluated = 1
    back_up(tree, t, node, value, draw, parameters)
    if node == ROOT:
        dress_root(tree, t, parameters)


@inner
def recall(tree, t, node, key, symmetry, cache, rules, parameters, workspace):  # type: ignore[no-untyped-def]
    """Judge a node by its cached evaluation; return whether there was one."""
    entries = cache.keys.shape[0]
    slot = np.int64(key & np.uint64(entries - 1))
    if entries == 0 or cache.keys[slot] != key:
        return False
    tree.trees[t].cache_hits += 1
    write_priors(tree, t, node, cache.logits[slot], symmetry, rules, parameters, workspace)
    value = np.float64(cache.values[slot, 0])
    settle(tree, t, node, value, np.float64(cache.values[slot, 1]), parameters)
    return True


@forced
def open_node(tree, t, node, rules, cache, batch, filled, parameters, workspace):  # type: ignore[no-untyped-def]
    """Judge a new node at once where that is possible, else ask for its evaluation."""
    row = t * tree.nodes.shape[1] + node
    record = tree.nodes[t, node]
    if node == ROOT and rules.roots.shape[0]:
        for action in range(workspace.legal.shape[0]):
            workspace.legal[action] = rules.roots[t, action]
    elif node == ROOT or rules.restricted == 0:  # else the step here has left it there
        list_moves(row_pointer(tree.states, row), rules, workspace.legal)
    if add_edges(tree, t, node, workspace.legal, parameters) and parameters.lookahead > 0:
        bound_edges(tree, t, node, rules.table, rules.instance, workspace.stack, parameters)
        tighten(tree, t, node)
        if parameters.prove and record.lower == record.upper:
            draw = 1.0 if record.lower == 0.0 else 0.0
            settle(tree, t, node, np.float64(record.lower), draw, parameters)
            return DONE
    if rules.inline == INLINE_UNIFORM:
        settle(tree, t, node, 0.0, 0.0, parameters)
        return DONE
    if rules.inline == INLINE_ROLLOUT:
        mean = random_playouts(tree, t, row, rules, parameters, workspace)
        settle(tree, t, node, mean, 0.0, parameters)
        return DONE
    key = np.uint64(0)
    symmetry = np.int64(0)
    if cache.keys.shape[0] or parameters.canonical:
        key, symmetry = _identify(tree, row, rules, parameters, workspace)
    # Those with few moves are asked of the proof search first, whatever is in the cache.
    if not 0 < record.num_edges <= parameters.proof_moves and recall(
        tree, t, node, key, symmetry, cache, rules, parameters, workspace
    ):
        return DONE
    request = batch.requests[filled]
    request.key = key
    request.tree = t
    request.node = node
    request.symmetry = symmetry
    batch.observations[filled] = 0.0
    if symmetry:
        workspace.row[1] = 0
        transform_at(rules.table)(
            row_pointer(tree.states, row),
            symmetry,
            rules.instance,
            row_pointer(workspace.row, 1),
        )
        observe_at(rules.table)(
            row_pointer(workspace.row, 1), rules.instance, batch.observations[filled]
        )
    else:
        observe_at(rules.table)(
            row_pointer(tree.states, row), rules.instance, batch.observations[filled]
        )
    return REQUESTED


@inner
def write_priors(tree, t, node, logits, symmetry, rules, parameters, workspace):  # type: ignore[no-untyped-def]
    """Write the priors of a node from logits `[A]` of its form under `symmetry`."""
    if tree.nodes[t, node].num_edges == 0:
        return
    if symmetry == 0:
        set_priors(tree, t, node, logits, parameters)
        return
    transform_action = transform_action_at(rules.table)
    for action in range(logits.shape[0]):
        workspace.work[action] = logits[transform_action(action, symmetry, rules.instance)]
    set_priors(tree, t, node, workspace.work, parameters)
