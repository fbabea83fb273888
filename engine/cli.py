"""The command line: `tesuji VERB …`.

Verbs and their flags are dataclasses in `tesuji.engine.commands`, read by tyro. Leaves with 0, with
1 after a fault, with 2 after wrong usage, with 130 after Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tesuji.engine.errors import FAULTS, UsageError, one_line

if TYPE_CHECKING:
    from tesuji.engine.commands.base import Answer

VERBS = {
    "train": "learn a game by self-play from nothing, or to plan",
    "play": "play against it, in the terminal or the browser",
    "match": "let two agents play: Elo with error bars",
    "evaluate": "count the mistakes that an agent makes on solved positions",
    "analyze": "search one position and show what was found",
    "analysis": "answer queries about positions, JSON lines in and out",
    "uci": "play chess by the universal chess interface, for GUIs",
    "solve": "say the exact value of a position and of every move",
    "run": "act in a Gymnasium or MuJoCo environment, under constraints",
    "repair": "mend a plan after a disruption, keeping most of it",
    "generate": "write random planning problems",
    "gtp": "play by the Go Text Protocol, in GUIs and against other programs",
    "prove": "say whether a position is won, drawn or lost, with a certificate",
    "verify": "check a certificate by the rules alone",
    "report": "draw the learning curves of a run, as a page and as PNG",
    "export": "write a net for ONNX Runtime or OpenVINO",
    "bench": "measure the speed of this machine, or solve a folder of instances",
    "doctor": "look whether everything is there that tesuji needs",
}

# Written out, because the registry would load numpy; a test compares them.
GAMES = """\
tic_tac_toe, connect_four, othello, chess, chess960, go, hex, hex_swap, gomoku,
gomoku_standard, breakthrough, 2048, sokoban, double_integrator, delivery,
job_shop,"""

HELP = f"""\
tesuji learns to play and to plan: neural nets, tree search, proof.

Learn Connect Four in ten minutes, then play against it:
  tesuji train connect_four --minutes 10
  tesuji play connect_four
  tesuji play connect_four --web

Ask about a position (the moves from the start):
  tesuji analyze connect_four 4453 --sims 1000
  tesuji solve connect_four 44535

How strong is it, and how did it learn?
  tesuji match runs/a runs/b --games 200 --sprt
  tesuji evaluate runs/a --sims 100
  tesuji report runs/a

Verbs:
{chr(10).join(f"  {verb:10}{line}" for verb, line in VERBS.items())}

Every verb has --help, --json (a JSON object a line; the last is the answer),
--config FILE.toml (flags win over it) and --debug.
Games: {GAMES}
or your_game.py:factory; a board's size goes with the name: hex_7x7, othello_6x6, go_9x9.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb that `argv` names and return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if words[0] == "--version":
        from tesuji import __version__

        print(f"tesuji {__version__}")
        return 0
    debug = "--debug" in words or bool(os.environ.get("TESUJI_DEBUG"))
    try:
        return _run(words[0], words[1:])
    except KeyboardInterrupt:
        print("tesuji: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FAULTS as error:
        if debug and not isinstance(error, UsageError):
            raise
        print(f"tesuji: error: {one_line(error)}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1


def _run(verb: str, words: list[str]) -> int:
    import importlib

    from tesuji.engine.config import nearest

    if verb not in VERBS:
        near = nearest(verb, list(VERBS))
        hint = f"did you mean {near!r}?" if near else "tesuji --help lists the verbs"
        raise UsageError(f"unknown verb {verb!r}; {hint}")
    from tesuji.engine.arguments import parse

    module = importlib.import_module(f"tesuji.engine.commands.{verb}")
    arguments = parse(module.Arguments, verb, words)
    if arguments is None:  # help was shown
        print(module.EXAMPLES, end="")
        return 0
    _tell_warnings()
    answer = module.run(arguments)
    return 0 if answer is None else _say(answer, arguments)


def _tell_warnings() -> None:
    """Show our own warnings, a line each, and keep other libraries' advice away."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())
    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter("tesuji: warning: %(message)s"))
    logging.getLogger("tesuji").handlers = [shown]


def _say(answer: Answer, arguments: Any) -> int:
    if arguments.json:
        import json

        print(json.dumps({"kind": "answer", **answer.facts}, allow_nan=False), flush=True)
    elif answer.text:
        print(answer.text, flush=True)
    return answer.code


if __name__ == "__main__":
    sys.exit(main())
