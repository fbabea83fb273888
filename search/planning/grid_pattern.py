"""What a pattern of MiniGrid's things abstracts from, as data and as kernels.

A pattern database (Culberson & Schaeffer 1998; Edelkamp 2001) for grids. A *part* is a door, or a
thing that can be carried with all that is in it. Of a part its *status* is known: of a door whether
it is open, closed or locked; of another which of its forms it has, and whether it lies at home,
where it lay at first, is carried, or lies elsewhere, which may then be anywhere and blocks nothing.
Doors outside of the pattern are open, other things outside of it are not there. A *configuration*
is a row of statuses, and of what has come that must. All steps in the grid are steps here, so
distances here are lower bounds.

Doors are never closed: what an open one can block, nothing can, so that a plan that closes a door
is as good without it, unless constraints speak of what lies in front. Constraints take out steps
that they forbid whatever that is which the pattern does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.grid_rules import (
    AFTER,
    BOX,
    CARRYING,
    COLOR,
    DOOR,
    FETCH,
    FIELDS,
    HEIGHT,
    KEY,
    KINDS,
    LAVA,
    LIMIT,
    LOCKED,
    MARK,
    MAX_KINDS,
    MAX_STEPS,
    MISSION,
    NUM_KINDS,
    OPEN,
    PICK_MARKED,
    PUT_NEAR,
    RED_BLUE,
    STATE,
    STEPS,
    TARGET,
    TYPE,
    UNLOCK,
    WALL,
    WIDTH,
    X,
    Y,
    kind_field,
)
from tesuji.search.planning.grid_limits import NO_LIMITS, Limits
from tesuji.search.tree import kernel

HOME, CARRIED, AWAY = range(3)
GONE = 0  # a status; others of things that can be carried are 1 + 3 * form + place
_NO_LIMIT = 1 << 30


class Pattern(NamedTuple):
    """A pattern: parts `[K]` and the grid that they lie in."""

    home: npt.NDArray[np.int64]  # [K] cells
    door: npt.NDArray[np.bool_]  # [K] which parts are doors
    kind: npt.NDArray[np.int64]  # [K, F] by form, of doors by state
    part_of: npt.NDArray[np.int64]  # [kinds] of kinds that can be carried, -1 for others
    form_of: npt.NDArray[np.int64]  # [kinds]
    door_at: npt.NDArray[np.int64]  # [cells] parts, -1 for none
    base: npt.NDArray[np.uint8]  # [cells] what is there whatever the parts do
    place: npt.NDArray[np.int64]  # [cells] numbers of cells that can be stood on, -1 for others
    cell: npt.NDArray[np.int64]  # [Q] the cells that can be stood on
    first: npt.NDArray[np.uint8]  # [W * 8] the first configuration; at `K` what has come


class GridTask:
    """A grid to be planned in.

    Args:
        instance: of a domain of `grid_rules`, which begins where the plan shall.
        limits: constraints.

    Attributes:
        limits: constraints.
        instance: the same without a limit of steps.
        grid: kinds `[cells]` at first.
        left: steps within the limit.
        carrying: the kind that is carried at first.
        needed: the parts that every pattern has: what the mission asks for.

    Raises:
        ValueError: a box contains what cannot be carried.
    """

    def __init__(self, instance: npt.NDArray[np.int64], limits: Limits = NO_LIMITS) -> None:
        self.instance, self.limits = instance.copy(), limits
        self.left = int(instance[LIMIT] - instance[STEPS])
        self.instance[[MAX_STEPS, LIMIT]] = _NO_LIMIT
        self.instance[STEPS] = 0
        cells = int(instance[WIDTH] * instance[HEIGHT])
        start = KINDS + FIELDS * int(instance[NUM_KINDS])
        self._table = instance[KINDS:start].reshape(-1, FIELDS)
        self.grid = instance[start : start + cells]
        self.carrying = int(instance[CARRYING])
        self._forms: dict[int, list[int]] = {}  # kinds of a part that can be carried, by its home
        for cell, kind in [*enumerate(self.grid), (-1, self.carrying)]:
            if kind and KEY <= self._table[kind, TYPE] <= BOX:
                self._forms[int(cell)] = self._chain(int(kind))
        self._room = self._standable()
        self.needed = self._close(self._of_mission())

    def is_part(self, cell: int) -> bool:
        """Return whether a part lies on a cell at first."""
        kind = self.grid[cell] if 0 <= cell < len(self.grid) else 0
        return cell in self._forms or bool(kind and self._table[kind, TYPE] == DOOR)

    def extend(self, parts: frozenset[int], more: Sequence[int]) -> frozenset[int]:
        """Return parts, by their homes, with more and what these need."""
        return self._close(parts | frozenset(more))

    def pattern(self, parts: frozenset[int]) -> Pattern:
        """Return the pattern of parts, by their homes; -1 is what is carried at first."""
        homes = sorted(parts)
        width = max([3, *(len(self._forms.get(home, ())) for home in homes)])
        kind = np.zeros((len(homes), width), np.int64)
        part_of, form_of = np.full(MAX_KINDS, -1), np.zeros(MAX_KINDS, np.int64)
        door_at = np.full(len(self.grid), -1)
        base = np.where(self._carriable(self.grid), 0, self.grid)
        is_door = (base > 0) & (self._table[base, TYPE] == DOOR)
        base[is_door] = [self._opened(int(each)) for each in base[is_door]]
        first = np.zeros(-(-(len(homes) + 1) // 8) * 8, np.uint8)
        for part, home in enumerate(homes):
            if home in self._forms:
                forms = self._forms[home]
                kind[part, : len(forms)] = forms
                part_of[forms], form_of[forms] = part, np.arange(len(forms))
                first[part] = 1 + (HOME if home >= 0 else CARRIED)
            else:
                door_at[home] = part
                first[part] = self._table[self.grid[home], STATE]
                kind[part, :3] = self._states(int(self.grid[home]))
        place = np.full(len(self.grid), -1)
        place[self._room] = np.arange(len(self._room))
        return Pattern(
            np.array(homes, np.int64), np.array([h not in self._forms for h in homes], np.bool_),
            kind, part_of, form_of, door_at, base.astype(np.uint8), place, self._room, first,
        )  # fmt: skip

    def _carriable(self, kinds: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        what = self._table[kinds, TYPE]
        return np.asarray((kinds > 0) & (what >= KEY) & (what <= BOX))

    def _chain(self, kind: int) -> list[int]:
        forms = [kind]
        while self._table[forms[-1], TYPE] == BOX and self._table[forms[-1], AFTER]:
            forms.append(int(self._table[forms[-1], AFTER]))
        if not self._carriable(np.array(forms)).all():
            raise ValueError("a box contains what cannot be carried; such grids are not planned in")
        return forms

    def _states(self, kind: int) -> list[int]:
        """Return the kinds of a door by state."""
        color = self._table[kind, COLOR]
        same = (self._table[:, TYPE] == DOOR) & (self._table[:, COLOR] == color)
        return [int(np.flatnonzero(same & (self._table[:, STATE] == s))[0]) for s in range(3)]

    def _opened(self, kind: int) -> int:
        return self._states(kind)[OPEN]

    def _standable(self) -> npt.NDArray[np.int64]:
        # Cells that can be reached at all, through doors and things.
        width, height = int(self.instance[WIDTH]), int(self.instance[HEIGHT])
        start = int(self.instance[Y]) * width + int(self.instance[X])
        found, waiting = {start}, [start]
        while waiting:
            y, x = divmod(waiting.pop(), width)
            for across, down in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                cell = down * width + across
                if not (0 <= across < width and 0 <= down < height) or cell in found:
                    continue
                kind = self.grid[cell]
                if kind and self._table[kind, TYPE] in (WALL, LAVA):
                    continue
                found.add(cell)
                waiting.append(cell)
        return np.array(sorted(found), np.int64)

    def _of_mission(self) -> frozenset[int]:
        target, table = self.instance[TARGET : TARGET + 3], self._table
        mission = self.instance[MISSION]
        if mission in (RED_BLUE, UNLOCK):
            return frozenset(int(each) for each in target[: 2 if mission == RED_BLUE else 1])
        wanted = np.zeros(len(table), np.bool_)
        if mission == PICK_MARKED:
            wanted = table[:, MARK] > 0
        elif mission in (FETCH, PUT_NEAR):
            what, color = target[:2] if mission == FETCH else target[1:3]
            wanted = (table[:, TYPE] == what) & (table[:, COLOR] == color)
        return frozenset(home for home, forms in self._forms.items() if wanted[forms].any())

    def _close(self, parts: frozenset[int]) -> frozenset[int]:
        # A locked door needs the keys that fit.
        colors = [
            self._table[self.grid[home], COLOR]
            for home in parts
            if home not in self._forms and self._table[self.grid[home], STATE] == LOCKED
        ]
        fits = (self._table[:, TYPE] == KEY) & np.isin(self._table[:, COLOR], colors)
        keys = {home for home, forms in self._forms.items() if fits[forms].any()}
        return parts | keys


@kernel
def lay_out(pattern, status, state):  # type: ignore[no-untyped-def]
    """Make a state's grid and what it carries those of a configuration."""
    state.carrying = 0
    for part in range(len(pattern.home)):
        home = pattern.home[part]
        if pattern.door[part]:
            state.grid[home] = pattern.kind[part, status[part]]
            continue
        if home >= 0:
            state.grid[home] = 0
        if status[part] != GONE:
            form, place = divmod(np.int64(status[part]) - 1, 3)
            if place == CARRIED:
                state.carrying = pattern.kind[part, form]
            elif place == HOME:
                state.grid[home] = pattern.kind[part, form]


@kernel
def follow(pattern, instance, status, carried, front, ahead, state):  # type: ignore[no-untyped-def]
    """Change a configuration as an action changed things; return whether it did.

    Args:
        pattern: the pattern.
        instance: of the domain.
        status: changed in place.
        carried: the kind that was carried before.
        front: the kind that was in front.
        ahead: that cell, -1 beyond the edge.
        state: after the action.
    """
    held = np.int64(state.carrying)
    if held != carried:
        kind = held if held else carried
        part = pattern.part_of[kind]
        if part < 0:
            return False
        where = CARRIED if held else (HOME if ahead == pattern.home[part] else AWAY)
        status[part] = 1 + 3 * pattern.form_of[kind] + where
        return True
    after = np.int64(state.grid[ahead]) if ahead >= 0 else front
    if after == front:
        return False
    if kind_field(instance, front, TYPE) == DOOR:
        part = pattern.door_at[ahead]
        if part >= 0:
            status[part] = kind_field(instance, after, STATE)
        return part >= 0
    part = pattern.part_of[front]
    if part >= 0:
        where = HOME if ahead == pattern.home[part] else AWAY
        status[part] = 1 + 3 * pattern.form_of[after] + where if after else GONE
    return part >= 0
