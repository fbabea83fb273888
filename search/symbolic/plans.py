"""Plans, and the independent check that every plan must pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.search.base import Evaluator
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import SymbolicModel


class PlanStatus(Enum):
    """What is known; the names are those of unified-planning's `PlanGenerationResultStatus`."""

    SOLVED_SATISFICING = "solved_satisficing"
    SOLVED_OPTIMALLY = "solved_optimally"  # none within the horizon is cheaper
    UNSOLVABLE_PROVEN = "unsolvable_proven"  # no plan of any length
    UNSOLVABLE_INCOMPLETELY = "unsolvable_incompletely"  # none within the horizon
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"  # z3 gave up


@dataclass(frozen=True)
class PlanResult:
    """The answer of a planner.

    Attributes:
        status: what is known.
        actions: the plan; empty also where there is none.
        cost: of the plan, exactly; None where there is none.
        lower_bound: no plan within the horizon costs less; None where nothing is proved.
        found_by: which of the ways that raced found the plan; empty without one.
        proved_by: which of them proved the rest: that there is no better one, or none at all.
        cpu_seconds: processor time of z3's processes until then.
    """

    status: PlanStatus
    actions: tuple[int, ...] = ()
    cost: Fraction | None = None
    lower_bound: Fraction | None = None
    found_by: str = ""
    proved_by: str = ""
    cpu_seconds: float = field(default=0.0, compare=False)

    @property
    def solved(self) -> bool:
        """Return whether there is a plan."""
        return self.status in {PlanStatus.SOLVED_SATISFICING, PlanStatus.SOLVED_OPTIMALLY}


@dataclass(frozen=True)
class Validation:
    """The verdict on a plan.

    Attributes:
        valid: whether it keeps rules and constraints and reaches the goal.
        steps: actions that could be taken.
        reason: why it is not valid; empty if it is.
    """

    valid: bool
    steps: int
    reason: str = ""


def validate(model: SymbolicModel, state: State, actions: tuple[int, ...]) -> Validation:
    """Check a plan by the domain's own rules and exact evaluation; no solver takes part."""
    if model.goal is None:
        raise ValueError("goal: the model has none, so there is nothing to plan for")
    domain, symbols = model.symbols.domain, model.symbols
    guards, invariants = model.guards, model.invariants
    discount = 1.0
    for step, action in enumerate(actions):
        if discount == 0:
            return Validation(False, step, "the episode is over before the plan is")
        if not (0 <= action < domain.spec.num_actions and domain.legal(state)[action]):
            return Validation(False, step, f"step {step}: the rules do not allow {action}")
        for name, guard in guards.items():
            if decide(symbols, guard, state, action) is not True:
                return Validation(False, step, f"step {step}: refused by: {name}")
        state, _, discount = domain.step(state, action)
        for name, invariant in invariants.items():
            if decide(symbols, invariant, state, 0) is not True:
                return Validation(False, step, f"step {step}: refused by: {name}")
    if decide(symbols, model.goal, state, 0) is not True:
        return Validation(False, len(actions), "the goal is not reached")
    return Validation(True, len(actions))


def greedy_plan(
    domain: Domain, evaluator: Evaluator, state: State, horizon: int
) -> tuple[int, ...]:
    """Return what `evaluator` likes best, step by step, until the end or `horizon`: a hint."""
    plan: list[int] = []
    discount = 1.0
    while discount and len(plan) < horizon:
        legal = domain.allowed(state)
        logits = evaluator.evaluate(domain.observe(state)[None]).logits[0]
        plan.append(int(np.where(legal, logits, -np.inf).argmax()))
        state, _, discount = domain.step(state, plan[-1])
    return tuple(plan)
