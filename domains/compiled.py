"""Compiled domains: rules as numba kernels over rows of a structured dtype.

A game module declares its row and its kernels, and one `CompiledDomain` ties them together:

    state_dtype = np.dtype([("board", np.int8, 9), ("to_play", np.int8)])
    kernels = Kernels(state_dtype)

    @kernels.step
    def step(state, action, instance, key): ...

`instance` is the data of one instance (a board size, a distance matrix) as int64: an argument,
never a compile-time constant.

Equal rows are equal positions: keep nothing in a row that play from there does not depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Board, BoolArray, Domain, DomainSpec, FloatArray, State
from tesuji.domains.kernels import (
    KERNEL_NAMES,
    POINTER_SIGNATURES,
    Instance,
    Kernels,
    Rows,
    choose_legal,
    legal_at,
    observe_at,
    reset_at,
    restrict_at,
    row_pointer,
    step_at,
    transform_action_at,
    transform_at,
)

__all__ = [
    "KERNEL_NAMES",
    "POINTER_SIGNATURES",
    "CompiledDomain",
    "Instance",
    "Kernels",
    "Rows",
    "choose_legal",
    "legal_at",
    "observe_at",
    "reset_at",
    "restrict_at",
    "row_pointer",
    "step_at",
    "transform_action_at",
    "transform_at",
]


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
        action_origin: `(state, action) -> cell` that a moved piece leaves.
        parse_action: `(state, text) -> action` for further names of actions, None if it is none.
        ownership: `state -> (owners, lead)` at an end.
        format_state: `state -> text`, the position in one line.
        parse_state: `text -> state`, its inverse; ValueError says what is wrong.
        refusal: `(state, action) -> text`, why an action is not legal, None where nothing is said.
        arrange: `(cells, to_play) -> state`, the position with these stones.

    Under constraints `legal` and `step` keep them. So does the search, with fewer checks: it plays
    by `free`, the kernels of the rules alone, asks `restrict` once a node, and takes a node without
    a move for an end.

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
        board: Callable[[State], Board | None] | None = None,
        action_cells: Callable[[State, int], tuple[tuple[int, int], ...]] | None = None,
        action_origin: Callable[[State, int], tuple[int, int] | None] | None = None,
        parse_action: Callable[[State, str], int | None] | None = None,
        ownership: Callable[[State], tuple[FloatArray, float] | None] | None = None,
        format_state: Callable[[State], str | None] | None = None,
        parse_state: Callable[[str], State] | None = None,
        refusal: Callable[[State, int], str | None] | None = None,
        arrange: Callable[[Sequence[Sequence[int]], int], State] | None = None,
    ) -> None:
        self.spec = spec
        self.kernels = kernels
        self.free = kernels
        # Never empty, so that a kernel may hold a pointer to its first element.
        self.instance: Instance = np.append(np.asarray(instance, np.int64).ravel(), 0)
        self.state_dtype = kernels.state_dtype
        if spec.num_players == 2 and "to_play" not in (self.state_dtype.names or ()):
            raise ValueError(f"{spec.name}: a two-player state needs an integer field 'to_play'")
        self._render = render
        self._action_name = action_name
        self._board = board
        self._action_cells = action_cells
        self._action_origin = action_origin
        self._parse_action = parse_action
        self._ownership = ownership
        self._format_state = format_state
        self._parse_state = parse_state
        self._refusal = refusal
        self._arrange = arrange

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

    def action_origin(self, state: State, action: int) -> tuple[int, int] | None:
        """Return the cell that the moved piece leaves, or None."""
        return self._action_origin(state, action) if self._action_origin is not None else None

    def parse_action(self, state: State, text: str) -> int:
        """Return the legal action that `text` names, by its name or one of its further names."""
        action = self._parse_action(state, text) if self._parse_action is not None else None
        return super().parse_action(state, text) if action is None else action

    def ownership(self, state: State) -> tuple[FloatArray, float] | None:
        """Return who owns each cell at an end, and by how much the first side leads."""
        return self._ownership(state) if self._ownership is not None else None

    def format_state(self, state: State) -> str | None:
        """Return the state in one line, or None."""
        return self._format_state(state) if self._format_state is not None else None

    def parse_state(self, text: str) -> State:
        """Return the state that `text` writes."""
        return self._parse_state(text) if self._parse_state else super().parse_state(text)

    def refusal(self, state: State, action: int) -> str | None:
        """Return why `action` is not legal, or None."""
        return self._refusal(state, action) if self._refusal is not None else None

    def arrange(self, cells: Sequence[Sequence[int]], to_play: int) -> State:
        """Return the position with these stones."""
        return self._arrange(cells, to_play) if self._arrange else super().arrange(cells, to_play)

    def row(self, state: State) -> npt.NDArray[np.uint8]:
        """Return a copy of the state as a row of bytes `[S]`."""
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def state(self, row: npt.NDArray[np.uint8]) -> State:
        """Return a row of bytes `[S]` as a state that shares its memory."""
        return row.view(self.state_dtype).view(np.recarray)[0]

    def _blank(self) -> State:
        return self.state(np.zeros(self.row_size, np.uint8))
