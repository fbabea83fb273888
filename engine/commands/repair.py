"""`tesuji repair`: mend a plan after a disruption."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from tesuji.engine.commands.base import Answer, Common, Constraints, File, Seconds
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from tesuji.domains.logistics.pddl.syntax import Task
    from tesuji.engine.repair import Repair, RepairAnswer
    from tesuji.engine.solving import Listener

EXAMPLES = """
Examples:
  tesuji repair domain.pddl today.pddl plan.txt            today.pddl says how things are now
  tesuji repair domain.pddl today.pddl plan.txt --change 5 --time 30 --out mended.txt

Of the plan's steps those that stay are shown with " ", those that go with "-", new ones with "+".
Leaves with 0 when there is a plan, 3 when it is proven that there is none, 4 when the time was up
before there was one.
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Mend a plan for a problem that has changed, keeping as much of it as pays.

    Attributes:
        domain: the PDDL domain.
        problem: the PDDL problem as it is now: a truck out, a road closed, a new order.
        plan: the old plan, a step a line.
        time: seconds that it may take.
        gap: stop once the sum of cost and changes is proven to be within this part of the least.
        change: what each step that goes or comes counts beside the plan's cost; by default the
            mean cost of a step.
        constraints: what must hold besides, such as "apart: not (at(t1, b) and at(t2, b))"; repeat
            it for more (see docs/planning.md).
        out: write the mended plan to this file: .txt, .json, or a chart as .svg or .png.
    """

    domain: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DOMAIN")]
    problem: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PROBLEM")]
    plan: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PLAN")]
    time: float = 10.0
    gap: float = 0.0
    change: Seconds = None
    constraints: Constraints = ()
    out: File = None


def run(arguments: Arguments) -> Answer:
    """Mend the plan and say what changed."""
    from tesuji.domains.logistics.pddl.parser import load_task
    from tesuji.domains.logistics.pddl.validation import load_plan
    from tesuji.engine.commands.solver_run import read_solve_budget, run_solver, write_answer
    from tesuji.engine.pictures import check_picture
    from tesuji.engine.plan_chart import plan_svg
    from tesuji.engine.plan_rules import PlanRules
    from tesuji.engine.planning import load_kernels
    from tesuji.engine.repair import RepairAnswer, repair_plan
    from tesuji.engine.solving import SolveClock
    from tesuji.engine.storage import dump_json

    budget = read_solve_budget(arguments.time, arguments.gap)
    if arguments.change is not None and not 0.0 <= arguments.change < float("inf"):
        raise UsageError(f"--change must be at least 0, got {arguments.change}")
    if arguments.out is not None:
        check_picture(arguments.out)
    try:
        old = load_plan(arguments.plan)
    except ValueError as error:
        raise UsageError(str(error)) from None

    tasks: list[Task] = []

    def work(listen: Listener, stop: Event) -> RepairAnswer:
        task = load_task(arguments.domain, arguments.problem)
        tasks.append(task)
        rules = PlanRules(task, arguments.constraints) if arguments.constraints else None
        load_kernels()
        clock = SolveClock(budget, stop)
        *_, last = repair_plan(task, old, clock, arguments.change, listen, rules)
        assert isinstance(last, RepairAnswer)
        return last

    answer: RepairAnswer = run_solver(arguments.json, work)
    told, best = _say(answer), answer.best
    if best is not None:
        forms: dict[str, Callable[[], str]] = {
            ".txt": lambda: _text(best),
            ".json": lambda: dump_json(told.facts).decode(),
            ".svg": lambda: plan_svg(tasks[0], best.plan, f"mended plan, cost {best.cost:g}"),
        }
        write_answer(arguments.out, forms)
    return told


def _text(best: Repair) -> str:
    lines = [f"({' '.join(step)})" for step in best.plan]
    return "\n".join([*lines, f"; cost = {best.cost:g}", ""])


def _say(answer: RepairAnswer) -> Answer:
    from tesuji.engine.commands.solver_run import NO_ANSWER, TIME_UP, finite, proven

    facts = {
        "status": answer.status,
        "change": answer.change,
        "bound": finite(answer.bound),
        "reason": answer.reason,
        "seconds": round(answer.seconds, 3),
    }
    best = answer.best
    if best is None:
        code = NO_ANSWER if answer.status == "unsolvable" else TIME_UP
        verdict = "no plan exists" if code == NO_ANSWER else "no plan found"
        return Answer(f"{verdict}: {answer.reason}", {**facts, "plan": None}, code)
    kept, removed, added = (best.steps(mark) for mark in " -+")
    named = {"plan": best.plan, "kept": kept, "removed": removed, "added": added}
    facts |= {name: [" ".join(step) for step in steps] for name, steps in named.items()}
    counts = f"{len(kept)} steps kept, {len(removed)} removed, {len(added)} added"
    summary = (
        f"{counts}, validated; cost {best.cost:g}; counting {answer.change:g} a change "
        f"{proven(best.total, answer.bound)}; {answer.seconds:.1f} s"
    )
    reason = [answer.reason] if answer.reason else ["the old plan is still valid"]
    lines = [f"{mark} ({' '.join(step)})" for mark, step in best.lines]
    return Answer("\n".join([*reason, "", *lines, "", summary]),
                  {**facts, "cost": best.cost, "total": best.total})  # fmt: skip
