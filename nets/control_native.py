"""A policy and a value of continuous control as a trajectory planner asks them, in numpy alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.nets.value import value_of

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.float32]

LEAST_DEVIATION = 0.05  # of the policy's actions, which are scaled to [-1, 1]

_Layers = list[tuple[Reals, Reals]]


class ControlAgent:
    """What the weights of a `ControlNet` say.

    Args:
        tensors: the network's weights by name.

    Attributes:
        num_observations: numbers of an observation, `F`.
        num_actions: parts of an action, `D`.
    """

    def __init__(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        center, spread = tensors["center"], tensors["spread"]
        self.num_observations = len(center)
        self.num_actions = len(tensors["policy.4.bias"]) // 2
        self._policy = _layers("policy", tensors, center, spread)
        self._value = _layers("value", tensors, center, spread)
        low, high = (float(each) for each in tensors["returns"])
        bins = len(tensors["value.4.bias"])
        self._support = return_support(low, high, bins)

    def value(self, observations: Reals) -> Floats:
        """Return the values `[B]` of observations `[B, F]`."""
        return value_of(_run(self._value, observations), self._support)[0].astype(np.float64)

    def propose(self, observations: Reals) -> tuple[Floats, Floats]:
        """Return mean and deviation of actions `[B, D]`, scaled to [-1, 1]."""
        out = _run(self._policy, observations).astype(np.float64)
        mean, log_deviation = np.split(out, 2, axis=1)
        return np.tanh(mean), LEAST_DEVIATION + 1 / (1 + np.exp(-log_deviation))


def return_support(low: float, high: float, bins: int) -> Reals:
    """Return returns `[K]`, highest first, even in the root of what they lack to the highest."""
    even = np.linspace(0.0, np.sqrt(high - low + 1.0) - 1.0, bins)
    return (high - ((even + 1.0) ** 2 - 1.0)).astype(np.float32)


def _layers(
    name: str, tensors: Mapping[str, npt.NDArray[Any]], center: Reals, spread: Reals
) -> _Layers:
    layers = [
        (np.ascontiguousarray(tensors[f"{name}.{i}.weight"].T), tensors[f"{name}.{i}.bias"])
        for i in (0, 2, 4)
    ]
    first, shift = layers[0]  # scaling the inputs is a part of it
    first = first / spread[:, None]
    layers[0] = first, shift - center @ first
    return layers


def _run(layers: _Layers, observations: Reals) -> Reals:
    hidden = observations
    for weight, bias in layers[:-1]:
        hidden = hidden @ weight
        hidden += bias
        np.maximum(hidden, 0.0, out=hidden)
    weight, bias = layers[-1]
    out: Reals = hidden @ weight + bias
    return out
