"""Limits that the system holds for this process: processor time and memory."""

from __future__ import annotations

import gc
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tesuji.engine.errors import TesujiError

_AGAIN = 0.25  # seconds


class TimeUpError(TesujiError):
    """The processor time is used up."""


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUpError` in the block after so much processor time of this process.

    Only the main thread is interrupted; elsewhere the block runs to its end.

    Raises:
        TimeUpError: see above; at once where no time is left.
    """
    if seconds <= 0.0:
        raise TimeUpError("no processor time is left")
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise TimeUpError("the processor time is used up")

    before = signal.signal(signal.SIGPROF, end)
    # Errors are lost where Python calls back, as it does when it collects garbage: it does not
    # collect any in the block, and whatever else swallows an error gets another.
    collecting = gc.isenabled()
    gc.disable()
    signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
        if collecting:
            gc.enable()


@contextmanager
def memory_limit(megabytes: float | None) -> Iterator[None]:
    """Let the block raise `MemoryError` where it would hold more than that; None: no end.

    What the process holds before does not count.
    """
    if megabytes is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = int((data_mb() + megabytes) * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def data_mb() -> float:
    """Return what the process holds and `memory_limit` counts: private writable memory, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) / 1024
    return 0.0
