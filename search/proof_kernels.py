"""Depth-first proof-number search (df-pn, Nagai 2002) over the kernels of any compiled domain.

One question is asked: can the *prover*, one of the two sides, reach at least a win, or at least a
draw? A position where he moves needs one good move (proof number: the smallest of its children),
one where the other side moves needs all of them. Who moves follows from the sign of a transition's
discount, so that passes and further moves of one side cost nothing.

- Numbers that must be added are taken as their maximum and one for each further child (weak
  proof-number search, Ueda et al. 2008): sums count a position twice that two lines reach.
- A child is left only where its number exceeds the second best by a quarter (1+epsilon, Pawlewicz
  & Lew 2007), which saves walks up and down.
- A position that repeats on the line to it is no proof. That keeps proofs sound in a game with
  cycles; a disproof that met one hangs on the line and is not to be trusted (`cycles`).
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.compiled import legal_at, row_pointer, step_at, transform_at
from tesuji.search.graph import hash_row
from tesuji.search.proof_table import INFINITE, find, store
from tesuji.search.random import mix
from tesuji.search.tree import copy_row, inner, kernel

SOLVED, PAUSED, ASKS, UNFIT, FULL, OPENED = range(6)  # why a kernel returned


@inner
def identify(frames, row, ply, prover, rules, instance, parameters):  # type: ignore[no-untyped-def]
    """Return the key of state `row`, near the root that of its first symmetric form.

    A symmetry may exchange the sides, so the key says whether the prover moves.
    """
    key = hash_row(frames.states[row])
    if ply <= parameters.symmetric_plies:
        transform = transform_at(rules)
        spare = frames.states.shape[0] - 1
        for k in range(1, parameters.num_symmetries):
            frames.states[spare] = 0
            transform(
                row_pointer(frames.states, row), k, instance, row_pointer(frames.states, spare)
            )
            key = min(key, hash_row(frames.states[spare]))
    return mix(key ^ (parameters.salt + np.uint64(prover))) | np.uint64(1)


@inner
def _open_child(frames, child, row, ply, table, rules, instance, parameters):  # type: ignore[no-untyped-def]
    # Numbers from the table, or the number of moves: who has few of them is easily beaten.
    child.key = identify(frames, row, ply, child.prover, rules, instance, parameters)
    index = find(table, child.key)
    if index >= 0:
        child.proof = table[index].proof
        child.disproof = table[index].disproof
        return
    moves = frames.legal[1]
    legal_at(rules)(row_pointer(frames.states, row), instance, moves)
    count = 0
    for action in range(moves.shape[0]):
        count += moves[action]
    child.proof = 1 if child.prover else max(count, 1)
    child.disproof = max(count, 1) if child.prover else 1


@inner
def _open(frames, level, control, table, rules, instance, parameters):  # type: ignore[no-untyped-def]
    # Step every move of a position; a move that decides it stands alone.
    record = frames.levels[level]
    step = step_at(rules)
    work = frames.states.shape[0] - 2
    moves = frames.legal[0]
    legal_at(rules)(row_pointer(frames.states, level), instance, moves)
    record.count = 0
    control.nodes += 1
    for action in range(moves.shape[0]):
        if not moves[action]:
            continue
        if record.first + record.count >= frames.children.shape[0]:
            return FULL
        child = frames.children[record.first + record.count]
        copy_row(frames.states, level, frames.states, work)
        reward, discount = step(row_pointer(frames.states, work), action, instance, np.uint64(0))
        child.action = action
        child.cost = frames.costs[action] if control.ready else 0
        record.count += 1
        if discount == 0.0:
            gain = reward if record.prover else -reward
            good = gain > 0.0 or (gain == 0.0 and parameters.strict == 0)
            child.key = 0
            child.prover = 0
            child.proof = 0 if good else INFINITE
            child.disproof = INFINITE if good else 0
        elif reward != 0.0 or abs(discount) != 1.0:
            return UNFIT
        else:
            child.prover = record.prover if discount > 0.0 else 1 - record.prover
            ply = control.ply + level + 1
            _open_child(frames, child, work, ply, table, rules, instance, parameters)
        if (child.proof == 0) if record.prover else (child.disproof == 0):
            copied = frames.children[record.first]
            copied.key = child.key
            copied.proof = child.proof
            copied.disproof = child.disproof
            copied.action = child.action
            record.count = 1
            return OPENED
    return OPENED if record.count else UNFIT


@inner
def _summary(frames, level, parameters):  # type: ignore[no-untyped-def]
    # The numbers of a position seen by its mover: `low` the least of his own, `others` those added.
    record = frames.levels[level]
    low, second, chosen = np.int64(INFINITE), np.int64(INFINITE), np.int64(-1)
    total, largest, waiting = np.int64(0), np.int64(0), np.int64(0)
    for i in range(record.count):
        child = frames.children[record.first + i]
        own = np.int64(child.proof if record.prover else child.disproof)
        other = np.int64(child.disproof if record.prover else child.proof)
        if 0 < own < INFINITE:
            own = min(own + child.cost, np.int64(INFINITE - 1))
        if own < low:
            second, low, chosen = low, own, np.int64(i)
        elif own < second:
            second = own
        if other > 0:
            total += other
            waiting += 1
        largest = max(largest, other)
    if low == 0:
        return low, second, chosen, np.int64(INFINITE), waiting
    others = total if parameters.summed else largest + max(waiting - 1, np.int64(0))
    others = min(others, np.int64(INFINITE - 1)) if low < INFINITE else np.int64(0)
    return low, second, chosen, others, waiting


@inner
def _push(frames, level, low, second, others, waiting, parameters):  # type: ignore[no-untyped-def]
    # Go to the chosen child, until it is no longer the best or the position is too costly.
    record = frames.levels[level]
    child = frames.children[record.first + record.chosen]
    own_limit = record.proof_limit if record.prover else record.disproof_limit
    other_limit = record.disproof_limit if record.prover else record.proof_limit
    slack = max(np.int64(parameters.epsilon * second), np.int64(1))
    own_limit = min(own_limit, second + slack, INFINITE) - child.cost
    if other_limit < INFINITE:
        taken = child.disproof if record.prover else child.proof
        other_limit -= others - taken if parameters.summed else waiting - 1
    below = frames.levels[level + 1]
    below.key = child.key
    below.proof_limit = own_limit if record.prover else other_limit
    below.disproof_limit = other_limit if record.prover else own_limit
    below.first = record.first + record.count
    below.prover = child.prover
    below.opened = 0


@inner
def _repeats(frames, level, key):  # type: ignore[no-untyped-def]
    above = level
    while above >= 0 and frames.levels[above].key != key:
        above -= 1
    return above >= 0


@kernel
def begin(frames, control, prover, rules, instance, parameters):  # type: ignore[no-untyped-def]
    """Set the search onto the state in the first row."""
    root = frames.levels[0]
    root.key = identify(frames, 0, control.ply, prover, rules, instance, parameters)
    root.proof_limit = INFINITE
    root.disproof_limit = INFINITE
    root.first = 0
    root.prover = prover
    root.opened = 0
    control.level = 0
    control.ready = 0


@kernel
def lookup(frames, ply, prover, table, rules, instance, parameters):  # type: ignore[no-untyped-def]
    """Return where the state in the first row, `ply` below the question's, stands in the table."""
    return find(table, identify(frames, 0, ply, prover, rules, instance, parameters))


