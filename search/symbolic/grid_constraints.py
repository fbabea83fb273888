"""Constraints on an agent in MiniGrid's grids, tabled for the search of shortest plans.

One that mentions the action must hold whenever an action is taken, of the state before it; one that
does not, in every state, the first and the last too. They speak of where the agent is, what it
carries and what it sees in front of it, in MiniGrid's numbers, which have names. All that one
depends on has few values: it is compiled, and asked of each of them once.

What must come (`eventually`, `until`) has to before the episode ends or with its last step: in a
state, the first and the last too, or, where it mentions the action, by one that is taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import z3

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.robotics import grid_rules as rules
from tesuji.search.planning.grid_limits import (
    ACTIONS,
    AHEAD,
    CARRIED,
    NUM_COLORS,
    NUM_STATES,
    Limits,
)
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel, constants
from tesuji.search.symbolic.predicate import ALLOWED, UNDECIDED, compile_named
from tesuji.search.symbolic.symbols import Symbols, Variable
from tesuji.search.symbolic.terms import MAIN
from tesuji.search.trajectory.temporal import parse_formula

_MOST = 1 << 22  # places of a table
_PART = 1 << 16  # places that are asked at once
# Which axis of a table each quantity lies on: of x, y, direction, carried, ahead, action.
_AXES = {
    "agent_x": 0, "agent_y": 1, "agent_dir": 2, "carrying": 3, "carrying_color": 3,
    "front": 4, "front_color": 4, "front_state": 4, "action": 5,
}  # fmt: skip
_THINGS = (3, 4)  # axes with a place for what is not known
_MOST_TO_COME = 8  # constraints over time, a bit of a byte each
_FOREVER = 1 << 30  # steps

Values = Mapping[str, int]


@dataclass(frozen=True)
class ToCome:
    """A constraint over time.

    Attributes:
        name: of it.
        goal: the name of the expression of what must come.
        hold: the name of that of what must hold until then; None for nothing.
        within: steps in which it must come.
    """

    name: str
    goal: str
    hold: str | None
    within: int


class GridConstraints:
    """Constraints on an agent in a grid.

    Args:
        domain: of `make_grid`; what counts is how large it is.
        texts: such as `"away: abs(agent_x - 4) + abs(agent_y - 4) >= 2"`.

    Attributes:
        limits: what they allow.
        names: of the constraints.
        to_come: those over time.

    Raises:
        ConstraintError: one cannot be read or compiled, can never hold, or speaks of too much at
            once; or too many speak of time.
    """

    def __init__(self, domain: CompiledDomain, texts: Sequence[str]) -> None:
        width, height = (int(each) for each in domain.instance[[rules.WIDTH, rules.HEIGHT]])
        self._sizes = width, height, 4, CARRIED, AHEAD, ACTIONS
        symbols = Symbols(domain, _variables(width, height))
        expressions: dict[str, z3.BoolRef] = {}
        names, to_come = list[str](), list[ToCome]()
        for text in texts:
            formula = parse_formula(text, symbols)
            name, hold = formula.name, formula.name
            if name in names:
                raise ConstraintError(f"two constraints are called {name!r}")
            names.append(name)
            if formula.goal is not None:
                goal, hold = f"{name} (to come)", f"{name} (until then)"
                expressions[goal] = formula.goal
                until = None if formula.hold is None else hold
                to_come.append(ToCome(name, goal, until, formula.within or _FOREVER))
            if formula.hold is not None:
                expressions[hold] = formula.hold
        if len(to_come) > _MOST_TO_COME:
            raise ConstraintError(
                f"{len(to_come)} constraints over time; at most {_MOST_TO_COME} are supported"
            )
        self.names, self.to_come = tuple(names), tuple(to_come)
        self._model = SymbolicModel(symbols, expressions)
        with MAIN:
            self._spoken = {
                name: sorted(_AXES.keys() & constants(each).keys())
                for name, each in self._model.constraints.items()
            }
        self._known: dict[tuple[object, ...], bool] = {}
        self.limits = self._tabled()

    @property
    def carries(self) -> bool:
        """Return whether one speaks of what is carried."""
        return any({"carrying", "carrying_color"} & set(each) for each in self._spoken.values())

    def broken(self, before: Values, action: int, after: Values) -> tuple[str, ...]:
        """Return the names of those that hold always and that a step breaks, decided exactly."""
        guards = (name for name in self._always if name in self._model.guards)
        unkept = tuple(name for name in guards if not self.holds(name, before, action))
        return (*unkept, *self.broken_at(after))

    def broken_at(self, values: Values) -> tuple[str, ...]:
        """Return the names of those that hold always and that a state breaks, decided exactly."""
        states = (name for name in self._always if name in self._model.invariants)
        return tuple(name for name in states if not self.holds(name, values, 0))

    def acts(self, name: str | None) -> bool:
        """Return whether an expression speaks of the action."""
        return name in self._model.guards

    def holds(self, name: str, values: Values, action: int) -> bool:
        """Return whether an expression holds, decided exactly; what was asked is remembered."""
        numbers = {**values, "action": action}
        key = name, *(numbers[each] for each in self._spoken[name])
        if key not in self._known:
            expression = self._model.constraints[name]
            with MAIN:
                found = decide(self._model.symbols, expression, values, action)
            self._known[key] = found is True
        return self._known[key]

    def reason(self, values: Values) -> str | None:
        """Return what a first state breaks, with the numbers of which it speaks, else None."""
        until = (each for each in self.to_come if not self.acts(each.goal))
        late = (
            each.hold
            for each in until
            if each.hold is not None
            and not (self.acts(each.hold) or self.holds(each.hold, values, 0))
            and not self.holds(each.goal, values, 0)
        )
        names = (*self.broken_at(values), *late)
        spoken = {each for name in names for each in self._spoken[name]}
        shown = ", ".join(f"{each} = {value}" for each, value in values.items() if each in spoken)
        return f"{', '.join(names)} ({shown})" if names else None

    @property
    def _always(self) -> tuple[str, ...]:
        over_time = {each.name for each in self.to_come}
        return tuple(name for name in self.names if name not in over_time)

    def _tabled(self) -> Limits:
        tables, numbers = _Tables(), dict[str | None, int]()
        always = sorted(self._always, key=self.acts)
        for name in always:
            tables.add(self._table(name))
        come = np.zeros((len(self.to_come), 2), np.int64)
        for i, each in enumerate(self.to_come):
            comes = self._table(each.goal)
            come[i] = tables.add(comes), tables.add(~comes)
            if each.hold is not None:
                numbers[each.hold] = tables.add(self._table(each.hold))
        axes = [{_AXES[each] for each in self._spoken[goal.goal]} for goal in self.to_come]
        idle = any(5 in each for each in axes)
        unsure = sum(bool(each & set(_THINGS)) for each in axes)
        acts = [(self.acts(each.goal), self.acts(each.hold)) for each in self.to_come]
        spoken = {_AXES[each] for names in self._spoken.values() for each in names}
        return Limits(
            sum(not self.acts(name) for name in always), len(always), 4 in spoken, idle,
            (1 + idle) << unsure, *tables.joined(), come,
            np.array([numbers.get(each.hold, -1) for each in self.to_come], np.int64),
            np.array(acts, np.bool_).reshape(-1, 2),
            np.array([each.within for each in self.to_come], np.int64),
        )  # fmt: skip

    def _table(self, name: str) -> npt.NDArray[np.bool_]:
        """Return where an expression holds, by all that it depends on, where all is known."""
        spoken, symbols = self._spoken[name], self._model.symbols
        axes = {_AXES[each] for each in spoken}
        shape = [size if i in axes else 1 for i, size in enumerate(self._sizes)]
        if math.prod(shape) > _MOST:
            raise ConstraintError(
                f"constraint {name!r} speaks of {', '.join(spoken)} at once, which are "
                f"{math.prod(shape)} cases, at most {_MOST} are tabled; state it in parts"
            )
        predicate = compile_named(symbols, {name: self._model.constraints[name]})
        known = [size - (size > 1 and i in _THINGS) for i, size in enumerate(shape)]
        dtype = [(each.name, np.int64) for each in symbols.of("state")]
        answers = np.zeros(math.prod(known), np.bool_)
        for first in range(0, len(answers), _PART):
            places = np.unravel_index(np.arange(first, min(first + _PART, len(answers))), known)
            rows = np.zeros(len(places[0]), dtype)
            for each, values in _quantities(places).items():
                rows[each] = values
            found = predicate.check(rows, places[5])
            answers[first : first + _PART] = found == ALLOWED
            for i in np.flatnonzero(found == UNDECIDED).tolist():
                row = {each: int(rows[each][i]) for each, _ in dtype}
                answers[first + i] = self.holds(name, row, int(places[5][i]))
        if not answers.any():
            raise ConstraintError(f"constraint {name!r} can never hold")
        return answers.reshape(known)


class _Tables:
    """Tables one after the other."""

    def __init__(self) -> None:
        self._tables: list[npt.NDArray[np.bool_]] = []

    def add(self, table: npt.NDArray[np.bool_]) -> int:
        """Add one, with places for what is not known; return its number."""
        for axis, exists in zip(_THINGS, (np.ones(CARRIED - 1, np.bool_), _exist()), strict=True):
            if table.shape[axis] > 1:
                some = table.compress(exists, axis).any(axis, keepdims=True)
                table = np.concatenate([some, table], axis)
        self._tables.append(np.ascontiguousarray(table))
        return len(self._tables) - 1

    def joined(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return where each begins, its strides, and all of them."""
        start = np.cumsum([0, *(each.size for each in self._tables)])[:-1]
        # Bytes are places.
        strides = [np.where(np.array(t.shape) > 1, t.strides, 0) for t in self._tables]
        places = np.concatenate([*(each.ravel() for each in self._tables), []])
        return (
            start.astype(np.int64), np.array(strides, np.int64).reshape(-1, 6), places.astype(bool),
        )  # fmt: skip


