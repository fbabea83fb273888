"""`tesuji verify`: check a certificate."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from tesuji.engine.commands.base import Answer, Common, Text

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = """
Examples:
  tesuji verify four.proof
  tesuji verify own.proof --game own.py:game        a game of your own
  tesuji verify routes.proof                        routes and a lower bound of their cost

Leaves with 0 when the file proves what it claims, 1 when it does not.
"""

# What a file begins with -> who checks it, `module:function` called with the arguments. Another
# kind of certificate is one line here.
CHECKERS = {
    b'{"format": "tesuji certificate"': "tesuji.engine.commands.verify:verify_game",
    b'{\n "format": "tesuji plan certificate"': "tesuji.engine.commands.verify:verify_plan",
    b'{\n "format": "tesuji shop certificate"': "tesuji.engine.commands.verify:verify_shop",
    b'{"format": "tesuji routing certificate"': "tesuji.engine.commands.verify:verify_routes",
}


WORDS = {
    "win": "won",
    "draw": "drawn",
    "loss": "lost",
    "not loss": "not lost",
    "not win": "not won",
}


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Check that a certificate proves what it claims, by the rules alone.

    Attributes:
        file: the certificate.
        game: the game, where it is a file of your own.
    """

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    game: Text = None


def run(arguments: Arguments) -> Answer:
    """Check the file and return what it proves."""
    from tesuji.engine.storage import DamagedFileError, explained

    with explained("read", arguments.file):
        if not arguments.file.is_file():
            raise DamagedFileError(arguments.file, "no such file")
        with arguments.file.open("rb") as file:
            start = file.read(max(map(len, CHECKERS)))
    for beginning, checker in CHECKERS.items():
        if start.startswith(beginning):
            module, _, function = checker.partition(":")
            check: Callable[[Arguments], Answer] = getattr(
                importlib.import_module(module), function
            )
            return check(arguments)
    raise DamagedFileError(arguments.file, "it begins like no certificate that is known here")


def verify_game(arguments: Arguments) -> Answer:
    """Check the certificate of a game's position."""
    import time

    from tesuji.engine.errors import TesujiError
    from tesuji.engine.verification import ProofFault, verify

    start = time.monotonic()
    try:
        found = verify(arguments.file, arguments.game)
    except ProofFault as fault:
        raise TesujiError(f"{arguments.file} proves nothing: {fault}") from None
    seconds = time.monotonic() - start
    board = found.domain.board(found.state)
    sides = board.sides if board is not None else ("the first side", "the second side")
    side = sides[found.domain.to_play(found.state)]
    certificate = found.certificate
    text = (
        f"{found.domain.render(found.state)}\n\n{WORDS[certificate.claim]} for {side} to move: "
        f"proven, {found.nodes:,} nodes checked in {seconds:.2f} s"
    )
    facts = {
        "file": str(arguments.file),
        "game": certificate.game,
        "claim": certificate.claim,
        "verified": True,
        "nodes": found.nodes,
        "seconds": round(seconds, 3),
    }
    return Answer(text, facts)


def verify_shop(arguments: Arguments) -> Answer:
    """Check the schedule of a shop and the bound beside it."""
    from tesuji.engine.errors import TesujiError
    from tesuji.engine.shop_verification import ShopFault, verify_shop_file

    try:
        found = verify_shop_file(arguments.file)
    except ShopFault as fault:
        raise TesujiError(f"{arguments.file} proves nothing: {fault}") from None
    text = (
        f"{found.name}: {found.jobs} jobs, {found.machines} machines\n"
        f"the schedule keeps all rules and ends at {found.makespan}; none ends before "
        f"{found.bound}: proven, gap {found.gap:.2%}"
    )
    facts = {
        "file": str(arguments.file),
        "instance": found.name,
        "makespan": found.makespan,
        "bound": found.bound,
        "gap": found.gap,
        "verified": True,
    }
    return Answer(text, facts)


def verify_plan(arguments: Arguments) -> Answer:
    """Check a plan and what proves that none costs much less."""
    import time

    from tesuji.engine.errors import TesujiError
    from tesuji.engine.plan_reading import PlanProofFault
    from tesuji.engine.plan_verification import verify_plan_file

    start = time.monotonic()
    try:
        found = verify_plan_file(arguments.file)
    except PlanProofFault as fault:
        raise TesujiError(f"{arguments.file} proves nothing: {fault}") from None
    seconds = time.monotonic() - start
    cost = None if found.cost is None else float(found.cost)
    bound = None if found.bound is None else float(found.bound)
    plan = "no plan is given" if cost is None else f"the plan reaches the goal and costs {cost:g}"
    claim = "no plan exists" if bound is None else f"none costs less than {bound:g}"
    gap = "" if not cost or bound is None else f", a gap of {max(cost - bound, 0) / cost:.2%}"
    text = (
        f"{found.problem} of domain {found.domain}: {plan}; {claim}{gap}: proven, "
        f"{found.operators:,} ground actions checked in {seconds:.2f} s"
    )
    facts = {
        "file": str(arguments.file), "domain": found.domain, "problem": found.problem,
        "cost": cost, "bound": bound, "verified": True, "seconds": round(seconds, 3),
    }  # fmt: skip
    return Answer(text, facts)


def verify_routes(arguments: Arguments) -> Answer:
    """Check the certificate of an instance of vehicle routing."""
    import time

    from tesuji.engine.errors import TesujiError
    from tesuji.engine.routing_verification import RoutingFault, verify_routing

    start = time.monotonic()
    try:
        found = verify_routing(arguments.file)
    except RoutingFault as fault:
        raise TesujiError(f"{arguments.file} proves nothing: {fault}") from None
    seconds = time.monotonic() - start
    cost = None if found.cost is None else found.cost / found.scale
    bound = found.bound / found.scale
    best = "no routes are given" if cost is None else f"the routes cost {cost:g}"
    gap = "" if not cost else f", a gap of {max(cost - bound, 0) / cost:.2%}"
    text = (
        f"{found.name}: {best}; none cost less than {bound:g}{gap}: "
        f"proven, {found.cuts:,} cuts checked in {seconds:.2f} s"
    )
    facts = {"file": str(arguments.file), "name": found.name, "cost": cost, "bound": bound}
    return Answer(text, {**facts, "verified": True, "seconds": round(seconds, 3)})
