"""Dots and boxes: draw lines between dots; who closes a box owns it and moves again.

On a grid of `size` boxes a side, the actions are first the flat lines, row by row, then the
upright ones. Most boxes win. `instance[0]` is the size.
"""

import numpy as np
from numba import njit

from tesuji.domains.base import DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels

MAX_LINES = 40  # a row has one size; smaller boards leave the rest empty
state_dtype = np.dtype([("lines", np.int8, MAX_LINES), ("boxes", np.int8, 2), ("to_play", np.int8)])
kernels = Kernels(state_dtype)


@njit(cache=True)
def closed_boxes(lines, action, size):
    """Return how many boxes of four drawn lines have the line `action`."""
    closed = 0
    for row in range(size):
        for column in range(size):
            top = row * size + column
            left = size * (size + 1) + row * (size + 1) + column
            if action in (top, top + size, left, left + 1):
                closed += lines[top] and lines[top + size] and lines[left] and lines[left + 1]
    return closed


@kernels.reset
def reset(state, instance, key):
    """Start empty: the row comes zeroed."""


@kernels.legal
def legal(state, instance, mask):
    """Allow every line that is not drawn."""
    for action in range(len(mask)):
        mask[action] = state.lines[action] == 0


@kernels.step
def step(state, action, instance, key):
    """Draw a line; the reward comes at the end, as the side that moved sees it."""
    size, side = instance[0], state.to_play
    state.lines[action] = 1
    closed = closed_boxes(state.lines, action, size)
    state.boxes[side] += closed
    if state.boxes[0] + state.boxes[1] == size * size:
        return float(np.sign(state.boxes[side] - state.boxes[1 - side])), 0.0
    if closed:
        return 0.0, 1.0  # the same side moves on
    state.to_play = 1 - side
    return 0.0, -1.0


@kernels.observe
def observe(state, instance, out):
    """Write the lines, then how many boxes the side to move is ahead."""
    for action in range(len(out) - 1):
        out[action] = state.lines[action]
    lead = state.boxes[state.to_play] - state.boxes[1 - state.to_play]
    out[len(out) - 1] = lead / instance[0] ** 2


def dots_and_boxes(size: int = 2) -> CompiledDomain:
    """Return the game on `size` by `size` boxes."""
    if not 1 <= size <= 4:
        raise ValueError(f"size must be 1 to 4, got {size}")
    num_lines = 2 * size * (size + 1)

    def render(state: State) -> str:
        text = []
        for row in range(size + 1):
            flat = state.lines[row * size : (row + 1) * size]
            text.append("+" + "".join("--+" if line else "  +" for line in flat))
            start = size * (size + 1) + row * (size + 1)
            upright = state.lines[start : start + size + 1] if row < size else ()
            text.append("  ".join("|" if line else " " for line in upright))
        return "\n".join(text) + f"boxes {state.boxes[0]} : {state.boxes[1]}"

    spec = DomainSpec(
        name=f"dots_and_boxes_{size}x{size}",
        num_actions=num_lines,
        observation_shape=(num_lines + 1,),
        num_players=2,
        max_steps=num_lines,
    )
    return CompiledDomain(spec, kernels, instance=[size], render=render)
