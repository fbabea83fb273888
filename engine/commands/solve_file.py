"""`tesuji solve FILE`: plans, with what is proven of them."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from tesuji.engine.commands.base import Answer
from tesuji.engine.errors import TesujiError, UsageError

if TYPE_CHECKING:
    from tesuji.engine.commands.solve import Arguments
    from tesuji.engine.planning import PlanAnswer
    from tesuji.engine.solving import SolveBudget, SolveProgress

NO_ANSWER, TIME_UP = 3, 4  # exit codes


def solve_file(arguments: Arguments) -> Answer:
    """Solve what a file describes."""
    from tesuji.engine.solving import SolveBudget

    try:
        budget = SolveBudget(seconds=arguments.time, gap=arguments.gap)
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    path = Path(arguments.what)
    if not path.is_file():
        raise UsageError(f"no such file: {path}")
    if path.suffix != ".pddl":
        raise UsageError(f"{path}: solve reads PDDL (.pddl) so far")
    if not arguments.moves:
        raise UsageError(f"a PDDL domain needs a problem: tesuji solve {path} PROBLEM.pddl")
    return _solve_pddl(arguments, budget)


def _solve_pddl(arguments: Arguments, budget: SolveBudget) -> Answer:
    from tesuji.domains.logistics.pddl.reader import PddlError
    from tesuji.domains.logistics.pddl.relations import GroundingError
    from tesuji.engine.planning import solve_task
    from tesuji.engine.progress import open_progress
    from tesuji.engine.storage import atomic_write, explained

    found: list[PlanAnswer | Exception] = []
    stop = Event()
    with open_progress(arguments.json) as progress:

        def listen(row: SolveProgress) -> None:
            progress.update({"kind": "live", **_row(row)})

        def work() -> None:
            try:
                found.append(solve_task(arguments.what, arguments.moves, budget, listen, stop))
            except (ValueError, MemoryError) as error:
                found.append(error)

        thread = Thread(target=work, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.1)
        except KeyboardInterrupt:
            stop.set()  # what was found by now is the answer
            thread.join()
    answer = found[0]
    if isinstance(answer, PddlError | GroundingError):
        raise TesujiError(str(answer))
    if isinstance(answer, Exception):
        raise answer
    if arguments.out is not None and answer.plan is not None:
        with explained("write", arguments.out):
            atomic_write(arguments.out, plan_text(answer).encode())
    return _answer(answer)


def _row(row: SolveProgress) -> dict[str, object]:
    gap = row.gap
    return {
        "cost": row.cost, "bound": row.bound, "gap": None if gap is None else round(gap, 4),
        "seconds": round(row.seconds, 2), "states_per_second": round(row.rate),
    }  # fmt: skip


def plan_text(answer: PlanAnswer) -> str:
    """Return a plan as planners write it, with its cost as a remark."""
    assert answer.plan is not None
    lines = [f"({' '.join(step)})" for step in answer.plan]
    return "\n".join([*lines, f"; cost = {answer.cost:g}, lower bound {answer.bound:g}", ""])


def _answer(answer: PlanAnswer) -> Answer:
    facts = {
        "status": answer.status,
        "plan": None if answer.plan is None else [" ".join(step) for step in answer.plan],
        "cost": answer.cost,
        "bound": answer.bound if answer.bound != float("inf") else None,
        "evaluated": answer.evaluated,
        "generated": answer.generated,
        "seconds": round(answer.seconds, 3),
    }
    if answer.plan is None:
        code = NO_ANSWER if answer.status == "unsolvable" else TIME_UP
        verdict = "no plan exists" if code == NO_ANSWER else "no plan found"
        return Answer(f"{verdict}: {answer.reason}", {**facts, "reason": answer.reason}, code)
    assert answer.cost is not None
    gap = 0.0 if answer.cost <= answer.bound else 1.0 - answer.bound / answer.cost
    proven = "optimal" if answer.status == "optimal" else f"at most {gap:.1%} above the least"
    first = "" if answer.first is None else f", the first after {answer.first[1]:.2f} s"
    summary = (
        f"cost {answer.cost:g}, lower bound {answer.bound:g}: {proven}; {len(answer.plan)} "
        f"actions, validated; {answer.seconds:.1f} s{first}, {answer.generated:,} states generated"
    )
    lines = [f"({' '.join(step)})" for step in answer.plan]
    return Answer("\n".join([*lines, "", summary]), facts)
