"""The moves of a state under rules and constraints, and random play with them.

Constraints are asked once a node, and in random play about the moves that are drawn.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.compiled import choose_legal, legal_at, restrict_at, row_pointer, step_at
from tesuji.search.random import advance as next_seed
from tesuji.search.random import mix
from tesuji.search.tree import copy_row, forced, inner


@forced
def list_moves(state, rules, mask):  # type: ignore[no-untyped-def]
    """Fill `mask` `[A]` with what rules and constraints allow."""
    legal_at(rules.moves)(state, rules.instance, mask)
    if rules.restricted:
        restrict_at(rules.table)(state, rules.instance, mask, np.int64(0))


@forced
def any_true(mask):  # type: ignore[no-untyped-def]
    """Return whether anything in `mask` `[A]` is true."""
    for action in range(mask.shape[0]):  # noqa: SIM110 (`any` takes no loops of numba)
        if mask[action]:
            return True
    return False


@forced
def dead_end(discount, parameters):  # type: ignore[no-untyped-def]
    """Return the reward of a step with `discount` to where constraints leave no move.

    Of two players the one that cannot move has lost.
    """
    return parameters.highest if discount < 0.0 else parameters.lowest


@forced
def _draw_move(state, mask, seed, rules):  # type: ignore[no-untyped-def]
    # A random move out of `mask`, -1 if there is none, and the seed after it. Constraints are
    # asked about the move that was drawn; to draw anew where they refuse it leaves all that they
    # allow equally likely.
    seed = next_seed(seed)
    chosen = choose_legal(mask, mix(seed))
    if rules.restricted:
        while chosen >= 0:
            restrict_at(rules.table)(state, rules.instance, mask[chosen : chosen + 1], chosen)
            if mask[chosen]:
                break
            seed = next_seed(seed)
            chosen = choose_legal(mask, mix(seed))
    return chosen, seed


@inner
def random_playouts(tree, t, row, rules, parameters, workspace):  # type: ignore[no-untyped-def]
    """Return the mean return of random play from a node's state, for its side to move."""
    step = step_at(rules.moves)
    legal = legal_at(rules.moves)
    seed = tree.trees[t].seed
    total = 0.0
    for _ in range(rules.rollouts):
        copy_row(tree.states, row, workspace.row, 0)
        pointer = row_pointer(workspace.row, 0)
        sign, before, reward, discount = 1.0, 1.0, 0.0, 1.0
        for _step in range(rules.rollout_steps):
            legal(pointer, rules.instance, workspace.legal)
            chosen, seed = _draw_move(pointer, workspace.legal, seed, rules)
            if chosen < 0:
                total += before * (dead_end(discount, parameters) - reward)
                break
            reward, discount = step(pointer, chosen, rules.instance, seed)
            before = sign
            total += sign * reward
            sign *= discount
            if discount == 0.0:
                break
    tree.trees[t].seed = seed
    return total / rules.rollouts
