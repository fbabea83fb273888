"""`SolverProcess`: z3 in a process with a memory limit, which can be interrupted and killed.

What was asserted is remembered, so that a process that dies is replaced and nothing is lost; its
question is answered "unknown". Formulas travel as SMT-LIB text.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import z3

from tesuji.search.symbolic.smt_text import script

_GRACE = 2.0  # seconds that a worker may be late before it is killed
_PATIENCE = 0.5  # seconds for a process to heed an interrupt; to replace it takes less
_NUDGE = 0.05  # seconds between interrupts
_UNKNOWN = {"answer": "unknown", "reason": "the solver died or did not answer"}


@dataclass(frozen=True)
class Check:
    """A question to a solver.

    Attributes:
        seconds: wall-clock time.
        rlimit: z3's own count of work, the same on every machine; 0 for no limit.
        wanted: constants whose values to report, with their sorts: Int, Real or Bool.
        assumed: literals to assume; an unsatisfiable core is made of them.
        cpu_seconds: processor time of the solver; 0 for no limit.
        seed: of its choices.
    """

    seconds: float
    rlimit: int = 0
    wanted: Mapping[str, str] = field(default_factory=dict)
    assumed: Sequence[str] = ()
    cpu_seconds: float = 0.0
    seed: int = 0


class SolverProcess:
    """An incremental solver in a process of its own; for one thread at a time.

    Args:
        memory_mb: its address space, in MiB; z3 and Python take about 300 of them.

    Attributes:
        memory_mb: its address space.
        values: of the last question, where it was satisfiable; truth is 1, falsehood 0.
        core: of the last question, where it was not: assumed literals that are to blame.
        minimal: whether no literal of it can be left out, where that was asked for.
        reason: why the last question has no answer.
        terms: of instances: each a symbol and the places of its arguments.
        instances: that the last question was about: a formula's name (`:qid`), and the places of
            the terms for its variables.
        deaths: how often the process died or had to be killed.
        cpu_seconds: processor time of all answers.
    """

    def __init__(self, memory_mb: int = 2048) -> None:
        self.memory_mb = memory_mb
        self.values: dict[str, Fraction] = {}
        self.core: tuple[str, ...] = ()
        self.minimal = False
        self.reason = ""
        self.terms: list[list[Any]] = []
        self.instances: list[tuple[str, dict[str, int]]] = []
        self.deaths = 0
        self.cpu_seconds = 0.0
        self._log: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._waiting = False
        self._before = 0.0  # CPU-seconds of the process when it was asked

    @property
    def alive(self) -> bool:
        """Return whether there is a process that waits for questions."""
        return self._process is not None and not self._waiting

    def add(self, formulas: Sequence[z3.BoolRef]) -> None:
        """Assert formulas."""
        if formulas:
            self.add_text(script(formulas))

    def add_text(self, text: str) -> None:
        """Assert what SMT-LIB text asserts."""
        self._tell({"do": "assert", "text": text})

    def claim(self, text: str) -> None:
        """Take claims, see `smt_text`."""
        self._tell({"do": "claim", "text": text})

    def hint(self, values: Mapping[str, tuple[str, str | int]]) -> None:
        """Say where to look first: sort and value of constants, see `hints.takes_hints`."""
        self._tell({"do": "hint", "values": dict(values)})

    def forget(self) -> None:
        """Forget all that was asserted."""
        self._log.clear()
        self._send({"do": "forget"})

    def push(self) -> None:
        """Begin what `pop` takes back."""
        self._tell({"do": "push"})

    def pop(self) -> None:
        """Take back all since the last `push`."""
        place = max(i for i, line in enumerate(self._log) if line == _line({"do": "push"}))
        del self._log[place:]
        self._send({"do": "pop"})

    def check(self, question: Check) -> z3.CheckSatResult:
        """Return the verdict, and set `values` or `core`; never more than unknown."""
        self.ask(question)
        return self.answer(time.monotonic() + question.seconds + _GRACE)

    def ask(self, question: Check) -> None:
        """Start a check; `answer` ends it."""
        words = {"wanted": dict(question.wanted), "assumed": list(question.assumed)}
        self._request("check", question, words)

    def find_core(self, question: Check, facts: str = "") -> z3.CheckSatResult:
        """Return the verdict on the claims assumed, under facts that are then forgotten.

        Where they are unsatisfiable, `core` is made small, each claim tried once, and proved a
        second time by a new solver.
        """
        words = {"names": list(question.assumed), "text": facts, "wanted": dict(question.wanted)}
        self._request("core", question, words)
        return self.answer(time.monotonic() + 3 * question.seconds + _GRACE)

    def prove(self, question: Check, facts: str = "") -> z3.CheckSatResult:
        """Return a new solver's verdict on the claims assumed, the facts and all asserted."""
        self._request("prove", question, {"names": list(question.assumed), "text": facts})
        return self.answer(time.monotonic() + question.seconds + _GRACE)

    def find_instances(self, question: Check, text: str) -> z3.CheckSatResult:
        """Return a new solver's verdict on quantified formulas, and set `instances` and `terms`."""
        self._request("instances", question, {"text": text})
        return self.answer(time.monotonic() + question.seconds + _GRACE)

    def answer(self, deadline: float) -> z3.CheckSatResult:
        """Wait for the answer to a question; a process that is late is killed."""
        found = self._read(deadline)
        verdict = {"sat": z3.sat, "unsat": z3.unsat}.get(found["answer"], z3.unknown)
        self.values = {n: Fraction(value) for n, value in found.get("values", {}).items()}
        self.core = tuple(found.get("core", ()))
        self.minimal = bool(found.get("minimal", False))
        self.reason = str(found.get("reason", ""))
        self.terms = found.get("terms", [])
        self.instances = found.get("instances", [])
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
                    with suppress(BrokenPipeError):  # what was not read by then is lost with it
                        stream.close()
            self._process = None
            self._waiting = False

    def __del__(self) -> None:
        """End the process of whoever forgot to."""
        self.close()

    def _request(self, what: str, question: Check, words: Mapping[str, Any]) -> None:
        if self._process is None:
            self._start()
        milliseconds = max(1, round(1000 * question.seconds))
        limits = {
            "milliseconds": milliseconds, "rlimit": question.rlimit,
            "cpu_seconds": question.cpu_seconds, "seed": question.seed,
        }  # fmt: skip
        self._waiting = True
        self._before = self._used()
        self._send({"do": what, **limits, **words})

    def _start(self) -> None:
        words = [sys.executable, "-m", "tesuji.search.symbolic.solver_worker", str(self.memory_mb)]
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

    def _used(self) -> float:
        # Processor time of the process.
        if self._process is None:
            return 0.0
        try:
            words = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

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
            self.cpu_seconds += max(0.0, self._used() - self._before)
            self.close()
            return _UNKNOWN
        self._waiting = False
        found: dict[str, Any] = json.loads(line)
        self.cpu_seconds += float(found["cpu"])
        return found


def _line(request: Mapping[str, Any]) -> str:
    return json.dumps(request) + "\n"
