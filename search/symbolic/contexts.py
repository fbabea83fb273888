"""z3's contexts: no two threads are ever in the same one.

z3 is not safe in two threads at once, not even to read a term. The user's expressions live in
z3's main context, which is entered under `MAIN` alone and never to solve anything. Whoever builds
formulas (an explainer, a shield's look-ahead, a planner) does so with a twin of the model in a
context of its own.
"""

from __future__ import annotations

from dataclasses import replace

import z3

from tesuji.search.symbolic.model import Relaxation, SymbolicModel
from tesuji.search.symbolic.terms import MAIN

__all__ = ["MAIN", "apart", "own_context"]


def own_context() -> z3.Context:
    """Return a new context, whose terms may be forgotten in any thread."""
    context = z3.Context()
    z3.Z3_enable_concurrent_dec_ref(context.ref())
    return context


def apart(model: SymbolicModel) -> SymbolicModel:
    """Return a twin of `model` in a context of its own."""
    with MAIN:
        z3.Z3_enable_concurrent_dec_ref(z3.main_ctx().ref())
        context = own_context()
        relaxation = model.relaxation
        if relaxation is not None:
            condition = relaxation.condition.translate(context)
            relaxation = Relaxation(condition, relaxation.monotone)
        return replace(
            model,
            symbols=model.symbols.within(context),
            constraints={n: e.translate(context) for n, e in model.constraints.items()},
            effects={n: e.translate(context) for n, e in model.effects.items()},
            goal=None if model.goal is None else model.goal.translate(context),
            cost=None if model.cost is None else model.cost.translate(context),
            relaxation=relaxation,
        )
