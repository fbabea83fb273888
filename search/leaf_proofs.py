"""Proofs at the leaves of the tree search: a bounded df-pn where few moves are left.

A hybrid of tree search and proof search. Before the leaves of a batch are evaluated, each that has
few legal actions is asked of the proof search, with a budget of positions: does its mover win, else
does he hold a draw? What is proven narrows the bounds of the leaf's edges, and backing up carries
them on; a leaf that is proven needs no evaluation. Each begins with an empty table, so that what a
tree proves does not depend on the others in its batch. The proof kernels stand apart, called once a
batch, so the tree's kernels compile as they did.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import CompiledDomain
from tesuji.search.backup import add_pending, tighten
from tesuji.search.leaves import recall, settle
from tesuji.search.proof_frames import Frames, allocate_frames, control_dtype, parameters_dtype
from tesuji.search.proof_kernels import SOLVED, begin, prove
from tesuji.search.proof_table import allocate_table, entry_dtype
from tesuji.search.tree import ROOT, copy_row, kernel

_ENTRIES = 8  # of the table, for each position that a question may open
_WIN, _DRAW, _LOSS = np.float32(1.0), np.float32(0.0), np.float32(-1.0)


class LeafProver(NamedTuple):
    """What the proofs of one search need."""

    frames: Frames
    control: Any  # control_dtype
    table: npt.NDArray[Any]
    wins: Any  # parameters_dtype: does the mover win
    holds: Any  # does he hold a draw
    num_nodes: int  # that a question may open
    repeated: npt.NDArray[np.int64]  # [1] 1 where a line below the leaf repeated


def open_leaf_prover(domain: CompiledDomain, num_nodes: int) -> LeafProver:
    """Return a prover that opens at most `num_nodes` positions a question."""
    asked = np.zeros(2, parameters_dtype).view(np.recarray)
    asked["strict"] = (1, 0)
    asked["salt"] = np.uint64(1) << np.array([32, 33], np.uint64)  # the prover's bit is added
    asked["epsilon"] = 0.25
    return LeafProver(
        allocate_frames(domain),
        np.zeros(1, control_dtype).view(np.recarray)[0],
        allocate_table(_ENTRIES * num_nodes * entry_dtype.itemsize / (1 << 20)),
        asked[0],
        asked[1],
        num_nodes,
        np.zeros(1, np.int64),
    )


@kernel
def _answer(prover, rules, question):  # type: ignore[no-untyped-def]
    # Whether the mover of the first row reaches what is asked: 1, -1, or 0 where it is not known.
    frames, control = prover.frames, prover.control
    control.cycles = control.nodes = control.ply = 0
    begin(frames, control, 1, rules.table, rules.instance, question)
    outcome = prove(
        frames, control, prover.table, rules.table, rules.instance, question, prover.num_nodes
    )
    if control.cycles:
        prover.repeated[0] = 1
    if outcome != SOLVED:
        return 0
    root = frames.levels[0]
    for i in range(root.first, root.first + root.count):
        if frames.children[i].proof == 0:
            return 1
    # What was disproven may hang on a line that repeats, also on one of the question before.
    return 0 if prover.repeated[0] else -1


@kernel
def _narrow(tree, t, node, frames, answer, value):  # type: ignore[no-untyped-def]
    # Raise what a proven move earns to `value`, or lower what any earns. Edges carry it, not the
    # node alone: a root that is proven must know by which move.
    record, root = tree.nodes[t, node], frames.levels[0]
    for index in range(record.first_edge, record.first_edge + record.num_edges):
        edge = tree.edges[t, index]
        if answer < 0:
            edge.upper = min(edge.upper, value)
        for i in range(root.first, root.first + root.count):
            child = frames.children[i]
            if answer > 0 and child.proof == 0 and child.action == edge.action:
                edge.lower = max(edge.lower, value)
    tighten(tree, t, node)


@kernel
def _prove(tree, t, node, prover, rules):  # type: ignore[no-untyped-def]
    # Ask about one leaf and narrow its bounds.
    prover.repeated[0] = 0
    for index in range(prover.table.shape[0]):
        prover.table[index].key = 0
        prover.table[index].work = 0
    row = t * tree.nodes.shape[1] + node
    copy_row(tree.states, row, prover.frames.states, 0)
    answer = _answer(prover, rules, prover.wins)
    if answer:
        _narrow(tree, t, node, prover.frames, answer, _WIN if answer > 0 else _DRAW)
    if answer < 0:
        answer = _answer(prover, rules, prover.holds)
        if answer:
            _narrow(tree, t, node, prover.frames, answer, _DRAW if answer > 0 else _LOSS)


@kernel
def prove_leaves(tree, batch, count, prover, rules, cache, parameters, workspace):  # type: ignore[no-untyped-def]
    """Judge those of `count` requested leaves that have few moves, where proof or cache can.

    Returns:
        How many are left in the batch for the evaluator.
    """
    kept = 0
    for i in range(count):
        request = batch.requests[i]
        t, node = np.int64(request.tree), np.int64(request.node)
        record = tree.nodes[t, node]
        if 0 < record.num_edges <= parameters.proof_moves:
            _prove(tree, t, node, prover, rules)
            proven = record.lower == record.upper
            if proven:
                draw = 1.0 if record.lower == 0.0 else 0.0
                settle(tree, t, node, np.float64(record.lower), draw, parameters)
            symmetry = np.int64(request.symmetry)
            if proven or recall(
                tree, t, node, request.key, symmetry, cache, rules, parameters, workspace
            ):
                if parameters.leaves > 1 and node != ROOT:
                    add_pending(tree, t, node, np.int64(-1))
                continue
        target = batch.requests[kept]
        target.key, target.tree = request.key, request.tree
        target.node, target.symmetry = request.node, request.symmetry
        copy_row(batch.observations, i, batch.observations, kept)
        kept += 1
    return kept
