"""Proofs at the leaves of the tree search: a bounded df-pn where few moves are left.

A hybrid of tree search and proof search. Before the leaves of a batch are evaluated, each that has
few legal actions is asked of the proof search, with a budget of positions: does its mover win, else
does he hold a draw? What is proven narrows the leaf's bounds, and backing up carries them on. The
proof kernels stand apart, called once a batch, so the tree's kernels compile as they did.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import CompiledDomain
from tesuji.search.proof_frames import Frames, allocate_frames, control_dtype, parameters_dtype
from tesuji.search.proof_kernels import SOLVED, begin, lookup, prove
from tesuji.search.proof_table import allocate_table
from tesuji.search.tree import copy_row, kernel

TABLE_MB = 4.0


class LeafProver(NamedTuple):
    """What the proofs of one search need and remember."""

    frames: Frames
    control: Any  # control_dtype
    table: npt.NDArray[Any]
    wins: Any  # parameters_dtype: does the mover win
    holds: Any  # does he hold a draw
    facts: npt.NDArray[np.int64]  # [5] most actions, budget; asked, proven; 1 once a line repeated


def open_leaf_prover(domain: CompiledDomain, num_moves: int, num_nodes: int) -> LeafProver:
    """Return a prover of leaves with at most `num_moves` actions, `num_nodes` positions each."""
    asked = np.zeros(2, parameters_dtype).view(np.recarray)
    asked["strict"] = (1, 0)
    asked["salt"] = np.uint64(1) << np.array([32, 33], np.uint64)  # the prover's bit is added
    asked["epsilon"] = 0.25
    return LeafProver(
        allocate_frames(domain),
        np.zeros(1, control_dtype).view(np.recarray)[0],
        allocate_table(TABLE_MB),
        asked[0],
        asked[1],
        np.array([num_moves, num_nodes, 0, 0, 0]),
    )


@kernel
def _answer(prover, rules, instance, parameters):  # type: ignore[no-untyped-def]
    # Whether the mover of the first row reaches what is asked: 1, -1, or 0 where it is not known.
    frames, control = prover.frames, prover.control
    control.cycles = control.nodes = control.ply = 0
    begin(frames, control, 1, rules, instance, parameters)
    outcome = prove(frames, control, prover.table, rules, instance, parameters, prover.facts[1])
    if control.cycles:
        prover.facts[4] = 1
    if outcome != SOLVED:
        return 0
    index = lookup(frames, 0, 1, prover.table, rules, instance, parameters)
    if index < 0:
        return 0
    if prover.table[index].proof == 0:
        return 1
    # What was disproven may hang on a line that repeats, also on one that the table remembers.
    return -1 if prover.table[index].disproof == 0 and not prover.facts[4] else 0


@kernel
def prove_leaves(tree, requests, count, prover, rules, instance):  # type: ignore[no-untyped-def]
    """Narrow the bounds of the `count` requested leaves that have few moves."""
    for i in range(count):
        request = requests[i]
        t, node = np.int64(request.tree), np.int64(request.node)
        record = tree.nodes[t, node]
        if not 0 < record.num_edges <= prover.facts[0] or record.lower == record.upper:
            continue
        prover.facts[2] += 1
        row = t * tree.nodes.shape[1] + node
        copy_row(tree.states, row, prover.frames.states, 0)
        answer = _answer(prover, rules, instance, prover.wins)
        if answer > 0:
            record.lower = record.upper
        elif answer < 0:
            record.upper = min(record.upper, np.float32(0.0))
            answer = _answer(prover, rules, instance, prover.holds)
            if answer > 0:
                record.lower = max(record.lower, np.float32(0.0))
            elif answer < 0:
                record.upper = record.lower
        prover.facts[3] += record.lower == record.upper
