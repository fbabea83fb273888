"""`tesuji solve` for shops: files of jobs and the machines that do them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from tesuji.engine.commands.base import Answer
from tesuji.engine.commands.solver_run import NO_ANSWER, TIME_UP, proven, run_solver, write_answer

if TYPE_CHECKING:
    from tesuji.engine.commands.solve import Arguments
    from tesuji.engine.scheduling import ShopAnswer
    from tesuji.engine.solving import Listener, SolveBudget


def solve_shops(arguments: Arguments, budget: SolveBudget) -> Answer:
    """Schedule the shop of one file."""
    from tesuji.domains.logistics.scheduling.reading import read_shop
    from tesuji.engine.scheduling import NoScheduleError, solve_shop

    policy = None
    if arguments.learned or arguments.agent is not None:
        from tesuji.engine.shop_policy import load_policy

        policy = load_policy(arguments.agent or "net")

    def work(listen: Listener, stop: Event) -> ShopAnswer:
        shop = read_shop(arguments.what)
        return solve_shop(
            shop, budget, listen, stop, policy=policy, constraints=arguments.constraints
        )

    try:
        answer: ShopAnswer = run_solver(arguments.json, work)
    except NoScheduleError as error:
        status = "infeasible" if error.refuted else "unknown"
        facts = {"status": status, "cost": None, "refuted": error.refuted, "reason": str(error)}
        return Answer(str(error), facts, NO_ANSWER if error.refuted else TIME_UP)
    if arguments.certificate is not None:
        answer.save_certificate(arguments.certificate)
    return _shown(arguments, answer)


def _shown(arguments: Arguments, answer: ShopAnswer) -> Answer:
    from tesuji.engine.gantt import draw_gantt
    from tesuji.engine.storage import dump_json

    found = answer.certificate()
    forms: dict[str, Callable[[], str]] = {
        ".json": lambda: dump_json(found).decode(),
        ".svg": lambda: draw_gantt(answer.instance, answer.schedule),
    }
    write_answer(arguments.out, forms)
    facts = {
        "status": "optimal" if answer.makespan <= answer.bound else "solved",
        "start": found["start"], "machine": found["machine"], "cost": answer.makespan,
        "bound": answer.bound, "moves": answer.moves, "seconds": round(answer.seconds, 3),
        "constraints": answer.constraints,
    }  # fmt: skip
    lines = [
        f"job {job}: {' '.join(f'{at}@{machine}' for at, machine in zip(times, own, strict=True))}"
        for job, (times, own) in enumerate(zip(found["start"], found["machine"], strict=True))
    ]
    kept = f"; {len(answer.constraints)} constraints kept" if answer.constraints else ""
    summary = (
        f"makespan: {proven(answer.makespan, answer.bound)}; checked{kept}; "
        f"{answer.seconds:.1f} s, {answer.moves:,} moves"
    )
    return Answer("\n".join(["start@machine of each operation", *lines, "", summary]), facts)
