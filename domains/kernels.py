"""Kernels: the rules of a compiled domain, and their addresses for the search.

The search calls the kernels through a table of C addresses with one signature for all domains,
so that it compiles once for every domain, for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import from_dtype, njit, types
from numba.core import cgutils
from numba.core import config as numba_config
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from tesuji.domains.bits import count_bits

Rows = npt.NDArray[np.uint8]  # [B, S]
Instance = npt.NDArray[np.int64]


def _name_records_by_layout() -> None:
    """Make the symbols of compiled code tell records apart by what they are.

    numba names a record by its number in the process that compiled it. Code of two sizes of a game
    that two processes compiled could thus have one symbol, and a third process that loaded both
    from the cache would run one size's rules on the other's rows.
    """

    def mangling_args(self: types.Record) -> tuple[str, tuple[int]]:
        digest = hashlib.sha256(self.name.encode()).digest()
        return "Layout", (int.from_bytes(digest[:7], "little"),)

    types.Record.mangling_args = property(mangling_args)


_name_records_by_layout()

_INSTANCE = types.int64[::1]
_TRANSITION = types.UniTuple(types.float64, 2)


def _signatures(state: Any) -> dict[str, Any]:
    """Return the signature of each kernel when a state has numba type `state`."""
    return {
        "reset": types.void(state, _INSTANCE, types.uint64),
        "legal": types.void(state, _INSTANCE, types.boolean[::1]),
        "step": _TRANSITION(state, types.int64, _INSTANCE, types.uint64),
        "observe": types.void(state, _INSTANCE, types.float32[::1]),
        "transform": types.void(state, types.int64, _INSTANCE, state),
        "transform_action": types.int64(types.int64, types.int64, _INSTANCE),
        "restrict": types.void(state, _INSTANCE, types.boolean[::1], types.int64),
    }


# In the search a state is a bare address, so every domain's kernel has the same type.
POINTER_SIGNATURES = _signatures(types.voidptr)


KERNEL_NAMES = tuple(POINTER_SIGNATURES)  # the order of a table of addresses

# Without a JIT an address is an index into this list, and the search runs as plain Python.
_interpreted: list[Callable[..., Any]] = []


def _function_at(name: str) -> Any:
    """Return an intrinsic that turns entry `name` of a table of addresses into a function."""
    function_type = types.FunctionType(POINTER_SIGNATURES[name])
    entry = KERNEL_NAMES.index(name)

    def at(typing_context, addresses):  # type: ignore[no-untyped-def]
        signature = function_type(addresses)

        def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
            array = make_array(signature.args[0])(context, builder, args[0])
            address = builder.load(
                builder.gep(array.data, [context.get_constant(types.intp, entry)])
            )
            function = cgutils.create_struct_proxy(function_type)(context, builder)
            function.c_addr = builder.inttoptr(address, cgutils.voidptr_t)
            return function._getvalue()

        return signature, generate

    if numba_config.DISABLE_JIT:
        return lambda addresses: _interpreted[int(addresses[entry])]
    return intrinsic(at)


reset_at = _function_at("reset")
legal_at = _function_at("legal")
step_at = _function_at("step")
observe_at = _function_at("observe")
transform_at = _function_at("transform")
transform_action_at = _function_at("transform_action")
restrict_at = _function_at("restrict")


def _row_pointer(typing_context, rows, index):  # type: ignore[no-untyped-def]
    signature = types.voidptr(rows, types.int64)

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        array = make_array(signature.args[0])(context, builder, args[0])
        base = builder.bitcast(array.data, cgutils.voidptr_t)
        stride = cgutils.unpack_tuple(builder, array.strides, 2)[0]
        return builder.gep(base, [builder.mul(args[1], stride)])

    return signature, generate


# The address of row `index` of C-contiguous `rows` `[B, S]`: what a kernel takes as its state.
row_pointer = (
    (lambda rows, index: rows[index]) if numba_config.DISABLE_JIT else intrinsic(_row_pointer)
)


def _padded(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return `dtype` with its size rounded up to 8 bytes, so that rows hash word by word."""
    fields = dtype.fields
    if not fields:
        raise ValueError("a state dtype needs named fields, e.g. [('board', np.int8, 9)]")
    return np.dtype(
        {
            "names": list(fields),
            "formats": [field[0] for field in fields.values()],
            "offsets": [field[1] for field in fields.values()],
            "itemsize": -(-dtype.itemsize // 8) * 8,
        }
    )


class Kernels:
    """The kernels of one domain, collected by decorators.

    Each takes the state as a record of `state_dtype` and changes it in place:

    - `reset(state, instance, key)`: the row comes zeroed.
    - `legal(state, instance, mask)`: fill the mask `[A]`.
    - `step(state, action, instance, key) -> (reward, discount)`.
    - `observe(state, instance, out)`: fill `out`, the observation flattened; it comes zeroed.
    - `transform(state, symmetry, instance, out)` and
      `transform_action(action, symmetry, instance)`: only for a domain with symmetries.
    - `restrict(state, instance, mask, first)`: clear what constraints forbid of `mask` `[n]`, which
      begins with action `first`: only for a domain under constraints, see `CompiledDomain.free`.

    Kernels do not raise and do not allocate. They compile on first use and are cached on disk.
    """

    def __init__(self, state_dtype: np.dtype[Any]) -> None:
        self.state_dtype = _padded(state_dtype)
        self._signatures = _signatures(from_dtype(self.state_dtype))
        self._functions: dict[str, Any] = {}
        self._addresses: npt.NDArray[np.int64] | None = None

    def _add(self, name: str, function: Callable[..., Any]) -> Any:
        self._functions[name] = njit(cache=True, nogil=True, error_model="numpy")(function)
        return self._functions[name]

    def reset(self, function: Callable[..., Any]) -> Any:
        """Register the kernel that writes a first state."""
        return self._add("reset", function)

    def legal(self, function: Callable[..., Any]) -> Any:
        """Register the kernel that fills the mask of legal actions."""
        return self._add("legal", function)

    def step(self, function: Callable[..., Any]) -> Any:
        """Register the kernel that makes one transition."""
        return self._add("step", function)

    def observe(self, function: Callable[..., Any]) -> Any:
        """Register the kernel that writes an observation."""
        return self._add("observe", function)

    def transform(self, function: Callable[..., Any]) -> Any:
        """Register the kernel that maps a state under a symmetry."""
        return self._add("transform", function)

    def transform_action(self, function: Callable[..., Any]) -> Any:
        """Register the kernel that maps an action under a symmetry."""
        return self._add("transform_action", function)

    def restrict(self, function: Callable[..., Any]) -> Any:
        """Register the kernel that clears what constraints forbid."""
        return self._add("restrict", function)

    def take(self, name: str, kernel: Any) -> None:
        """Register a compiled kernel as `name`, such as one of another domain."""
        if name not in KERNEL_NAMES:
            raise ValueError(f"no kernel is called {name!r}; known: {', '.join(KERNEL_NAMES)}")
        self._functions[name] = kernel

    def __contains__(self, name: str) -> bool:
        return name in self._functions

    def __getitem__(self, name: str) -> Any:
        """Return the kernel `name`, compiled as the search calls it.

        Compiled from what Python hands over instead, a `step` that returns integers would keep
        them, and the search would read their bits as floats.
        """
        kernel = self._functions[name]
        if not numba_config.DISABLE_JIT and not kernel.signatures:
            kernel.compile(self._signatures[name])
        return kernel

    def address(self, name: str) -> int:
        """Return the address of one kernel; compiles on first use."""
        return self._address(name)

    def addresses(self) -> npt.NDArray[np.int64]:
        """Return the table of kernel addresses, `KERNEL_NAMES` in order; compiles on first use."""
        if self._addresses is None:
            self._addresses = np.array([self._address(name) for name in KERNEL_NAMES], np.int64)
        return self._addresses

    def _address(self, name: str) -> int:
        kernel = self._functions.get(name, _STAND_INS.get(name))
        if kernel is None:
            raise ValueError(
                f"no {name!r} kernel: a compiled domain needs reset, legal, step and observe"
            )
        if numba_config.DISABLE_JIT:
            _interpreted.append(_on_rows(kernel, self.state_dtype))
            return len(_interpreted) - 1
        signatures = self._signatures if name in self._functions else POINTER_SIGNATURES
        if signatures[name].args not in kernel.overloads:
            kernel.compile(signatures[name])
        result = kernel.overloads[signatures[name].args]
        if result.signature.return_type != signatures[name].return_type:
            raise ValueError(f"kernel {name!r} was called before it was compiled for the search")
        wrapper = result.fndesc.llvm_cfunc_wrapper_name
        return int(result.library.get_pointer_to_function(wrapper))


def _on_rows(kernel: Callable[..., Any], state_dtype: np.dtype[Any]) -> Callable[..., Any]:
    """Return plain-Python `kernel` taking rows of bytes where it takes states."""

    def call(*arguments: Any) -> Any:
        return kernel(
            *(
                a.view(state_dtype).view(np.recarray)[0]
                if isinstance(a, np.ndarray) and a.dtype == np.uint8
                else a
                for a in arguments
            )
        )

    return call


def _no_transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    return None


def _no_transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    return action


def _no_restriction(state, instance, mask, first):  # type: ignore[no-untyped-def]
    return None


_STAND_INS: dict[str, Any] = {
    "transform": njit(cache=True)(_no_transform),
    "transform_action": njit(cache=True)(_no_transform_action),
    "restrict": njit(cache=True)(_no_restriction),
}


@njit(cache=True)
def choose_legal(mask, bits):  # type: ignore[no-untyped-def]
    """Return a legal action, each equally likely, or -1 where there is none."""
    # Eight actions at a time: a mask may have thousands of actions and a handful of legal ones.
    whole = len(mask) // 8 * 8
    words = mask[:whole].view(np.uint64)
    num_legal = 0
    for word in words:
        num_legal += count_bits(word)
    for action in range(whole, len(mask)):
        num_legal += mask[action]
    skip = np.int64(((bits >> np.uint64(32)) * np.uint64(num_legal)) >> np.uint64(32))
    start = 0
    while start < whole and skip >= count_bits(words[start >> 3]):
        skip -= count_bits(words[start >> 3])
        start += 8
    for action in range(start, len(mask)):
        if mask[action]:
            if skip == 0:
                return action
            skip -= 1
    return -1
