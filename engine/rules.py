"""The rules a verb works by: a game, and the constraints that were written for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tesuji.domains.registry import UnknownDomainError, make
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    import z3

    from tesuji.domains.base import Domain
    from tesuji.search.symbolic.model import SymbolicModel


def make_domain(game: str, constraints: Sequence[str] = ()) -> Domain:
    """Return the domain `game` under `constraints`.

    Args:
        game: a registered name, or FILE.py:FACTORY.
        constraints: expressions, each after `NAME:` if it has a name.

    Raises:
        UsageError: no such game; a constraint that cannot be read or compiled; constraints that
            together allow nothing.
    """
    try:
        domain = make(game)
    except UnknownDomainError as error:
        raise UsageError(str(error)) from None
    try:
        return apply_constraints(domain, constraints)
    except ValueError as error:
        raise UsageError(str(error)) from None


def apply_constraints(
    domain: Domain | str, constraints: SymbolicModel | Sequence[str] = ()
) -> Domain:
    """Return `domain` under a model's constraints or under constraints as text.

    Raises:
        ConstraintError: a constraint cannot be read or compiled; constraints that together allow
            nothing.
    """
    domain = make(domain) if isinstance(domain, str) else domain
    if isinstance(constraints, Sequence) and not constraints:
        return domain
    # They load z3, which only a constraint needs.
    from tesuji.search.symbolic.constrained import constrain  # noqa: PLC0415
    from tesuji.search.symbolic.model import ConstraintError, SymbolicModel  # noqa: PLC0415
    from tesuji.search.symbolic.symbols import symbols  # noqa: PLC0415
    from tesuji.search.symbolic.text import parse_constraint  # noqa: PLC0415

    if isinstance(constraints, SymbolicModel):
        return constrain(domain, constraints)
    names = symbols(domain)
    found: dict[str, z3.BoolRef] = {}
    for text in constraints:
        name, expression = parse_constraint(text, names)
        if name in found:
            raise ConstraintError(f"two constraints are called {name!r}")
        found[name] = expression
    return constrain(domain, SymbolicModel(names, found))
