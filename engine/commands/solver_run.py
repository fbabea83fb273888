"""What the verbs that solve files share: limits, progress, Ctrl-C, what is written and said."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from tesuji.engine.errors import TesujiError, UsageError

if TYPE_CHECKING:
    from tesuji.engine.solving import Listener, SolveBudget, SolveProgress

NO_ANSWER, TIME_UP = 3, 4  # exit codes
_SILENT = 3.0  # seconds without a word after which it is said why

_LOG = logging.getLogger(__name__)


def read_solve_budget(seconds: float, gap: float, seed: int = 0) -> SolveBudget:
    """Return the limits that flags name."""
    from tesuji.engine.solving import SolveBudget

    try:
        return SolveBudget(seconds=seconds, gap=gap, seed=seed)
    except ValueError as error:
        raise UsageError(f"--{error}") from None


def run_solver(as_json: bool, work: Callable[[Listener, Event], Any]) -> Any:
    """Return what `work` returns, with progress shown; Ctrl-C ends it with what is found."""
    from tesuji.engine.progress import open_progress

    found: list[Any] = []
    stop, told = Event(), Event()
    with open_progress(as_json) as progress:

        def listen(row: SolveProgress) -> None:
            told.set()
            progress.update({"kind": "live", **_row(row)})

        def run() -> None:
            try:
                found.append(work(listen, stop))
            except (ValueError, OSError, MemoryError, TesujiError) as error:
                found.append(error)

        thread = Thread(target=run, daemon=True)
        thread.start()
        began = time.monotonic()
        try:
            while thread.is_alive():
                thread.join(0.1)
                if not told.is_set() and time.monotonic() - began > _SILENT:
                    told.set()
                    _LOG.warning("preparing; the first time ever the solver is compiled: a minute")
        except KeyboardInterrupt:
            stop.set()
            thread.join()
    if not found:
        raise TesujiError("the solver ended without an answer; see its message above")
    if isinstance(found[0], MemoryError):
        raise TesujiError("out of memory; give a smaller instance or more memory")
    if isinstance(found[0], ValueError):
        raise UsageError(str(found[0])) from found[0]
    if isinstance(found[0], OSError):
        raise TesujiError(str(found[0])) from found[0]
    if isinstance(found[0], TesujiError):
        raise found[0]
    return found[0]


def _row(row: SolveProgress) -> dict[str, object]:
    gap = row.gap
    return {
        "cost": row.cost, "bound": finite(row.bound),
        "gap": None if gap is None or finite(gap) is None else round(gap, 4),
        "seconds": round(row.seconds, 2), "rate": round(row.rate),
    }  # fmt: skip


def write_answer(path: Path | None, forms: dict[str, Callable[[], str]]) -> None:
    """Write an answer in the form that the file's name asks for; the first of `forms` else."""
    from tesuji.engine.pictures import KINDS, write_picture
    from tesuji.engine.storage import atomic_write

    if path is None:
        return
    kind = path.suffix.lower()
    if kind in KINDS:
        write_picture(path, forms[".svg"]())
    else:
        atomic_write(path, forms.get(kind, next(iter(forms.values())))().encode())


def finite(number: float) -> float | None:
    """Return a number, None where it is infinite: JSON has no such numbers."""
    return number if math.isfinite(number) else None


def proven(cost: float, bound: float) -> str:
    """Return what is known of a cost, in words."""
    if cost <= bound:
        return f"cost {cost:g}, proven to be the least"
    if finite(bound) is None:
        return f"cost {cost:g}, no lower bound known"
    if bound <= 0.0 or cost <= 0.0:
        return f"cost {cost:g}, lower bound {bound:g}"
    return f"cost {cost:g}, lower bound {bound:g}: at most {1.0 - bound / cost:.1%} above the least"