@kernel
def prove(frames, control, table, rules, instance, parameters, stop_at):  # type: ignore[no-untyped-def]
    """Search until the root is decided or `stop_at` positions were opened.

    Returns:
        `SOLVED`: the table has the root's numbers; `PAUSED`: call again; `ASKS`: write the top
        level's costs, set `control.ready` and call again; `UNFIT`: rewards before the end, or a
        position without moves; `FULL`: the line is longer than there is room.
    """
    level = control.level
    while True:
        record = frames.levels[level]
        if record.opened == 0:
            control.level = level
            control.deepest = max(control.deepest, level)
            if control.nodes >= stop_at:
                return PAUSED
            if control.ply + level < parameters.policy_plies and not control.ready:
                return ASKS
            record.begun = control.nodes
            outcome = _open(frames, level, control, table, rules, instance, parameters)
            if outcome != OPENED:
                return outcome
            control.ready = 0
            record.opened = 1
        low, second, record.chosen, others, waiting = _summary(frames, level, parameters)
        proof = low if record.prover else others
        disproof = others if record.prover else low
        if proof >= record.proof_limit or disproof >= record.disproof_limit:
            store(table, record.key, proof, disproof, control.nodes - record.begun)
            if level == 0:
                return SOLVED
            level -= 1
            above = frames.levels[level]
            child = frames.children[above.first + above.chosen]
            child.proof = proof
            child.disproof = disproof
            continue
        child = frames.children[record.first + record.chosen]
        index = find(table, child.key)
        if index >= 0 and (
            table[index].proof != child.proof or table[index].disproof != child.disproof
        ):
            child.proof = table[index].proof
            child.disproof = table[index].disproof
        elif _repeats(frames, level, child.key):
            child.key = 0
            child.proof = INFINITE
            child.disproof = 0
            control.cycles += 1
        else:
            if level + 1 >= frames.levels.shape[0]:
                return FULL
            copy_row(frames.states, level, frames.states, level + 1)
            step_at(rules)(
                row_pointer(frames.states, level + 1), child.action, instance, np.uint64(0)
            )
            _push(frames, level, low, second, others, waiting, parameters)
            level += 1
