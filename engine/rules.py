"""The rules a verb works by: a game, and the constraints that were written for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tesuji.domains.registry import UnknownDomainError, make
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from tesuji.domains.base import Domain


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
    return _constrained(domain, constraints) if constraints else domain


def _constrained(domain: Domain, texts: Sequence[str]) -> Domain:
    # They load z3, which only a constraint needs.
    from tesuji.search.symbolic.constrained import constrain  # noqa: PLC0415
    from tesuji.search.symbolic.model import SymbolicModel  # noqa: PLC0415
    from tesuji.search.symbolic.symbols import symbols  # noqa: PLC0415
    from tesuji.search.symbolic.text import parse_constraint  # noqa: PLC0415

    try:
        names = symbols(domain)
        constraints = {}
        for text in texts:
            name, expression = parse_constraint(text, names)
            if name in constraints:
                raise UsageError(f"two constraints are called {name!r}")
            constraints[name] = expression
        return constrain(domain, SymbolicModel(names, constraints))
    except ValueError as error:
        raise UsageError(str(error)) from None
