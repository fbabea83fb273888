"""What a proof speaks of: facts about a state, questions made of them, and who asks.

A fact is `time >= 7`, `visited[3] == 0`. A question is a set of facts beside formulas that hold
anyway. If z3 refutes it, then no state for which these facts hold has a completion, whatever else
is true of the state: so the fewer and the weaker the facts, the more states the answer covers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, Protocol

import numpy as np
import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.model import SymbolicModel

Relation = Literal["==", ">=", "<="]
Plan = tuple[int, ...]


@dataclass(frozen=True)
class Fact:
    """A fact about one element of a state variable; `index` is empty for a scalar."""

    variable: str
    index: tuple[int, ...]
    relation: Relation
    value: int | float

    def __str__(self) -> str:
        """Return it as text, `visited[3] == 0`."""
        place = "".join(f"[{i}]" for i in self.index)
        return f"{self.variable}{place} {self.relation} {self.value}"

    def of(self, term: Any) -> z3.BoolRef:
        """Return the fact as a formula, of the term that stands for the element."""
        value = self.value
        if z3.is_bool(term):
            return term == z3.BoolVal(bool(value), term.ctx)
        if z3.is_real(term):
            value = z3.RatVal(*float(value).as_integer_ratio(), term.ctx)
        if self.relation == "==":
            return term == value
        return term >= value if self.relation == ">=" else term <= value


@dataclass(frozen=True)
class Question:
    """Is there a completion from any state of which the facts hold?

    Formulas are SMT-LIB text, for z3 works in another process.

    Attributes:
        facts: what is known of the state.
        claims: text with a claim for each of them, see `smt_text`.
        background: text of what holds anyway.
        wanted: constants that `decode` needs, with their sorts.
        refute: `core -> nogoods`: what is refuted where z3 refutes some of the facts.
        weaken: by variable, the formula of a `>=` or `<=` fact of another value.
        declarations: text that declares what those formulas speak of.
        decode: `values -> plan`; None where a model would not be a whole plan.
    """

    facts: tuple[Fact, ...]
    claims: str
    background: str
    wanted: Mapping[str, str] = field(default_factory=dict)
    refute: Callable[[tuple[Fact, ...]], list[tuple[Fact, ...]]] = lambda core: [core]
    weaken: Mapping[str, Callable[[int], str]] = field(default_factory=dict)
    declarations: str = ""
    decode: Callable[[Mapping[str, Fraction]], Plan] | None = None


class Completion(Protocol):
    """Ways to the goal: quick proposals, and questions for z3 where they fail.

    Proposals may be wrong, for each is replayed. Questions must be right in one direction: where
    a completion exists, z3 must not be able to refute them.
    """

    def propose(self, state: State, hint: Plan, effort: int) -> Iterator[Plan]:
        """Yield plans from `state`; `hint` is one from nearby that no longer fits."""
        ...

    def refute(self, state: State, effort: int) -> tuple[str, ...]:
        """Return proved reasons why there is no way on; empty where none are found.

        Without z3; an `effort` of 0 asks only what earlier proofs have to say.
        """
        ...

    def questions(self, state: State) -> Iterator[Question]:
        """Yield questions about `state`, the cheapest first; the last should have a decoder."""
        ...


def facts_of(model: SymbolicModel, state: State, names: list[str]) -> list[Fact]:
    """Return all facts about some variables, as weak as the model's monotone directions allow."""
    symbols = model.symbols
    monotone = {} if model.relaxation is None else model.relaxation.monotone
    relations: dict[str | None, Relation] = {"up": ">=", "down": "<=", None: "=="}
    values = symbols.values(state)
    found = []
    for name in names:
        variable, array = symbols.variables[name], np.asarray(values[name])
        relation = relations[monotone.get(name) if variable.kind in {"int", "real"} else None]
        for index in variable.elements():
            found.append(Fact(name, index, relation, array[index].item()))
    return found
