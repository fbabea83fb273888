"""The names that constraints speak of: a domain's state fields, its action, an instance's data.

`symbols(domain)` gives plain z3 terms, `x.state.time`, `x.state.visited[x.action]`, and knows what
each stands for, so that a constraint can be compiled to a check on state rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import z3

from tesuji.domains.base import Domain, SimulatedDomain, State
from tesuji.domains.compiled import CompiledDomain
from tesuji.search.symbolic.terms import MAIN

Kind = Literal["bool", "int", "real", "bits"]
Role = Literal["state", "action", "parameter"]
_INT64 = (-(2**63), 2**63 - 1)


@dataclass(frozen=True, eq=False)
class Variable:
    """One named variable, a scalar or an array.

    Attributes:
        name: what constraints, messages and explanations call it.
        role: a field of the state, a part of the action, or fixed data of the instance.
        kind: `bool`, `int`, `real` (a float64 or float32 field, taken exactly) or `bits`.
        shape: of an array; empty for a scalar. Arrays are z3 arrays over Int, one a dimension.
        low: least value of an int; part of its meaning, since the compiler proves with it.
        high: greatest value of an int.
        width: bits of a bit-vector, 8 to 64.
        values: the data of a parameter; of an action's part, its value for each action `[A]`.
        context: z3's context that the terms live in; None for the main one.
    """

    name: str
    role: Role
    kind: Kind
    shape: tuple[int, ...] = ()
    low: int = _INT64[0]
    high: int = _INT64[1]
    width: int = 0
    values: npt.NDArray[Any] | None = None
    context: z3.Context | None = None

    def __post_init__(self) -> None:
        if self.kind == "int" and self.low > self.high:
            raise ValueError(f"{self.name}: no value lies between {self.low} and {self.high}")

    @property
    def sort(self) -> z3.SortRef:
        """Return the z3 sort, an array over Int for each dimension."""
        context = self.context
        sort: z3.SortRef = {
            "bool": z3.BoolSort,
            "int": z3.IntSort,
            "real": z3.RealSort,
            "bits": lambda context: z3.BitVecSort(self.width, context),
        }[self.kind](context)
        for _ in self.shape:
            sort = z3.ArraySort(z3.IntSort(context), sort)
        return sort

    @property
    def term(self) -> Any:
        """Return the z3 constant."""
        return z3.Const(self.name, self.sort)

    def literal(self, value: Any) -> z3.ExprRef:
        """Return one scalar `value` as a z3 value, exactly."""
        if self.kind == "bool":
            return z3.BoolVal(bool(value), self.context)
        if self.kind == "int":
            return z3.IntVal(int(value), self.context)
        if self.kind == "bits":
            return z3.BitVecVal(int(value), self.width, self.context)
        exact = Fraction(float(value))
        return z3.RatVal(exact.numerator, exact.denominator, self.context)

    def elements(self) -> Iterator[tuple[int, ...]]:
        """Return the indices of an array's elements; `()` alone for a scalar."""
        return iter(np.ndindex(*self.shape))

    def at(self, index: tuple[int, ...]) -> Any:
        """Return the term of one element."""
        term = self.term
        for i in index:
            term = z3.Select(term, z3.IntVal(i, self.context))
        return term

    def whole(self, value: Any, term: Any = None) -> Any:
        """Return `value`, an array for an array, as one z3 term; outside its shape it is open."""
        array, term = np.asarray(value), self.term if term is None else term
        if array.ndim == 0:
            return self.literal(array[()])
        for i in range(len(array)):
            index = z3.IntVal(i, self.context)
            term = z3.Store(term, index, self.whole(array[i], term[index]))
        return term

    def is_value(self, value: Any) -> list[z3.BoolRef]:
        """Return equations that fix the variable to `value`, an array for an array."""
        return [self.at(i) == self.literal(np.asarray(value)[i]) for i in self.elements()]

    def bounds(self) -> list[z3.BoolRef]:
        """Return what is true of every value: the bounds of an int, element by element."""
        if self.kind != "int":
            return []
        return [
            z3.And(self.at(index) >= self.low, self.at(index) <= self.high)
            for index in self.elements()
        ]


