"""Checks on compiled kernels: they agree with plain Python and keep to their memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CellType, FunctionType
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.faults import RAISED, Probe

Bytes = npt.NDArray[np.uint8]

_GUARD = 64  # bytes on either side of a kernel's memory
_GUARD_BYTE = 0xA5


def check_compiles(probe: Probe, domain: CompiledDomain) -> None:
    """Check that every kernel compiles as the search calls it."""
    try:
        domain.kernels.addresses()
    except (NumbaError, *RAISED) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        probe.fault("kernel-compile", f"{type(error).__name__}: {' '.join(lines[:3])}")


def check_start(probe: Probe, domain: CompiledDomain) -> None:
    """Check the kernel `reset`, and how the first state looks."""

    def run(kernel: Callable[..., Any], memory: Bytes) -> None:
        kernel(domain.state(memory), domain.instance, np.uint64(probe.seed))

    row = _check_kernel(probe, domain, "reset", run, np.zeros(domain.row_size, np.uint8))
    check_looks(probe, domain, row)


def check_looks(probe: Probe, domain: CompiledDomain, row: Bytes) -> None:
    """Check the kernels `legal` and `observe` at the state in `row`."""

    def run_legal(kernel: Callable[..., Any], memory: Bytes) -> None:
        kernel(domain.state(row.copy()), domain.instance, memory.view(np.bool_))

    def run_observe(kernel: Callable[..., Any], memory: Bytes) -> None:
        kernel(domain.state(row.copy()), domain.instance, memory.view(np.float32))

    num_actions, size = domain.spec.num_actions, int(np.prod(domain.spec.observation_shape))
    mask = _check_kernel(probe, domain, "legal", run_legal, np.zeros(num_actions, np.uint8))
    refilled = _check_kernel(probe, domain, "legal", run_legal, np.ones(num_actions, np.uint8))
    probe.require(
        np.array_equal(mask, refilled), "legal-varies", "the kernel `legal` leaves entries unset"
    )
    _check_kernel(probe, domain, "observe", run_observe, np.zeros(4 * size, np.uint8))


def check_moves(
    probe: Probe, domain: CompiledDomain, state: State, actions: Iterable[int], symmetry: int
) -> None:
    """Check the kernels that lead from one state to another, and how the others look."""
    row = domain.row(state)
    blank = np.zeros(domain.row_size, np.uint8)

    def run_transform(kernel: Callable[..., Any], memory: Bytes) -> None:
        turned = domain.state(memory)
        kernel(domain.state(row.copy()), np.int64(symmetry), domain.instance, turned)

    for action in actions:

        def run_step(kernel: Callable[..., Any], memory: Bytes, action: int = action) -> Any:
            return kernel(domain.state(memory), np.int64(action), domain.instance, np.uint64(0))

        def run_turn(kernel: Callable[..., Any], memory: Bytes, action: int = action) -> Any:
            return kernel(np.int64(action), np.int64(symmetry), domain.instance)

        check_looks(probe, domain, _check_kernel(probe, domain, "step", run_step, row))
        if symmetry:
            _check_kernel(probe, domain, "transform_action", run_turn, blank)
    if symmetry:
        turned = _check_kernel(probe, domain, "transform", run_transform, blank)
        check_looks(probe, domain, turned)


def _check_kernel(
    probe: Probe,
    domain: CompiledDomain,
    name: str,
    run: Callable[[Callable[..., Any], Bytes], Any],
    start: Bytes,
) -> Bytes:
    """Return what kernel `name` leaves in memory that held `start`, after the checks.

    Plain Python runs first: where it leaves an array it says so, and the kernel, which would
    overwrite foreign memory, never runs.
    """
    try:
        kernel = domain.kernels[name]
    except KeyError:
        probe.fault("spec", f"num_symmetries is {domain.spec.num_symmetries}, no kernel `{name}`")
    instance = domain.instance.copy()
    expected = start.copy()
    try:
        with np.errstate(all="ignore"):  # integers wrap silently in a kernel too
            expected_result = run(plain_python(kernel), expected)
    except IndexError as error:
        probe.fault("kernel-bounds", f"the kernel `{name}` leaves its arrays: {error}")
    except RAISED as error:
        what = f"{type(error).__name__}: {error}"
        probe.fault("kernel-twin", f"the kernel `{name}` run as plain Python raises {what}")
    guarded, memory = _guarded(start)
    result = run(kernel, memory)
    outside = np.concatenate([guarded[:_GUARD], guarded[-_GUARD:]])
    probe.require(
        (outside == _GUARD_BYTE).all(), "kernel-bounds", f"the kernel `{name}` writes past its end"
    )
    probe.require(
        np.array_equal(domain.instance, instance), "mutates", f"`{name}` changes the instance"
    )
    same = np.array_equal(memory, expected) and np.array_equal(
        np.asarray(result, np.float64), np.asarray(expected_result, np.float64), equal_nan=True
    )
    probe.require(same, "kernel-twin", f"the kernel `{name}` and plain Python differ")
    return memory.copy()


def _guarded(start: Bytes) -> tuple[Bytes, Bytes]:
    guarded = np.full(len(start) + 2 * _GUARD, _GUARD_BYTE, np.uint8)
    memory = guarded[_GUARD : _GUARD + len(start)]
    memory[:] = start
    return guarded, memory


_plain: dict[Any, Callable[..., Any]] = {}


def plain_python(kernel: Any) -> Callable[..., Any]:
    """Return a compiled function as plain Python, with all compiled functions that it calls."""
    if not isinstance(kernel, Dispatcher):  # with NUMBA_DISABLE_JIT it is plain already
        return kernel  # type: ignore[no-any-return]
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
