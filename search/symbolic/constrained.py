"""`constrain`: a domain that allows what its rules and a model's constraints allow.

A state that is entered and leaves nothing to do is a dead end: the game is over there. Of two
players the one that cannot move has lost; a single player is given the low end of the range of
values, so that a search keeps away from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import BoolArray, Domain, SimulatedDomain, State
from tesuji.domains.compiled import KERNEL_NAMES, CompiledDomain
from tesuji.search.symbolic.check import outside_bounds
from tesuji.search.symbolic.constrained_simulation import (
    ConstrainedSimulation,
    constrain_simulation,
)
from tesuji.search.symbolic.masking import (
    BASE,
    GUARDS,
    HAS_GUARDS,
    HAS_INVARIANTS,
    HIGH,
    INVARIANTS,
    LOW,
    NUM_ACTIONS,
    ROW_SIZE,
    TAIL,
    TWO_PLAYERS,
    constrained_kernels,
    make_instance,
    predicate_address,
)
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel
from tesuji.search.symbolic.predicate import Predicate, compile_named
from tesuji.search.symbolic.refusals import Refusals, blame
from tesuji.search.symbolic.wrapped import Wrapped


def constrain(domain: Domain, model: SymbolicModel) -> Constrained:
    """Return `domain` with the constraints of `model` in force.

    Inside the search an action that the compiled check cannot decide counts as forbidden;
    `allowed` decides it exactly. Symmetries are given up: a constraint may break them.

    Raises:
        ConstraintError: a constraint cannot be compiled, or together they allow no action in the
            first state; the message has the smallest set that is to blame.
    """
    if isinstance(domain, (ConstrainedDomain, ConstrainedObjectDomain, ConstrainedSimulation)):
        model = _together(domain.model, model)
        domain = domain.base
    if isinstance(domain, SimulatedDomain):
        return constrain_simulation(domain, model)
    if model.invariants and not domain.spec.deterministic:
        name = next(iter(model.invariants))
        raise ConstraintError(
            f"constraint {name!r} speaks of the state entered, which chance decides in "
            f"{domain.spec.name}; state it of the action"
        )
    found: Constrained = (
        ConstrainedDomain(domain, model)
        if isinstance(domain, CompiledDomain)
        else ConstrainedObjectDomain(domain, model)
    )
    state = domain.reset(0)
    if domain.legal(state).any() and not found.allowed(state).any():
        raise ConstraintError(_contradiction(domain, model, state))
    return found


def _contradiction(domain: Domain, model: SymbolicModel, state: State) -> str:
    """Return why nothing is allowed in the first state."""
    fault = outside_bounds(model, state)
    if fault is not None:
        return f"bounds: {fault}, in the first state"
    names = blame(domain, model, state)
    if len(names) == 1:
        return f"constraint {names[0]!r}: it allows no action in the first state"
    return f"{' + '.join(names)}: together they allow no action in the first state"


class ConstrainedDomain(CompiledDomain):
    """A compiled domain under constraints, checked by compiled kernels.

    Attributes:
        base: the domain without them.
        model: the constraints.
    """

    def __init__(self, base: CompiledDomain, model: SymbolicModel) -> None:
        self.base, self.model = base, model
        self.constraints = tuple(model.constraints)
        self._refusals = Refusals(base, model)
        guards, invariants = (
            compile_named(model.symbols, part) if part else None
            for part in (model.guards, model.invariants)
        )
        self._predicates = (guards, invariants)  # keeps the code at its addresses
        self._may_doubt = any(p is not None and p.may_doubt for p in self._predicates)
        self._not_refuted: npt.NDArray[np.int64] | None = None
        alone = guards.kernel if guards is not None and invariants is None else None
        super().__init__(
            replace(base.spec, num_symmetries=1),
            constrained_kernels(base.kernels, alone),
            _instance(base, guards, invariants),
            render=base.render,
            action_name=base.action_name,
            board=base.board,
            action_cells=base.action_cells,
            action_origin=base.action_origin,
            ownership=base.ownership,
            format_state=base.format_state,
            parse_state=base.parse_state,
        )
        self.free = base.kernels

    def allowed(self, state: State) -> BoolArray:
        """Return the mask `[A]` of what rules and constraints allow, decided exactly."""
        mask = self.legal(state)
        if not self._may_doubt:
            return mask
        if self._not_refuted is None:
            self._not_refuted = np.append(_instance(self.base, *self._predicates, certain=True), 0)
        doubtful = np.zeros_like(mask)
        self.kernels["legal"](state, self._not_refuted, doubtful)
        doubtful &= ~mask
        return mask | self._refusals.allowed(state, doubtful) if doubtful.any() else mask

    def step(self, state: State, action: int, key: int = 0) -> tuple[State, float, float]:
        """Return `(next state, reward, discount)`; a dead end, decided exactly, is an end."""
        entered, reward, discount = super().step(state, action, key)
        if discount == 0.0 and self._may_doubt:
            free = self.base.step(state, action, key)
            if free[2] != 0.0 and self.allowed(entered).any():
                return free
        return entered, reward, discount

    def refused_by(self, state: State, action: int) -> tuple[str, ...]:
        """Return the names of the constraints that refuse a legal `action`."""
        return self._refusals.names(state, action)

    def refusal(self, state: State, action: int) -> str | None:
        """Return why the constraints refuse `action`; None where they do not."""
        return self._refusals.sentence(state, action)

    def parse_action(self, state: State, text: str) -> int:
        """Return the allowed action that `text` names."""
        return _parse_action(self, state, text)


class ConstrainedObjectDomain(Wrapped):
    """An object domain under constraints, each decided exactly.

    Attributes:
        base: the domain without them.
        model: the constraints.
    """

    def __init__(self, base: Domain, model: SymbolicModel) -> None:
        self.base, self.model = base, model
        self.constraints = tuple(model.constraints)
        self._refusals = Refusals(base, model)
        # A step asks for the mask of the state entered, as the search does next.
        self._latest: tuple[State, BoolArray] | None = None
        self.spec = replace(base.spec, num_symmetries=1)

    def allowed(self, state: State) -> BoolArray:
        """Return the mask `[A]` of what rules and constraints allow."""
        latest = self._latest
        if latest is None or latest[0] is not state:
            latest = state, self._refusals.allowed(state, self.base.legal(state))
            self._latest = latest
        return latest[1].copy()

    def legal(self, state: State) -> BoolArray:
        """Return the mask `[A]`."""
        return self.allowed(state)

    def step(self, state: State, action: int, key: int = 0) -> tuple[State, float, float]:
        """Return `(next state, reward, discount)`; a dead end is an end."""
        entered, reward, discount = self.base.step(state, action, key)
        if discount == 0 or self.allowed(entered).any():
            return entered, reward, discount
        low, high = self.spec.value_range
        lost = not (self.spec.num_players == 2 and discount < 0)
        return entered, low if lost else high, 0.0

    def refused_by(self, state: State, action: int) -> tuple[str, ...]:
        """Return the names of the constraints that refuse a legal `action`."""
        return self._refusals.names(state, action)

    def refusal(self, state: State, action: int) -> str | None:
        """Return why the constraints refuse `action`; None where they do not."""
        return self._refusals.sentence(state, action)

    def parse_action(self, state: State, text: str) -> int:
        """Return the allowed action that `text` names."""
        return _parse_action(self, state, text)


Constrained = ConstrainedDomain | ConstrainedObjectDomain | ConstrainedSimulation


def _parse_action(domain: Constrained, state: State, text: str) -> int:
    action = domain.base.parse_action(state, text)
    reason = domain.refusal(state, action)
    if reason is not None:
        raise ValueError(f"{domain.action_name(state, action)} is {reason}")
    return action


def _together(first: SymbolicModel, second: SymbolicModel) -> SymbolicModel:
    clash = sorted(set(first.constraints) & set(second.constraints))
    if clash:
        raise ConstraintError(f"two constraints are called {clash[0]!r}")
    return replace(second, constraints={**first.constraints, **second.constraints})


def _instance(
    base: CompiledDomain,
    guards: Predicate | None,
    invariants: Predicate | None,
    certain: bool = False,
) -> npt.NDArray[np.int64]:
    """Return the instance, with checks that refuse what is undecided or, `certain`, do not."""
    tail = np.zeros(TAIL, np.int64)
    table = base.kernels.addresses()
    tail[BASE : BASE + len(table)] = table
    entry = KERNEL_NAMES.index("restrict")
    none = np.zeros(0, np.int64)
    parameters: list[Any] = []
    for place, flag, predicate in (
        (GUARDS, HAS_GUARDS, guards),
        (INVARIANTS, HAS_INVARIANTS, invariants),
    ):
        parameters.append(none if predicate is None else predicate.parameters)
        if predicate is not None:
            tail[flag] = 1
            kernel = predicate.possible if certain else predicate.kernel
            tail[place + entry] = predicate_address(kernel, base.state_dtype)
    spec = base.spec
    tail[ROW_SIZE] = base.row_size
    tail[NUM_ACTIONS] = spec.num_actions
    tail[TWO_PLAYERS] = spec.num_players == 2
    tail[LOW : HIGH + 1] = np.array(spec.value_range, np.float64).view(np.int64)
    return make_instance(base.instance, (parameters[0], parameters[1]), tail)
