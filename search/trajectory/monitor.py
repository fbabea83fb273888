"""Constraints on trajectories: z3 expressions over a model's quantities, with how far they hold.

Every constraint must hold after every substep of the simulator. Its *margin* is how far the
numbers in it may still move (robustness, Donzé & Maler 2010): of `a <= b` it is `b - a`, of a
conjunction the least, of a disjunction the greatest. A constraint counts as kept where its margin
is at least a tolerance, so that rounding never turns a violation into none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import z3

from tesuji.domains.robotics.models import Model, Rollouts
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.symbols import Variable
from tesuji.search.symbolic.terms import MAIN
from tesuji.search.symbolic.text import parse_constraint
from tesuji.search.trajectory.noise import Floats

TOLERANCE = 1e-9  # of margins

_Program = Callable[[Floats], Any]  # of quantities `[..., Q]`


class QuantityNames:
    """What constraints on a model's trajectories may speak of: its quantities, and the action.

    Attributes:
        variables: by name; all are reals.
    """

    def __init__(self, model: Model) -> None:
        names = [*model.names, *(f"action_{i}" for i in range(model.low.size))]
        self.variables: Mapping[str, Variable] = {
            name: Variable(name, "state", "real") for name in names
        }


class ConstraintMonitor:
    """Constraints compiled for batches of trajectories.

    Args:
        model: whose quantities they speak of.
        texts: such as `"slow: x_velocity <= 3.2"`.

    Attributes:
        names: of the constraints.

    Raises:
        ConstraintError: one cannot be read, uses what has no margin, or can never hold.
    """

    def __init__(self, model: Model, texts: Sequence[str]) -> None:
        symbols = QuantityNames(model)
        places = {name: i for i, name in enumerate(symbols.variables)}
        self._programs: dict[str, _Program] = {}
        with MAIN:
            for text in texts:
                name, expression = parse_constraint(text, symbols)
                if name in self._programs:
                    raise ConstraintError(f"two constraints are called {name!r}")
                _refuse_contradiction(name, expression)
                self._programs[name] = _Compiler(name, places).truth(expression)
        self.names = tuple(self._programs)

    def margins(self, quantities: Floats, actions: Floats) -> dict[str, Floats]:
        """Return the margin of each constraint, `[B, H, K]`.

        Args:
            quantities: `[B, H, K, Q]`.
            actions: `[B, H, D]`.
        """
        each = np.repeat(actions[:, :, None, :], quantities.shape[2], axis=2)
        known = np.concatenate([quantities, each], axis=-1)
        shape = known.shape[:-1]
        return {
            name: np.broadcast_to(np.asarray(program(known), np.float64), shape)
            for name, program in self._programs.items()
        }

    def violation(self, state: Any, rollouts: Rollouts, actions: Floats) -> Floats:
        """Return by how much each trajectory violates them `[B]` until its end; 0 if not."""
        del state
        before = np.ones_like(rollouts.alive)
        before[:, 1:] = rollouts.alive[:, :-1]
        total = np.zeros(len(actions))
        for margin in self.margins(rollouts.quantities, actions).values():
            missed = np.where(margin < TOLERANCE, TOLERANCE - margin + 1e-6, 0.0).max(axis=2)
            total += (missed * before).sum(axis=1)
        return total


def _refuse_contradiction(name: str, expression: z3.BoolRef) -> None:
    solver = z3.Solver()
    solver.set("rlimit", 1_000_000)
    solver.set("timeout", 2_000)
    solver.add(expression)
    if solver.check() == z3.unsat:
        raise ConstraintError(f"constraint {name!r} can never hold")


class _Compiler:
    """One expression as functions of quantities."""

    def __init__(self, name: str, places: Mapping[str, int]) -> None:
        self._name, self._places = name, places

    def truth(self, term: Any) -> _Program:
        """Return the margin of a truth value."""
        kind, parts = term.decl().kind(), term.children()
        if kind in _CONSTANT:
            return lambda _: _CONSTANT[kind]
        if kind == z3.Z3_OP_NOT:
            inner = self.truth(parts[0])
            return lambda known: -inner(known)
        if kind == z3.Z3_OP_IMPLIES:
            return self.truth(z3.Or(z3.Not(parts[0]), parts[1]))
        if kind in _JOINS:
            inners = [self.truth(part) for part in parts]
            join = _JOINS[kind]
            return lambda known: join.reduce(np.broadcast_arrays(*(i(known) for i in inners)))
        if kind in _SIGNS:
            left, right, sign = self.number(parts[0]), self.number(parts[1]), _SIGNS[kind]
            return lambda known: sign * (right(known) - left(known))
        raise ConstraintError(
            f"constraint {self._name!r}: {term.decl().name()!r} says nothing of how far it holds; "
            "compare numbers by <, <=, > or >="
        )

    def number(self, term: Any) -> _Program:
        """Return the value of a number."""
        if z3.is_rational_value(term) or z3.is_int_value(term):
            value = float(term.as_fraction())
            return lambda _: value
        kind, parts = term.decl().kind(), term.children()
        if kind == z3.Z3_OP_UNINTERPRETED and not parts:
            place = self._places[term.decl().name()]
            return lambda known: known[..., place]
        if kind == z3.Z3_OP_ITE:
            condition = self.truth(parts[0])
            then, other = self.number(parts[1]), self.number(parts[2])
            return lambda known: np.where(condition(known) >= 0.0, then(known), other(known))
        if kind == z3.Z3_OP_TO_REAL:
            return self.number(parts[0])
        numbers = [self.number(part) for part in parts]
        if kind == z3.Z3_OP_UMINUS:
            return lambda known: -numbers[0](known)
        if kind in _ARITHMETIC:
            apply = _ARITHMETIC[kind]

            def folded(known: Floats) -> Any:
                value = numbers[0](known)
                for each in numbers[1:]:
                    value = apply(value, each(known))
                return value

            return folded
        raise ConstraintError(f"constraint {self._name!r}: {term.decl().name()!r} is not supported")


_CONSTANT = {z3.Z3_OP_TRUE: np.inf, z3.Z3_OP_FALSE: -np.inf}
_JOINS = {z3.Z3_OP_AND: np.minimum, z3.Z3_OP_OR: np.maximum}
_SIGNS = {z3.Z3_OP_LE: 1.0, z3.Z3_OP_LT: 1.0, z3.Z3_OP_GE: -1.0, z3.Z3_OP_GT: -1.0}
_ARITHMETIC: Mapping[int, Callable[[Any, Any], Any]] = {
    z3.Z3_OP_ADD: np.add,
    z3.Z3_OP_SUB: np.subtract,
    z3.Z3_OP_MUL: np.multiply,
    z3.Z3_OP_DIV: np.divide,
}
