"""`tesuji gtp`: play by the Go Text Protocol."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from tesuji.engine.commands.base import Agent, Common, Count, Seconds, open_search, read_budget
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from tesuji.domains.base import Domain
    from tesuji.engine.agent import SearchAgent

EXAMPLES = """
Examples:
  tesuji gtp --game go                              an engine on stdin and stdout
  tesuji gtp --game hex_7x7 --agent uniform --sims 5000
  tesuji gtp --game go --agent runs/a --seconds 2   your own net, two seconds a move
  printf 'boardsize 7\\nplay b D4\\ngenmove w\\nshowboard\\nquit\\n' | tesuji gtp
  gogui -program "tesuji gtp --game go"             in a GUI
  gogui-twogtp -black "tesuji gtp" -white "gnugo --mode gtp" -size 9 -games 10 -time 1m
"""

Name = Annotated[str, tyro.conf.arg(metavar="GAME")]


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Play by GTP 2: GUIs and other programs send commands on stdin and read answers on stdout.

    Attributes:
        game: go, hex, gomoku, othello, or any board game of two players.
        agent: who thinks: net (the one that ships; rollout where none does), uniform, rollout, or
            a run or checkpoint, with options as in `rollout:rollouts=4`.
        sims: simulations of a move while no clock is set; 800 where neither these nor seconds are.
        seconds: time of a move while no clock is set.
        seed: decides what is random in the searches.
    """

    game: Name = "go"
    agent: Agent = "net"
    sims: Count = None
    seconds: Seconds = None
    seed: int = 0


def run(arguments: Arguments) -> None:
    """Answer commands until `quit` or the end of the input."""
    from tesuji import __version__
    from tesuji.domains.registry import UnknownDomainError
    from tesuji.engine.protocols.gtp import GtpEngine
    from tesuji.engine.protocols.gtp_board import GtpBoard, GtpError
    from tesuji.engine.protocols.lines import Writer, read_lines

    name, size = _split(arguments.game)
    try:
        board = GtpBoard(name, size)
    except (GtpError, UnknownDomainError) as error:
        raise UsageError(str(error)) from None
    budget = read_budget(arguments.sims, arguments.seconds, default=800)
    noted: set[str] = set()

    def make_agent(domain: Domain) -> SearchAgent:
        agent, note = open_search(arguments.agent, domain, budget)
        if note and note not in noted:
            noted.add(note)
            sys.stderr.write(f"tesuji: {note}\n")
        return agent

    engine = GtpEngine(board, make_agent, __version__, arguments.seed)
    engine.agent()  # a wrong agent is told of before anything is answered
    engine.serve(read_lines(sys.stdin.buffer), Writer(sys.stdout.buffer))


def _split(game: str) -> tuple[str, int | None]:
    """Return a game's name and the size that it ends with, where its rules take one."""
    from tesuji.domains.registry import UnknownDomainError, parameters

    match = re.fullmatch(r"(\w+)_(\d+)x\2", game)
    if match is None:
        return game, None
    try:
        takes = "size" in parameters(match[1])
    except UnknownDomainError:
        takes = False
    return (match[1], int(match[2])) if takes else (game, None)
