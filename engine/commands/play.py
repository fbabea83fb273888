"""`tesuji play`: a person against the engine."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from tesuji.engine.commands.base import (
    Agent,
    Common,
    Constraints,
    File,
    Game,
    open_domain,
    open_search,
)
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tesuji.domains.base import Domain
    from tesuji.engine.game import Game as PlayedGame
    from tesuji.search.search import Search

EXAMPLES = """
Examples:
  tesuji play connect_four                       in the terminal
  tesuji play connect_four --web                 in the browser
  tesuji play othello --level 10 --side second
  tesuji play connect_four --agent runs/a        against your own net
  tesuji play connect_four --position 4453       from there
  tesuji play othello --web --load game.sgf      review a game
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Play against it, in the terminal or the browser.

    Attributes:
        game: the game.
        agent: the engine: net (the one that ships; rollout where none does), uniform, rollout, or
            a run or checkpoint.
        level: strength, from 1 to 10.
        side: what you play; none plays both, with the engine as adviser.
        sims: simulations of a hint or an analysis.
        position: moves from the start that have been made already.
        load: go on with the game in this file: SGF, PGN, or saved here; the page reviews it.
        seed: decides the engine's choices.
        web: serve a page on this machine.
        port: where; 0 takes any free one.
        constraints: what must hold besides the rules, such as "keep centre: action != 3"; repeat
            it for more. Those of a file are kept.
    """

    game: Game
    agent: Agent = "net"
    level: int = 5
    side: Literal["first", "second", "none"] = "first"
    sims: int = 800
    position: Annotated[str, tyro.conf.arg(metavar="MOVES")] = ""
    load: File = None
    seed: int = 0
    web: bool = False
    port: int = 8123
    constraints: Constraints = ()


def run(arguments: Arguments) -> None:
    """Play until the person leaves."""
    if not 1 <= arguments.level <= 10:
        raise UsageError(f"--level must be between 1 and 10, got {arguments.level}")
    domain = open_domain(arguments.game, arguments.constraints)
    agent, note = open_search(arguments.agent, domain)  # a wrong one is told of before all else
    if note:
        sys.stderr.write(f"note: {note}\n")
    person = {"first": 0, "second": 1, "none": None}[arguments.side]
    start = _start(arguments, domain)
    start()  # a wrong move or a damaged file is told of now, too
    if arguments.web:
        _in_browser(arguments, domain, person, start)
    else:
        _in_terminal(arguments, domain, agent.search, person, start())


def _start(arguments: Arguments, domain: Domain) -> Callable[[], PlayedGame]:
    """Return what makes the game to begin with: a new one, after moves, or from a file."""
    from tesuji.engine.moves import read_game
    from tesuji.engine.record import read_record

    if arguments.load is None:
        return lambda: read_game(domain, arguments.position, arguments.seed)
    if arguments.position:
        raise UsageError("--position and --load both say where to begin; give one of them")
    path = arguments.load
    return lambda: read_record(domain, path)


def _in_terminal(
    arguments: Arguments, domain: Domain, search: Search, person: int | None, game: PlayedGame
) -> None:
    from tesuji.engine.terminal import PlayOptions, play

    options = PlayOptions(
        level=arguments.level,
        person=person,
        seed=arguments.seed,
        simulations=arguments.sims,
    )
    play(domain, search, options, game=game)


def _in_browser(
    arguments: Arguments, domain: Domain, person: int | None, start: Callable[[], PlayedGame]
) -> None:
    from tesuji.engine.web.server import serve

    serve(
        domain,
        lambda: open_search(arguments.agent, domain)[0].search,
        port=arguments.port,
        level=arguments.level,
        person=person,
        seed=arguments.seed,
        start=start,
        loaded=arguments.load is not None,
        open_browser=sys.stdout.isatty(),
        announce=_announce,
    )


def _announce(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
