"""`tesuji generate`: random problems of planning, routing and scheduling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from tesuji.engine.commands.base import Answer, Common, File
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from tesuji.domains.logistics.tasks.families import Family

    Sizes = tuple[str, ...]
else:  # A bare tuple is one of strings; spelt out, it would load typeguard, too.
    Sizes = Annotated[
        tuple, tyro.conf.UseAppendAction, tyro.conf.arg(name="size", metavar="NAME=NUMBER")
    ]

EXAMPLES = """
Examples:
  tesuji generate                                                 lists families and their sizes
  tesuji generate logistics/transport                             a problem, on the screen
  tesuji generate logistics/transport --out problems --count 20 --level 5
  tesuji generate logistics/ferry --size cars=9 --size locations=4 --seed 7
  tesuji generate logistics/cvrp --out routes --size customers=80      also vrptw, job_shop, ...
  tesuji train logistics/transport && tesuji solve problems/domain.pddl problems/p01.pddl
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Write random problems: PDDL with its domain beside it, routes, or shops.

    Attributes:
        family: such as logistics/transport; lists all where left out.
        out: the folder to write to; without it the first problem is shown.
        count: how many.
        seed: decides what is random; each problem follows from it and its number.
        level: how large, from 0 (tiny) on.
        sizes: how many of something there are, such as packages=4; repeat it for more.
    """

    family: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FAMILY")] = ""
    out: File = None
    count: int = 1
    seed: int = 0
    level: float = 3.0
    sizes: Sizes = ()


def run(arguments: Arguments) -> Answer:
    """Write the problems, or list the families."""
    from tesuji.domains.logistics.instances import FILE_FAMILIES
    from tesuji.domains.logistics.tasks.families import FAMILIES
    from tesuji.engine.storage import atomic_write

    families = {**FAMILIES, **{name: family for name, (family, _) in FILE_FAMILIES.items()}}
    if not arguments.family:
        lines = [f"{name:29}{', '.join(family.least)}" for name, family in families.items()]
        return Answer("\n".join(lines), {name: list(f.least) for name, f in families.items()})
    if arguments.family not in families:
        raise UsageError(f"unknown family {arguments.family!r}; known: {', '.join(families)}")
    if arguments.count < 1 or arguments.level < 0 or arguments.seed < 0:
        raise UsageError("--count must be at least 1, --level and --seed at least 0")
    family, suffix, domain = families[arguments.family], ".pddl", None
    if arguments.family in FILE_FAMILIES:
        suffix = FILE_FAMILIES[arguments.family][1]
    else:
        domain = family.domain()
    texts = _texts(arguments, family)
    if arguments.out is None:
        return Answer(texts[0].rstrip(), {"problem": texts[0], "domain": domain})
    if domain is not None:
        atomic_write(arguments.out / "domain.pddl", domain.encode())
    width = max(2, len(str(len(texts))))
    for number, text in enumerate(texts, 1):
        atomic_write(arguments.out / f"p{number:0{width}}{suffix}", text.encode())
    facts = {"folder": str(arguments.out), "problems": len(texts)}
    beside = "" if domain is None else "domain.pddl and "
    return Answer(f"{arguments.out}: {beside}{len(texts)} problems", facts)


def _texts(arguments: Arguments, family: Family) -> list[str]:
    sizes: dict[str, int] = {}
    for text in arguments.sizes:
        name, _, number = text.partition("=")
        if not number.isdecimal():
            raise UsageError(f"--size takes NAME=NUMBER, got {text!r}")
        sizes[name] = int(number)
    try:
        return [
            family.problem(1000 * arguments.seed + number, arguments.level, **sizes)
            for number in range(arguments.count)
        ]
    except ValueError as error:
        raise UsageError(str(error)) from None
