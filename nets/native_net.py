"""The networks of `tesuji.nets.model` once more, in numpy and our own kernels.

They need no torch and no other library. `B` positions, `P` cells, `C` channels padded to whole
tiles, `K` inputs; a board is `[P, B * C]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tesuji.nets.fourier import Torus, torus, transform_kernel
from tesuji.nets.kernels import activate, analyse, dense, multiply_planes
from tesuji.nets.tile import LANES
from tesuji.search.base import DomainSpec, FloatArray

Tensors = Mapping[str, FloatArray]
Net = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_NONE = np.empty((0, 0), np.float32)


def native_net(tensors: Tensors, spec: DomainSpec) -> Net:
    """Return the network that `tensors`, with folded batch norm, are the weights of.

    It takes observations `[B, *observation_shape]` to `(policy_logits [B, A], wdl_logits [B, 3])`.
    """
    if "stem.conv.weight" in tensors:
        return NativeResNet(tensors, spec)
    if "layers.0.weight" in tensors:
        return NativeMLP(tensors)
    raise ValueError(
        "the native evaluator runs residual nets and MLPs only, and this network is neither; "
        "use torch, onnx or openvino"
    )


def _whole_tiles(size: int) -> int:
    return -(-size // LANES) * LANES


def _padded(array: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    result = np.zeros(shape, np.float32)
    result[tuple(slice(size) for size in array.shape)] = array
    return result


class _Linear:
    """A linear layer; its inputs are `groups` of channels, each padded to whole tiles."""

    def __init__(self, tensors: Tensors, name: str, groups: int = 0) -> None:
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        self.size = len(bias)
        weight = weight.reshape(self.size, max(groups, 1), -1)
        depth = _whole_tiles(weight.shape[2]) if groups else weight.shape[2]
        weight = _padded(weight, (_whole_tiles(self.size), weight.shape[1], depth))
        self._weight = np.ascontiguousarray(weight.reshape(len(weight), -1).T)  # [K, N]
        self._bias = _padded(bias, (len(weight),))

    def padded(self, inputs: FloatArray) -> FloatArray:
        """Return the layer's outputs `[B, N]` for `inputs` `[B, K]`, padded to whole tiles."""
        outputs = np.empty((len(inputs), len(self._bias)), np.float32)
        dense(inputs, self._weight, self._bias, outputs)
        return outputs

    def __call__(self, inputs: FloatArray) -> FloatArray:
        """Return the layer's outputs `[B, size]` for `inputs` `[B, K]`."""
        return self.padded(inputs)[:, : self.size]


