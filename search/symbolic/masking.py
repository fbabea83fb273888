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
from numba.np.arrayobj import make_array

from tesuji.domains.compiled import KERNEL_NAMES, Kernels, legal_at, row_pointer, step_at

# Places in the tail.
_TABLE = len(KERNEL_NAMES)
BASE, GUARDS, INVARIANTS = 0, _TABLE, 2 * _TABLE  # tables of addresses
HAS_GUARDS, HAS_INVARIANTS, SECOND, ROW_SIZE, NUM_ACTIONS, TWO_PLAYERS, LOW, HIGH = range(
    3 * _TABLE, 3 * _TABLE + 8
)
TAIL = 3 * _TABLE + 8


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


# The address of a record; and `rows[0] = the record at an address`.
address_of: Any = (lambda state: state) if numba_config.DISABLE_JIT else intrinsic(_address_of)
copy_row: Any = _copy_row_in_python if numba_config.DISABLE_JIT else intrinsic(_copy_row)


@njit(cache=True, nogil=True, error_model="numpy")
def _keep_invariants(state, instance, tail, mask):  # type: ignore[no-untyped-def]
    """Clear the actions of `mask` `[A]` that lead where an invariant fails."""
    second = instance[tail[SECOND] :]
    step = step_at(tail)
    holds = legal_at(tail[INVARIANTS:])
    rows = np.empty((1, tail[ROW_SIZE]), np.uint8)
    holding = np.empty(1, np.bool_)
    for action in range(mask.shape[0]):
        if mask[action]:
            copy_row(rows, state)
            entered = row_pointer(rows, 0)
            step(entered, action, instance, np.uint64(0))
            holding[0] = True  # an invariant is the same for every action: ask of one
            holds(entered, second, holding)
            mask[action] = holding[0]


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(state, instance, tail, mask):  # type: ignore[no-untyped-def]
    """Clear the actions of `mask` `[A]` that guards and invariants forbid."""
    if tail[HAS_GUARDS]:
        legal_at(tail[GUARDS:])(state, instance, mask)
    if tail[HAS_INVARIANTS]:
        _keep_invariants(state, instance, tail, mask)


def _legal(state, instance, mask):  # type: ignore[no-untyped-def]
    tail = instance[instance.shape[0] - 1 - TAIL :]
    pointer = address_of(state)
    legal_at(tail)(pointer, instance, mask)
    _fill(pointer, instance, tail, mask)


def _step(state, action, instance, key):  # type: ignore[no-untyped-def]
    tail = instance[instance.shape[0] - 1 - TAIL :]
    pointer = address_of(state)
    reward, discount = step_at(tail)(pointer, action, instance, key)
    if discount == 0.0:
        return reward, discount
    # One allowed action is enough, and most often the first that is legal is allowed.
    size = tail[NUM_ACTIONS]
    room = np.zeros(2 * size, np.bool_)
    mask, one = room[:size], room[size:]
    legal_at(tail)(pointer, instance, mask)
    for candidate in range(size):
        if mask[candidate]:
            one[candidate] = True
            _fill(pointer, instance, tail, one[: candidate + 1])
            if one[candidate]:
                return reward, discount
    ends = tail[LOW : HIGH + 1].view(np.float64)
    if tail[TWO_PLAYERS] and discount < 0.0:
        return ends[1], 0.0  # the opponent cannot move
    return ends[0], 0.0


def constrained_kernels(base: Kernels) -> Kernels:
    """Return the kernels of a constrained domain; they do what the end of the instance says."""
    kernels = Kernels(base.state_dtype)
    for name in ("reset", "observe"):
        kernels.take(name, base[name])
    kernels.legal(_legal)
    kernels.step(_step)
    return kernels


def predicate_address(kernel: object, state_dtype: np.dtype[np.void]) -> int:
    """Return the address of a predicate's kernel; it has the signature of `legal`."""
    kernels = Kernels(state_dtype)
    kernels.take("legal", kernel)
    return kernels.address("legal")


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
