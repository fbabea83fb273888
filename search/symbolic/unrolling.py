"""A model over several steps: the variables of step `t` are called `name@t`."""

from __future__ import annotations

import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel, constants

GOAL = "goal"  # stands for the model's goal in the core of a look-ahead


class Unrolling:
    """The terms of a model at steps 0, 1, 2 and so on.

    Variables without an effect never change and keep one copy.

    Attributes:
        model: what is unrolled.
        needed: names of the state variables that the model speaks of.
    """

    def __init__(self, model: SymbolicModel) -> None:
        self.model = model
        spoken: set[str] = set()
        for term in (*model.constraints.values(), *model.effects.values(), model.goal, model.cost):
            if term is not None:
                spoken |= set(constants(term))
        self.needed = [v.name for v in model.symbols.of("state") if v.name in spoken]
        self._parts = [
            v for v in model.symbols.of("action") if v.name in spoken and v.values is not None
        ]
        self._unmoved = {name for name in self.needed if name not in model.effects}

    def action(self, t: int) -> z3.ArithRef:
        """Return the number of the action of step `t`."""
        return z3.Int(f"action@{t}", self.model.symbols.context)

    def at(self, expression: z3.ExprRef, t: int) -> z3.ExprRef:
        """Return `expression` of the state and the action of step `t`."""
        pairs = [(self.model.symbols.action, self.action(t))]
        for variable in self._parts:
            pairs.append((variable.term, z3.Const(f"{variable.name}@{t}", variable.sort)))
        for name in self.needed:
            pairs.append((self.model.symbols.variables[name].term, self.variable(name, t)))
        return z3.substitute(expression, *pairs)

    def variable(self, name: str, t: int) -> z3.ExprRef:
        """Return state variable `name` at step `t`."""
        step = 0 if name in self._unmoved else t
        return z3.Const(f"{name}@{step}", self.model.symbols.variables[name].sort)

    def entered(self, expression: z3.ExprRef) -> z3.ExprRef:
        """Return `expression` of a state that is entered, whatever the effects say."""
        variables = self.model.symbols.variables
        pairs = [
            (variables[n].term, z3.Const(f"{n}@entered", variables[n].sort)) for n in self.needed
        ]
        return z3.substitute(expression, *pairs)

    def start(self, state: State) -> list[z3.BoolRef]:
        """Return equations for the state at step 0 and the instance's data."""
        symbols = self.model.symbols
        values = symbols.values(state)
        found = symbols.fix_parameters()
        for name in self.needed:
            equations = symbols.variables[name].is_value(values[name])
            found += [self.at(equation, 0) for equation in equations]
        return found

    def transition(self, t: int) -> list[z3.BoolRef]:
        """Return what ties step `t` to step `t + 1`; the action is one of the domain's."""
        symbols = self.model.symbols
        count = symbols.domain.spec.num_actions
        found = [z3.Or([self.action(t) == a for a in range(count)])]
        for part in self._parts:
            if part.values is None:
                continue
            term = z3.Const(f"{part.name}@{t}", part.sort)
            found += [
                z3.Implies(self.action(t) == a, term == part.literal(part.values[a]))
                for a in range(count)
            ]
        for name, effect in self.model.effects.items():
            if name in self.needed:
                found.append(self.variable(name, t + 1) == self.at(effect, t))
                bounds = symbols.variables[name].bounds()
                found += [self.at(bound, t + 1) for bound in bounds]
        return found

    def holds(self, name: str, t: int) -> z3.BoolRef:
        """Return that constraint `name` allows step `t`."""
        expression = self.model.constraints[name]
        entered = 0 if self.model.mentions_action(expression) else 1
        return self.at(expression, t + entered)

    def require_effects(self) -> None:
        """Check that something happens in the model.

        Raises:
            ConstraintError: it has no effects.
        """
        if not self.model.effects:
            raise ConstraintError("effects: the model has none, so it cannot look ahead")


def look_ahead(
    unrolling: Unrolling, horizon: int
) -> tuple[dict[str, z3.BoolRef], list[z3.BoolRef]]:
    """Return each constraint over all steps until the goal, and what ties the steps together."""
    goal = unrolling.model.goal
    false = z3.BoolVal(False, unrolling.model.symbols.context)
    done: list[z3.BoolRef] = [false]
    background: list[z3.BoolRef] = []
    for t in range(horizon):
        background += [z3.Implies(z3.Not(done[t]), e) for e in unrolling.transition(t)]
        arrived = false if goal is None else unrolling.at(goal, t + 1)
        done.append(z3.Or(done[t], arrived))
    formulas = {
        name: z3.And([z3.Or(done[t], unrolling.holds(name, t)) for t in range(horizon)])
        for name in unrolling.model.constraints
    }
    if goal is not None:
        formulas[GOAL] = done[-1]
    return formulas, background
