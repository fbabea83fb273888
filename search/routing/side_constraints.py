"""Side constraints of routes: z3 expressions over the quantities of one route.

Written once: compiled for the kernels of the search, and decided exactly of the routes that come
out (`broken`), by code that shares nothing with either. Customers have the numbers that routes give
them: from 1, in the order of the file, without the depot.

    visits[7]   1 if the route visits customer 7, or 0 length     distance driven
    place[7]    its place in the route, from 1; 0      duration   from leaving the depot to the
    begin[7]    when its service begins; 0                        return
    stops       how many customers                     waiting    in front of customers, in all
    load        what they want, in all                 back       when the vehicle returns
    vehicle     its number, from 1                     unbroken   most driven without a rest
    unit        a unit of the file in those of lengths and times (Solomon 10, Li & Lim 1000, else 1)

A vehicle leaves as late as it can without being later at its first customer; from there on nothing
is put off. A rest is a stop, service and waiting together, of at least the given length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
import z3

from tesuji.domains.base import DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.search.routing.rules import NEVER, NUMBERS, Rules, make_rules, row_dtype
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.masking import predicate_address
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel, constants
from tesuji.search.symbolic.predicate import Predicate, compile_predicate
from tesuji.search.symbolic.symbols import Symbols, symbols
from tesuji.search.symbolic.terms import MAIN, Term, term_of
from tesuji.search.symbolic.text import parse_constraint

MAX_RULES = 64


def route_symbols(instance: RoutingInstance) -> Symbols:
    """Return the names that side constraints of an instance's routes speak of."""
    spec = DomainSpec("route", MAX_RULES, (1,), 1, 1)
    domain = CompiledDomain(spec, Kernels(row_dtype(instance.num_nodes)))
    most = {name: (0, NEVER) for name in (*NUMBERS, "begin")}
    most["place"] = most["stops"] = 0, instance.num_nodes - 1
    most["visits"] = 0, 1
    most["vehicle"] = 1, instance.num_vehicles
    return symbols(domain, bounds=most, parameters={"unit": instance.scale})


