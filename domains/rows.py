"""Kernels over rows of states: step, observe and start many positions in one call.

Dimensions: `B` rows, `S` bytes of a row, `A` actions, `O` numbers of an observation.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.compiled import (
    choose_legal,
    legal_at,
    observe_at,
    reset_at,
    row_pointer,
    step_at,
    transform_action_at,
    transform_at,
)
from tesuji.domains.playout import next_random


@njit(cache=True, nogil=True, error_model="numpy")
def step_rows(table, instance, rows, actions, keys, rewards, discounts):  # type: ignore[no-untyped-def]
    """Play `actions` `[B]` on `rows` `[B, S]` in place; fill `rewards` and `discounts` `[B]`.

    `keys` `[B]` are the random bits of each step.
    """
    step = step_at(table)
    for i in range(rows.shape[0]):
        rewards[i], discounts[i] = step(
            row_pointer(rows, i), np.int64(actions[i]), instance, keys[i]
        )


@njit(cache=True, nogil=True, error_model="numpy")
def replay_rows(table, instance, rows, actions, keys):  # type: ignore[no-untyped-def]
    """Fill `rows` `[B, S]` with what follows row 0 by all of `actions` `[B]` but the last."""
    step = step_at(table)
    for i in range(1, rows.shape[0]):
        rows[i] = rows[i - 1]
        step(row_pointer(rows, i), np.int64(actions[i - 1]), instance, keys[i - 1])


@njit(cache=True, nogil=True, error_model="numpy")
def open_game(table, instance, rows, index, plies, bits, mask):  # type: ignore[no-untyped-def]
    """Write a position after `plies` random moves to row `index` and return `plies`.

    Never an end: where many tries found nothing else, as in a game that is shorter, one move less.

    Args:
        table: the domain's kernels.
        instance: the domain's instance.
        rows: rows `[B, S]`.
        index: the row to write.
        plies: random moves from the start.
        bits: random bits, not 0.
        mask: scratch room `[A]`.
    """
    reset = reset_at(table)
    legal = legal_at(table)
    step = step_at(table)
    tries = 0
    while True:
        rows[index] = 0
        pointer = row_pointer(rows, index)
        bits = next_random(bits)
        reset(pointer, instance, bits)
        discount = 1.0
        for _ in range(plies):
            legal(pointer, instance, mask)
            bits = next_random(bits)
            _, discount = step(pointer, choose_legal(mask, bits), instance, bits)
            if discount == 0.0:
                break
        if discount != 0.0:
            return plies
        tries += 1
        if tries % 100 == 0:
            plies -= 1


@njit(cache=True, nogil=True, error_model="numpy")
def observe_rows(table, instance, rows, symmetries, policies, scratch, out):  # type: ignore[no-untyped-def]
    """Fill observations, policies and masks of `rows` under a symmetry each, for training.

    Args:
        table: the domain's kernels.
        instance: the domain's instance.
        rows: rows `[B, S]`.
        symmetries: `[B]`.
        policies: `[B, A]`, of the rows as they are.
        scratch: room for one row, `[1, S]`.
        out: `(observations [B, O], policies [B, A], masks [B, A])`, filled.
    """
    observations, targets, legals = out
    legal = legal_at(table)
    observe = observe_at(table)
    transform = transform_at(table)
    transform_action = transform_action_at(table)
    num_actions = policies.shape[1]
    for i in range(rows.shape[0]):
        observations[i] = 0.0
        symmetry = np.int64(symmetries[i])
        if symmetry == 0:
            scratch[0] = rows[i]
        else:
            scratch[0] = 0
            transform(row_pointer(rows, i), symmetry, instance, row_pointer(scratch, 0))
        pointer = row_pointer(scratch, 0)
        observe(pointer, instance, observations[i])
        legal(pointer, instance, legals[i])
        for action in range(num_actions):
            image = action if symmetry == 0 else transform_action(action, symmetry, instance)
            targets[i, image] = policies[i, action]


@njit(cache=True, nogil=True, error_model="numpy")
def transform_weights(table, instance, symmetries, weights, out):  # type: ignore[no-untyped-def]
    """Fill `out` with `weights` `[B, A]` of actions under `symmetries` `[B]`, one a row.

    Fewer columns than actions are weights of the first of them, such as cells of a board.
    """
    transform_action = transform_action_at(table)
    for i in range(weights.shape[0]):
        symmetry = np.int64(symmetries[i])
        for action in range(weights.shape[1]):
            image = action if symmetry == 0 else transform_action(action, symmetry, instance)
            out[i, image] = weights[i, action]
