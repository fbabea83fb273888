"""The domain contract: rules that a search can step.

Two tiers share one face. An *object* domain keeps any immutable Python object as its state. A
*compiled* domain (`tesuji.domains.compiled`) keeps one row of a numpy structured dtype and adds
numba kernels; everything above the search API treats both alike.

Conventions, as in mctx: a transition is `(reward, discount)`, both seen by the side that moved.
`discount` is 1 where the same side moves on, -1 where the opponent does, 0 at the end, so that
one formula, `G = reward + discount * V(next)`, backs up every family. Dimensions: `B` batch, `A`
actions, `S` bytes of a state row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

# A domain's state is opaque to everything but the domain.
State = Any


@dataclass(frozen=True)
class DomainSpec:
    """What a search and a network must know of a domain, and nothing of its rules.

    Attributes:
        name: the registered name, e.g. `connect_four`.
        num_actions: size `A` of the fixed action space; `legal` masks it.
        observation_shape: shape of one observation, `(C, H, W)` for boards, `(F,)` otherwise.
        num_players: 1 or 2 (two players means zero-sum, seen by the side to move).
        max_steps: no episode is longer than this.
        num_symmetries: size of the symmetry group; symmetry 0 is the identity.
        value_range: bounds of any return `G`; proofs narrow it.
        deterministic: whether `step` ignores its key; only then can results be proven.
        policy_planes: planes `P` of a spatial policy whose action is `p * H * W + cell`; 0 where
            actions are not cells. A network then needs no weights that depend on the board size.
        num_extra_actions: actions after the spatial ones, such as a pass.
        proof_moves: a tree search asks a proof search of leaves with at most so many legal actions;
            0 where that does not pay.
    """

    name: str
    num_actions: int
    observation_shape: tuple[int, ...]
    num_players: int
    max_steps: int
    num_symmetries: int = 1
    value_range: tuple[float, float] = (-1.0, 1.0)
    deterministic: bool = True
    policy_planes: int = 0
    num_extra_actions: int = 0
    proof_moves: int = 0


class Board(NamedTuple):
    """A position on a grid, as people see it; front ends draw it.

    `discs` hang in a frame, `stones` lie on squares, `points` are stones on crossings of lines,
    `hexagons` are cells of which each row is half a cell further right (the first side joins top
    and bottom, the second left and right), `marks` are written, `pieces` are `glyphs` on a
    chequered board, and `tiles` are `glyphs` on a plain one: numbers, or what a maze is made of in
    the letters of Sokoban (`#` wall, `@` person, `$` box, `.` goal, `*` box and `+` person on one).

    A glyph belongs to the first side if it is a white chess piece or a capital letter, to the
    second if it is a black one or a small letter. Without glyphs the values are the sides.
    """

    cells: tuple[tuple[int, ...], ...]  # rows from the top; 0 empty, 1 first side, 2 second
    style: Literal["discs", "stones", "points", "hexagons", "marks", "pieces", "tiles"] = "stones"
    sides: tuple[str, str] = ("X", "O")  # what people call the two sides
    columns: tuple[str, ...] = ()  # labels under the columns
    rows: tuple[str, ...] = ()  # labels beside the rows, from the top
    glyphs: tuple[str, ...] = ()  # what to write for cell value i, where values are not just sides
    note: str = ""  # what else a player sees, such as prisoners or a score


class Rollouts(NamedTuple):
    """What is simulated from each state that is reached.

    Attributes:
        num_rollouts: from each.
        max_steps: of each.
        keeps: says of actions `[N]` and what their steps passed through `[N, K, Q]` which do not
            break what must hold; rollouts that do are not counted.
    """

    num_rollouts: int = 0
    max_steps: int = 0
    keeps: Callable[[npt.NDArray[np.int64], npt.NDArray[np.float64]], BoolArray] | None = None


class Reached(NamedTuple):
    """Where steps led.

    Attributes:
        states: after each step, `B` of them.
        rewards: `[B]`.
        discounts: `[B]`.
        values: the best return of a rollout from each of the states on `[B]`; 0 without any, NaN
            where none keeps what must hold.
        passed: the domain's quantities after each substep `[B, K, Q]`.
        simulated: steps that were taken for it.
        kept: what `Rollouts.keeps` says of the steps `[B]`, where it was asked of them.
    """

    states: Sequence[State]
    rewards: npt.NDArray[np.float64]
    discounts: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    passed: npt.NDArray[np.float64]
    simulated: int = 0
    kept: BoolArray | None = None


class Domain(ABC):
    """Rules over immutable states; the contract of both tiers."""

    spec: DomainSpec
    constraints: tuple[str, ...] = ()  # names of what must hold besides the rules

    @abstractmethod
    def reset(self, seed: int = 0) -> State:
        """Return a first state; `seed` picks it where there are several."""

    @abstractmethod
    def legal(self, state: State) -> BoolArray:
        """Return the mask `[A]` of the legal actions; empty only at an end."""

    def allowed(self, state: State) -> BoolArray:
        """Return the mask `[A]` of what may be played at a real decision.

        It differs from `legal` only where that, made to be fast, leaves an action undecided.
        """
        return self.legal(state)

    @abstractmethod
    def step(self, state: State, action: int, key: int = 0) -> tuple[State, float, float]:
        """Return `(next state, reward, discount)`; `state` is left as it was.

        Args:
            state: a state that is not an end.
            action: a legal action.
            key: 64 random bits that decide every chance outcome.
        """

    @abstractmethod
    def observe(self, state: State) -> FloatArray:
        """Return what a network sees, `spec.observation_shape`, from the side to move."""

    def to_play(self, state: State) -> int:
        """Return the side to move, 0 or 1."""
        del state
        return 0

    def transform(self, state: State, symmetry: int) -> State:
        """Return the state under symmetry `symmetry`."""
        if symmetry != 0:
            raise ValueError(f"{self.spec.name} has no symmetry {symmetry}")
        return state

    def transform_action(self, action: int, symmetry: int) -> int:
        """Return where symmetry `symmetry` sends `action`."""
        del symmetry
        return action

    def key(self, state: State) -> bytes | None:
        """Return bytes that are equal just for equal states, or None if states have none."""
        del state
        return None

    def render(self, state: State) -> str:
        """Return the state as text for people."""
        return str(state)

    def action_name(self, state: State, action: int) -> str:
        """Return the action as people write it."""
        del state
        return str(action)

    def board(self, state: State) -> Board | None:
        """Return the state on a grid, or None for a domain without one."""
        del state
        return None

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return the cells `(row, column)` that stand for `action`, legal or not.

        A click on any of them means the action; the first is where its stone comes to lie. Empty
        for an action without a place, such as a pass.
        """
        del state, action
        return ()

    def action_origin(self, state: State, action: int) -> tuple[int, int] | None:
        """Return the cell `(row, column)` that the moved piece leaves; None where none moves.

        Such an action is entered by two clicks, on this cell and then on the first of
        `action_cells`.
        """
        del state, action
        return None

    def ownership(self, state: State) -> tuple[FloatArray, float] | None:
        """Return who owns each cell at an end `[H, W]`, and by how much the first side leads.

        1 is the first side's, -1 the second's, 0 nobody's. None for a domain without territory.
        """
        del state
        return None

    def format_state(self, state: State) -> str | None:
        """Return the state in the game's own notation, one line such as FEN, or None."""
        del state
        return None

    def parse_state(self, text: str) -> State:
        """Return the state that `format_state` would write as `text`.

        Raises:
            ValueError: what is wrong with `text`, or that the domain has no such notation.
        """
        raise ValueError(f"{self.spec.name} cannot read positions, got {text!r}; give moves")

    def arrange(self, cells: Sequence[Sequence[int]], to_play: int) -> State:
        """Return the position with stones `cells`, as `Board.cells` has them, and a side to move.

        Raises:
            ValueError: the stones cannot stand so, or the domain arranges none.
        """
        del cells, to_play
        raise ValueError(f"{self.spec.name} starts from its own first position only")

    def refusal(self, state: State, action: int) -> str | None:
        """Return why `action` is not legal, in words; None where the domain has none for it."""
        del state, action
        return None

    def parse_action(self, state: State, text: str) -> int:
        """Return the legal action that `text` names.

        Raises:
            ValueError: no legal action has that name; the message lists some that do.
        """
        names = {self.action_name(state, int(a)): int(a) for a in np.flatnonzero(self.legal(state))}
        wanted = text.strip().lower()
        for name, action in names.items():
            if name.lower() == wanted:
                return action
        shown = ", ".join(list(names)[:12]) + (", …" if len(names) > 12 else "")
        raise ValueError(f"{text.strip()!r} is not a legal action here; legal: {shown}")


class SimulatedDomain(Domain):
    """A domain whose steps a simulator takes, many at once; a single player's, without chance."""

    batched = True  # whether a search steps it so; where not, it takes one step at a time
    sampled = False  # whether a state's actions are samples of many
    rollouts = (4, 16)  # from a leaf, and their steps, where nothing else is said

    @property
    @abstractmethod
    def quantities(self) -> tuple[str, ...]:
        """Return names of what constraints speak of, as `Reached.passed` has it."""

    def may_enter(
        self, states: Sequence[State], actions: Sequence[int], reached: Reached
    ) -> BoolArray:
        """Return which of the steps that `step_batch` took a search may take `[B]`."""
        del actions, reached
        return np.ones(len(states), np.bool_)

    @abstractmethod
    def step_batch(
        self, states: Sequence[State], actions: Sequence[int], rollouts: Rollouts
    ) -> Reached:
        """Return where actions lead, and what rollouts from there return."""
