"""Numbers that follow from seeds (splitmix64, Steele et al. 2014), for many seeds at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mixed(seeds: npt.ArrayLike, numbers: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Return other seeds, one for each of the numbers."""
    with np.errstate(over="ignore"):
        bits = np.asarray(seeds, np.uint64) + _GOLDEN * np.asarray(numbers, np.uint64)
        bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
        bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return np.asarray(bits ^ (bits >> np.uint64(31)))


def uniform(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Return numbers between 0 and 1 from mixed bits."""
    return np.asarray(((bits >> np.uint64(11)) + 0.5) * 2.0**-53)


def normal(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Return normal numbers from mixed bits (Box & Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(uniform(bits)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform(mixed(bits, 1))))
