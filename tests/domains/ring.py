"""A walk on a ring: positions come again, so that a graph of them has cycles."""

import numpy as np

from tesuji.domains.base import DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels

SIZE, GOAL = 9, 4

kernels = Kernels(np.dtype([("place", np.int8)]))


@kernels.reset
def _reset(state, instance, key):
    pass


@kernels.legal
def _legal(state, instance, mask):
    mask[:] = True


@kernels.step
def _step(state, action, instance, key):
    state.place = (state.place + (1 if action else SIZE - 1)) % SIZE
    return (1.0, 0.0) if state.place == GOAL else (-0.125, 1.0)


@kernels.observe
def _observe(state, instance, out):
    out[state.place] = 1.0


def ring() -> CompiledDomain:
    """Return a walk for one: each step costs an eighth, the goal is worth 1."""
    spec = DomainSpec("ring", 2, (SIZE,), 1, 1000, value_range=(-200.0, 1.0))
    return CompiledDomain(spec, kernels)