class SideConstraints:
    """Constraints on each route of an instance.

    Attributes:
        instance: what has to be driven.
        symbols: what they speak of.
        constraints: by name.
        forbidden: pairs of customers that may not share a route: constraints that say just that.
        rules: all others, for kernels; one user at a time.
    """

    def __init__(
        self,
        instance: RoutingInstance,
        constraints: Mapping[str, z3.BoolRef] | Iterable[str],
        rest: float | None = None,
    ) -> None:
        """Compile constraints.

        Args:
            instance: what has to be driven.
            constraints: expressions over `route_symbols(instance)` by name, or texts
                (`NAME: expression`).
            rest: how long a vehicle must stand for its driver to have rested, in the file's units;
                no stop is a rest where it is None.

        Raises:
            ConstraintError: one cannot be read or compiled; it is named.
        """
        self.instance = instance
        self.symbols = route_symbols(instance)
        if not isinstance(constraints, Mapping):
            constraints = _parsed(constraints, self.symbols)
        if len(constraints) > MAX_RULES:
            raise ConstraintError(f"at most {MAX_RULES} constraints, got {len(constraints)}")
        if rest is not None and rest < 0:
            raise ConstraintError(f"a rest must last at least 0, got {rest:g}")
        self.constraints = dict(SymbolicModel(self.symbols, constraints).constraints)
        self._check_customers()
        self._rest = NEVER if rest is None else round(rest * instance.scale)
        self.forbidden, others = self._split()
        self._predicate: Predicate | None = None  # keeps the code at its address
        self.rules = self._compiled(others)

    def _check_customers(self) -> None:
        for name, expression in self.constraints.items():
            if mentions(expression, "action"):
                raise ConstraintError(f"constraint {name!r}: a route has no action")
            for array, index in elements(expression):
                if index is not None and not 0 < index < self.instance.num_nodes:
                    raise ConstraintError(f"constraint {name!r}: {array}[{index}] is no customer")

    def _split(self) -> tuple[list[tuple[int, int]], list[str]]:
        forbidden, others = [], []
        for name, expression in self.constraints.items():
            pair = self._forbidden_pair(expression)
            if pair is None:
                others.append(name)
            else:
                forbidden.append(pair)
        return forbidden, others

    def _forbidden_pair(self, expression: z3.BoolRef) -> tuple[int, int] | None:
        # Two customers, where all that the expression says is that a route visits not both.
        found = set(elements(expression))
        with MAIN:
            names = set(constants(expression))
        customers = sorted(index for _, index in found if index is not None)
        if names != {"visits"} or len(found) != 2 or len(customers) != 2:
            return None
        state: dict[str, Any] = {"visits": np.zeros(self.instance.num_nodes, np.int8)}
        for both in product((0, 1), repeat=2):
            state["visits"][customers] = both
            if _decided(self.symbols, expression, state) != (both != (1, 1)):
                return None
        return customers[0], customers[1]

    def _compiled(self, names: Sequence[str]) -> Rules:
        nodes = self.instance.num_nodes
        named = any(mentions(self.constraints[name], "vehicle") for name in names)
        fleet = self.instance.num_vehicles if named else 0
        if not names:
            return make_rules(nodes, 0, 0, np.zeros(1, np.int64), self._rest, fleet)
        for name in names:
            try:
                compile_predicate(self.symbols, [self.constraints[name]])
            except ConstraintError as error:
                raise ConstraintError(f"constraint {name!r}: {error}") from error
        with MAIN:
            action = self.symbols.action
            numbered = [z3.Implies(action == i, self.constraints[n]) for i, n in enumerate(names)]
        self._predicate = compile_predicate(self.symbols, numbered)
        domain = self.symbols.domain
        assert isinstance(domain, CompiledDomain)
        address = predicate_address(self._predicate.kernel, domain.state_dtype)
        data = np.concatenate([domain.instance, self._predicate.parameters, [0]])
        return make_rules(nodes, len(names), address, data, self._rest, fleet)

    def broken(self, route: Sequence[int], vehicle: int = 0) -> tuple[str, ...]:
        """Return the names of the constraints that a route breaks, decided exactly.

        Args:
            route: its customers.
            vehicle: that drives it, from 0.
        """
        state = self.quantities(route, vehicle)
        return tuple(
            name
            for name, expression in self.constraints.items()
            if _decided(self.symbols, expression, state) is not True
        )

    def faults(self, routes: Sequence[Sequence[int]]) -> tuple[str, ...]:
        """Return in words which constraints routes break; the first is vehicle 1's."""
        return tuple(
            f"route {number + 1} breaks {name!r}"
            for number, route in enumerate(routes)
            if route
            for name in self.broken(route, number)
        )

    def quantities(self, route: Sequence[int], vehicle: int = 0) -> dict[str, Any]:
        """Return the quantities of a route by name, in plain Python."""
        instance, size = self.instance, self.instance.num_nodes
        place, begin = np.zeros(size, np.int64), np.zeros(size, np.int64)
        visits = np.zeros(size, np.int8)
        clock = leave = int(instance.earliest[0] + instance.service[0])
        lengths, waits, stretches = [], [], [0]
        for a, b in pairwise([0, *route, 0]):
            lengths.append(int(instance.distance[a, b]))
            stretches[-1] += lengths[-1]
            clock += lengths[-1]
            if b == 0:
                break
            wait = max(0, int(instance.earliest[b]) - clock)
            clock += wait
            if a == 0:
                leave, wait = clock - lengths[-1], 0
            waits.append(wait)
            visits[b], place[b], begin[b] = 1, len(waits), clock
            clock += int(instance.service[b])
            if wait + int(instance.service[b]) >= self._rest:
                stretches.append(0)
        return {
            "vehicle": vehicle + 1,
            "stops": len(route),
            "load": sum(max(0, int(instance.demand[node])) for node in route),
            "length": sum(lengths),
            "duration": clock - leave,
            "waiting": sum(waits),
            "back": clock,
            "unbroken": max(stretches),
            "place": place,
            "begin": begin,
            "visits": visits,
        }


def _parsed(texts: Iterable[str], names: Symbols) -> dict[str, z3.BoolRef]:
    found: dict[str, z3.BoolRef] = {}
    for text in texts:
        name, expression = parse_constraint(text, names)
        if name in found:
            raise ConstraintError(f"two constraints are called {name!r}")
        found[name] = expression
    return found


def _decided(names: Symbols, expression: z3.BoolRef, state: Mapping[str, Any]) -> bool | None:
    whole = {variable.name: state.get(variable.name, 0) for variable in names.of("state")}
    return decide(names, expression, whole, 0)


def mentions(expression: z3.ExprRef, name: str) -> bool:
    """Return whether an expression speaks of a variable."""
    with MAIN:
        return name in constants(expression)


def elements(expression: z3.ExprRef) -> Iterable[tuple[str, int | None]]:
    """Yield the elements of arrays that an expression reads; None where an index is no number."""
    stack: list[Term] = [term_of(expression)]
    seen = set[int]()
    while stack:
        term = stack.pop()
        if term.key in seen:
            continue
        seen.add(term.key)
        if term.kind == z3.Z3_OP_SELECT and term.arg(0).kind == z3.Z3_OP_UNINTERPRETED:
            yield term.arg(0).name, term.arg(1).constant
        stack += term.children()
