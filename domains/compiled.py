"""Compiled domains: rules as numba kernels over rows of a structured dtype.

A game module declares its row and its kernels, and one `CompiledDomain` ties them together:

    state_dtype = np.dtype([("board", np.int8, 9), ("to_play", np.int8)])
    kernels = Kernels(state_dtype)

    @kernels.step
    def step(state, action, instance, key): ...

The search calls the kernels through a table of C addresses with one signature for all domains,
so that it compiles once for every domain, for ever. `instance` is
the data of one instance (a board size, a distance matrix) as int64: an argument, never a
compile-time constant.

Equal rows are equal positions: keep nothing in a row that play from there does not depend on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import from_dtype, njit, types
from numba.core import cgutils
from numba.core import config as numba_config
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from tesuji.domains.base import Board, BoolArray, Domain, DomainSpec, FloatArray, State

Rows = npt.NDArray[np.uint8]  # [B, S]
Instance = npt.NDArray[np.int64]

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

    def __getitem__(self, name: str) -> Any:
        """Return the kernel `name` as registered."""
        return self._functions[name]

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
        kernel.compile(signatures[name])
        result = kernel.overloads[kernel.signatures[0]]
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


class CompiledDomain(Domain):
    """A domain whose states are rows and whose rules are kernels.

    Args:
        spec: what search and networks must know.
        kernels: the rules.
        instance: data of this instance, int64, handed to every kernel.
        render: `state -> text`.
        action_name: `(state, action) -> text`; the number where None.
        board: `state -> Board`, for front ends that draw; None without a grid.
        action_cells: `(state, action) -> cells`, where a click means the action.

    The Python methods work on copies, one state at a time, for play and tests; the search works
    on rows. A state is a `numpy.record`: read its fields by name.
    """

    def __init__(
        self,
        spec: DomainSpec,
        kernels: Kernels,
        instance: npt.ArrayLike = (),
        render: Callable[[State], str] | None = None,
        action_name: Callable[[State, int], str] | None = None,
        board: Callable[[State], Board] | None = None,
        action_cells: Callable[[State, int], tuple[tuple[int, int], ...]] | None = None,
    ) -> None:
        self.spec = spec
        self.kernels = kernels
        # Never empty, so that a kernel may hold a pointer to its first element.
        self.instance: Instance = np.append(np.asarray(instance, np.int64).ravel(), 0)
        self.state_dtype = kernels.state_dtype
        if spec.num_players == 2 and "to_play" not in (self.state_dtype.names or ()):
            raise ValueError(f"{spec.name}: a two-player state needs an integer field 'to_play'")
        self._render = render
        self._action_name = action_name
        self._board = board
        self._action_cells = action_cells

    @property
    def row_size(self) -> int:
        """Return `S`, the bytes of one state row."""
        return self.state_dtype.itemsize

    def reset(self, seed: int = 0) -> State:
        """Return a first state."""
        state = self._blank()
        self.kernels["reset"](state, self.instance, np.uint64(seed))
        return state

    def legal(self, state: State) -> BoolArray:
        """Return the mask `[A]`."""
        mask = np.zeros(self.spec.num_actions, np.bool_)
        self.kernels["legal"](state, self.instance, mask)
        return mask

    def step(self, state: State, action: int, key: int = 0) -> tuple[State, float, float]:
        """Return `(next state, reward, discount)`."""
        following = self.state(self.row(state))
        reward, discount = self.kernels["step"](
            following, np.int64(action), self.instance, np.uint64(key)
        )
        return following, float(reward), float(discount)

    def observe(self, state: State) -> FloatArray:
        """Return the observation."""
        out = np.zeros(int(np.prod(self.spec.observation_shape)), np.float32)
        self.kernels["observe"](state, self.instance, out)
        return out.reshape(self.spec.observation_shape)

    def to_play(self, state: State) -> int:
        """Return the side to move."""
        return int(state["to_play"]) if self.spec.num_players == 2 else 0

    def transform(self, state: State, symmetry: int) -> State:
        """Return the state under `symmetry`."""
        if symmetry == 0:
            return state
        out = self._blank()
        self.kernels["transform"](state, np.int64(symmetry), self.instance, out)
        return out

    def transform_action(self, action: int, symmetry: int) -> int:
        """Return where `symmetry` sends `action`."""
        if symmetry == 0:
            return action
        kernel = self.kernels["transform_action"]
        return int(kernel(np.int64(action), np.int64(symmetry), self.instance))

    def key(self, state: State) -> bytes:
        """Return the row's bytes."""
        return self.row(state).tobytes()

    def render(self, state: State) -> str:
        """Return the state as text."""
        return self._render(state) if self._render is not None else str(state)

    def action_name(self, state: State, action: int) -> str:
        """Return the action as people write it."""
        return self._action_name(state, action) if self._action_name is not None else str(action)

    def board(self, state: State) -> Board | None:
        """Return the state on a grid, or None."""
        return self._board(state) if self._board is not None else None

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return the cells that stand for `action`."""
        return self._action_cells(state, action) if self._action_cells is not None else ()

    def row(self, state: State) -> npt.NDArray[np.uint8]:
        """Return a copy of the state as a row of bytes `[S]`."""
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def state(self, row: npt.NDArray[np.uint8]) -> State:
        """Return a row of bytes `[S]` as a state that shares its memory."""
        return row.view(self.state_dtype).view(np.recarray)[0]

    def _blank(self) -> State:
        return self.state(np.zeros(self.row_size, np.uint8))


def _no_transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    return None


def _no_transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    return action


_STAND_INS: dict[str, Any] = {
    "transform": njit(cache=True)(_no_transform),
    "transform_action": njit(cache=True)(_no_transform_action),
}
