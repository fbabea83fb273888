"""`tesuji verify`: check a certificate."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import tyro

from tesuji.engine.commands.base import Answer, Common, File, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EXAMPLES = """
Examples:
  tesuji verify four.proof
  tesuji verify own.proof --game own.py:game        a game of your own
  tesuji verify routes.proof                        routes and a lower bound of their cost
  tesuji verify theorem.json --problem theorem.p    a theorem; its formulas are those of the file
  tesuji verify set.mm                              all proofs of a Metamath database

Leaves with 0 when the file proves what it claims, 1 when it does not.
"""

# What a file begins with -> who checks it, `module:function` called with the arguments. Another
# kind of certificate is one line here.
CHECKERS = {
    b'{"format": "tesuji certificate"': "tesuji.engine.commands.verify:verify_game",
    b'{\n "format": "tesuji invariant certificate"': "tesuji.engine.commands.verify:verify_steps",
    b'{\n "format": "tesuji plan certificate"': "tesuji.engine.commands.verify:verify_plan",
    b'{\n "format": "tesuji shop certificate"': "tesuji.engine.commands.verify:verify_shop",
    b'{\n "format": "tesuji theorem proof"': "tesuji.engine.commands.verify:verify_theorem",
    b'{"format": "tesuji routing certificate"': "tesuji.engine.commands.verify:verify_routes",
}

SUFFIXES = {".mm": "tesuji.engine.commands.verify:verify_metamath"}  # where any beginning will do

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
        problem: of a theorem's proof: the TPTP file whose formulas it must use; of a Metamath
            database: another one that must state the same.
        theorem: of a Metamath database: what must have a proof without gaps; else gaps are counted.
    """

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    game: Text = None
    problem: File = None
    theorem: Text = None


class Verified(NamedTuple):
    """What a certificate proves.

    Attributes:
        claim: in words.
        checked: what was looked at, and how much of it.
        facts: the same for a program.
    """

    claim: str
    checked: str
    facts: Mapping[str, object]


def run(arguments: Arguments) -> Answer:
    """Check the file and return what it proves."""
    from tesuji.engine.errors import TesujiError, UnprovenError
    from tesuji.engine.storage import DamagedFileError, explained

    with explained("read", arguments.file):
        if not arguments.file.is_file():
            raise DamagedFileError(arguments.file, "no such file")
        with arguments.file.open("rb") as file:
            start = file.read(max(map(len, CHECKERS)))
    checker = next((name for begin, name in CHECKERS.items() if start.startswith(begin)), None)
    checker = SUFFIXES.get(arguments.file.suffix, checker)
    if checker is None:
        raise DamagedFileError(arguments.file, "it begins like no certificate that is known here")
    module, _, function = checker.partition(":")
    check: Callable[[Arguments], Verified] = getattr(importlib.import_module(module), function)
    began = time.monotonic()
    try:
        claim, checked, facts = check(arguments)
    except UnprovenError as fault:
        raise TesujiError(f"{arguments.file} proves nothing: {fault}") from None
    seconds = time.monotonic() - began
    facts = {"file": str(arguments.file), **facts, "verified": True, "seconds": round(seconds, 3)}
    return Answer(f"{claim}: proven, {checked} checked in {seconds:.2f} s", facts)


def verify_game(arguments: Arguments) -> Verified:
    """Check the certificate of a game's position."""
    from tesuji.engine.verification import verify

    found = verify(arguments.file, arguments.game)
    board = found.domain.board(found.state)
    sides = board.sides if board is not None else ("the first side", "the second side")
    side = sides[found.domain.to_play(found.state)]
    certificate = found.certificate
    claim = f"{found.domain.render(found.state)}\n\n{WORDS[certificate.claim]} for {side} to move"
    facts = {"game": certificate.game, "claim": certificate.claim, "nodes": found.nodes}
    return Verified(claim, f"{found.nodes:,} nodes", facts)


def verify_steps(arguments: Arguments) -> Verified:
    """Check the invariant of a linear world, and the steps that were taken under it."""
    from tesuji.engine.invariant_verification import verify_invariant_file

    found = verify_invariant_file(arguments.file)
    kept = ", ".join(found.constraints) or "its limits"
    claim = (
        f"{found.world}: {kept}: kept in {found.steps:,} steps of {found.episodes} episodes, and "
        "can be kept for ever after"
    )
    facts = {"world": found.world, "episodes": found.episodes, "steps": found.steps}
    return Verified(claim, f"{found.modes} modes, {found.steps:,} steps", facts)


