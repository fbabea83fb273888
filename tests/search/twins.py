"""Slow twins: any compiled domain stepped in Python, and exact values of the dice games."""

import numpy as np

from tesuji.domains.base import Domain
from tesuji.domains.compiled import CompiledDomain


class ObjectTwin(Domain):
    """A compiled domain's rules as an object domain: the search steps it in Python."""

    def __init__(self, domain: CompiledDomain) -> None:
        self.spec = domain.spec
        self.of = domain

    def reset(self, seed=0):
        return self.of.reset(seed)

    def legal(self, state):
        return self.of.legal(state)

    def step(self, state, action, key=0):
        return self.of.step(state, action, key)

    def observe(self, state):
        return self.of.observe(state)

    def to_play(self, state):
        return self.of.to_play(state)

    def key(self, state):
        return self.of.key(state)


def expectimax(domain, state, known):
    """Return the exact action values of a state whose throws have four equal outcomes."""
    key = domain.key(state)
    if key not in known:
        values = []
        for action in np.flatnonzero(domain.legal(state)).tolist():
            total = 0.0
            for throw in range(4):
                after, reward, discount = domain.step(state, action, throw << 62)
                behind = expectimax(domain, after, known).max() if discount else 0.0
                total += (reward + discount * behind) / 4
            values.append(total)
        known[key] = np.array(values)
    return known[key]
