"""Networks run by ONNX Runtime on the CPU, fp32 or int8."""

from __future__ import annotations

import onnxruntime

from tesuji.search.base import Evaluation, FloatArray


class OnnxEvaluator:
    """An exported network as an evaluator; one thread unless told otherwise."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge `observations` `[B, *observation_shape]`."""
        return Evaluation(*self._session.run(Evaluation._fields, {self._input: observations}))
