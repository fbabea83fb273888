"""`tesuji evaluate`: mistakes on solved positions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from tesuji.engine.commands.base import (
    Answer,
    Common,
    Text,
    as_text,
    find_game,
    open_domain,
)
from tesuji.engine.errors import UsageError
from tesuji.engine.progress import open_progress

if TYPE_CHECKING:
    from tesuji.domains.base import Domain
    from tesuji.engine.agent import Agent
    from tesuji.engine.evaluation import EvaluationRow
    from tesuji.engine.positions import SolvedSet

EXAMPLES = """
Examples:
  tesuji evaluate runs/a                          the raw policy, and with 100 simulations
  tesuji evaluate runs/a --sims 100,600
  tesuji evaluate net --game connect_four --positions Test_L2_R1
  tesuji evaluate runs/a:search=gumbel --json
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Count the mistakes that an agent makes on solved positions, with 95 % intervals.

    A mistake is a move where another keeps a better outcome; a non-optimal move is one where
    another has a better exact score, as a faster win.

    Attributes:
        agent: a run or checkpoint, net (the one that ships), or any other agent.
        game: the game; by default the one that the run was trained for.
        sims: simulations a move, one column for each; 0 is the raw policy.
        positions: files of positions in Pons' format; the set that ships by default.
        limit: take only so many positions of each set, 0 for all.
        seed: decides what is random in the agent.
    """

    agent: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="AGENT")]
    game: Text = None
    sims: Annotated[str, tyro.conf.arg(metavar="INT,…")] = "0,100"
    positions: Annotated[str, tyro.conf.arg(metavar="PATH,…")] = ""
    limit: int = 0
    seed: int = 0


def run(arguments: Arguments) -> Answer:
    """Evaluate and return the table."""
    from tesuji.engine.evaluation import evaluate

    name = arguments.game or find_game(arguments.agent)
    domain = open_domain(name)
    sets = _sets(arguments, domain)
    agents = _agents(arguments, domain)
    with open_progress(arguments.json) as progress:

        def tell(row: EvaluationRow) -> None:
            shares = {row.agent: {row.positions: row.mistake_share}}
            progress.update({"kind": "evaluation", "mistakes": shares})

        report = evaluate(domain, agents, sets, seed=arguments.seed, progress=tell)
    return Answer(as_text(report.table()), report.to_json())


def _sets(arguments: Arguments, domain: Domain) -> list[SolvedSet]:
    from tesuji.engine.positions import read_positions, shipped_sets

    paths = [Path(path) for path in arguments.positions.split(",") if path]
    sets = [read_positions(path, domain) for path in paths] or list(shipped_sets(domain))
    if not sets:
        raise UsageError(f"no solved positions ship for {domain.spec.name}; give --positions FILE")
    return [each.first(arguments.limit) for each in sets] if arguments.limit else sets


def _agents(arguments: Arguments, domain: Domain) -> list[Agent]:
    """Return the agent once for each number of simulations."""
    from tesuji.engine.agent import load_agent

    text = arguments.agent
    if text in ("random", "solver") or "sims=" in text:
        return [load_agent(text, domain)]
    joint = "," if "=" in text.rpartition(":")[2] else ":"
    numbers = arguments.sims.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise UsageError(f"--sims takes numbers apart by commas, as 0,100; got {arguments.sims!r}")
    return [load_agent(f"{text}{joint}sims={int(number)}", domain) for number in numbers]
