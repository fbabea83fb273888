"""The verifier of plans and of lower bounds of their cost: integers, and code of its own.

A certificate holds the texts of a domain and a problem, a plan, and what proves that no plan costs
less than its bound (`plan_reading.py` reads the texts, `plan_operators.py` grounds them):

- *limits*: weights of literals whose sum stays at most W: it is at first, and no operator adds to
  it. Parts of one with weights 1 and W = 1 are *groups* of which at most one holds.
- *landmarks*: sets of literals, none true at first, one of them in every goal. Some operator is the
  first to make one true: it requires none of them. Such operators are charged the set's weight.
- *potentials*: weights of single literals and of pairs. Let h(state) be a constant minus those that
  hold, the constant such that h is at most 0 at every goal. `plan_charges.py` counts what an
  operator takes off h at most.

If no operator is charged more than it costs, in both ways together, every plan costs at least the
sum of the landmarks' weights and h of the first state. If all costs are multiples of some number,
so is the cost of a plan.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.engine.plan_charges import Charges, Claims, Weights
from tesuji.engine.plan_operators import Operator, Reach, instances
from tesuji.engine.plan_reading import Case, PlanningText, PlanProofFault
from tesuji.engine.storage import load_json

FORMAT = "tesuji plan certificate"
VERSION = 1


class CheckedPlan(NamedTuple):
    """What a certificate proves.

    Attributes:
        domain: its name.
        problem: its name.
        cost: of the plan; None where there is none.
        bound: no plan costs less; None where no plan exists.
        operators: how many were looked at.
    """

    domain: str
    problem: str
    cost: Fraction | None
    bound: Fraction | None
    operators: int


def verify_plan_file(path: Path) -> CheckedPlan:
    """Check the certificate in a file.

    Raises:
        PlanProofFault: it does not prove what it claims.
        DamagedFileError: it is not byte for byte what was written.
    """
    return verify_plan(load_json(path))


def verify_plan(content: Mapping[str, Any]) -> CheckedPlan:
    """Check what a certificate holds; see `verify_plan_file`."""
    try:
        return _verify(content)
    except (
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError,
        StopIteration,
    ) as error:  # fmt: skip
        raise PlanProofFault(f"it is not written as certificates are: {error!r}") from None


def _verify(content: Mapping[str, Any]) -> CheckedPlan:
    if content.get("format") != FORMAT or content.get("version") != VERSION:
        raise PlanProofFault(f"expected {FORMAT!r}, version {VERSION}")
    for key in ("domain", "problem"):
        if not isinstance(content.get(key), str):
            raise PlanProofFault(f"the text of the {key} is missing")
    # Whether the texts are PDDL at all; what they mean is read anew.
    parse_task(content["domain"], content["problem"])
    text = PlanningText(content["domain"], content["problem"])
    claims = _claims(text, content)
    bound = None if content["bound"] is None else Fraction(content["bound"])
    plan = content["plan"]
    cost = None if plan is None else _plan_cost(text, [tuple(step) for step in plan])
    if cost is not None and cost != Fraction(content["cost"]):
        raise PlanProofFault(f"the plan costs {cost}, not {content['cost']}")
    reach = Reach(text)
    if bound is None:
        if any(reach.has(case) for case in text.goal):
            raise PlanProofFault("it claims that no plan exists, but nothing shows it")
    else:
        proven = _bound(text, reach.operators, claims)
        if bound > proven:
            raise PlanProofFault(f"its weights prove a bound of {proven}, not of {bound}")
    return CheckedPlan(*text.names, cost, bound, len(reach.operators))


def _plan_cost(text: PlanningText, plan: list[tuple[str, ...]]) -> Fraction:
    """Return what the plan costs, after a look at every step."""
    state = {text.number(atom) for atom in text.init}
    total = Fraction(0)
    for number, (name, *objects) in enumerate(plan, 1):
        ways = instances(text, name, tuple(objects))
        can = [way for way in ways if _holds(way.before, state)]
        if not can:
            raise PlanProofFault(f"step {number}, {name}, cannot be done when its turn comes")
        made = {one for one, cases in can[0].effects if any(_holds(case, state) for case in cases)}
        state -= {literal >> 1 for literal in made if literal & 1}
        state |= {literal >> 1 for literal in made if not literal & 1}
        total += can[0].cost
    if not any(_holds(case, state) for case in text.goal):
        raise PlanProofFault("the goal does not hold after the last step")
    return total


def _holds(case: Iterable[int], state: set[int]) -> bool:
    return all((literal >> 1 in state) != literal & 1 for literal in case)


def _claims(text: PlanningText, content: Mapping[str, Any]) -> Claims:
    table = [text.literal(name) for name in content["literals"]]

    def weight(value: Any) -> int:
        if type(value) is not int or value < 0:
            raise ValueError(f"{value!r} is not a whole number of at least 0")
        return value

    def case(numbers: list[int]) -> Case:
        return frozenset(table[weight(number)] for number in numbers)

    limits = [
        (weight(most), {table[weight(number)]: weight(value) for number, value in pairs})
        for most, pairs in content["limits"]
    ]
    groups: Weights = {}
    for group, (number, numbers) in enumerate(content["groups"]):
        most, weights = limits[weight(number)]
        if most != 1 or not all(weights.get(literal) == 1 for literal in case(numbers)):
            raise ValueError(f"group {group} is no part of a limit of 1")
        groups |= dict.fromkeys(case(numbers), group)
    landmarks = [(weight(value), case(numbers)) for value, numbers in content["landmarks"]]
    potentials: dict[Case, int] = defaultdict(int)
    for value, numbers in content["potentials"]:
        if not 1 <= len(case(numbers)) <= 2:
            raise ValueError("a potential is of one literal or of two")
        potentials[case(numbers)] += weight(value)
    if weight(content["unit"]) == 0:
        raise ValueError("unit is 0")
    return Claims(content["unit"], limits, groups, landmarks, dict(potentials))


def _bound(text: PlanningText, operators: list[Operator], claims: Claims) -> Fraction:
    init = {text.number(atom) for atom in text.init}
    for most, weights in claims.limits:
        if sum(value for literal, value in weights.items() if _holds((literal,), init)) > most:
            raise PlanProofFault("a limit is broken at first")
    for _, members in claims.landmarks:
        if any(_holds((literal,), init) for literal in members):
            raise PlanProofFault("a landmark holds at first")
        if not all(members & case for case in text.goal):
            raise PlanProofFault("a goal needs no literal of a landmark")
    charges = Charges(claims)
    for operator in operators:
        charges.check(operator)
    held = sum(value for case, value in claims.potentials.items() if _holds(case, init))
    asked = min(
        (sum(v for case, v in claims.potentials.items() if case <= goal) for goal in text.goal),
        default=0,
    )
    total = Fraction(sum(value for value, _ in claims.landmarks) + asked - held, claims.unit)
    parts = math.lcm(*(operator.cost.denominator for operator in operators))
    step = Fraction(math.gcd(*(int(operator.cost * parts) for operator in operators)), parts)
    return max(math.ceil(total / step) * step if step else Fraction(0), Fraction(0))
