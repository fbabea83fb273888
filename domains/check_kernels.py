"""Checks on compiled kernels: they agree with plain Python and keep to their memory."""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.faults import RAISED, Probe

_GUARD = 64  # bytes on either side of a kernel's memory
_GUARD_BYTE = 0xA5


def check_compiles(probe: Probe, domain: CompiledDomain) -> None:
    """Check that every kernel compiles as the search calls it."""
    try:
        domain.kernels.addresses()
    except NumbaError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        probe.fault("kernel-compile", " ".join(lines[:3]))
    except ValueError as error:
        probe.fault("kernel-compile", str(error))


def check_kernels(
    probe: Probe, domain: CompiledDomain, state: State, action: int, symmetry: int
) -> None:
    """Check each kernel at one state."""
    num_actions = domain.spec.num_actions
    bits = np.uint64(probe.seed)
    size = int(np.prod(domain.spec.observation_shape))
    blank = np.zeros(domain.row_size, np.uint8)
    row = domain.row(state)
    instance = domain.instance

    def run_legal(kernel: Callable[..., Any], memory: npt.NDArray[np.uint8]) -> None:
        kernel(domain.state(row.copy()), instance, memory.view(np.bool_))

    def run_step(kernel: Callable[..., Any], memory: npt.NDArray[np.uint8]) -> Any:
        return kernel(domain.state(memory), np.int64(action), instance, bits)

    def run_observe(kernel: Callable[..., Any], memory: npt.NDArray[np.uint8]) -> None:
        kernel(domain.state(row.copy()), instance, memory.view(np.float32))

    def run_reset(kernel: Callable[..., Any], memory: npt.NDArray[np.uint8]) -> None:
        kernel(domain.state(memory), instance, bits)

    def run_transform(kernel: Callable[..., Any], memory: npt.NDArray[np.uint8]) -> None:
        kernel(domain.state(row.copy()), np.int64(symmetry), instance, domain.state(memory))

    def run_transform_action(kernel: Callable[..., Any], memory: npt.NDArray[np.uint8]) -> Any:
        return kernel(np.int64(action), np.int64(symmetry), instance)

    before = instance.copy()
    empty, full = np.zeros(num_actions, np.uint8), np.ones(num_actions, np.uint8)
    mask = _check_kernel(probe, domain, "legal", run_legal, empty)
    refilled = _check_kernel(probe, domain, "legal", run_legal, full)
    probe.require(
        np.array_equal(mask, refilled), "legal-varies", "the kernel `legal` leaves entries unset"
    )
    _check_kernel(probe, domain, "step", run_step, row)
    _check_kernel(probe, domain, "observe", run_observe, np.zeros(4 * size, np.uint8))
    _check_kernel(probe, domain, "reset", run_reset, blank)
    if symmetry:
        _check_kernel(probe, domain, "transform", run_transform, blank)
        _check_kernel(probe, domain, "transform_action", run_transform_action, blank)
    probe.require(np.array_equal(instance, before), "mutates", "a kernel changes the instance")


def _check_kernel(
    probe: Probe,
    domain: CompiledDomain,
    name: str,
    run: Callable[[Callable[..., Any], npt.NDArray[np.uint8]], Any],
    start: npt.NDArray[np.uint8],
) -> npt.NDArray[np.uint8]:
    """Return what kernel `name` leaves in memory that held `start`, after the checks."""
    kernel = domain.kernels[name]
    guarded, memory = _guarded(start)
    try:
        returned = run(kernel, memory)
    except RAISED as error:  # only without a JIT: kernels do not raise
        probe.fault("kernel-bounds", f"the kernel `{name}` raises {type(error).__name__}: {error}")
    inner = slice(_GUARD, len(guarded) - _GUARD)
    outside = np.delete(guarded, np.arange(*inner.indices(len(guarded))))
    probe.require(
        (outside == _GUARD_BYTE).all(), "kernel-bounds", f"the kernel `{name}` writes past its end"
    )
    if hasattr(kernel, "py_func"):
        python = plain_python(kernel)
        _check_twin(probe, name, lambda rows: run(python, rows), start, (memory, returned))
    return memory


_plain: dict[Any, Callable[..., Any]] = {}


def plain_python(kernel: Any) -> Callable[..., Any]:
    """Return a compiled function as plain Python, with all compiled functions that it calls."""
    if kernel in _plain:
        return _plain[kernel]

    def plain(value: Any) -> Any:
        return plain_python(value) if isinstance(value, Dispatcher) else value

    function = kernel.py_func
    names: dict[str, Any] = {}
    cells = tuple(CellType(plain(cell.cell_contents)) for cell in function.__closure__ or ())
    _plain[kernel] = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, cells
    )
    # Filled only now, because functions of one module may call each other.
    names.update((name, plain(value)) for name, value in function.__globals__.items())
    return _plain[kernel]


def _guarded(start: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    guarded = np.full(len(start) + 2 * _GUARD, _GUARD_BYTE, np.uint8)
    memory = guarded[_GUARD : _GUARD + len(start)]
    memory[:] = start
    return guarded, memory


def _check_twin(
    probe: Probe,
    name: str,
    run: Callable[[npt.NDArray[np.uint8]], Any],
    start: npt.NDArray[np.uint8],
    expected: tuple[npt.NDArray[np.uint8], Any],
) -> None:
    memory = start.copy()
    try:
        with np.errstate(all="ignore"):  # integers wrap silently in a kernel too
            returned = run(memory)
    except IndexError as error:
        probe.fault("kernel-bounds", f"the kernel `{name}` leaves its arrays: {error}")
    except RAISED as error:
        what = f"{type(error).__name__}: {error}"
        probe.fault("kernel-twin", f"the kernel `{name}` run as plain Python raises {what}")
    same = np.array_equal(memory, expected[0]) and np.array_equal(
        np.asarray(returned, np.float64), np.asarray(expected[1], np.float64), equal_nan=True
    )
    probe.require(same, "kernel-twin", f"the kernel `{name}` and plain Python differ")
