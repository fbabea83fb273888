"""One way to make any evaluator of a network; libraries load only when they are asked for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from tesuji.search.base import DomainSpec, Evaluator, FloatArray

if TYPE_CHECKING:
    from torch import nn

BACKENDS = ("native", "torch", "onnx", "onnx-int8", "openvino", "openvino-int8")


def make_evaluator(
    backend: str,
    source: nn.Module | bytes,
    spec: DomainSpec,
    *,
    device: str = "cpu",
    threads: int = 1,
    calibration: FloatArray | None = None,
) -> Evaluator:
    """Return an evaluator that runs a network on `backend`.

    Args:
        backend: one of `BACKENDS`.
        source: the network, or its export by `export_native`, `export_onnx` or `quantize_onnx`,
            which needs no torch.
        spec: the domain that the network was built for.
        device: `cpu`, or `cuda` for the torch backend.
        threads: threads of one evaluation.
        calibration: typical observations `[N, *observation_shape]`; only to make int8 of a network.
    """
    if backend not in BACKENDS:
        close = difflib.get_close_matches(backend, BACKENDS, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"choose of {', '.join(BACKENDS)}"
        raise ValueError(f"unknown evaluator {backend!r}; {hint}")
    if backend == "torch":
        return _torch_evaluator(source, device, threads)
    if device != "cpu":
        raise ValueError(f"evaluator {backend!r} runs on the CPU only; use torch for {device!r}")
    exported = source if isinstance(source, bytes) else _export(backend, source, spec, calibration)
    try:
        if backend == "native":
            from tesuji.nets.native_evaluator import NativeEvaluator  # noqa: PLC0415

            return NativeEvaluator(exported, spec, threads)
        if backend.startswith("onnx"):
            from tesuji.nets.onnx_evaluator import OnnxEvaluator  # noqa: PLC0415

            return OnnxEvaluator(exported, threads)
        from tesuji.nets.openvino_evaluator import OpenVinoEvaluator  # noqa: PLC0415

        return OpenVinoEvaluator(exported, threads)
    except ModuleNotFoundError as error:
        raise _missing(backend, error) from error


def _torch_evaluator(source: nn.Module | bytes, device: str, threads: int) -> Evaluator:
    if isinstance(source, bytes):
        raise TypeError("evaluator 'torch' runs a network, not an export; use onnx or openvino")
    from tesuji.nets.torch_evaluator import TorchEvaluator  # noqa: PLC0415

    return TorchEvaluator(source, device=device, threads=threads)


def _export(
    backend: str, model: nn.Module, spec: DomainSpec, calibration: FloatArray | None
) -> bytes:
    from tesuji.nets.export import export_native, export_onnx  # noqa: PLC0415

    if backend == "native":
        return export_native(model)
    exported = export_onnx(model, spec)
    if not backend.endswith("-int8"):
        return exported
    if calibration is None:
        raise ValueError(f"evaluator {backend!r} needs observations to calibrate with")
    try:
        from tesuji.nets.quantize import quantize_onnx  # noqa: PLC0415

        return quantize_onnx(exported, calibration)
    except ModuleNotFoundError as error:
        raise _missing("onnx", error) from error


def _missing(backend: str, error: ModuleNotFoundError) -> ValueError:
    extra = backend.removesuffix("-int8")
    return ValueError(
        f"evaluator {backend!r} needs the module {error.name!r}; pip install 'tesuji[{extra}]'"
    )
