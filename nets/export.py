"""Export of a network as ONNX or plain weights, and the check that it still says the same."""

from __future__ import annotations

import io
import warnings

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from tesuji.nets.inference import InferenceNet
from tesuji.search.base import DomainSpec, Evaluation, Evaluator, FloatArray

INPUT_NAME = "observations"
OUTPUT_NAMES = Evaluation._fields
OPSET = 18


class ParityError(ValueError):
    """Two evaluators of one network differ by more than they may."""


def export_onnx(model: nn.Module, spec: DomainSpec) -> bytes:
    """Return the network as an ONNX model with a free batch size and `Evaluation`'s outputs."""
    file = io.BytesIO()
    example = torch.zeros((2, *spec.observation_shape))
    with warnings.catch_warnings():
        # The exporter without onnxscript takes 0.1 s; torch calls it legacy and says so.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            InferenceNet(model),
            (example,),
            file,  # type: ignore[arg-type]  # the exporter takes files, its hints do not say so
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT_NAME],
            output_names=list(OUTPUT_NAMES),
            dynamic_axes={name: {0: "B"} for name in (INPUT_NAME, *OUTPUT_NAMES)},
        )
    return file.getvalue()


def export_native(model: nn.Module) -> bytes:
    """Return the network's weights, batch norm folded, as safetensors for the native evaluator."""
    return save(
        {name: t.contiguous() for name, t in InferenceNet(model).model.state_dict().items()}
    )


def check_parity(
    reference: Evaluator, other: Evaluator, observations: FloatArray, tolerance: float = 1e-4
) -> float:
    """Return the largest difference between two evaluators on `observations`.

    Values above 1 count relative to the largest of them.

    Raises:
        ParityError: it is above `tolerance`, or not a number.
    """
    expected = [np.array(array) for array in reference.evaluate(observations)]
    actual = other.evaluate(observations)
    differences = {
        name: float(np.abs(a - b).max() / (max(1.0, np.abs(a).max()) if name == "value" else 1.0))
        for name, a, b in zip(OUTPUT_NAMES, expected, actual, strict=True)
    }
    worst = max(differences, key=lambda name: np.nan_to_num(differences[name], nan=np.inf))
    if not differences[worst] <= tolerance:
        raise ParityError(
            f"the exported network differs from its source: {worst} by "
            f"{differences[worst]:.3g}, at most {tolerance:g} is allowed"
        )
    return differences[worst]
