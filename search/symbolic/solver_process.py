"""`SolverProcess`: z3 in a process with a memory limit, which can be interrupted and killed.

What was asserted is remembered, so that a process that dies is replaced and nothing is lost; its
question is answered "unknown". Formulas travel as SMT-LIB text.
"""

from __future__ import annotations

import json
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import z3

_GRACE = 2.0  # seconds that a worker may be late before it is killed
_PATIENCE = 0.5  # seconds for a process to heed an interrupt; to replace it takes less
_NUDGE = 0.05  # seconds between interrupts
_UNKNOWN = {"answer": "unknown", "reason": "the solver died or did not answer"}


class SolverProcess:
    """An incremental solver in a process of its own.

    Args:
        memory_mb: its address space, in MiB; z3 and Python take about 300 of them.
        hints: initial values of whole-number constants, where z3 looks first.

    Attributes:
        values: of the last question, where it was satisfiable.
        deaths: how often the process died or had to be killed.
    """

    def __init__(self, memory_mb: int = 2048, hints: Mapping[str, int] | None = None) -> None:
        self.values: dict[str, Fraction] = {}
        self.deaths = 0
        self._memory_mb = memory_mb
        self._hints = dict(hints or {})
        self._log: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def add(self, formulas: Sequence[z3.BoolRef]) -> None:
        """Assert formulas."""
        if formulas:
            writer = z3.SimpleSolver()
            writer.add(list(formulas))
            self._tell({"do": "assert", "text": writer.sexpr()})

    def push(self) -> None:
        """Begin what `pop` takes back."""
        self._tell({"do": "push"})

    def pop(self) -> None:
        """Take back all since the last `push`."""
        place = max(i for i, line in enumerate(self._log) if line == _line({"do": "push"}))
        del self._log[place:]
        self._send({"do": "pop"})

    def check(
        self, seconds: float, rlimit: int = 0, ints: Sequence[str] = (), reals: Sequence[str] = ()
    ) -> z3.CheckSatResult:
        """Return the verdict, and set `values` of the constants named; never more than unknown."""
        self.ask(seconds, rlimit, ints, reals)
        return self.answer(time.monotonic() + seconds + _GRACE)

    def ask(self, seconds: float, rlimit: int, ints: Sequence[str], reals: Sequence[str]) -> None:
        """Start a check; `answer` ends it."""
        milliseconds = max(1, round(1000 * seconds))
        request = {"do": "check", "milliseconds": milliseconds, "rlimit": rlimit}
        if self._process is None:
            self._start()
        self._send({**request, "ints": list(ints), "reals": list(reals)})

    def answer(self, deadline: float) -> z3.CheckSatResult:
        """Wait for the answer to `ask`; a process that is late is killed."""
        found = self._read(deadline)
        verdict = {"sat": z3.sat, "unsat": z3.unsat}.get(found["answer"], z3.unknown)
        if verdict == z3.sat:
            self.values = {name: Fraction(value) for name, value in found["values"].items()}
        return verdict

    def interrupt(self) -> None:
        """End the check under way, and drop its answer; who does not listen is killed."""
        deadline = time.monotonic() + _PATIENCE
        while self._process is not None:
            # A signal is lost on a process that has not begun to work.
            self._process.send_signal(signal.SIGINT)
            if self._ready(_NUDGE) or time.monotonic() > deadline:
                self._read(deadline)
                return

    def fileno(self) -> int:
        """Return the descriptor that can be read when there is an answer; -1 without a process."""
        if self._process is None or self._process.stdout is None:
            return -1
        return self._process.stdout.fileno()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None

    def _start(self) -> None:
        words = [sys.executable, "-m", "tesuji.search.symbolic.solver_worker", str(self._memory_mb)]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent, which then closes it
        )
        for line in self._log:
            self._write(line)
        if self._hints:
            self._send({"do": "hint", "values": self._hints})

    def _tell(self, request: Mapping[str, Any]) -> None:
        self._log.append(_line(request))
        self._send(request)

    def _send(self, request: Mapping[str, Any]) -> None:
        if self._process is not None:
            self._write(_line(request))

    def _write(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it is dead; `_read` will find out

    def _ready(self, seconds: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def _read(self, deadline: float) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdout is None:
            return _UNKNOWN
        ready = self._ready(max(0.0, deadline - time.monotonic()))
        line = process.stdout.readline() if ready else ""
        if not line:
            self.deaths += 1
            self.close()
            return _UNKNOWN
        found: dict[str, Any] = json.loads(line)
        return found


def race(
    runners: Sequence[SolverProcess],
    seconds: float,
    rlimit: int,
    ints: Sequence[str],
    reals: Sequence[str],
) -> tuple[z3.CheckSatResult, SolverProcess]:
    """Put one question to several solvers; return the first verdict that is no unknown, and whose.

    The others are interrupted. With a single runner it is no more than `check`.
    """
    deadline = time.monotonic() + seconds + _GRACE
    for runner in runners:
        runner.ask(seconds, rlimit, ints, reals)
    running = list(runners)
    verdict, winner = z3.unknown, runners[0]
    while running and verdict == z3.unknown:
        with selectors.DefaultSelector() as selector:
            for runner in running:
                selector.register(runner, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(deadline - time.monotonic())]
        for runner in list(running):
            if runner in ready or not ready:
                running.remove(runner)
                found = runner.answer(deadline)
                if found != z3.unknown and verdict == z3.unknown:
                    verdict, winner = found, runner
    for runner in running:
        runner.interrupt()
    return verdict, winner


def _line(request: Mapping[str, Any]) -> str:
    return json.dumps(request) + "\n"
