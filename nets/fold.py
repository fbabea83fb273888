"""Batch norm folded into the convolutions before it, on bare tensors: no torch is needed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tesuji.search.base import FloatArray

_EPSILON = 1e-5  # of torch's BatchNorm2d


def fold_norms(tensors: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return a network's weights as `export_native` has them: each norm in its convolution."""
    folded = {
        name: tensor
        for name, tensor in tensors.items()
        if ".norm." not in name and not name.startswith("auxiliary.")
    }
    suffix = ".norm.running_var"
    for block in (name.removesuffix(suffix) for name in tensors if name.endswith(suffix)):
        norm = {
            part: tensors[f"{block}.norm.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        }
        scale = norm["weight"] / np.sqrt(norm["running_var"] + _EPSILON)
        kernel = tensors[f"{block}.conv.weight"] * scale[:, None, None, None]
        folded[f"{block}.conv.weight"] = kernel.astype(np.float32)
        bias = norm["bias"] - norm["running_mean"] * scale
        folded[f"{block}.conv.bias"] = bias.astype(np.float32)
    return folded
