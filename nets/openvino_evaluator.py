"""Networks run by OpenVINO on the CPU, fp32 or int8."""

from __future__ import annotations

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
