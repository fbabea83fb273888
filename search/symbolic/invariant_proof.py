"""z3's proof of an invariant: that some input always leads back into it, and that it keeps all.

Both are asked as the impossibility of the opposite, in a process of the solver's own: of each
polygon, a state in it such that for every input some slack leads out of it; of each mode, a state
in it that breaks a constraint.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from fractions import Fraction

import z3

from tesuji.search.symbolic.cores import SolverBudget
from tesuji.search.symbolic.invariant_sets import Dynamics, Polygon
from tesuji.search.symbolic.invariants import Invariant, Mode
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.smt_text import script
from tesuji.search.symbolic.solver_pool import borrow, give_back
from tesuji.search.symbolic.terms import MAIN

_BUDGET = SolverBudget(rlimit=200_000_000, milliseconds=60_000)


def prove(invariant: Invariant) -> str:
    """Have z3 prove an invariant; return a digest of what it refuted, as SMT-LIB text.

    Raises:
        ConstraintError: it does not, within its budget.
    """
    digest = hashlib.sha256()
    process = borrow(_BUDGET.memory_mb)
    try:
        for what, text in claims(invariant):
            digest.update(text.encode())
            process.push()
            process.add_text(text)
            answer = process.check(_BUDGET.check({}, ()))
            process.pop()
            if answer != z3.unsat:
                raise ConstraintError(f"z3 did not prove that {what} ({answer})")
    finally:
        give_back(process)
    return digest.hexdigest()


def claims(invariant: Invariant) -> Iterator[tuple[str, str]]:
    """Return what is to be proved, in words, and its opposite as SMT-LIB text."""
    seen: set[tuple[int, Polygon]] = set()
    for mode in invariant.modes:
        for i, polygon in enumerate(mode.polygons):
            if (i, polygon) not in seen:
                seen.add((i, polygon))
                name = invariant.axes[i].position
                yield f"states of {name} can stay", _escapes(invariant.dynamics[i], polygon)
    for number, mode in enumerate(invariant.modes):
        for name, text in _breaks(invariant, mode):
            yield f"mode {number} keeps {name!r}", text


def _escapes(dynamics: Dynamics, polygon: Polygon) -> str:
    (a, b), (c, d) = dynamics.matrix
    out = []
    for p, q in itertools.product((-1, 1), repeat=2):
        slack = p * dynamics.slack[0], q * dynamics.slack[1]
        x = _sum((a, "s0"), (b, "s1"), (dynamics.gain[0], "u"), (slack[0], "1.0"))
        v = _sum((c, "s0"), (d, "s1"), (dynamics.gain[1], "u"), (slack[1], "1.0"))
        out.append(f"(not {_holds(polygon, x, v)})")
    power = _number(dynamics.power)
    bounded = f"(and (<= (- {power}) u) (<= u {power}))"
    return (
        "(declare-const s0 Real)(declare-const s1 Real)"
        f"(assert {_holds(polygon, 's0', 's1')})"
        f"(assert (forall ((u Real)) (=> {bounded} (or {' '.join(out)}))))"
    )


def _breaks(invariant: Invariant, mode: Mode) -> Iterator[tuple[str, str]]:
    names = [*(a.position for a in invariant.axes), *(a.velocity for a in invariant.axes)]
    size = len(invariant.axes)
    with MAIN:
        inside = [
            z3.RealVal(str(edge.p)) * z3.Real(names[i])
            + z3.RealVal(str(edge.q)) * z3.Real(names[size + i])
            <= z3.RealVal(str(edge.bound))
            for i, polygon in enumerate(mode.polygons)
            for edge in polygon.edges
        ]
        for name, expression in invariant.constraints.items():
            yield name, script([*inside, z3.Not(expression)])


def _holds(polygon: Polygon, x: str, v: str) -> str:
    parts = [
        f"(<= {_sum((edge.p, x), (edge.q, v))} {_number(edge.bound)})" for edge in polygon.edges
    ]
    return f"(and {' '.join(parts)})"


def _sum(*parts: tuple[Fraction, str]) -> str:
    return f"(+ {' '.join(f'(* {_number(factor)} {name})' for factor, name in parts)})"


def _number(value: Fraction) -> str:
    text = f"(/ {abs(value.numerator)}.0 {value.denominator}.0)"
    return f"(- {text})" if value < 0 else text
