"""Kernels that put constraints in front of a domain's rules, the same for every domain.

What differs from domain to domain is data: the addresses of the base domain's kernels and of the
predicates stand at the end of the instance. So one compilation a row layout is enough, for ever.

    instance = base | guard parameters | base | invariant parameters | tail | 0

Dimensions: `A` actions, `S` bytes of a row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import config as numba_config
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from tesuji.domains.compiled import (
    KERNEL_NAMES,
    Kernels,
    legal_at,
    restrict_at,
    row_pointer,
    step_at,
)

# Places in the tail.
_TABLE = len(KERNEL_NAMES)
BASE, GUARDS, INVARIANTS = 0, _TABLE, 2 * _TABLE  # tables of addresses
HAS_GUARDS, HAS_INVARIANTS, SECOND, ROW_SIZE, NUM_ACTIONS, TWO_PLAYERS, LOW, HIGH = range(
    3 * _TABLE, 3 * _TABLE + 8
)
TAIL = 3 * _TABLE + 8

STACK = 1024  # bytes of an array on the stack; what is longer lies on the heap


def _address_of(typing_context, state):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.bitcast(args[0], cgutils.voidptr_t)

    return types.voidptr(state), generate


def _copy_row(typing_context, rows, state):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        array = make_array(signature.args[0])(context, builder, args[0])
        size = cgutils.unpack_tuple(builder, array.shape, 2)[1]
        cgutils.raw_memcpy(builder, array.data, args[1], size, 1)
        return context.get_dummy_value()

    return types.void(rows, types.voidptr), generate


def _copy_row_in_python(rows, state):  # type: ignore[no-untyped-def]
    rows[0] = state if isinstance(state, np.ndarray) else np.frombuffer(state.tobytes(), np.uint8)


def _on_stack(dimensions: int) -> Any:
    """Return an intrinsic that makes an array of so many bytes on the stack.

    The heap would cost more than the check itself. What it returns must not outlive its function.
    """
    array = types.Array(types.uint8 if dimensions == 2 else types.boolean, dimensions, "C")

    def make(typing_context, size):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
            one = context.get_constant(types.intp, 1)
            room = cgutils.alloca_once(builder, cgutils.intp_t, size=STACK // 8)
            found = make_array(array)(context, builder)
            shape = [args[0]] if dimensions == 1 else [one, args[0]]
            populate_array(
                found,
                data=builder.bitcast(room, found.data.type),
                shape=shape,
                strides=[one] if dimensions == 1 else [args[0], one],
                itemsize=one,
                meminfo=None,
            )
            return found._getvalue()

        return array(types.intp), generate

    return make


def _borrow(typing_context, array):  # type: ignore[no-untyped-def]
    """Return `array` without a count of its users, which every slice would change and lock."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        found = make_array(signature.args[0])(context, builder, args[0])
        found.meminfo = cgutils.get_null_value(found.meminfo.type)
        return found._getvalue()

    return array(array), generate


# The address of a record; `rows[0] = the record at an address`; room for `size` flags `[A]` and for
# a row `[1, S]`, at most `STACK` bytes.
if numba_config.DISABLE_JIT:
    address_of: Any = lambda state: state  # noqa: E731
    copy_row: Any = _copy_row_in_python
    borrow: Any = lambda array: array  # noqa: E731
    stack_flags: Any = lambda size: np.empty(size, np.bool_)  # noqa: E731
    stack_row: Any = lambda size: np.empty((1, size), np.uint8)  # noqa: E731
else:
    address_of, copy_row = intrinsic(_address_of), intrinsic(_copy_row)
    borrow = intrinsic(_borrow)
    stack_flags, stack_row = intrinsic(_on_stack(1)), intrinsic(_on_stack(2))


@njit(cache=True, nogil=True, error_model="numpy")
def _keep_invariants(state, instance, tail, mask, first, rows):  # type: ignore[no-untyped-def]
    """Clear the actions of `mask` that lead where an invariant fails; `rows` `[1, S]`."""
    second = instance[tail[SECOND] :]
    step = step_at(tail)
    holds = restrict_at(tail[INVARIANTS:])
    entered = row_pointer(rows, 0)
    for i in range(mask.shape[0]):
        if mask[i]:
            copy_row(rows, state)
            step(entered, first + i, instance, np.uint64(0))
            holds(entered, second, mask[i : i + 1], first + i)


