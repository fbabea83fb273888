"""Networks run by torch, on the CPU in fp32 or on a GPU in bf16 with CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from tesuji.nets.inference import InferenceNet
from tesuji.search.base import Evaluation, FloatArray

Outputs = tuple[Tensor, Tensor, Tensor]


class TorchEvaluator:
    """A network as an evaluator.

    Batches are padded to a power of two, so that few shapes are ever seen: the CPU library keeps
    its plans, and a GPU replays one captured graph a shape.
    """

    def __init__(
        self,
        model: nn.Module,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
        threads: int = 1,
    ) -> None:
        self._device = torch.device(device)
        cuda = self._device.type == "cuda"
        if cuda and not torch.cuda.is_available():
            raise ValueError("no GPU: torch sees no CUDA device; use device=cpu")
        self._threads = threads
        self._dtype = dtype or (torch.bfloat16 if cuda else torch.float32)
        net = InferenceNet(model).to(self._device, self._dtype)
        self._net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._graphs: dict[int, Callable[[Tensor], Outputs]] = {}

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge `observations` `[B, *observation_shape]`."""
        size = len(observations)
        padded = np.zeros((_next_power_of_two(size), *observations.shape[1:]), np.float32)
        padded[:size] = observations
        with torch.inference_mode(), _threads(self._threads):
            outputs = self._run(torch.from_numpy(padded))
        return Evaluation(*(output.float().cpu().numpy()[:size] for output in outputs))

    def _run(self, batch: Tensor) -> Outputs:
        if self._device.type != "cuda":
            return self._forward(batch.to(self._dtype))
        if len(batch) not in self._graphs:
            self._graphs[len(batch)] = self._capture(batch)
        return self._graphs[len(batch)](batch)

    def _forward(self, batch: Tensor) -> Outputs:
        if batch.ndim == 4:
            batch = batch.contiguous(memory_format=torch.channels_last)
        outputs: Outputs = self._net(batch)
        return outputs

    def _capture(self, batch: Tensor) -> Callable[[Tensor], Outputs]:
        """Return a function that replays the network on batches of this one's shape."""
        static = batch.to(self._device, self._dtype)
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # warm up aside, as capture demands
            self._forward(static)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._forward(static)

        def replay(batch: Tensor) -> Outputs:
            static.copy_(batch)
            graph.replay()
            return outputs

        return replay


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let torch compute with `number` threads; its one setting is the whole process's."""
    before = torch.get_num_threads()
    if before == number:
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _next_power_of_two(size: int) -> int:
    return 1 << max(size - 1, 0).bit_length()
