"""Side constraints of plans compiled for the search: programs of the stack machine, by operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import z3

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.numeric import Rules, Small
from tesuji.domains.logistics.pddl.programs import (
    ADD,
    AND,
    AT_MOST,
    BELOW,
    CHOOSE,
    CONSTANT,
    DIVIDE,
    EQUAL,
    FACT,
    MULTIPLY,
    NOT,
    NUMBER,
    OR,
    SUBTRACT,
    Programs,
    fact_argument,
    join_programs,
)
from tesuji.domains.logistics.pddl.ragged import Numbers64, from_pairs
from tesuji.domains.logistics.pddl.syntax import Atom
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.plan_rules import SideConstraints, constants, matches
from tesuji.search.symbolic.terms import MAIN, Term, term_of

_Code = list[tuple[int, float]]
_TRUE, _FALSE = (CONSTANT, 1.0), (CONSTANT, 0.0)
_FOLDED = {
    z3.Z3_OP_AND: (AND, _TRUE), z3.Z3_OP_OR: (OR, _FALSE), z3.Z3_OP_ADD: (ADD, (CONSTANT, 0.0)),
    z3.Z3_OP_SUB: (SUBTRACT, (CONSTANT, 0.0)), z3.Z3_OP_MUL: (MULTIPLY, (CONSTANT, 1.0)),
    z3.Z3_OP_EQ: (EQUAL, _TRUE), z3.Z3_OP_IFF: (EQUAL, _TRUE), z3.Z3_OP_LE: (AT_MOST, _TRUE),
    z3.Z3_OP_LT: (BELOW, _TRUE),
}  # fmt: skip


class Places(NamedTuple):
    """Where a ground task keeps what constraints speak of.

    Attributes:
        atom: the variable and value of an atom, or whether it always holds.
        number: the place of a number, or the value that it always has.
    """

    atom: Callable[[Atom], tuple[int, int] | bool]
    number: Callable[[Atom], int | float]


def compile_rules(
    wanted: SideConstraints, task: FiniteDomain, actions: Sequence[tuple[str, ...]], places: Places
) -> Rules:
    """Return constraints as rules of the search.

    Args:
        wanted: the constraints.
        task: the ground task.
        actions: the step that each operator is; its name is empty where it is none.
        places: where the task keeps things.

    Raises:
        ConstraintError: one cannot be compiled.
    """
    compiler = _Compiler(places)
    rules, guards = _Table(), _Table()
    reads = _writers(task)
    for name, expression, guard in zip(
        wanted.names, wanted.expressions, wanted.is_guard, strict=True
    ):
        try:
            if guard:
                _add_guard(guards, compiler, expression, actions)
            else:
                code = compiler.code(term_of(expression))
                rules.add(code, sorted({op for _, a in _reads(code) for op in reads.get(a, ())}))
        except ConstraintError as error:
            raise ConstraintError(f"constraint {name!r}: {error}") from None
    rule, rule_start, rules_of = rules.arrays(len(actions))
    guard_programs, guard_start, guards_of = guards.arrays(len(actions))
    return Rules(rule, rule_start, rules_of, guard_programs, guard_start, guards_of)


class _Table:
    """Programs, and the operators that each is asked of."""

    def __init__(self) -> None:
        self._programs: list[_Code] = []
        self._owner: list[Numbers64] = []

    def add(self, code: _Code, operators: Sequence[int]) -> None:
        self._programs.append(code)
        self._owner.append(np.array(operators, np.int64))

    def arrays(self, count: int) -> tuple[Programs, Small, Small]:
        parts = [
            ([c for c, _ in code], np.array([[a for _, a in code]])) for code in self._programs
        ]
        sizes = [len(own) for own in self._owner]
        owner = np.concatenate([np.zeros(0, np.int64), *self._owner])
        lists = from_pairs(owner, np.repeat(np.arange(len(sizes)), sizes), count)
        return join_programs(parts), lists.start.astype(np.int32), lists.values.astype(np.int32)


def _add_guard(
    table: _Table,
    compiler: _Compiler,
    expression: z3.BoolRef,
    actions: Sequence[tuple[str, ...]],
) -> None:
    """Add what is left of a guard once it is known which action is to be done."""
    with MAIN:
        patterns = [name for name, _ in constants(expression) if name[0] == "["]
    alike: dict[tuple[bool, ...], list[int]] = {}
    for operator, step in enumerate(actions):
        if step[0]:
            truth = tuple(matches(pattern, step) for pattern in patterns)
            alike.setdefault(truth, []).append(operator)
    for truth, operators in alike.items():
        with MAIN:
            pairs = [
                (z3.Bool(pattern), z3.BoolVal(value))
                for pattern, value in zip(patterns, truth, strict=True)
            ]
            rest = z3.simplify(z3.substitute(expression, *pairs))
        if not z3.is_true(rest):
            table.add(compiler.code(term_of(rest)), operators)


def _reads(code: _Code) -> list[tuple[int, tuple[str, int]]]:
    return [
        (c, ("fact", int(a) >> 16) if c == FACT else ("number", int(a)))
        for c, a in code
        if c in (FACT, NUMBER)
    ]


def _writers(task: FiniteDomain) -> dict[tuple[str, int], set[int]]:
    """Return the operators that may change each variable and each number."""
    found: dict[tuple[str, int], set[int]] = {}
    owner = np.repeat(np.arange(len(task.cost)), np.diff(task.effect_start))
    for op, variable in zip(owner.tolist(), task.variable[task.effect].tolist(), strict=True):
        found.setdefault(("fact", variable), set()).add(op)
    owner = np.repeat(np.arange(len(task.cost)), np.diff(task.numeric.change_start))
    for op, number in zip(owner.tolist(), task.numeric.target.tolist(), strict=True):
        found.setdefault(("number", number), set()).add(op)
    return found


class _Compiler:
    def __init__(self, places: Places) -> None:
        self._places = places

    def code(self, term: Term) -> _Code:  # noqa: PLR0911, PLR0912
        """Return the program of a term."""
        if term.constant is not None:
            return [(CONSTANT, float(term.constant))]
        kind, children = term.kind, term.children()
        if kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return [_TRUE if kind == z3.Z3_OP_TRUE else _FALSE]
        if kind == z3.Z3_OP_UNINTERPRETED:
            return [self._leaf(term)]
        parts = [self.code(child) for child in children]
        if kind == z3.Z3_OP_TO_REAL:
            return parts[0]
        if kind in (z3.Z3_OP_GE, z3.Z3_OP_GT):
            compare = AT_MOST if kind == z3.Z3_OP_GE else BELOW
            return [*parts[1], *parts[0], (compare, 0.0)]
        if kind == z3.Z3_OP_NOT:
            return [*parts[0], (NOT, 0.0)]
        if kind == z3.Z3_OP_IMPLIES:
            return [*parts[0], (NOT, 0.0), *parts[1], (OR, 0.0)]
        if kind == z3.Z3_OP_UMINUS:
            return [(CONSTANT, 0.0), *parts[0], (SUBTRACT, 0.0)]
        if kind == z3.Z3_OP_ITE:
            return [*parts[0], *parts[1], *parts[2], (CHOOSE, 0.0)]
        if kind == z3.Z3_OP_DIV and children[1].constant:
            return [*parts[0], *parts[1], (DIVIDE, 0.0)]
        if kind in (z3.Z3_OP_XOR, z3.Z3_OP_DISTINCT) and len(parts) == 2:
            return [*parts[0], *parts[1], (EQUAL, 0.0), (NOT, 0.0)]
        if kind not in _FOLDED:
            raise ConstraintError(f"{term.name!r} is outside the fragment")
        operation, neutral = _FOLDED[kind]
        code = list(parts[0]) if parts else [neutral]
        for part in parts[1:]:
            code += [*part, (operation, 0.0)]
        return code

    def _leaf(self, term: Term) -> tuple[int, float]:
        name, *terms = term.name[1:-1].split()
        atom = Atom(name, tuple(terms))
        if term.predicate:
            place = self._places.atom(atom)
            if isinstance(place, bool):
                return _TRUE if place else _FALSE
            return FACT, fact_argument(*place)
        number = self._places.number(atom)
        return (NUMBER, float(number)) if isinstance(number, int) else (CONSTANT, number)
