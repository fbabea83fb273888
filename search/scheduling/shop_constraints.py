"""Side constraints of shops: z3 expressions over when operations begin and end, and where.

    start[j, k]   when operation k of job j begins, both counted from 0
    end[j, k]     when it ends
    machine[j, k] which machine does it
    makespan      when all is done

    closed(m, a, b)             machine m does nothing between the times a and b
    at_most(n, j, k, j, k, ...) of these operations no more than n go on at once

Written once: compiled for the kernels of the search (`constraint_programs.py`), and decided exactly
of the schedules that come out (`broken`), by z3's arithmetic on the expressions themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import z3

from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.operators import UnknownNameError, WrongSortError, truth
from tesuji.search.symbolic.symbols import Variable
from tesuji.search.symbolic.terms import MAIN
from tesuji.search.symbolic.text import parse_constraint

START, END, MACHINE = "start", "end", "machine"
_MOST_CLAUSES = 5000  # of one `at_most`


class ShopSymbols:
    """The names of a shop as z3 terms.

    Attributes:
        variables: the arrays `start`, `end` and `machine`, and `makespan`.
        functions: what `closed` and `at_most` in text stand for.
    """

    def __init__(self, instance: ShopInstance) -> None:
        self.instance = instance
        shape = instance.num_jobs, int(np.diff(instance.job_start).max())
        self.variables = {
            **{name: Variable(name, "state", "int", shape) for name in (START, END, MACHINE)},
            "makespan": Variable("makespan", "state", "int"),
        }
        self.functions: dict[str, Callable[[Sequence[str]], Any]] = {
            "closed": lambda words: self.closed(*_integers("closed", words, 3)),
            "at_most": lambda words: self._at_most(_integers("at_most", words)),
        }

    def start(self, job: int, operation: int) -> z3.ArithRef:
        """Return when an operation begins."""
        return self._at(START, job, operation)

    def end(self, job: int, operation: int) -> z3.ArithRef:
        """Return when an operation ends."""
        return self._at(END, job, operation)

    def machine(self, job: int, operation: int) -> z3.ArithRef:
        """Return which machine does an operation."""
        return self._at(MACHINE, job, operation)

    @property
    def makespan(self) -> z3.ArithRef:
        """Return when all is done."""
        return self.variables["makespan"].term

    def closed(self, machine: int, begin: int, until: int) -> z3.BoolRef:
        """Return whether a machine does nothing between two times."""
        if not 0 <= machine < self.instance.num_machines:
            raise UnknownNameError(f"the shop has no machine {machine}")
        clauses = []
        for operation, job in enumerate(self.instance.job_of.tolist()):
            own = [m for m, _ in self.instance.choices(operation)]
            if machine in own:
                k = operation - int(self.instance.job_start[job])
                free = [self.start(job, k) >= until, self.end(job, k) <= begin]
                if len(own) > 1:
                    free.append(self.machine(job, k) != machine)
                clauses.append(z3.Or(*free))
        return z3.And(*clauses)

    def at_most(self, most: int, operations: Sequence[tuple[int, int]]) -> z3.BoolRef:
        """Return whether no more than `most` of operations `(job, operation)` go on at once.

        Of intervals that meet in pairs all share a moment (Helly), so it says of `most + 1` each
        that two are apart.
        """
        if most < 1 or comb(len(operations), most + 1) > _MOST_CLAUSES:
            raise UnknownNameError(
                f"at_most takes at least 1, and up to {_MOST_CLAUSES} groups of operations of "
                f"which one is too many; got {most} of {len(operations)}"
            )
        return z3.And(
            *(
                z3.Or(*(self._apart(a, b) for a, b in combinations(group, 2)))
                for group in combinations(operations, most + 1)
            )
        )

    def _at_most(self, numbers: Sequence[int]) -> z3.BoolRef:
        if len(numbers) % 2 == 0:
            raise UnknownNameError("at_most takes how many, then job and operation of each")
        return self.at_most(numbers[0], list(zip(numbers[1::2], numbers[2::2], strict=True)))

    def _apart(self, one: tuple[int, int], other: tuple[int, int]) -> z3.BoolRef:
        return z3.Or(self.end(*one) <= self.start(*other), self.end(*other) <= self.start(*one))

    def _at(self, array: str, job: int, operation: int) -> z3.ArithRef:
        with MAIN:
            return self.variables[array].at((job, operation))


class ShopConstraints:
    """Constraints on the schedules of a shop.

    Attributes:
        instance: the shop.
        expressions: by name, over the plain constants `start[j,k]`, `end[j,k]`, `machine[j,k]`
            and `makespan`.
    """

    def __init__(
        self, instance: ShopInstance, constraints: Mapping[str, z3.BoolRef] | Iterable[str]
    ) -> None:
        """Read constraints.

        Args:
            instance: the shop.
            constraints: expressions over `ShopSymbols(instance)` by name, or texts
                (`NAME: expression`).

        Raises:
            ConstraintError: one cannot be read, or speaks of what the shop has not; it is named.
        """
        self.instance = instance
        if not isinstance(constraints, Mapping):
            constraints = _parsed(constraints, ShopSymbols(instance))
        self.expressions = {name: self._plain(name, each) for name, each in constraints.items()}

    def broken(self, schedule: ShopSchedule) -> tuple[str, ...]:
        """Return the names of the constraints that a schedule breaks, decided exactly."""
        with MAIN:
            return tuple(
                name
                for name, expression in self.expressions.items()
                if not z3.is_true(z3.simplify(z3.substitute(expression, *self._values(
                    constants(expression), schedule))))
            )  # fmt: skip

    def operation(self, name: str) -> tuple[str, int]:
        """Return what a constant says, and of which operation; -1 for the makespan."""
        array, _, index = name.partition("[")
        if not index:
            return array, -1
        job, place = map(int, index[:-1].split(","))
        return array, int(self.instance.job_start[job]) + place

    def _values(
        self, names: Iterable[str], schedule: ShopSchedule
    ) -> list[tuple[z3.ArithRef, z3.IntNumRef]]:
        found = []
        for name in names:
            array, i = self.operation(name)
            if i < 0:
                value = schedule.makespan
            else:
                machine, value = int(schedule.machine[i]), int(schedule.start[i])
                if array == END:
                    value += dict(reversed(self.instance.choices(i)))[machine]
                elif array == MACHINE:
                    value = machine
            found.append((z3.Int(name), z3.IntVal(value)))
        return found

    def _plain(self, name: str, expression: z3.BoolRef) -> z3.BoolRef:
        """Return an expression in which constants stand for the elements of arrays."""
        with MAIN:
            try:
                expression = truth(expression)
                pairs = [(term, z3.Int(self._name(term))) for term in _elements(expression)]
            except (WrongSortError, UnknownNameError) as error:
                raise ConstraintError(f"constraint {name!r}: {error}") from None
            return z3.substitute(expression, *pairs)

    def _name(self, term: z3.ExprRef) -> str:
        array, indices = term, list[Any]()
        while z3.is_select(array):
            indices.insert(0, array.arg(1))
            array = array.arg(0)
        word = array.decl().name()
        if len(indices) != 2 or not all(map(z3.is_int_value, indices)):
            raise UnknownNameError(f"{word} takes the numbers of a job and of an operation")
        job, operation = (index.as_long() for index in indices)
        starts = self.instance.job_start
        if not 0 <= job < self.instance.num_jobs:
            raise UnknownNameError(f"{word}[{job}, {operation}]: the shop has no job {job}")
        if not 0 <= operation < starts[job + 1] - starts[job]:
            raise UnknownNameError(
                f"{word}[{job}, {operation}]: job {job} has no operation {operation}"
            )
        return f"{word}[{job},{operation}]"


def constants(expression: z3.ExprRef) -> tuple[str, ...]:
    """Return the names of the constants in an expression, in one order for ever."""
    leaves = (term for term in _walk(expression, z3.is_select) if z3.is_const(term))
    free = (leaf.decl() for leaf in leaves if leaf.decl().kind() == z3.Z3_OP_UNINTERPRETED)
    return tuple(sorted({leaf.name() for leaf in free}))


def clauses(expression: z3.BoolRef) -> list[z3.BoolRef]:
    """Return the parts of which the expression is the conjunction."""
    found, stack = [], [expression]
    while stack:
        term = stack.pop()
        if z3.is_and(term):
            stack += term.children()[::-1]
        else:
            found.append(term)
    return found


def _parsed(texts: Iterable[str], names: ShopSymbols) -> dict[str, z3.BoolRef]:
    found: dict[str, z3.BoolRef] = {}
    for text in texts:
        name, expression = parse_constraint(text, names, names.functions)
        if name in found:
            raise ConstraintError(f"two constraints are called {name!r}")
        found[name] = expression
    return found


def _integers(function: str, words: Sequence[str], count: int | None = None) -> list[int]:
    if count is not None and len(words) != count:
        raise UnknownNameError(f"{function} takes {count} numbers, got {len(words)}")
    try:
        return [int(word) for word in words]
    except ValueError:
        raise UnknownNameError(f"{function} takes whole numbers, got {', '.join(words)}") from None


def _elements(expression: z3.BoolRef) -> list[z3.ExprRef]:
    """Return the elements of arrays that an expression reads, outermost selections only."""
    return [term for term in _walk(expression, z3.is_select) if z3.is_select(term)]


def _walk(expression: z3.ExprRef, ends: Callable[[z3.ExprRef], bool]) -> list[z3.ExprRef]:
    """Return the parts of an expression, each once, not going below those at which it `ends`."""
    found: dict[int, z3.ExprRef] = {}
    stack = [expression]
    while stack:
        term = stack.pop()
        if term.get_id() not in found:
            found[term.get_id()] = term
            stack += [] if ends(term) else term.children()
    return list(found.values())
