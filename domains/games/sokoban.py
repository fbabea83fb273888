"""Sokoban: push every box onto a goal. For one player, without chance.

    #######        a move is a step up, right, down or left; a box in the way is pushed, if the
    #.  $@#        cell behind it is free. Pushes are written as capitals, as in LURD files.
    #######

Solving is worth 1, a step makes what follows worth a little less, and an episode that is not
solved in `max_steps`, or that no longer can be, ends with nothing: a box that stands where no push
leads to a goal, or in a block of four walls and boxes, is lost. Boxes are bits, cell
`(row, column)` is bit `width * row + column`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.base import Board, DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.games.sokoban_levels import (
    DIRECTIONS,
    MAX_CELLS,
    Cell,
    Level,
    load_levels,
    make_level,
    read_levels,
)

WORDS = MAX_CELLS // 64
MAX_STEPS = 200
DISCOUNT = 0.995  # of a step: shorter solutions are worth more
NAMES = "urdl"

state_dtype = np.dtype(
    [("boxes", np.uint64, WORDS), ("man", np.int16), ("level", np.int16), ("steps", np.int32)],
    align=True,
)
kernels = Kernels(state_dtype)

# Where an instance keeps its numbers; then a block a level: start, goals, walls, dead cells, man.
_WIDTH, _HEIGHT, _LEVELS, _LIMIT, _BLOCKS = range(5)
_BOXES, _GOALS, _WALLS, _DEAD, _MAN = 0, WORDS, 2 * WORDS, 3 * WORDS, 4 * WORDS
_BLOCK = 4 * WORDS + 1


@njit(cache=True)
def in_set(words, start, cell):  # type: ignore[no-untyped-def]
    """Return whether `cell` is in the bit set that begins at `words[start]`."""
    return np.uint64(words[start + (cell >> 6)]) >> np.uint64(cell & 63) & np.uint64(1) != 0


@njit(cache=True)
def offset(action, width):  # type: ignore[no-untyped-def]
    """Return how far a step goes, in cells."""
    if action == 0:
        return -width
    if action == 1:
        return 1
    return width if action == 2 else -1


@njit(cache=True)
def is_blocked(boxes, instance, block, cell):  # type: ignore[no-untyped-def]
    """Return whether a wall or a box stands on `cell`."""
    return in_set(instance, block + _WALLS, cell) or in_set(boxes, 0, cell)


@njit(cache=True)
def is_lost(boxes, instance, block, cell):  # type: ignore[no-untyped-def]
    """Return whether the box on `cell` can never come to a goal, or keeps others from theirs."""
    if in_set(instance, block + _DEAD, cell):
        return True
    width = instance[_WIDTH]
    for corner in (cell - width - 1, cell - width, cell - 1, cell):
        stuck = True
        astray = False
        for place in (corner, corner + 1, corner + width, corner + width + 1):
            if in_set(boxes, 0, place):
                astray = astray or not in_set(instance, block + _GOALS, place)
            elif not in_set(instance, block + _WALLS, place):
                stuck = False
        if stuck and astray:
            return True
    return False


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Begin a level that the key picks."""
    level = np.int64(key % np.uint64(instance[_LEVELS]))
    block = _BLOCKS + level * _BLOCK
    for word in range(WORDS):
        state.boxes[word] = np.uint64(instance[block + _BOXES + word])
    state.man = instance[block + _MAN]
    state.level = level
    state.steps = 0


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow steps to free cells, and pushes of a box to one."""
    block = _BLOCKS + state.level * _BLOCK
    for action in range(4):
        ahead = offset(action, instance[_WIDTH])
        cell = state.man + ahead
        if in_set(state.boxes, 0, cell):
            mask[action] = not is_blocked(state.boxes, instance, block, cell + ahead)
        else:
            mask[action] = not in_set(instance, block + _WALLS, cell)


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Step or push; end when solved, lost, or out of steps."""
    block = _BLOCKS + state.level * _BLOCK
    ahead = offset(action, instance[_WIDTH])
    cell = state.man + ahead
    pushes = in_set(state.boxes, 0, cell)
    state.man = cell
    state.steps += 1
    if pushes:
        target = cell + ahead
        state.boxes[cell >> 6] ^= np.uint64(1) << np.uint64(cell & 63)
        state.boxes[target >> 6] ^= np.uint64(1) << np.uint64(target & 63)
        solved = True
        for word in range(WORDS):
            astray = state.boxes[word] & ~np.uint64(instance[block + _GOALS + word])
            solved = solved and astray == 0
        if solved:
            return 1.0, 0.0
        if is_lost(state.boxes, instance, block, target):
            return 0.0, 0.0
    if state.steps >= instance[_LIMIT]:
        return 0.0, 0.0
    return 0.0, DISCOUNT


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write planes of walls, goals, boxes, the man, and the part of the steps that is left."""
    block = _BLOCKS + state.level * _BLOCK
    cells = instance[_WIDTH] * instance[_HEIGHT]
    left = np.float32(1.0 - state.steps / instance[_LIMIT])
    for cell in range(cells):
        out[cell] = in_set(instance, block + _WALLS, cell)
        out[cells + cell] = in_set(instance, block + _GOALS, cell)
        out[2 * cells + cell] = in_set(state.boxes, 0, cell)
        out[4 * cells + cell] = left
    out[3 * cells + state.man] = 1.0


def _bits(cells: frozenset[Cell], width: int) -> npt.NDArray[np.int64]:
    words = np.zeros(WORDS, np.uint64)
    for row, column in cells:
        cell = width * row + column
        words[cell >> 6] |= np.uint64(1) << np.uint64(cell & 63)
    return words.view(np.int64)


def _block(level: Level, width: int, height: int) -> npt.NDArray[np.int64]:
    """Return a level's part of the instance, on a board that may be larger than the level."""
    outside = {
        (row, column)
        for row in range(height)
        for column in range(width)
        if row >= level.height or column >= level.width
    }
    sets = (level.boxes, level.goals, level.walls | outside, level.dead)
    man = np.array([width * level.man[0] + level.man[1]])
    return np.concatenate([*(_bits(frozenset(cells), width) for cells in sets), man])


