"""The networks of `tesuji.nets.model` once more, in numpy and our own kernels.

They need no torch and no other library. `B` positions, `P` cells, `C` channels padded to whole
tiles, `K` inputs; a board is `[P, B * C]`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import numpy as np

from tesuji.nets.fourier import Torus, torus, transform_kernel
from tesuji.nets.kernels import activate, dense, multiply_planes, pack_planes
from tesuji.nets.tile import LANES
from tesuji.search.base import DomainSpec, FloatArray

Tensors = Mapping[str, FloatArray]
Net = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_PAGE = 1024  # numbers
_NONE = np.empty((0, 0), np.float32)


def native_net(tensors: Tensors, spec: DomainSpec) -> Net:
    """Return the network that `tensors`, with folded batch norm, are the weights of.

    It takes observations `[B, *observation_shape]` to `(policy_logits [B, A], value_logits
    [B, K])`, over the returns of `value_support`.
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


class _Scratch(threading.local):
    """Arrays that are used again and again by one thread: fresh memory would cost page faults."""

    def __init__(self) -> None:
        self._arrays: dict[str, FloatArray] = {}

    def take(self, name: str, rows: int, lanes: int) -> FloatArray:
        """Return array `name` as `[rows, lanes]`; it holds anything."""
        if name not in self._arrays or self._arrays[name].size < rows * lanes:
            self._arrays[name] = np.empty(rows * lanes, np.float32)
        return self._arrays[name][: rows * lanes].reshape(rows, lanes)


_SCRATCH = _Scratch()


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
        """Return `(policy_logits [B, A], value_logits [B, K])`."""
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
        self._cells = board.board.shape[1]
        planes = transform_kernel(board, _padded(kernel, (outputs, inputs, 3, 3)))
        self._planes = pack_planes(planes)
        self._bias = _padded(tensors[f"{name}.conv.bias"], (outputs,))

    def __call__(
        self,
        spectrum: FloatArray,
        result: FloatArray,
        board: FloatArray = _NONE,
        residual: FloatArray = _NONE,
        bias: FloatArray | float = 0.0,
    ) -> None:
        """Convolve the board whose planes are `spectrum`, add residual and bias `[B, C]`, rectify.

        The planes of it become `result` and the cells `board`, where these have any rows; result
        may be spectrum, and board may be residual.
        """
        rows = result.shape[1] // len(self._bias)
        products = _SCRATCH.take("products", len(spectrum), result.shape[1])
        multiply_planes(spectrum, rows, self._planes, products)
        offsets = np.empty((rows, len(self._bias)), np.float32)
        offsets[:] = self._bias + bias
        activate(products, offsets.reshape(-1), residual, *self._functions, board, result)


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

    def __call__(self, x: FloatArray, spectrum: FloatArray, rows: int, last: bool) -> None:
        """Replace the board and, unless this is the last block, its planes."""
        if self._pooled is None:
            self._first(spectrum, spectrum)
            bias: FloatArray | float = 0.0
        else:
            hidden = _SCRATCH.take("hidden", *x.shape)
            self._first(spectrum, spectrum, hidden)
            bias = self._pooled.padded(_pool(hidden, rows))
        self._second(spectrum, spectrum[: 0 if last else None], x, x, bias)


class _Policy:
    """The policy heads of `model`: cells with extra actions, columns, or any other actions."""

    def __init__(self, tensors: Tensors, width: int) -> None:
        self._width = width
        self._hidden = _Linear(tensors, "policy_hidden.conv", 1)
        pooling = "policy_pooled.weight" in tensors
        self._pooled = _Linear(tensors, "policy_pooled", 2) if pooling else None
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
        if self._pooled is not None:
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
        board = torus(height, width)
        self._torus = board.board
        self._channels = channels = _whole_tiles(len(tensors["stem.conv.weight"]))
        self._stem = _Convolution(tensors, "stem", board, inputs)
        count = sum(name.endswith(".first.conv.weight") for name in tensors)
        self._blocks = [_Block(tensors, f"blocks.{i}", board, channels) for i in range(count)]
        self._policy = _Policy(tensors, width)
        self._value_hidden = _Linear(tensors, "value_hidden", 2)
        self._value = _Linear(tensors, "value", 1)

    def __call__(self, observations: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return `(policy_logits [B, A], value_logits [B, K])`."""
        size, inputs = observations.shape[:2]
        rows = size
        if rows * self._channels % _PAGE == 0:
            rows += 2  # planes that lie whole pages apart compete for the same lines of a cache
        cells = observations.reshape(size, inputs, -1).transpose(2, 0, 1).reshape(-1, size * inputs)
        x = _padded(cells, (len(cells), _whole_tiles(rows * inputs)))
        planes, lanes = len(self._torus), rows * self._channels
        seen = np.empty((planes, x.shape[1]), np.float32)
        dense(self._torus, x, np.zeros(x.shape[1], np.float32), seen)
        x = _SCRATCH.take("board", len(cells), lanes)
        spectrum = _SCRATCH.take("spectrum", planes, lanes)
        self._stem(seen, spectrum, x)
        for block in self._blocks:
            block(x, spectrum, rows, last=block is self._blocks[-1])
        pooled = _pool(x, rows)
        hidden = self._value_hidden.padded(pooled)
        np.maximum(hidden, 0, out=hidden)
        return self._policy(x, pooled)[:size], self._value(hidden)[:size]
