"""Hints: values where z3 is to look first.

Not every z3 has `set_initial_value`, and one that has it need not heed it: `takes_hints` tries.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import z3

from tesuji.search.symbolic.contexts import own_context

_WISHES = (123, 777, 1, 999, 777, 123)  # so many that no luck meets them all


@cache
def takes_hints() -> bool:
    """Return whether the z3 that is installed heeds hints on whole numbers with listed values."""
    return heeds(z3.SimpleSolver(ctx=own_context()))


def heeds(solver: Any) -> bool:
    """Return whether `solver`, which is empty, finds the values that it is hinted at."""
    if not hasattr(solver, "set_initial_value"):
        return False
    context = solver.ctx
    for wish in _WISHES:
        solver.push()
        x, y = z3.Int("x", context), z3.Int("y", context)
        solver.add(z3.Or([x == value for value in sorted(set(_WISHES))]), x + y == 1000)
        solver.set_initial_value(x, z3.IntVal(wish, context))
        taken = solver.check() == z3.sat and solver.model().eval(x).as_long() == wish
        solver.pop()
        if not taken:
            return False
    return True


def hint_values(actions: tuple[int, ...]) -> dict[str, tuple[str, str | int]]:
    """Return a plan as hints for an unrolled model."""
    return {f"action@{t}": ("Int", action) for t, action in enumerate(actions)}
