"""Side constraints of a PDDL task: read, compiled into its ground form, asked of every plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import z3

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.invariants import mutex_groups
from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.domains.logistics.pddl.syntax import And, Atom, Task
from tesuji.domains.logistics.pddl.validation import Step, World, walk
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.plan_programs import Places, compile_rules
from tesuji.search.symbolic.plan_rules import SideConstraints, TaskSymbols, constants, matches
from tesuji.search.symbolic.smt_text import script
from tesuji.search.symbolic.terms import MAIN
from tesuji.search.symbolic.text import parse_constraint


class PlanRules:
    """Side constraints of one task.

    Args:
        task: the task.
        texts: constraints, `NAME: EXPRESSION` each.
        more: constraints by name, as z3 expressions over `TaskSymbols(task)`.

    Raises:
        ConstraintError: one cannot be read.
    """

    def __init__(
        self, task: Task, texts: Sequence[str], more: Mapping[str, z3.BoolRef] | None = None
    ) -> None:
        symbols = TaskSymbols(task)
        named = dict(parse_constraint(text, symbols, symbols.functions) for text in texts)
        self.wanted = SideConstraints(task, {**named, **(more or {})})

    def applied(self, operators: Operators, task: FiniteDomain) -> FiniteDomain:
        """Return a ground task whose operators keep the constraints.

        Raises:
            ConstraintError: the first state breaks one, no state keeps all, or one cannot be
                compiled.
        """
        names = [operators.action(int(operator)) for operator in task.operator]
        rules = compile_rules(self.wanted, task, names, _places(operators, task))
        _check_states(self.wanted, operators)
        longest = max(int(np.diff(p.start).max(initial=1)) for p in (rules.rule, rules.guard))
        stack = np.zeros(max(longest, len(task.numeric.stack)))
        return task._replace(rules=rules, numeric=task.numeric._replace(stack=stack))

    def texts(self, operators: Operators, task: FiniteDomain) -> Callable[[int], tuple[str, str]]:
        """Return what writes the constraints on a state, and on a step from it, for z3."""
        wanted, places = self.wanted, _places(operators, task)
        names = [operators.action(int(operator)) for operator in task.operator]
        unnamed = [o for o, name in enumerate(names) if not name[0]]

        def term(name: str, real: bool, time: int) -> tuple[z3.ExprRef, z3.ExprRef]:
            if real:
                value = Fraction(places.number(Atom(*_split(name))))
                return z3.Real(name), z3.RatVal(value.numerator, value.denominator)
            if name[0] == "[":
                doing = [o for o, step in enumerate(names) if step[0] and matches(name, step)]
                return z3.Bool(name), z3.Or([z3.Bool(f"o{o}@{time}") for o in doing])
            place = places.atom(Atom(*_split(name)))
            if isinstance(place, bool):
                return z3.Bool(name), z3.BoolVal(place)
            variable, value_of = place
            return z3.Bool(name), z3.Bool(f"f{int(task.first[variable]) + value_of}@{time}")

        def texts(time: int) -> tuple[str, str]:
            states, steps = [], []
            with MAIN:
                free = [z3.Bool(f"o{o}@{time}") for o in unnamed]
                for expression, guard in zip(wanted.expressions, wanted.is_guard, strict=True):
                    pairs = [term(name, real, time) for name, real in constants(expression)]
                    formula = z3.substitute(expression, *pairs)
                    if guard:
                        steps.append(z3.Or(formula, *free))
                    else:
                        states.append(formula)
                return script(states), script(steps)

        return texts

    def broken(self, plan: Sequence[Step]) -> str | None:
        """Return which constraint a valid plan breaks and where; None where it keeps all.

        The plan is walked by the text of the task and the constraints are evaluated as they were
        written; nothing compiled is used.
        """
        for number, (world, step) in enumerate(walk(self.wanted.task, plan), 1):
            found = _first_broken(self.wanted, world, step)
            if found is not None:
                return f"{found} at step {number}" if step else f"{found} at the end"
        return None


def _places(operators: Operators, task: FiniteDomain) -> Places:
    grounder = operators.ground.grounder
    codes = {code: number for number, code in enumerate(operators.codes.tolist())}
    fact = np.full(operators.num_atoms, -1, np.int64)
    fact[task.atom[task.atom >= 0]] = np.flatnonzero(task.atom >= 0)

    def atom(which: Atom) -> tuple[int, int] | bool:
        number = codes.get(grounder.code_of(which), -1)
        if number < 0:
            return which in grounder.task.init  # no operator ever changes it
        variable = int(task.variable[fact[number]])
        return variable, int(fact[number] - task.first[variable])

    def number(which: Atom) -> int | float:
        if which.name in grounder.numbers.changing:
            place = grounder.fluents.place_of(which)
            if np.isfinite(task.numeric.init[place]):
                return place
        elif which in grounder.task.numbers:
            return float(grounder.task.numbers[which])
        raise ConstraintError(f"{which} has no value at first")

    return Places(atom, number)


def _check_states(wanted: SideConstraints, operators: Operators) -> None:
    """Raise an error where no state keeps the constraints, or the first one does not."""
    grounder = operators.ground.grounder
    numbers = {code: Atom(*_split(operators.atom_name(i))) for i, code in enumerate(operators.codes)
               if 0 <= code < grounder.fluents.limit}  # fmt: skip
    limits = [
        [atom for i in group if (atom := numbers.get(operators.codes[i])) in wanted.atoms]
        for group in mutex_groups(operators)
    ]
    goal = wanted.task.goal
    parts = goal.parts if isinstance(goal, And) else (goal,)
    reason = wanted.contradiction(limits, [part for part in parts if isinstance(part, Atom)])
    if reason is not None:
        raise ConstraintError(reason)
    world, _ = next(walk(wanted.task, ()))
    broken = list(wanted.broken(world.atoms, world.numbers, None))
    if broken:
        raise ConstraintError(f"the first state breaks {' and '.join(map(repr, broken))}")


def _split(name: str) -> tuple[str, tuple[str, ...]]:
    head, *terms = name[1:-1].split()
    return head, tuple(terms)


def _first_broken(wanted: SideConstraints, world: World, step: Step | None) -> str | None:
    names = [*wanted.broken(world.atoms, world.numbers, None)]
    if step is not None:
        names += wanted.broken(world.atoms, world.numbers, step)
    return names[0] if names else None
