"""What every verb has: its common flags, its answer, and how it opens what is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import tyro

from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from tesuji.domains.base import Domain
    from tesuji.engine.agent import SearchAgent
    from tesuji.search.base import Budget

# Optional, not `| None`: for that spelling tyro loads typeguard, a third of the time of --help.
Game = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="GAME")]
Moves = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MOVES")]
Run = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
Agent = Annotated[str, tyro.conf.arg(metavar="AGENT")]
Text = Annotated[Optional[str], tyro.conf.arg(metavar="TEXT")]  # noqa: UP045
File = Annotated[Optional[Path], tyro.conf.arg(metavar="PATH")]  # noqa: UP045
Count = Annotated[Optional[int], tyro.conf.arg(metavar="INT")]  # noqa: UP045
Seconds = Annotated[Optional[float], tyro.conf.arg(metavar="SECONDS")]  # noqa: UP045
Milliseconds = Annotated[Optional[float], tyro.conf.arg(metavar="MS")]  # noqa: UP045
if TYPE_CHECKING:
    Constraints = tuple[str, ...]
else:  # A bare tuple is one of strings; spelt out, it would load typeguard, too.
    Constraints = Annotated[
        tuple, tyro.conf.UseAppendAction, tyro.conf.arg(name="constraint", metavar="TEXT")
    ]


@dataclass(frozen=True, kw_only=True)
class Common:
    """The flags that every verb takes.

    Attributes:
        config: a TOML file of these flags; those on the command line win over it.
        json: print JSON, an object a line; the last one is the answer.
        debug: show where in the code a fault arose.
    """

    config: File = None
    json: bool = False
    debug: bool = False


@dataclass(frozen=True)
class Answer:
    """What a verb found: text for people, facts for `--json`."""

    text: str
    facts: Mapping[str, object] = field(default_factory=dict)
    code: int = 0  # what to leave with


def open_domain(name: str, constraints: tuple[str, ...] = ()) -> Domain:
    """Return the game `name` under `constraints`."""
    from tesuji.engine.rules import make_domain

    return make_domain(name, constraints)


def read_budget(simulations: int | None, seconds: float | None, default: int) -> Budget:
    """Return the budget of `--sims` and `--seconds`, `default` simulations without either."""
    from tesuji.search.base import Budget

    if simulations is None and seconds is None:
        simulations = default
    try:
        return Budget(simulations=simulations, seconds=seconds)
    except ValueError as error:
        raise UsageError(str(error)) from None


def open_search(text: str, domain: Domain, budget: Budget | None = None) -> tuple[SearchAgent, str]:
    """Return the agent `text`, which must search, and what to say of it to the person.

    `net` is rollout for a game that no network ships for.
    """
    from tesuji.engine.agent import DEFAULT_BUDGET, SearchAgent, load_agent
    from tesuji.engine.trained import shipped

    note, name = "", domain.spec.name
    if text == "net" and not shipped(name).is_dir():
        text = "rollout"
        note = f"no net ships for {name}: random games judge its positions (agent rollout)"
    agent = load_agent(text, domain, budget=budget if budget is not None else DEFAULT_BUDGET)
    if not isinstance(agent, SearchAgent):
        raise UsageError(f"agent {text!r} does not search; take net, uniform, rollout or a run")
    return agent, note


def find_game(*agents: str) -> str:
    """Return the game that the first run or checkpoint among `agents` was trained for."""
    from tesuji.engine.checkpoint import load_checkpoint

    for text in agents:
        path = Path(text.partition(":")[0]).expanduser()
        if path.exists():
            return load_checkpoint(path, training=False).game
    raise UsageError(f"which game? none of {', '.join(agents)} is a run; give --game")


def as_text(table: Table) -> str:
    """Return a table as plain text."""
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=110)
    console.print(table)
    return str(console.file.getvalue()).rstrip()  # type: ignore[attr-defined]
