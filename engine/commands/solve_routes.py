"""`tesuji solve` for routes: files of instances, and orders on a road network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tesuji.engine.commands.base import Answer
from tesuji.engine.commands.solver_run import NO_ANSWER, TIME_UP, proven, run_solver, write_answer
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from tesuji.domains.logistics.routing.instance import RoutingInstance
    from tesuji.domains.logistics.routing.roads import RoadNetwork
    from tesuji.engine.commands.solve import Arguments
    from tesuji.engine.routing import RoutingAnswer
    from tesuji.engine.solving import Listener, SolveBudget
    from tesuji.search.routing.construct import PolicyTables


def solve_routes(arguments: Arguments, budget: SolveBudget) -> Answer:
    """Drive the instance of one file."""
    from tesuji.engine.routing import read_routing

    return _shown(arguments, _driven(arguments, budget, lambda: read_routing(arguments.what)), None)


def solve_roads(arguments: Arguments, budget: SolveBudget) -> Answer:
    """Drive the orders of one file on the road network of another."""
    from tesuji.domains.logistics.routing.road_files import read_roads

    graph, orders = Path(arguments.what), Path(arguments.moves)
    if not arguments.moves:
        raise UsageError(f"a road network needs orders: tesuji solve {graph} ORDERS.csv|json")
    if not orders.is_file():
        raise UsageError(f"no such file: {orders}")
    networks: list[RoadNetwork] = []

    def read() -> RoutingInstance:
        networks.append(read_roads(graph, orders))
        return networks[0].instance

    answer = _driven(arguments, budget, read)
    return _shown(arguments, answer, networks[0])


def _driven(
    arguments: Arguments, budget: SolveBudget, read: Callable[[], RoutingInstance]
) -> RoutingAnswer:
    from tesuji.engine.routing import solve_routing

    if arguments.learned and arguments.constraints:
        raise UsageError("--learned drives by a policy that knows no constraints; leave one out")
    source = arguments.agent or ("net" if arguments.learned else None)

    def work(listen: Listener, stop: Event) -> RoutingAnswer:
        instance = read()
        return solve_routing(
            instance, budget, listen, stop, constraints=arguments.constraints,
            rest=arguments.rest, policy=_policy(source, instance),
            alone=arguments.learned,
        )  # fmt: skip

    answer: RoutingAnswer = run_solver(arguments.json, work)
    return answer


def _policy(source: str | None, instance: RoutingInstance) -> PolicyTables | None:
    if source is None:
        return None
    from tesuji.engine.route_policy import load_route_net, read_instance
    from tesuji.search.routing.policy_search import load_kernels

    tables = read_instance(load_route_net(source), instance)
    load_kernels()
    return tables


def _status(answer: RoutingAnswer) -> str:
    if answer.refuted:
        return "infeasible"
    return "optimal" if answer.optimal else "solved" if answer.routes else "unknown"


def _shown(arguments: Arguments, answer: RoutingAnswer, network: RoadNetwork | None) -> Answer:
    from tesuji.engine.routing_map import map_svg
    from tesuji.engine.storage import dump_json

    facts: dict[str, object] = {
        "status": _status(answer),
        "routes": answer.routes, "cost": answer.cost, "bound": answer.bound,
        "iterations": answer.iterations, "seconds": round(answer.seconds, 3),
        "constraints": answer.constraints, "refuted": answer.refuted,
    }  # fmt: skip
    if answer.refuted:
        return Answer("\n".join(("no routes exist; proved:", *answer.refuted)), facts, NO_ANSWER)
    if arguments.certificate is not None:
        answer.write_certificate(arguments.certificate)
    if answer.routes is None or answer.cost is None:
        kept = " under the constraints" if answer.constraints else ""
        return Answer(f"no routes found that the fleet can drive{kept}", facts, TIME_UP)
    routes, name = answer.routes, answer.instance.name
    lines = [f"route {i}: {' '.join(map(str, route))}" for i, route in enumerate(routes, 1)]
    if network is not None:
        streets = [[str(node) for node in network.streets(route)] for route in routes]
        facts["streets"] = streets
        lines += [f"streets {i}: {' '.join(way)}" for i, way in enumerate(streets, 1)]
    text = "\n".join([*lines, f"cost {answer.cost:g}", ""])
    title = f"{name}: {proven(answer.cost, answer.bound)}"
    forms: dict[str, Callable[[], str]] = {
        ".txt": lambda: text,
        ".json": lambda: dump_json(facts).decode(),
        ".svg": lambda: map_svg(answer.instance, routes, title, network),
    }
    write_answer(arguments.out, forms)
    used = sum(1 for route in routes if route)
    summary = (
        f"{proven(answer.cost, answer.bound)}; {used} routes, checked; "
        f"{answer.seconds:.1f} s, {answer.iterations:,} iterations"
    )
    return Answer("\n".join([*lines, "", summary]), facts)
