"""Constraints on an agent in MiniGrid's grids, tabled for the search of shortest plans.

One that mentions the action must hold whenever an action is taken, of the state before it; one that
does not, in every state, the first and the last too. They speak of where the agent is, what it
carries and what it sees in front of it, in MiniGrid's numbers, which have names. All that one
depends on has few values: it is compiled, and asked of each of them once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

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

Values = Mapping[str, int]


class GridConstraints:
    """Constraints on an agent in a grid.

    Args:
        domain: of `make_grid`; what counts is how large it is.
        texts: such as `"away: abs(agent_x - 4) + abs(agent_y - 4) >= 2"`.

    Attributes:
        limits: what they allow.

    Raises:
        ConstraintError: one cannot be read or compiled, speaks of time, can never hold, or speaks
            of too much at once.
    """

    def __init__(self, domain: CompiledDomain, texts: Sequence[str]) -> None:
        width, height = (int(each) for each in domain.instance[[rules.WIDTH, rules.HEIGHT]])
        self._sizes = width, height, 4, CARRIED, AHEAD, ACTIONS
        symbols = Symbols(domain, _variables(width, height))
        constraints: dict[str, z3.BoolRef] = {}
        for text in texts:
            formula = parse_formula(text, symbols)
            if formula.goal is not None or formula.hold is None:
                raise ConstraintError(
                    f"constraint {formula.name!r}: of MiniGrid's plans constraints hold always; "
                    "eventually and until are not supported"
                )
            if formula.name in constraints:
                raise ConstraintError(f"two constraints are called {formula.name!r}")
            constraints[formula.name] = formula.hold
        self._model = SymbolicModel(symbols, constraints)
        with MAIN:
            self._spoken = {
                name: sorted(_AXES.keys() & constants(each).keys())
                for name, each in self._model.constraints.items()
            }
        self._known: dict[tuple[str | int, ...], bool] = {}
        self.limits = self._tabled()

    @property
    def carries(self) -> bool:
        """Return whether one speaks of what is carried."""
        return any({"carrying", "carrying_color"} & set(each) for each in self._spoken.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the constraints."""
        return tuple(self._model.constraints)

    def broken(self, before: Values, action: int, after: Values) -> tuple[str, ...]:
        """Return the names of those that a step breaks, decided exactly, without the tables."""
        model = self._model
        return (*self._unkept(model.guards, before, action), *self.broken_at(after))

    def broken_at(self, values: Values) -> tuple[str, ...]:
        """Return the names of those that a state breaks, decided exactly."""
        return self._unkept(self._model.invariants, values, 0)

    def reason(self, values: Values) -> str | None:
        """Return what a state breaks, with the numbers of which it speaks; None for nothing."""
        names = self.broken_at(values)
        spoken = {each for name in names for each in self._spoken[name]}
        shown = ", ".join(f"{each} = {value}" for each, value in values.items() if each in spoken)
        return f"{', '.join(names)} ({shown})" if names else None

    def _unkept(
        self, named: Mapping[str, z3.BoolRef], values: Values, action: int
    ) -> tuple[str, ...]:
        return tuple(
            name for name, each in named.items() if not self._keeps(name, each, values, action)
        )

    def _keeps(self, name: str, expression: z3.BoolRef, values: Values, action: int) -> bool:
        """Return whether a constraint holds; one whose numbers were asked before is remembered."""
        numbers = {**values, "action": action}
        key = name, *(numbers[each] for each in self._spoken[name])
        if key not in self._known:
            with MAIN:
                found = decide(self._model.symbols, expression, values, action)
            self._known[key] = found is True
        return self._known[key]

    def _tabled(self) -> Limits:
        model, start, strides, looks = self._model, [0], [], False
        tables: list[npt.NDArray[np.bool_]] = []
        for name, expression in {**model.invariants, **model.guards}.items():
            spoken = self._spoken[name]
            axes = {_AXES[each] for each in spoken}
            shape = [size if i in axes else 1 for i, size in enumerate(self._sizes)]
            if math.prod(shape) > _MOST:
                raise ConstraintError(
                    f"constraint {name!r} speaks of {', '.join(spoken)} at once, which are "
                    f"{math.prod(shape)} cases, at most {_MOST} are tabled; state it in parts"
                )
            table = np.ascontiguousarray(self._table(name, expression, shape))
            if not table.any():
                raise ConstraintError(f"constraint {name!r} can never hold")
            strides.append(np.where(np.array(shape) > 1, table.strides, 0))  # bytes are places
            tables.append(table.ravel())
            start.append(start[-1] + table.size)
            looks |= 4 in axes
        return Limits(
            len(model.invariants), looks, np.array(start[:-1], np.int64),
            np.array(strides, np.int64).reshape(-1, 6), np.concatenate([*tables, []]).astype(bool),
        )  # fmt: skip

    def _table(
        self, name: str, expression: z3.BoolRef, shape: Sequence[int]
    ) -> npt.NDArray[np.bool_]:
        """Return what a constraint allows, by all that it depends on."""
        symbols = self._model.symbols
        predicate = compile_named(symbols, {name: expression})
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
                answers[first + i] = not self._unkept({name: expression}, row, int(places[5][i]))
        table = answers.reshape(known)
        for axis, exists in zip(_THINGS, (np.ones(CARRIED - 1, np.bool_), _exist()), strict=True):
            if shape[axis] > 1:
                some = table.compress(exists, axis).any(axis, keepdims=True)
                table = np.concatenate([some, table], axis)
        return table


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
