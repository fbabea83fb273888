"""Go Text Protocol, version 2 (Farnebäck 2002), for any board game of two players.

A command is one line, `[id] name arguments`; the answer is `=[id] text` or `?[id] message` and an
empty line. An analysis goes on beside the conversation until the next line arrives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from tesuji.domains.base import Domain
from tesuji.engine.errors import TesujiError
from tesuji.engine.protocols.gtp_analysis import format_analysis
from tesuji.engine.protocols.gtp_arguments import number_of, side_of
from tesuji.engine.protocols.gtp_board import GtpBoard, GtpError
from tesuji.engine.protocols.gtp_commands import Agent, GtpCommands
from tesuji.engine.protocols.lines import TooLong
from tesuji.engine.protocols.thinking import Thinker, Thought
from tesuji.search.base import Budget, SearchResult

_FAULTS = (TesujiError, ValueError, OSError, MemoryError)
_LONG = Budget(simulations=10_000_000, memory_mb=512.0)

Write = Callable[[str], None]


class GtpEngine(GtpCommands):
    """Answers a controller, a line at a time.

    Args:
        board: the game.
        make_agent: returns what thinks about a domain; asked anew when the domain changes.
        version: what `version` answers.
        seed: decides what is random in the searches.
    """

    def __init__(
        self, board: GtpBoard, make_agent: Callable[[Domain], Agent], version: str, seed: int = 0
    ) -> None:
        super().__init__(board, make_agent, version, seed)
        self._thinker = Thinker()
        self._write: Write = lambda text: None
        self._number = ""

    def serve(self, lines: Iterable[str], write: Write) -> None:
        """Answer `lines` until `quit` or their end; `write` is called with whole lines."""
        self._write = write
        for line in lines:
            self.answer(line)
            if self.quitting:
                break
        self._thinker.stop()

    def answer(self, line: str) -> None:
        """Answer one line; an analysis under way ends before."""
        self._thinker.stop()
        if isinstance(line, TooLong):
            self._write(f"? {line}\n")
            return
        text = "".join(c for c in line.replace("\t", " ") if c.isprintable()).partition("#")[0]
        words = text.split()
        self._number = words.pop(0) if words and re.fullmatch(r"[0-9]{1,10}", words[0]) else ""
        if not words:
            return
        method = self.commands().get(words[0])
        if method is None:
            self._fail("unknown command")
            return
        try:
            reply = method(*_fit(method, words[1:]))
        except _FAULTS as error:
            self._fail(" ".join(str(error).split()) or "failed")
        else:
            if reply is not None:
                self._write(f"={self._number} {reply}".rstrip(" ") + "\n")

    def _fail(self, message: str) -> None:
        self._write(f"?{self._number} {message}\n")

    def do_lz_analyze(self, *arguments: str) -> None:
        """Analyze until the next line, as Leela Zero tells it: `[colour] [centiseconds]`."""
        self._analyze(arguments, kata=False)

    def do_kata_analyze(self, *arguments: str) -> None:
        """Analyze until the next line, as KataGo tells it: `[colour] [centiseconds]`."""
        self._analyze(arguments, kata=True)

    def _analyze(self, arguments: tuple[str, ...], *, kata: bool) -> None:
        side, interval = _analysis_of(arguments)
        agent = self.agent()
        if side is not None:
            self.board.turn_to(side)
        game, here, told = self.board.game, self.board.game.current, [0.0]
        if here.ended:
            raise GtpError("the game is over: nothing to analyze")

        def tell(results: list[SearchResult]) -> None:
            if results[0].seconds - told[0] >= interval:
                told[0] = results[0].seconds
                self._write(format_analysis(game, here, results[0], kata))

        def done(results: list[SearchResult] | str) -> None:
            last = ""
            if not isinstance(results, str):
                last = format_analysis(game, here, results[0], kata)
            self._write(f"{last}\n")

        self._write(f"={self._number}")
        self._thinker.begin(
            Thought(agent.search, [here.state], _LONG, done, tell, self.seed, reuse=True)
        )


def _fit(method: Any, arguments: list[str]) -> list[str]:
    """Return as many arguments as a command takes; further ones are ignored, as GTP has it."""
    code = method.__func__.__code__
    least = code.co_argcount - 1 - len(method.__func__.__defaults__ or ())
    if len(arguments) < least:
        raise GtpError("syntax error: an argument is missing")
    takes_any = bool(code.co_flags & 0x04)
    return arguments if takes_any else arguments[: code.co_argcount - 1]


def _analysis_of(arguments: tuple[str, ...]) -> tuple[int | None, float]:
    """Return the side and the seconds between two reports; further words are ignored."""
    side, interval, rest = None, 1.0, list(arguments)
    if rest and rest[0].lower() in ("b", "w", "black", "white"):
        side = side_of(rest.pop(0))
    if rest and rest[0].lower() == "interval":
        rest.pop(0)
    if rest and rest[0][:1].isdigit():
        interval = number_of(rest.pop(0), 0, 1e6) / 100
    return side, interval