def _quantities(places: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the quantities at places of a table without places for what is not known."""
    x, y, direction, carried, ahead, _ = places
    what, color = np.divmod(carried - 1, NUM_COLORS)
    seen, state = np.divmod(ahead, NUM_STATES)
    return {
        "agent_x": x, "agent_y": y, "agent_dir": direction,
        "carrying": np.where(carried, rules.KEY + what, rules.EMPTY),
        "carrying_color": np.where(carried, color, 0),
        "front": 1 + seen // NUM_COLORS, "front_color": seen % NUM_COLORS, "front_state": state,
    }  # fmt: skip


def _exist() -> npt.NDArray[np.bool_]:
    """Return which types, colours and states of what is ahead there are `[AHEAD - 1]`."""
    seen, state = np.divmod(np.arange(AHEAD - 1), NUM_STATES)
    what, color = 1 + seen // NUM_COLORS, seen % NUM_COLORS
    stateless, colorless = what != rules.DOOR, what == rules.EMPTY
    return np.asarray(~(stateless & (state > 0)) & ~(colorless & (color > 0)), np.bool_)


def _variables(width: int, height: int) -> list[Variable]:
    most = {
        "agent_x": width - 1, "agent_y": height - 1, "agent_dir": 3, "carrying": rules.LAVA,
        "carrying_color": NUM_COLORS - 1, "front": rules.LAVA, "front_color": NUM_COLORS - 1,
        "front_state": NUM_STATES - 1,
    }  # fmt: skip
    found = [Variable(name, "state", "int", low=0, high=high) for name, high in most.items()]
    found.append(Variable("action", "action", "int", low=0, high=ACTIONS - 1))
    numbers = {
        **{name: i for i, name in enumerate(rules.ACTION_NAMES)},
        **{name: i for i, name in enumerate(rules.TYPE_NAMES, rules.EMPTY)},
        **{name: i for i, name in enumerate(rules.COLOR_NAMES)},
        "open": rules.OPEN, "closed": rules.CLOSED, "locked": rules.LOCKED,
    }  # fmt: skip
    found += [
        Variable(name, "parameter", "int", low=number, high=number, values=np.array(number))
        for name, number in numbers.items()
    ]
    return found
