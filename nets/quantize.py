"""Static int8 quantisation of an exported network."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import onnx
from onnxruntime import quantization

from tesuji.search.base import FloatArray

CALIBRATION_BATCH = 64


class _Observations(quantization.CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, observations: FloatArray, name: str) -> None:
        starts = range(0, len(observations), CALIBRATION_BATCH)
        self._feeds = iter([{name: observations[i : i + CALIBRATION_BATCH]} for i in starts])

    def get_next(self) -> dict[str, FloatArray] | None:
        """Return the next batch, None after the last."""
        return next(self._feeds, None)


def _inline_shared_weights(graph: onnx.GraphProto) -> None:
    """Undo the exporter's sharing of equal weights, which hides them from the quantiser."""
    weights = {tensor.name for tensor in graph.initializer}
    shared = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Identity" and node.input[0] in weights
    }
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = shared.get(name, name)


def quantize_onnx(exported: bytes, observations: FloatArray) -> bytes:
    """Return the network with int8 convolutions, calibrated on typical `observations`.

    Weights are per channel, symmetric and 7 bits wide: products of 8-bit weights overflow the
    16-bit sums of processors without VNNI.
    """
    model = onnx.load_from_string(exported)
    name = model.graph.input[0].name
    _inline_shared_weights(model.graph)
    with tempfile.TemporaryDirectory() as folder:
        logging.disable(logging.WARNING)  # it recommends steps that a folded network needs not
        try:
            return _quantize(model, Path(folder) / "int8.onnx", _Observations(observations, name))
        finally:
            logging.disable(logging.NOTSET)


def _quantize(model: onnx.ModelProto, target: Path, observations: _Observations) -> bytes:
    quantization.quantize_static(
        model,
        target,
        observations,
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        op_types_to_quantize=["Conv", "Add", "Relu"],
    )
    return target.read_bytes()
