"""Networks run by OpenVINO on the CPU, fp32 or int8."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import openvino

from tesuji.search.base import Evaluation, FloatArray


class OpenVinoEvaluator:
    """An exported network as an evaluator; one thread unless told otherwise."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(model),
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                # Left alone, newer CPUs would compute in bfloat16.
                "INFERENCE_PRECISION_HINT": "f32",
            },
        )
        self._request = compiled.create_infer_request()

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge `observations` `[B, *observation_shape]`."""
        results = self._request.infer([observations], share_inputs=True, share_outputs=True)
        return Evaluation(*results.to_tuple())


def openvino_files(exported: bytes) -> dict[str, bytes]:
    """Return OpenVINO's weights and graph of an ONNX model; the graph, last, is what one opens."""
    model = openvino.convert_model(io.BytesIO(exported))
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "net.xml"
        openvino.save_model(model, graph, compress_to_fp16=False)
        return {suffix: graph.with_suffix(suffix).read_bytes() for suffix in (".bin", ".xml")}