class Namespace:
    """Terms by name: `x.state.time` or `x.state["time"]`."""

    def __init__(self, terms: Mapping[str, Any], what: str) -> None:
        self._terms = dict(terms)
        self._what = what

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        try:
            return self._terms[name]
        except KeyError:
            known = ", ".join(self._terms) or "none"
            raise AttributeError(f"no {self._what} is called {name!r}; known: {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)


class Symbols:
    """The variables of one domain.

    Attributes:
        domain: the domain they describe.
        variables: all of them, by name.
        state: terms of the state's fields.
        action: the term of the action's number, an Int from 0 to A - 1.
        part: terms of the action's parts, such as a row and a column.
        parameter: terms of the instance's data, such as a matrix of distances.
        context: z3's context that the terms live in; None for the main one.
    """

    def __init__(self, domain: Domain, variables: list[Variable], encode: Any = None) -> None:
        self.domain = domain
        self.variables: dict[str, Variable] = {}
        for variable in variables:
            if variable.name in self.variables:
                raise ValueError(f"two variables are called {variable.name!r}")
            self.variables[variable.name] = variable
        self._encode = encode
        self.context = variables[0].context if variables else None
        with MAIN:
            self._make_terms()

    def _make_terms(self) -> None:
        self.state = Namespace(self._terms("state"), "state variable")
        self.part = Namespace(
            {n: t for n, t in self._terms("action").items() if n != "action"}, "part of the action"
        )
        self.parameter = Namespace(self._terms("parameter"), "parameter")
        self.action: Any = self.variables["action"].term

    def _terms(self, role: Role) -> dict[str, Any]:
        return {name: v.term for name, v in self.variables.items() if v.role == role}

    def within(self, context: z3.Context) -> Symbols:
        """Return the same symbols in another context."""
        variables = [replace(v, context=context) for v in self.variables.values()]
        return Symbols(self.domain, variables, self._encode)

    def of(self, role: Role) -> list[Variable]:
        """Return the variables of one role, in order."""
        return [v for v in self.variables.values() if v.role == role]

    def values(self, state: State) -> dict[str, Any]:
        """Return the value of every state variable at `state`."""
        if self._encode is not None:
            found: dict[str, Any] = self._encode(state)
            return found
        return {v.name: state[v.name] for v in self.of("state")}

    def action_values(self, action: int) -> dict[str, Any]:
        """Return the value of every action variable for `action`."""
        found: dict[str, Any] = {"action": action}
        for variable in self.of("action"):
            if variable.values is not None:
                found[variable.name] = variable.values[action]
        return found

    def fix_state(self, state: State) -> list[z3.BoolRef]:
        """Return equations that say that this is the state."""
        values = self.values(state)
        return [e for v in self.of("state") for e in v.is_value(values[v.name])]

    def fix_action(self, action: int) -> list[z3.BoolRef]:
        """Return equations that say that this is the action."""
        values = self.action_values(action)
        return [e for v in self.of("action") for e in v.is_value(values[v.name])]

    def fix_parameters(self) -> list[z3.BoolRef]:
        """Return equations that give the instance's data."""
        return [e for v in self.of("parameter") for e in v.is_value(v.values)]


def symbols(
    domain: Domain,
    *,
    bounds: Mapping[str, tuple[int, int]] | None = None,
    parts: Mapping[str, npt.ArrayLike] | None = None,
    parameters: Mapping[str, npt.ArrayLike] | None = None,
    variables: list[Variable] | None = None,
    encode: Any = None,
) -> Symbols:
    """Return the symbols of `domain`.

    Args:
        domain: its state variables are a row's fields, or a simulated one's quantities.
        bounds: closed bounds of int fields, where they are narrower than the field's type.
        parts: parts of the action, each with its value for every action `[A]`, such as
            `{"row": [...], "column": [...]}`.
        parameters: data of the instance: integer, boolean or float arrays or numbers.
        variables: the state variables of an object domain.
        encode: `state -> {name: value}` for an object domain.

    Raises:
        ValueError: a bound of an unknown field, a field of a kind that z3 has no sort for, or an
            object domain without `variables` and `encode`.
    """
    found: list[Variable]
    if isinstance(domain, CompiledDomain) and variables is None:
        found = _fields(domain, dict(bounds or {}))
    elif variables is not None and encode is not None:
        found = list(variables)
    elif isinstance(domain, SimulatedDomain):
        found = [Variable(name, "state", "real") for name in domain.quantities]
    else:
        raise ValueError(f"{domain.spec.name} is an object domain: give `variables` and `encode`")
    count = domain.spec.num_actions
    found.append(Variable("action", "action", "int", low=0, high=count - 1))
    for name, values in (parts or {}).items():
        array = np.asarray(values)
        if array.shape != (count,):
            raise ValueError(f"part {name!r} needs a value for each of {count} actions")
        found.append(_constant(name, "action", array, ()))
    for name, values in (parameters or {}).items():
        array = np.asarray(values)
        found.append(_constant(name, "parameter", array, array.shape))
    return Symbols(domain, found, encode)


def _fields(domain: CompiledDomain, bounds: dict[str, tuple[int, int]]) -> list[Variable]:
    found = []
    for name in domain.state_dtype.names or ():
        dtype = domain.state_dtype[name]
        base, shape = dtype.base, dtype.shape
        if base.kind == "b":
            found.append(Variable(name, "state", "bool", shape))
        elif base == np.uint64:
            found.append(Variable(name, "state", "bits", shape, width=64))
        elif base.kind in "iu":
            info = np.iinfo(base)
            low, high = bounds.pop(name, (int(info.min), int(info.max)))
            found.append(Variable(name, "state", "int", shape, low, high))
        elif base.kind == "f" and base.itemsize in (4, 8):
            found.append(Variable(name, "state", "real", shape))
        else:
            raise ValueError(f"field {name!r} of {domain.spec.name} has type {base}: no z3 sort")
    if bounds:
        known = ", ".join(domain.state_dtype.names or ())
        raise ValueError(f"bounds of {', '.join(bounds)}: not an int field; fields: {known}")
    return found


def _constant(name: str, role: Role, array: npt.NDArray[Any], shape: tuple[int, ...]) -> Variable:
    if array.dtype.kind == "b":
        return Variable(name, role, "bool", shape, values=array)
    if array.dtype.kind in "iu":
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        return Variable(name, role, "int", shape, low, high, values=array.astype(np.int64))
    if array.dtype.kind == "f":
        return Variable(name, role, "real", shape, values=array.astype(np.float64))
    raise ValueError(f"{name}: data must be numbers or truth values, got {array.dtype}")
