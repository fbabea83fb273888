"""Formulas as SMT-LIB text, as they travel to a solver's process.

A *claim* is a formula behind an assumption literal: `claim@3` assumed, the third holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import z3


def claim(number: int) -> str:
    """Return the name of the literal that stands for claim `number`."""
    return f"claim@{number}"


def script(formulas: Sequence[z3.BoolRef]) -> str:
    """Return declarations and assertions; empty for no formulas."""
    if not formulas:
        return ""
    # This kind writes what it was given; a simple solver would write what it has made of it.
    writer = z3.Solver(ctx=formulas[0].ctx)
    writer.add(list(formulas))
    text: str = writer.sexpr()
    return text


def claims(formulas: Iterable[z3.BoolRef]) -> str:
    """Return formulas as claims, numbered from 0."""
    return script([z3.Implies(z3.Bool(claim(i), f.ctx), f) for i, f in enumerate(formulas)])


def claims_of_text(declarations: str, formulas: Iterable[str]) -> str:
    """Return formulas that are text as claims, numbered from 0."""
    lines = [declarations]
    for i, formula in enumerate(formulas):
        lines.append(f"(declare-const {claim(i)} Bool)(assert (=> {claim(i)} {formula}))")
    return "\n".join(lines)