class _View:
    """Levels as people see them."""

    def __init__(self, levels: list[Level]) -> None:
        self.levels = levels
        self.height = max(level.height for level in levels)
        self.width = max(level.width for level in levels)

    def symbol(self, state: State, cell: Cell) -> str:
        """Return the XSB symbol of a cell."""
        level = self.levels[int(state.level)]
        number = self.width * cell[0] + cell[1]
        on_goal = cell in level.goals
        if int(state.boxes[number >> 6]) >> (number & 63) & 1:
            return "*" if on_goal else "$"
        if number == int(state.man):
            return "+" if on_goal else "@"
        return "#" if cell in level.walls else "." if on_goal else " "

    def render(self, state: State) -> str:
        """Return the level in XSB."""
        level = self.levels[int(state.level)]
        rows = range(level.height)
        return "\n".join(
            "".join(self.symbol(state, (row, column)) for column in range(level.width)).rstrip()
            for row in rows
        )

    def board(self, state: State) -> Board:
        """Return the level for front ends that draw."""
        symbols = " #.$*@+"
        level = self.levels[int(state.level)]
        cells = tuple(
            tuple(symbols.index(self.symbol(state, (row, c))) for c in range(level.width))
            for row in range(level.height)
        )
        glyphs = ("", "#", ".", "$", "*", "@", "+")
        return Board(cells, "tiles", glyphs=glyphs, note=f"step {int(state.steps)}")

    def action_cells(self, state: State, action: int) -> tuple[Cell, ...]:
        """Return the cell that the man goes to."""
        row, column = divmod(int(state.man), self.width)
        return ((row + DIRECTIONS[action][0], column + DIRECTIONS[action][1]),)

    def action_name(self, state: State, action: int) -> str:
        """Return u, r, d or l; a push is a capital."""
        [cell] = self.action_cells(state, action)
        pushes = self.symbol(state, cell) in "$*"
        return NAMES[action].upper() if pushes else NAMES[action]


def sokoban(
    level: str | Path = "",
    size: int = 8,
    boxes: int = 2,
    levels: int = 100,
    seed: int = 0,
    max_steps: int = MAX_STEPS,
) -> CompiledDomain:
    """Return the domain over the levels of a file or text, or over levels made by a seed.

    Args:
        level: a file in XSB, or such text itself; empty for made levels.
        size: width and height of made levels, 6 to 21.
        boxes: boxes of a made level, 1 to 8.
        levels: how many to make; `reset(seed)` picks one.
        seed: decides which levels are made.
        max_steps: an episode ends after so many.
    """
    if not 1 <= max_steps <= 100_000:
        raise ValueError(f"sokoban: max_steps must be 1 to 100000, got {max_steps}")
    if level:
        text = str(level)
        found = read_levels(text) if "\n" in text else load_levels(Path(text).expanduser())
    else:
        found = _made(size, boxes, levels, seed)
    view = _View(found)
    if view.width * view.height > MAX_CELLS:
        raise ValueError(f"sokoban: the levels together need more than {MAX_CELLS} cells")
    instance = np.concatenate(
        [[view.width, view.height, len(found), max_steps]]
        + [_block(one, view.width, view.height) for one in found]
    )
    spec = DomainSpec(
        name="sokoban" if size == 8 or level else f"sokoban_{size}x{size}",
        num_actions=4,
        observation_shape=(5, view.height, view.width),
        num_players=1,
        max_steps=max_steps,
        value_range=(0.0, 1.0),
    )
    return CompiledDomain(
        spec,
        kernels,
        instance,
        render=view.render,
        action_name=view.action_name,
        board=view.board,
        action_cells=view.action_cells,
    )


def _made(size: int, boxes: int, levels: int, seed: int) -> list[Level]:
    for name, value, low, high in (
        ("size", size, 6, 21),
        ("boxes", boxes, 1, 8),
        ("levels", levels, 1, 1000),
    ):
        if not low <= value <= high:
            raise ValueError(f"sokoban: {name} must be {low} to {high}, got {value}")
    if boxes > size - 4:
        raise ValueError(f"sokoban: {boxes} boxes do not fit a level of {size}; at most {size - 4}")
    rng = np.random.default_rng(seed)
    return [make_level(rng, size, boxes) for _ in range(levels)]
