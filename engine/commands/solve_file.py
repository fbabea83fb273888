"""`tesuji solve FILE`: plans, routes and schedules, with what is proven of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tesuji.engine.commands.base import Answer
from tesuji.engine.commands.solver_run import (
    NO_ANSWER,
    TIME_UP,
    finite,
    proven,
    read_solve_budget,
    run_solver,
    write_answer,
)
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.plan_config import Guide

if TYPE_CHECKING:
    from tesuji.engine.commands.solve import Arguments
    from tesuji.engine.planning import PlanAnswer
    from tesuji.engine.solving import SolveBudget

_MOST_BYTES = 64 << 20


def solve_file(arguments: Arguments) -> Answer:
    """Solve what a file describes."""
    from tesuji.engine.pictures import check_picture

    budget = read_solve_budget(arguments.time, arguments.gap, arguments.seed)
    if arguments.out is not None:
        check_picture(arguments.out)
    path = Path(arguments.what)
    if not path.is_file():
        raise UsageError(f"no such file: {path}")
    if path.suffix == ".pddl":
        if not arguments.moves:
            raise UsageError(f"a PDDL domain needs a problem: tesuji solve {path} PROBLEM.pddl")
        return _solve_pddl(arguments, budget)
    from tesuji.engine.commands.solve_routes import solve_roads, solve_routes

    if path.suffix in {".graphml", ".json"}:
        return solve_roads(arguments, budget)
    if arguments.moves:
        raise UsageError(f"{path} is one whole task; what is {arguments.moves!r}?")
    if path.stat().st_size > _MOST_BYTES:
        raise TesujiError(f"{path} has more than {_MOST_BYTES >> 20} MiB")
    from tesuji.domains.logistics.routing.files import recognised

    if recognised(path.read_text(errors="replace")):
        return solve_routes(arguments, budget)
    from tesuji.engine.commands.solve_shops import solve_shops

    return solve_shops(arguments, budget)


def _solve_pddl(arguments: Arguments, budget: SolveBudget) -> Answer:
    from tesuji.engine.planning import solve_task

    if arguments.agent is not None and arguments.planner != "search":
        raise UsageError(
            f"--agent guides a search; it does not go with --planner {arguments.planner}"
        )
    guide = None if arguments.agent is None else Guide(arguments.agent, arguments.search)
    answer: PlanAnswer = run_solver(
        arguments.json,
        lambda listen, stop: solve_task(
            arguments.what,
            arguments.moves,
            budget,
            listen,
            stop,
            constraints=arguments.constraints,
            guide=guide,
            planner=arguments.planner,
        ),
    )
    told = _plan_answer(answer)
    if answer.plan is not None:
        write_answer(arguments.out, _plan_forms(answer, told))
    if arguments.certificate is None:
        return told
    try:
        certified = _certify(arguments, answer)
    except TesujiError as error:  # the plan holds all the same
        text, facts = f"{told.text}\n{error}", {**told.facts, "certified": None}
        return replace(told, text=text, facts=facts, code=1)
    text = f"{told.text}\n{arguments.certificate}: {certified}"
    return replace(told, text=text, facts={**told.facts, "certified": certified})


def _certify(arguments: Arguments, answer: PlanAnswer) -> str:
    """Write a certificate that the verifier accepts; return what it proves."""
    from tesuji.engine.plan_certificate import certificate, with_best_proof
    from tesuji.engine.plan_reading import PlanProofFault
    from tesuji.engine.plan_verification import verify_plan
    from tesuji.engine.solving import SolveBudget, SolveClock
    from tesuji.engine.storage import atomic_write, dump_json

    answer = with_best_proof(answer, SolveClock(SolveBudget(arguments.time)).is_over)
    texts = (Path(name).read_text() for name in (arguments.what, arguments.moves))
    content = certificate(answer, *texts)
    try:
        found = verify_plan(content)
    except PlanProofFault as fault:
        raise TesujiError(f"no certificate: {fault}") from None
    assert arguments.certificate is not None
    atomic_write(arguments.certificate, dump_json(content))
    if found.bound is None:
        return "no plan exists: certified"
    return f"no plan costs less than {float(found.bound):g}: certified"


def _plan_forms(answer: PlanAnswer, told: Answer) -> dict[str, Callable[[], str]]:
    from tesuji.engine.plan_chart import plan_svg
    from tesuji.engine.storage import dump_json

    plan, cost = answer.plan, answer.cost
    assert plan is not None
    assert cost is not None
    title = f"{proven(cost, answer.bound)}; {len(plan)} actions"
    return {
        ".txt": lambda: plan_text(answer),
        ".json": lambda: dump_json(told.facts).decode(),
        ".svg": lambda: plan_svg(answer.grounded.task, plan, title),
    }


def plan_text(answer: PlanAnswer) -> str:
    """Return a plan as planners write it, with its cost as a remark."""
    assert answer.plan is not None
    lines = [f"({' '.join(step)})" for step in answer.plan]
    return "\n".join([*lines, f"; cost = {answer.cost:g}, lower bound {answer.bound:g}", ""])


def _plan_answer(answer: PlanAnswer) -> Answer:
    facts = {
        "status": answer.status,
        "plan": None if answer.plan is None else [" ".join(step) for step in answer.plan],
        "cost": answer.cost,
        "bound": finite(answer.bound),
        "evaluated": answer.evaluated,
        "generated": answer.generated,
        "seconds": round(answer.seconds, 3),
    }
    if answer.plan is None:
        code = NO_ANSWER if answer.status == "unsolvable" else TIME_UP
        verdict = "no plan exists" if code == NO_ANSWER else "no plan found"
        return Answer(f"{verdict}: {answer.reason}", {**facts, "reason": answer.reason}, code)
    assert answer.cost is not None
    first = "" if answer.first is None else f", the first after {answer.first[1]:.2f} s"
    summary = (
        f"{proven(answer.cost, answer.bound)}; {len(answer.plan)} actions, validated; "
        f"{answer.seconds:.1f} s{first}, {answer.generated:,} states generated"
    )
    lines = [f"({' '.join(step)})" for step in answer.plan]
    return Answer("\n".join([*lines, "", summary]), facts)
