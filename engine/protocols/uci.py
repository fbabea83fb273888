"""The universal chess interface: chess for GUIs and tournament managers.

Commands are read and answered at once while the search thinks in a thread of its own. Whatever is
malformed, illegal or out of order is answered by `info string error: …` and changes nothing.

`depth` has no meaning of its own in a tree search by visits: it stands for so many simulations.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from tesuji import __version__
from tesuji.domains.base import Domain, State
from tesuji.engine.agent import SearchAgent
from tesuji.engine.protocols.clock import quieten_collector
from tesuji.engine.protocols.lines import TooLong
from tesuji.engine.protocols.thinking import FAULTS, Results, Thinker, Thought
from tesuji.engine.protocols.uci_info import info_lines
from tesuji.engine.protocols.uci_options import Options, describe_options, read_option
from tesuji.engine.protocols.uci_pace import Pace
from tesuji.engine.protocols.uci_text import Go, Position, parse_go, parse_option, parse_position
from tesuji.search.base import BoolArray, Budget

_FOR_EVER = 1e9  # seconds
_AT_ONCE = 0.001

Load = Callable[[str, bool], tuple[Domain, SearchAgent, str]]


@dataclass
class _Job:
    """A search that was asked for, and what became of it."""

    state: State
    held: bool  # whether `bestmove` waits for `stop` or `ponderhit`
    budget: Budget  # what it gets once it is not held
    outcome: Results | str | None = None
    told: bool = False
    began: float = field(default_factory=time.monotonic)


class UciEngine:
    """One conversation.

    Args:
        load: `(agent, chess960) -> (domain, agent, note)`; ValueError where there is no such agent.
        write: takes lines, from any thread.
        options: what they are before the GUI says otherwise.
    """

    def __init__(self, load: Load, write: Callable[[str], None], options: Options) -> None:
        self._load = load
        self._write = write
        self.options = options
        self._thinker = Thinker()
        self._lock = threading.RLock()
        self._job: _Job | None = None
        self._timer: threading.Timer | None = None
        self._position, self._pace = Position(None, ()), Pace()
        self._ready: object = None  # the search that has run once
        self._open(options)
        self.state: State = self.domain.reset()

    def _open(self, options: Options) -> None:
        domain, agent, note = self._load(options.agent, options.chess960)
        self.domain, self.search = domain, agent.search
        self.options = options
        if note:
            self._write(f"info string {note}")

    def handle(self, line: str) -> bool:
        """Answer one line; return False where it ends the conversation."""
        words = line.split()
        if not words:
            return True
        if words[0] == "quit":
            self.close()
            return False
        try:
            if isinstance(line, TooLong):
                raise ValueError(line)
            command = getattr(self, f"do_{words[0]}", None) if words[0].isascii() else None
            if command is None:
                raise ValueError(f"unknown command {words[0][:40]!r}")
            command(words[1:])
        except FAULTS as error:
            self._fail(" ".join(str(error).split()) or type(error).__name__)
        return True

    def finish(self) -> None:
        """Let a search that has a limit tell its move, and stop any other: nobody speaks more."""
        if self._job is not None and not self._job.held:
            self._thinker.wait()
        self.close()

    def close(self) -> None:
        """Stop thinking, for good."""
        self.do_stop([])

    def _fail(self, why: str) -> None:
        self._write(f"info string error: {why[:400]}")

    def do_uci(self, words: list[str]) -> None:
        """Say who we are."""
        del words
        lines = [f"id name tesuji {__version__}", "id author the tesuji developers"]
        self._write("\n".join([*lines, *describe_options(self.options), "uciok"]))

    def do_isready(self, words: list[str]) -> None:
        """Answer when ready: what has yet to be compiled is compiled now, not on the clock."""
        del words
        if self._ready is not self.search and (self._job is None or self._job.told):
            self._thinker.wait()
            self._ready, start = self.search, [self.domain.reset()]
            self.search.run(start, Budget(simulations=2, memory_mb=1), progress=lambda _: None)
            self.search.line(0)
            self.search.glance(start[0])
            quieten_collector()
        self._write("readyok")

    def do_debug(self, words: list[str]) -> None:
        """Pass over it: errors are told in any case."""

    def do_register(self, words: list[str]) -> None:
        """Pass over it: nobody needs to register."""

    def do_ucinewgame(self, words: list[str]) -> None:
        """Forget the last game."""
        del words
        self._idle("ucinewgame")
        self.search.clear_cache()
        self._position, self.state = Position(None, ()), self.domain.reset()

    def do_setoption(self, words: list[str]) -> None:
        """Set an option, unless a search is under way."""
        self._idle("setoption")
        options = read_option(self.options, *parse_option(" ".join(words)))
        if (options.agent, options.chess960) != (self.options.agent, self.options.chess960):
            self._open(options)
            self._position, self.state = Position(None, ()), self.domain.reset()
        self.options = options

    def do_position(self, words: list[str]) -> None:
        """Take a position; the one before stays where any of it is wrong."""
        position = parse_position(words)
        known = self._position
        state, done = self.state, len(known.moves)
        # A game goes on from where it was: its moves need not all be made again.
        if position.fen != known.fen or position.moves[:done] != known.moves:
            done = 0
            state = self.domain.reset()
            if position.fen is not None:
                state = self.domain.parse_state(position.fen)
        for number, move in enumerate(position.moves[done:], start=done + 1):
            try:
                state = self.domain.step(state, self.domain.parse_action(state, move))[0]
            except ValueError as error:
                raise ValueError(f"move {number} of the position: {error}") from None
        self._position, self.state = position, state

    def do_go(self, words: list[str]) -> None:
        """Begin to think."""
        self._idle("go")
        go = parse_go(words)
        legal = self.domain.legal(self.state)
        if not legal.any():
            self._write("info string error: there is no legal move\nbestmove (none)")
            return
        allowed = self._allowed(go, legal)
        held = go.infinite or go.ponder
        budget = self._budget(go)
        if budget is None:
            self._tell_at_once(None if allowed is None else allowed[0])
            return
        self._job = job = _Job(self.state, held, budget)
        if held:
            budget = replace(budget, simulations=None, seconds=_FOR_EVER)
        self._thinker.begin(
            Thought(
                self.search,
                [self.state],
                budget,
                done=lambda outcome: self._done(job, outcome),
                progress=lambda results: self._report(job, results),
                allowed=allowed,
            )
        )

    def _allowed(self, go: Go, legal: BoolArray) -> list[BoolArray] | None:
        if not go.searchmoves:
            return None
        mask = np.zeros_like(legal)
        for move in go.searchmoves:
            mask[self.domain.parse_action(self.state, move)] = True
        return [mask]

    def _tell_at_once(self, allowed: BoolArray | None) -> None:
        began = time.monotonic()
        action = self.search.glance(self.state, allowed=allowed, haste=self._pace.haste)
        self._pace.spend(time.monotonic() - began)
        name = self.domain.action_name(self.state, action)
        self._write(f"info string no time to think\nbestmove {name}")

    def _budget(self, go: Go) -> Budget | None:
        """Return the limits of a `go` without `infinite`; without any, a second; None for none.

        None means that there is no time to think. A search that is held has time until `stop`.
        """
        simulations = go.simulations()
        mover, line = self.domain.to_play(self.state), self._position.moves
        seconds = self._pace.seconds(go, mover, line, self.options.overhead / 1000)
        if simulations is None and seconds is None:
            seconds = 1.0
        if seconds == 0:
            if not (go.infinite or go.ponder):
                return None
            seconds = _AT_ONCE
        return Budget(simulations, seconds, memory_mb=float(self.options.hash))

    def do_stop(self, words: list[str]) -> None:
        """Stop thinking and tell the move."""
        del words
        self._release(None)

    def do_ponderhit(self, words: list[str]) -> None:
        """The expected move was played: from now on our time runs."""
        del words
        job = self._job
        if job is None or not job.held:
            raise ValueError("ponderhit without a search that ponders")
        self._release(job.budget.seconds or 0.0)

    def _release(self, seconds: float | None) -> None:
        """Let the held search tell its move, after `seconds` more if it still thinks."""
        with self._lock:
            job = self._job
            if job is not None:
                job.held = False
                if job.outcome is not None:
                    self._tell(job)
        if self._timer is not None:
            self._timer.cancel()
        if seconds is None:
            self._thinker.stop()
        else:
            self._timer = threading.Timer(seconds, self._thinker.hurry)
            self._timer.daemon = True
            self._timer.start()

    def _idle(self, what: str) -> None:
        if self._job is not None and not self._job.told:
            raise ValueError(f"{what} while a search is under way; stop it first")
        self._thinker.wait()  # a GUI may answer `bestmove` before the thread that wrote it is gone

    def _done(self, job: _Job, outcome: Results | str) -> None:
        with self._lock:
            job.outcome = outcome
            if not job.held:
                self._tell(job)

    def _report(self, job: _Job, results: Results) -> None:
        lines = info_lines(self.domain, job.state, results[0], self.search, self.options.multipv)
        self._write("\n".join(lines))

    def _tell(self, job: _Job) -> None:
        """Write the last `info` lines and `bestmove`, once."""
        if job.told:
            return
        job.told = True
        outcome = job.outcome
        if isinstance(outcome, str) or outcome is None:
            self._fail(str(outcome))
            action = int(np.flatnonzero(self.domain.legal(job.state))[0])
            self._write(f"bestmove {self.domain.action_name(job.state, action)}")
            return
        self._report(job, outcome)
        self._pace.spend(time.monotonic() - job.began)
        self._write(self._best(job.state, outcome[0].principal_variation or (outcome[0].action,)))

    def _best(self, state: State, line: tuple[int, ...]) -> str:
        text = f"bestmove {self.domain.action_name(state, line[0])}"
        state, _, discount = self.domain.step(state, line[0])
        if len(line) > 1 and discount != 0:
            text += f" ponder {self.domain.action_name(state, line[1])}"
        return text