class NativeMLP:
    """`model.MLP` with given weights."""

    def __init__(self, tensors: Tensors) -> None:
        count = sum(name.startswith("layers.") for name in tensors) // 2
        self._layers = [_Linear(tensors, f"layers.{i}", min(i, 1)) for i in range(count)]
        self._policy = _Linear(tensors, "policy", 1)
        self._value = _Linear(tensors, "value", 1)

    def __call__(self, observations: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return `(policy_logits [B, A], wdl_logits [B, 3])`."""
        x = observations.reshape(len(observations), -1)
        for layer in self._layers:
            x = layer.padded(x)
            np.maximum(x, 0, out=x)
        return self._policy(x), self._value(x)


class _Convolution:
    """A 3x3 convolution on boards of one size."""

    def __init__(self, tensors: Tensors, name: str, board: Torus, inputs: int) -> None:
        kernel = tensors[f"{name}.conv.weight"]
        outputs = _whole_tiles(len(kernel))
        self._functions = board[:5]
        self._cells = board.cells
        self._planes = transform_kernel(board, _padded(kernel, (outputs, inputs, 3, 3)))
        self._bias = _padded(tensors[f"{name}.conv.bias"], (outputs,))

    def __call__(
        self,
        spectrum: FloatArray,
        rows: int,
        residual: FloatArray = _NONE,
        bias: FloatArray | float = 0.0,
        want: tuple[bool, bool] = (True, True),
    ) -> tuple[FloatArray, FloatArray]:
        """Return relu(convolution + residual + bias `[B, C]`), as a board and as its planes."""
        lanes = rows * len(self._bias)
        products = np.empty((len(spectrum), lanes), np.float32)
        multiply_planes(spectrum, rows, self._planes, products)
        offsets = np.empty((rows, len(self._bias)), np.float32)
        offsets[:] = self._bias + bias
        board = np.empty((self._cells * want[0], lanes), np.float32)
        result = np.empty((len(spectrum) * want[1], lanes), np.float32)
        activate(products, offsets.reshape(-1), residual, *self._functions, board, result)
        return board, result


def _pool(x: FloatArray, rows: int) -> FloatArray:
    """Return mean and maximum over the first axis of `[..., B * C]` as `[B, 2 C]`."""
    mean = np.add.reduce(x, 0) * np.float32(1 / len(x))
    return np.concatenate([mean.reshape(rows, -1), x.max(0).reshape(rows, -1)], 1)


class _Block:
    """`model.Block` with given weights."""

    def __init__(self, tensors: Tensors, name: str, board: Torus, channels: int) -> None:
        self._first = _Convolution(tensors, f"{name}.first", board, channels)
        self._second = _Convolution(tensors, f"{name}.second", board, channels)
        pooling = f"{name}.pooled.weight" in tensors
        self._pooled = _Linear(tensors, f"{name}.pooled", 2) if pooling else None

    def __call__(
        self, x: FloatArray, spectrum: FloatArray, rows: int, last: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return the board after the block, and its planes unless this is the last one."""
        hidden, planes = self._first(spectrum, rows, want=(self._pooled is not None, True))
        bias = self._pooled.padded(_pool(hidden, rows)) if self._pooled else 0.0
        return self._second(planes, rows, x, bias, want=(True, not last))


class _Policy:
    """The policy heads of `model`: cells with extra actions, columns, or any other actions."""

    def __init__(self, tensors: Tensors, width: int) -> None:
        self._width = width
        self._hidden = _Linear(tensors, "policy_hidden.conv", 1)
        self._pooled = _Linear(tensors, "policy_pooled", 2)
        heads = {"planes": 1, "extra": 2, "column": 2, "logits": 2}
        self._heads = {
            name: _Linear(tensors, f"policy.{name}", groups)
            for name, groups in heads.items()
            if f"policy.{name}.weight" in tensors
        }

    def __call__(self, x: FloatArray, pooled: FloatArray) -> FloatArray:
        """Return logits `[B, A]`."""
        if "logits" in self._heads:
            return self._heads["logits"](pooled)
        rows, cells = len(pooled), len(x)
        hidden = self._hidden.padded(x.reshape(cells * rows, -1)).reshape(cells, rows, -1)
        hidden += self._pooled.padded(pooled)
        np.maximum(hidden, 0, out=hidden)
        if "column" in self._heads:
            columns = hidden.reshape(cells // self._width, -1)
            logits = self._heads["column"](_pool(columns, self._width * rows))
            return logits.reshape(self._width, rows).T
        logits = self._heads["planes"](hidden.reshape(cells * rows, -1))
        logits = logits.reshape(cells, rows, -1).transpose(1, 2, 0).reshape(rows, -1)
        if "extra" in self._heads:
            return np.concatenate([logits, self._heads["extra"](pooled)], 1)
        return logits


class NativeResNet:
    """`model.ResNet` with given weights on boards of one size."""

    def __init__(self, tensors: Tensors, spec: DomainSpec) -> None:
        inputs, height, width = spec.observation_shape
        self._board = board = torus(height, width)
        channels = _whole_tiles(len(tensors["stem.conv.weight"]))
        self._stem = _Convolution(tensors, "stem", board, inputs)
        count = sum(name.endswith(".first.conv.weight") for name in tensors)
        self._blocks = [_Block(tensors, f"blocks.{i}", board, channels) for i in range(count)]
        self._policy = _Policy(tensors, width)
        self._value_hidden = _Linear(tensors, "value_hidden", 2)
        self._value = _Linear(tensors, "value", 1)

    def __call__(self, observations: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return `(policy_logits [B, A], wdl_logits [B, 3])`."""
        rows, inputs = observations.shape[:2]
        cells = observations.reshape(rows, inputs, -1).transpose(2, 0, 1).reshape(-1, rows * inputs)
        x = _padded(cells, (len(cells), _whole_tiles(rows * inputs)))
        spectrum = np.empty((self._board.planes, x.shape[1]), np.float32)
        analyse(x, *self._board[:5], spectrum)
        x, spectrum = self._stem(spectrum, rows)
        for block in self._blocks:
            x, spectrum = block(x, spectrum, rows, last=block is self._blocks[-1])
        pooled = _pool(x, rows)
        hidden = self._value_hidden.padded(pooled)
        np.maximum(hidden, 0, out=hidden)
        return self._policy(x, pooled), self._value(hidden)
