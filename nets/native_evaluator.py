"""Networks run on the CPU by our own compiled kernels; the default there, by measurement."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from safetensors.numpy import load

from tesuji.nets.native_net import native_net
from tesuji.nets.value import value_of, value_support
from tesuji.search.base import DomainSpec, Evaluation, FloatArray

CHUNK = 64  # positions that go through the network together; more would leave the caches


class NativeEvaluator:
    """A network as an evaluator; a position's result does not depend on its batch, bit for bit."""

    def __init__(self, weights: bytes, spec: DomainSpec, threads: int = 1) -> None:
        self._shape = spec.observation_shape
        self._net = native_net(load(weights), spec)
        self._support = value_support(spec)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge `observations` `[B, *observation_shape]`."""
        if observations.shape[1:] != self._shape or observations.dtype != np.float32:
            raise ValueError(
                f"observations must be float32 of shape (B, {', '.join(map(str, self._shape))}), "
                f"got {observations.dtype} of shape {observations.shape}"
            )
        starts = range(0, len(observations), CHUNK)
        chunks = [observations[start : start + CHUNK] for start in starts]
        run = map if self._pool is None else self._pool.map
        parts = list(run(self._judge, chunks))
        if len(parts) == 1:
            return parts[0]
        return Evaluation(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _judge(self, observations: FloatArray) -> Evaluation:
        logits, value_logits = self._net(observations)
        return Evaluation(logits, *value_of(value_logits, self._support))
