"""Noise for sequences of actions: coloured, or smooth between knots; how much actions have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.models import Policy

Floats = npt.NDArray[np.float64]


def coloured_noise(
    rng: np.random.Generator, exponent: float, batch: int, horizon: int, size: int
) -> Floats:
    """Return noise `[B, H, D]` of unit variance whose power falls as frequency to `exponent`.

    0 is white, 1 pink, 2 red (Timmer & Koenig 1995): slow parts of a movement count for more.
    """
    if exponent == 0.0 or horizon == 1:
        return rng.standard_normal((batch, horizon, size))
    frequencies = np.fft.rfftfreq(horizon)
    frequencies[0] = frequencies[1]
    scale = frequencies ** (-exponent / 2)
    shape = (batch, size, len(frequencies))
    real, imaginary = rng.standard_normal(shape), rng.standard_normal(shape)
    power = 4 * scale**2
    single = [0] if horizon % 2 else [0, -1]  # frequencies without a mirror image
    imaginary[..., single] = 0.0
    power[single] /= 4
    deviation = np.sqrt(power.sum()) / horizon
    noise = np.fft.irfft((real + 1j * imaginary) * scale, n=horizon, axis=-1) / deviation
    return np.ascontiguousarray(noise.transpose(0, 2, 1))


def knot_noise(rng: np.random.Generator, knots: int, batch: int, horizon: int, size: int) -> Floats:
    """Return noise `[B, H, D]` that is normal at equally spaced knots and linear between them."""
    values = rng.standard_normal((batch, knots, size))
    at = np.linspace(0, knots - 1, horizon)
    left = np.minimum(at.astype(int), knots - 2)
    share = (at - left)[:, None]
    noise: Floats = values[:, left] * (1 - share) + values[:, left + 1] * share
    return noise


def departures(policy: Policy, observations: npt.NDArray[np.float32], actions: Floats) -> Floats:
    """Return how far actions `[B, T, D]` are from a policy's mean `[B, T]`.

    In squares of its deviation, summed over the parts of an action.

    Args:
        policy: with deviations above 0.
        observations: before each action `[B, T, F]`.
        actions: scaled to [-1, 1].
    """
    flat = observations.reshape(-1, observations.shape[-1])
    mean, deviation = (each.reshape(actions.shape) for each in policy.propose(flat))
    return np.asarray((((actions - mean) / deviation) ** 2).sum(axis=-1))
