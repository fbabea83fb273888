"""`tesuji analysis`: answer queries about positions, JSON lines in and out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

from tesuji.engine.commands.base import (
    Agent,
    Common,
    Constraints,
    Count,
    Seconds,
    open_domain,
    open_search,
    read_budget,
)
from tesuji.engine.errors import UsageError

EXAMPLES = """
Examples:
  tesuji analysis --game go_9x9
  echo '{"id": "a", "moves": ["4", "4"], "analyzeTurns": [0, 1, 2]}' | tesuji analysis
  echo '{"id": "b", "initialPosition": "8/8/8/8/8/1k6/1p6/1K6 w - - 0 1", "maxVisits": 500}' \\
      | tesuji analysis --game chess

A query: id; moves (names, or [side, name]); initialPosition (FEN and the like); analyzeTurns
(plies; the last by default); maxVisits, maxTime (seconds); reportDuringSearchEvery and
firstReportDuringSearchAfter (seconds); priority, or priorities by turn; seed; includePolicy. Or an
action: query_version, clear_cache, terminate (with terminateId), terminate_all; both with
turnNumbers if not for all. Answers come as they are done: id, turnNumber, isDuringSearch, rootInfo,
moveInfos; {"error", "field", "id"} where a query is refused, {"warning", "field", "id"} where a
field is passed over; noResults where it was terminated in time.
"""

Name = Annotated[str, tyro.conf.arg(metavar="GAME")]


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Answer queries about positions of one game: JSON objects, a line each, on stdin and stdout.

    Attributes:
        game: the game.
        agent: who thinks: net (the one that ships; rollout where none does), uniform, rollout, or
            a run or checkpoint, with options as in `rollout:rollouts=4`.
        sims: simulations of a position whose query gives no budget; 800 where neither is given.
        seconds: time of such a position.
        batch: most positions that are searched together.
        constraints: what must hold besides the rules; repeat it for more.
    """

    game: Name = "connect_four"
    agent: Agent = "net"
    sims: Count = None
    seconds: Seconds = None
    batch: int = 16
    constraints: Constraints = ()


def run(arguments: Arguments) -> None:
    """Answer until the end of the input, and all that was asked."""
    from tesuji import __version__
    from tesuji.engine.protocols.analysis import AnalysisEngine
    from tesuji.engine.protocols.lines import Writer, read_lines

    if not 1 <= arguments.batch <= 4096:
        raise UsageError(f"--batch must be between 1 and 4096, got {arguments.batch}")
    domain = open_domain(arguments.game, arguments.constraints)
    agent, note = open_search(arguments.agent, domain)
    if note:
        sys.stderr.write(f"tesuji: {note}\n")
    budget = read_budget(arguments.sims, arguments.seconds, default=800)
    write = Writer(sys.stdout.buffer)
    engine = AnalysisEngine(domain, agent.search, write, __version__, budget, arguments.batch)
    engine.serve(read_lines(sys.stdin.buffer), lambda: write.gone)
