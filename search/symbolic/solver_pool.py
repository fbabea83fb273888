"""Solver processes that are kept for whoever needs one next: to start one takes half a second."""

from __future__ import annotations

import atexit
import os
from threading import Lock

from tesuji.search.symbolic.solver_process import SolverProcess

MEMORY_MB = 2048  # address space of a process, where nothing else is said

_MOST = 3  # idle ones that are kept


class _Pool:
    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[SolverProcess] = []
        self._pid = 0

    def borrow(self, memory_mb: int) -> SolverProcess:
        with self._lock:
            if self._pid != os.getpid():  # a fork must not talk to its parent's processes
                self._idle, self._pid = [], os.getpid()
                atexit.register(self.close)
            for place, process in enumerate(self._idle):
                if process.memory_mb == memory_mb:
                    return self._idle.pop(place)
        return SolverProcess(memory_mb)

    def give_back(self, process: SolverProcess) -> None:
        with self._lock:
            if process.alive and len(self._idle) < _MOST and self._pid == os.getpid():
                process.forget()
                self._idle.append(process)
                return
        process.close()

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()


_POOL = _Pool()


def borrow(memory_mb: int = MEMORY_MB) -> SolverProcess:
    """Return a solver process that knows nothing; give it back."""
    return _POOL.borrow(memory_mb)


def give_back(process: SolverProcess) -> None:
    """Take a process back; one that is dead or busy is closed."""
    _POOL.give_back(process)
