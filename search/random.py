"""Counter-free random numbers for kernels: splitmix64 on an explicit state.

The same seed gives the same numbers on every machine, in any batch.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


@njit(cache=True, nogil=True)
def mix(value):  # type: ignore[no-untyped-def]
    """Return 64 well mixed bits of a 64-bit value (Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * _FIRST
    value = (value ^ (value >> np.uint64(27))) * _SECOND
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)
def advance(seed):  # type: ignore[no-untyped-def]
    """Return the next state of the stream; `mix` of a state is its number."""
    return seed + _GOLDEN


@njit(cache=True, nogil=True)
def uniform(bits):  # type: ignore[no-untyped-def]
    """Return a float in (0, 1) from 64 random bits."""
    return (np.float64(bits >> np.uint64(11)) + 0.5) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def gumbel(bits):  # type: ignore[no-untyped-def]
    """Return a standard Gumbel number."""
    return -np.log(-np.log(uniform(bits)))


@njit(cache=True, nogil=True)
def below(bits, limit):  # type: ignore[no-untyped-def]
    """Return an integer in [0, limit) from 64 random bits; `limit` below 2**32."""
    return np.int64(((bits >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def gamma(seed, shape):  # type: ignore[no-untyped-def]
    """Return `(number, next seed)`, gamma distributed (Marsaglia & Tsang 2000)."""
    boost = 1.0
    if shape < 1.0:
        seed = advance(seed)
        boost = uniform(mix(seed)) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    while True:
        seed = advance(seed)
        radius = np.sqrt(-2.0 * np.log(uniform(mix(seed))))
        seed = advance(seed)
        normal = radius * np.cos(2.0 * np.pi * uniform(mix(seed)))
        seed = advance(seed)
        v = (1.0 + c * normal) ** 3
        if v > 0.0 and np.log(uniform(mix(seed))) < 0.5 * normal**2 + d - d * v + d * np.log(v):
            return d * v * boost, seed