@njit(cache=True, nogil=True, error_model="numpy")
def _keep(state, instance, tail, mask, first):  # type: ignore[no-untyped-def]
    """Clear the actions of `mask` `[n]`, from `first` on, that guards and invariants forbid."""
    if tail[HAS_GUARDS]:
        restrict_at(tail[GUARDS:])(state, instance, mask, first)
    if tail[HAS_INVARIANTS]:
        size = tail[ROW_SIZE]
        if size <= STACK:
            _keep_invariants(state, instance, tail, mask, first, stack_row(size))
        else:
            _keep_invariants(state, instance, tail, mask, first, np.empty((1, size), np.uint8))


@njit(cache=True, nogil=True, error_model="numpy")
def _may_move(state, instance, tail, mask):  # type: ignore[no-untyped-def]
    """Return whether any action is allowed; `mask` `[A]` is room to work in."""
    legal_at(tail)(state, instance, mask)
    for action in range(mask.shape[0]):
        if mask[action]:  # most often the first that is legal is allowed
            _keep(state, instance, tail, mask[action : action + 1], action)
            if mask[action]:
                return True
    return False


def _legal(state, instance, mask):  # type: ignore[no-untyped-def]
    instance, mask = borrow(instance), borrow(mask)
    tail = instance[instance.shape[0] - 1 - TAIL :]
    pointer = address_of(state)
    legal_at(tail)(pointer, instance, mask)
    _keep(pointer, instance, tail, mask, 0)


def _restrict(state, instance, mask, first):  # type: ignore[no-untyped-def]
    instance = borrow(instance)
    tail = instance[instance.shape[0] - 1 - TAIL :]
    _keep(address_of(state), instance, tail, borrow(mask), first)


def _step(state, action, instance, key):  # type: ignore[no-untyped-def]
    instance = borrow(instance)
    tail = instance[instance.shape[0] - 1 - TAIL :]
    pointer = address_of(state)
    reward, discount = step_at(tail)(pointer, action, instance, key)
    if discount == 0.0:
        return reward, discount
    size = tail[NUM_ACTIONS]
    if size <= STACK:
        goes_on = _may_move(pointer, instance, tail, stack_flags(size))
    else:
        goes_on = _may_move(pointer, instance, tail, np.empty(size, np.bool_))
    if goes_on:
        return reward, discount
    ends = tail[LOW : HIGH + 1].view(np.float64)
    if tail[TWO_PLAYERS] and discount < 0.0:
        return ends[1], 0.0  # the opponent cannot move
    return ends[0], 0.0


def constrained_kernels(base: Kernels, restrict: object | None) -> Kernels:
    """Return the kernels of a constrained domain; they do what the end of the instance says.

    Args:
        base: the kernels of the domain without constraints.
        restrict: the kernel of the guards where there are no invariants, which saves a detour.
    """
    kernels = Kernels(base.state_dtype)
    for name in ("reset", "observe"):
        kernels.take(name, base[name])
    kernels.legal(_legal)
    kernels.step(_step)
    if restrict is None:
        kernels.restrict(_restrict)
    else:
        kernels.take("restrict", restrict)
    return kernels


def predicate_address(kernel: object, state_dtype: np.dtype[np.void]) -> int:
    """Return the address of a predicate's kernel."""
    kernels = Kernels(state_dtype)
    kernels.take("restrict", kernel)
    return kernels.address("restrict")


def make_instance(
    base: npt.NDArray[np.int64],
    parameters: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    tail: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Return the instance of the constrained domain, but for the last 0.

    Args:
        base: the base domain's instance.
        parameters: of the guards and of the invariants.
        tail: all but `SECOND`.
    """
    tail = tail.copy()
    tail[SECOND] = len(base) + len(parameters[0])
    return np.concatenate([base, parameters[0], base, parameters[1], tail])
