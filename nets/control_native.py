"""A policy and a value of continuous control as a trajectory planner asks them, in numpy alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.nets.value import value_of

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.float32]

_LAYERS = (0, 2, 4)  # of a perceptron, by which its weights are named
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


class Policies:
    """Policies of one shape without noise, each for a row of a batch.

    Args:
        weights: of each `[B, W]`, as `policy_weights` returns them.
        tensors: a network's weights by name, whose policy has that shape.
        center: mean of observations `[F]`.
        spread: deviation of observations `[F]`.
    """

    def __init__(
        self, weights: Floats, tensors: Mapping[str, npt.NDArray[Any]], center: Floats,
        spread: Floats,
    ) -> None:  # fmt: skip
        self._center, self._spread = center, spread
        layers = _unpacked(weights, _policy_layers(tensors))
        self._layers = [(layer[:, :-1], layer[:, -1]) for layer in layers]

    def propose(self, observations: Reals) -> tuple[Floats, Floats]:
        """Return mean and deviation of actions `[B, D]`, scaled to [-1, 1]."""
        hidden: Floats = (observations - self._center) / self._spread
        for number, (weight, bias) in enumerate(self._layers):
            hidden = np.maximum(hidden, 0.0) if number else hidden
            hidden = np.matmul(hidden[:, None], weight)[:, 0] + bias
        return np.tanh(hidden), np.zeros(hidden.shape)


def policy_weights(tensors: Mapping[str, npt.NDArray[Any]]) -> Floats:
    """Return the weights `[W]` of a network's policy that its mean actions depend on."""
    return np.concatenate([each.ravel() for each in _policy_layers(tensors)]).astype(np.float64)


def set_policy(tensors: Mapping[str, npt.NDArray[Any]], weights: Floats, deviation: float) -> None:
    """Have a network's policy have these weights `[W]`, and one deviation everywhere."""
    for i, layer in zip(_LAYERS, _unpacked(weights[None], _policy_layers(tensors)), strict=True):
        count = layer.shape[2]
        tensors[f"policy.{i}.weight"][:count] = layer[0, :-1].T
        tensors[f"policy.{i}.bias"][:count] = layer[0, -1]
    above = deviation - LEAST_DEVIATION
    tensors[f"policy.{_LAYERS[-1]}.weight"][count:] = 0.0
    tensors[f"policy.{_LAYERS[-1]}.bias"][count:] = np.log(above / (1.0 - above))


def _unpacked(weights: Floats, layers: list[Reals]) -> list[Floats]:
    """Return weights `[B, W]` as layers `[B, rows, columns]` of the shapes of others."""
    ends = np.cumsum([each.size for each in layers])[:-1]
    parts = zip(np.split(weights, ends, axis=1), layers, strict=True)
    return [part.reshape(len(weights), *each.shape) for part, each in parts]


def _policy_layers(tensors: Mapping[str, npt.NDArray[Any]]) -> list[Reals]:
    # Each with its bias as the last row; of the last, only what the mean of actions is made by.
    layers = []
    for i in _LAYERS:
        weight, bias = tensors[f"policy.{i}.weight"], tensors[f"policy.{i}.bias"]
        count = len(bias) if i != _LAYERS[-1] else len(bias) // 2
        layers.append(np.concatenate([weight[:count].T, bias[None, :count]]))
    return layers


def return_support(low: float, high: float, bins: int) -> Reals:
    """Return returns `[K]`, highest first, even in the root of what they lack to the highest."""
    even = np.linspace(0.0, np.sqrt(high - low + 1.0) - 1.0, bins)
    return (high - ((even + 1.0) ** 2 - 1.0)).astype(np.float32)


def _layers(
    name: str, tensors: Mapping[str, npt.NDArray[Any]], center: Reals, spread: Reals
) -> _Layers:
    layers = [
        (np.ascontiguousarray(tensors[f"{name}.{i}.weight"].T), tensors[f"{name}.{i}.bias"])
        for i in _LAYERS
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
