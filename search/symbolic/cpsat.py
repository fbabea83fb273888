"""`route`: cheapest routes with time windows and capacity, with a proof, by OR-Tools' CP-SAT.

For what z3 is not made for. Needs the extra `cpsat`. What it finds is a plan like every other, to
be replayed before it is used.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tesuji.search.symbolic.plans import PlanResult, PlanStatus

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from tesuji.search.symbolic.sequencing import Jobs

_DEPOT = 0


def route(
    jobs: Jobs,
    *,
    seconds: float = 60.0,
    workers: int = 1,
    seed: int = 0,
    hint: tuple[int, ...] = (),
) -> PlanResult:
    """Return routes of least travel that do all jobs, and a lower bound on all such routes.

    Args:
        jobs: the task, from a first state: vehicles at the depot, nothing done.
        seconds: wall-clock time; what is known when it ends is returned.
        workers: threads; with one, the same task and seed take the same course.
        seed: of the solver.
        hint: a plan to start from.

    Raises:
        ModuleNotFoundError: OR-Tools is not installed.
    """
    try:
        from ortools.sat.python import cp_model  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "CP-SAT is missing: pip install 'tesuji[cpsat]'", name=error.name
        ) from None
    model, arcs = _model(cp_model.CpModel(), jobs)
    if {j for _, j in arcs} != set(range(len(jobs.demand))):
        return PlanResult(PlanStatus.UNSOLVABLE_PROVEN)  # a place that no arc leads to
    if hint:
        driven = set(zip((_DEPOT, *hint), hint, strict=False))
        for arc, literal in arcs.items():
            model.add_hint(literal, arc in driven)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return PlanResult(PlanStatus.UNSOLVABLE_PROVEN)
    bound = Fraction(round(solver.best_objective_bound))
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return PlanResult(PlanStatus.TIMEOUT, lower_bound=bound)
    following = {i: j for (i, j), literal in arcs.items() if i and solver.boolean_value(literal)}
    starts = [j for (i, j), literal in arcs.items() if not i and solver.boolean_value(literal)]
    plan: list[int] = []
    for start in starts:
        place = start
        while place != _DEPOT:
            plan.append(place)
            place = following[place]
        plan.append(_DEPOT)
    optimal = status == cp_model.OPTIMAL
    return PlanResult(
        PlanStatus.SOLVED_OPTIMALLY if optimal else PlanStatus.SOLVED_SATISFICING,
        tuple(plan),
        Fraction(round(solver.objective_value)),
        bound,
    )


Arcs = dict[tuple[int, int], "cp_model.IntVar"]


def _model(model: cp_model.CpModel, jobs: Jobs) -> tuple[cp_model.CpModel, Arcs]:
    """State the task; return it with a literal for each arc that can be driven."""
    places = range(len(jobs.demand))
    travel, service, demand = jobs.travel.tolist(), jobs.service.tolist(), jobs.demand.tolist()
    ready, due = jobs.ready.tolist(), jobs.due.tolist()
    begin = [model.new_int_var(ready[i], max(ready[i], due[i]), f"begin {i}") for i in places]
    load = [model.new_int_var(demand[i], jobs.capacity, f"load {i}") for i in places]
    arcs: Arcs = {}
    for i in places:
        if i and due[i] < ready[i]:
            model.add_bool_or([])  # a window that is empty
        for j in places:
            if i == j:
                continue
            sooner = 0 if i == _DEPOT else ready[i] + service[i]
            heavy = i and j and demand[i] + demand[j] > jobs.capacity
            if heavy or sooner + travel[i][j] > due[j]:
                continue
            arcs[i, j] = model.new_bool_var(f"{i} {j}")
            if i == _DEPOT:
                model.add(begin[j] >= travel[i][j]).only_enforce_if(arcs[i, j])
                continue
            leave = begin[i] + service[i] + travel[i][j]
            if j == _DEPOT:
                model.add(leave <= due[j]).only_enforce_if(arcs[i, j])
                continue
            model.add(begin[j] >= leave).only_enforce_if(arcs[i, j])
            model.add(load[j] >= load[i] + demand[j]).only_enforce_if(arcs[i, j])
    if not arcs:
        return model, arcs
    model.add_multiple_circuit([(i, j, literal) for (i, j), literal in arcs.items()])
    model.add(sum(arcs[i, j] for i, j in arcs if i == _DEPOT) <= jobs.vehicles)
    model.minimize(sum(travel[i][j] * literal for (i, j), literal in arcs.items()))
    return model, arcs
