"""`tesuji uci`: chess by the universal chess interface, for GUIs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tesuji.engine.commands.base import Agent, Common, open_domain, open_search

if TYPE_CHECKING:
    from tesuji.domains.base import Domain
    from tesuji.engine.agent import SearchAgent

EXAMPLES = """
Examples:
  tesuji uci                       as the command of an engine in any chess GUI
  tesuji uci --agent runs/chess    with a net of your own
  printf 'uci\\nisready\\nposition startpos moves e2e4\\ngo movetime 1000\\n' | tesuji uci
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Play chess and Chess960 by UCI on stdin and stdout.

    Attributes:
        agent: who thinks: net (the one that ships; rollout where none does), uniform, rollout, or a
            run or checkpoint, with options as in `rollout:rollouts=2`.
        hash: megabytes of a search's tree.
    """

    agent: Agent = "net"
    hash: int = 256


def run(arguments: Arguments) -> None:
    """Converse until `quit` or the end of the input."""
    from tesuji.engine.protocols.lines import Writer, read_lines
    from tesuji.engine.protocols.uci import UciEngine
    from tesuji.engine.protocols.uci_options import Options, read_option

    options = read_option(Options(agent=arguments.agent), "Hash", str(arguments.hash))
    write = Writer(sys.stdout.buffer)
    engine = UciEngine(_load, write, options)
    for line in read_lines(sys.stdin.buffer):
        if write.gone or not engine.handle(line):
            return
    engine.finish()


def _load(agent: str, chess960: bool) -> tuple[Domain, SearchAgent, str]:
    domain = open_domain("chess960" if chess960 else "chess")
    return domain, *open_search(agent, domain)
