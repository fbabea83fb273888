"""Constraints on what a simulator passes through: after every substep of a step, and of its action.

A search steps leaves first and asks then: a step that breaks a constraint is taken out of the tree
before it counts. What may be played at a root is decided of all its actions, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import (
    BoolArray,
    Reached,
    Rollouts,
    SimulatedDomain,
    State,
)
from tesuji.search.symbolic.cores import Cores, SolverBudget, Verdict
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel, constants
from tesuji.search.symbolic.predicate import ALLOWED, UNDECIDED, compile_named
from tesuji.search.symbolic.smt_text import claims
from tesuji.search.symbolic.terms import MAIN
from tesuji.search.symbolic.wrapped import Wrapped

Rows = npt.NDArray[Any]  # records of the quantities, by name


class ConstrainedSimulation(Wrapped, SimulatedDomain):
    """A simulated domain under constraints on its quantities.

    Attributes:
        base: the domain without them.
        model: the constraints.
        batched: steps are taken many at once, whatever the domain does without constraints.
    """

    base: SimulatedDomain
    batched = True

    def __init__(self, base: SimulatedDomain, model: SymbolicModel) -> None:
        if not base.spec.deterministic:
            name = next(iter(model.constraints))
            raise ConstraintError(
                f"constraint {name!r} speaks of what a step passes through, which chance decides "
                f"in {base.spec.name}"
            )
        if model.effects or model.goal is not None:
            raise ConstraintError("models of simulated domains have constraints only")
        self.base, self.model, self.spec = base, model, base.spec
        self.sampled, self.rollouts = base.sampled, base.rollouts
        self.constraints = tuple(model.constraints)
        self._predicate = compile_named(model.symbols, model.constraints)
        _refuse_contradiction(model)
        self._dtype = np.dtype([(name, np.float64) for name in base.quantities])

    @property
    def quantities(self) -> tuple[str, ...]:
        """Return the names of the domain's quantities."""
        return self.base.quantities

    def step_batch(
        self, states: Sequence[State], actions: Sequence[int], rollouts: Rollouts
    ) -> Reached:
        """Return where actions lead, allowed or not; rollouts keep the constraints."""
        return self.base.step_batch(states, actions, rollouts._replace(keeps=self.keeps))

    def may_enter(
        self, states: Sequence[State], actions: Sequence[int], reached: Reached
    ) -> BoolArray:
        """Return which of the steps keep all constraints after every substep `[B]`."""
        del states
        if reached.kept is not None:
            return reached.kept
        return self.keeps(np.asarray(actions, np.int64), reached.passed)

    def keeps(self, actions: npt.NDArray[np.int64], passed: npt.NDArray[np.float64]) -> BoolArray:
        """Return whether what steps by actions `[B]` passed through keeps all constraints `[B]`.

        `passed` are the quantities after each substep `[B, K, Q]`.
        """
        batch, substeps, _ = passed.shape
        rows = self._records(passed)
        chosen = np.repeat(actions, substeps)
        answers = self._predicate.check(rows.ravel(), chosen)
        kept = answers == ALLOWED
        for i in np.flatnonzero(answers == UNDECIDED).tolist():
            kept[i] = not self._broken(rows.ravel()[i], int(chosen[i]))
        return np.asarray(kept.reshape(batch, substeps).all(axis=1), np.bool_)

    def allowed(self, state: State) -> BoolArray:
        """Return the mask `[A]` of what the constraints allow, decided exactly."""
        mask = self.base.legal(state)
        actions = np.flatnonzero(mask).tolist()
        if actions:
            states = [state] * len(actions)
            reached = self.base.step_batch(states, actions, Rollouts())
            mask[actions] = self.may_enter(states, actions, reached)
        return mask

    def legal(self, state: State) -> BoolArray:
        """Return the mask `[A]`."""
        return self.allowed(state)

    def refused_by(self, state: State, action: int) -> tuple[str, ...]:
        """Return the names of the constraints that refuse an action."""
        rows = self._rows_of(state, action)
        broken = {name for row in rows for name in self._broken(row, action)}
        return tuple(name for name in self.constraints if name in broken)

    def refusal(self, state: State, action: int) -> str | None:
        """Return why the constraints refuse an action; None where they do not."""
        for substep, row in enumerate(self._rows_of(state, action)):
            names = self._broken(row, action)
            if names:
                speaks_of = constants(self.model.constraints[names[0]])
                values = {name: action if name == "action" else row[name] for name in speaks_of}
                shown = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
                return f"refused by: {', '.join(names)} ({shown}, after substep {substep + 1})"
        return None

    def step(self, state: State, action: int, key: int = 0) -> tuple[State, float, float]:
        """Take a step.

        Raises:
            ValueError: the constraints refuse it; the message says why.
        """
        reason = self.refusal(state, action)
        if reason is not None:
            raise ValueError(f"{self.action_name(state, action)} is {reason}")
        return self.base.step(state, action, key)

    def _rows_of(self, state: State, action: int) -> Rows:
        rows: Rows = self._records(self.base.step_batch([state], [action], Rollouts()).passed)[0]
        return rows

    def _records(self, passed: npt.NDArray[np.float64]) -> Rows:
        rows: Rows = np.ascontiguousarray(passed).view(self._dtype)[..., 0]
        return rows

    def _broken(self, row: Any, action: int) -> list[str]:
        """Return the names of the constraints that a moment breaks, decided exactly."""
        return [
            name
            for name, expression in self.model.constraints.items()
            if decide(self.model.symbols, expression, row, action) is not True
        ]


def constrain_simulation(base: SimulatedDomain, model: SymbolicModel) -> ConstrainedSimulation:
    """Return `base` under constraints.

    Raises:
        ConstraintError: one cannot be compiled or can never hold, or they allow nothing in the
            first state.
    """
    found = ConstrainedSimulation(base, model)
    state = base.reset(0)
    if base.legal(state).any() and not found.allowed(state).any():
        reason = found.refusal(state, int(base.legal(state).argmax()))
        raise ConstraintError(f"in the first state no action is allowed; the first is {reason}")
    return found


def _refuse_contradiction(model: SymbolicModel) -> None:
    """Refuse constraints that z3 proves can never hold, by a smallest set of their names."""
    with MAIN:
        text = claims(model.constraints.values())
    verdict, core = Cores(text, len(model.constraints), "", SolverBudget()).find()
    if verdict is Verdict.REFUSED:
        names = [repr(tuple(model.constraints)[i]) for i in core]
        together = "together " if len(names) > 1 else ""
        raise ConstraintError(f"constraint {' + '.join(names)} can {together}never hold")