def verify_shop(arguments: Arguments) -> Verified:
    """Check the schedule of a shop and the bound beside it."""
    from tesuji.engine.shop_verification import verify_shop_file

    found = verify_shop_file(arguments.file)
    claim = (
        f"{found.name}: {found.jobs} jobs, {found.machines} machines\n"
        f"the schedule keeps all rules and ends at {found.makespan}; none ends before "
        f"{found.bound}{_gap(found.makespan, found.bound)}"
    )
    facts = {
        "instance": found.name, "makespan": found.makespan, "bound": found.bound, "gap": found.gap,
    }  # fmt: skip
    return Verified(claim, f"{found.jobs} jobs", facts)


def verify_plan(arguments: Arguments) -> Verified:
    """Check a plan and what proves that none costs much less."""
    from tesuji.engine.plan_verification import verify_plan_file

    found = verify_plan_file(arguments.file)
    cost = None if found.cost is None else float(found.cost)
    bound = None if found.bound is None else float(found.bound)
    plan = "no plan is given" if cost is None else f"the plan reaches the goal and costs {cost:g}"
    least = "no plan exists" if bound is None else f"none costs less than {bound:g}"
    claim = f"{found.problem} of domain {found.domain}: {plan}; {least}{_gap(cost, bound)}"
    facts = {"domain": found.domain, "problem": found.problem, "cost": cost, "bound": bound}
    return Verified(claim, f"{found.operators:,} ground actions", facts)


def verify_metamath(arguments: Arguments) -> Verified:
    """Check the proofs of a Metamath database."""
    from tesuji.engine.errors import UsageError
    from tesuji.engine.metamath_verification import axioms_of, check_metamath, compare
    from tesuji.engine.metamath_words import MetamathFault

    found, label = check_metamath(arguments.file), arguments.theorem
    if arguments.problem is not None:
        compare(found, check_metamath(arguments.problem))
    facts: dict[str, object] = {
        "axioms": len(axioms_of(found)), "proven": len(found.proven), "open": len(found.open),
    }  # fmt: skip
    if label is None:
        claim = f"{arguments.file.name}: {len(found.proven):,} theorems"
        if found.open:
            claim += f" ({len(found.open):,} more have no whole proof)"
        return Verified(claim, f"{found.steps:,} steps", facts)
    if label not in found.statements:
        raise UsageError(f"{arguments.file} has no theorem {label}")
    if label in found.open:
        raise MetamathFault(f"the proof of {label} has gaps")
    rests = sorted(found.rests_on[label])
    claim = f"{label}: {' '.join(found.statements[label].statement)}"
    if rests:
        claim += f"\nif {len(rests)} theorems without a whole proof are so: {', '.join(rests[:8])}"
    return Verified(claim, f"{found.steps:,} steps", {**facts, "theorem": label, "rests_on": rests})


def verify_theorem(arguments: Arguments) -> Verified:
    """Check the proof of a theorem."""
    from tesuji.engine.theorem_verification import verify_theorem_file

    found = verify_theorem_file(arguments.file, arguments.problem)
    axioms = ", ".join(found.axioms) or "nothing"
    if found.conjecture is None:
        claim = f"{found.problem}: {axioms} contradict each other"
    else:
        claim = f"{found.problem}: {found.conjecture} follows from {axioms}"
    if not found.compared:
        claim += " as they stand in the proof (--problem compares them with a file's)"
    facts = {
        "problem": found.problem, "conjecture": found.conjecture, "axioms": list(found.axioms),
        "instances": found.instances, "conflicts": found.conflicts, "compared": found.compared,
    }  # fmt: skip
    return Verified(claim, f"{found.instances:,} instances", facts)


def verify_routes(arguments: Arguments) -> Verified:
    """Check the certificate of an instance of vehicle routing."""
    from tesuji.engine.routing_verification import verify_routing

    found = verify_routing(arguments.file)
    cost = None if found.cost is None else found.cost / found.scale
    bound = found.bound / found.scale
    best = "no routes are given" if cost is None else f"the routes cost {cost:g}"
    claim = f"{found.name}: {best}; none cost less than {bound:g}{_gap(cost, bound)}"
    facts = {"name": found.name, "cost": cost, "bound": bound}
    return Verified(claim, f"{found.cuts:,} cuts", facts)


def _gap(cost: float | None, bound: float | None) -> str:
    return f", a gap of {max(cost - bound, 0) / cost:.2%}" if cost and bound is not None else ""
