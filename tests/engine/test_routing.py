"""Solving routing: answers, certificates and the verifier, which shares nothing with the solver."""

import ast
import hashlib
import json
import random
from pathlib import Path
from threading import Event
from xml.etree import ElementTree

import numpy as np
import pytest

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.generate import random_cvrp, random_pairs, random_vrptw
from tesuji.domains.logistics.routing.instance import RoutingInstance, make_instance
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.routing import RoutingAnswer, solve_routing
from tesuji.engine.routing_bound import make_bound
from tesuji.engine.routing_certificate import write_certificate
from tesuji.engine.routing_map import map_svg
from tesuji.engine.routing_verification import RoutingFault, verify_routing
from tesuji.engine.solving import SolveBudget, SolveProgress

pytest.importorskip("highspy")
LONG = SolveBudget(seconds=60.0)
FAMILIES = [random_cvrp, random_vrptw, random_pairs]


def solved(make: object, size: int = 12, iterations: int = 3000) -> RoutingAnswer:
    instance = make(size, np.random.default_rng(3))  # type: ignore[operator]
    return solve_routing(instance, LONG, iterations=iterations)


@pytest.mark.parametrize("make", FAMILIES)
def test_an_answer_is_feasible_bounded_and_verified(make: object, tmp_path: Path) -> None:
    answer = solved(make)
    assert answer.routes is not None
    assert check_routes(answer.instance, answer.routes) == (answer.cost, ())
    assert answer.cost is not None
    assert 0 < answer.bound <= answer.cost
    answer.write_certificate(tmp_path / "proof")
    found = verify_routing(tmp_path / "proof")
    assert (found.cost, found.bound) == (answer.cost, answer.bound)


def test_the_same_seed_and_iterations_give_the_same_routes() -> None:
    instance = random_vrptw(60, np.random.default_rng(0))
    twice = [solve_routing(instance, LONG, iterations=1500) for _ in range(2)]
    assert twice[0].routes == twice[1].routes
    assert twice[0].iterations == 1500


def test_a_search_ends_when_its_routes_are_proven_cheapest() -> None:
    distance = np.array([[0, 10, 10], [10, 0, 1], [10, 1, 0]])
    instance = make_instance("two", distance, np.array([0, 1, 1]), 2)
    answer = solve_routing(instance, LONG)
    assert answer.optimal
    assert (answer.cost, answer.bound, answer.gap) == (21, 21, 0.0)
    assert answer.seconds < 30


def test_listeners_hear_costs_fall_and_bounds_rise() -> None:
    heard: list[SolveProgress] = []
    instance = random_cvrp(40, np.random.default_rng(0))
    solve_routing(instance, SolveBudget(seconds=1.0), heard.append)
    costs = [progress.cost or 0.0 for progress in heard]
    bounds = [progress.bound for progress in heard]
    assert costs == sorted(costs, reverse=True)
    assert bounds == sorted(bounds)


def test_a_stop_gives_the_best_so_far() -> None:
    stop = Event()
    stop.set()
    answer = solve_routing(random_cvrp(40, np.random.default_rng(0)), LONG, stop=stop)
    assert answer.cost is not None
    assert answer.seconds < 30


def test_too_small_a_fleet_has_no_answer() -> None:
    # Three customers of 6 fit into two vehicles by weight, but no two share one.
    distance = np.ones((4, 4), np.int64) - np.eye(4, dtype=np.int64)
    instance = make_instance("tight", distance, np.array([0, 6, 6, 6]), 10, num_vehicles=2)
    answer = solve_routing(instance, LONG, iterations=500)
    assert (answer.routes, answer.cost, answer.gap) == (None, None, None)


def rehashed(lines: list[str]) -> bytes:
    """Return a certificate whose hash is right, whatever else is wrong."""
    header = json.loads(lines[0])
    del header["sha256"]
    body = "\n".join(lines[1:]) + "\n"
    text = json.dumps(header) + "\n" + body
    header["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return (json.dumps(header) + "\n" + body).encode()


def mutated(lines: list[str], header: dict[str, object], rng: random.Random) -> list[str]:
    """Return the lines with one thing wrong: routes or the bound no longer hold."""
    lines = list(lines)
    first = len(lines) - int(header["routes"]) - 1 - int(header["cuts"])  # type: ignore[call-overload]
    first -= bool(header["width"])  # the prices are last
    kind = rng.randrange(4)
    if kind == 0:  # a claim
        wrong = dict(header)
        key = rng.choice(["bound", "cost"])
        wrong[key] = int(wrong[key]) + rng.randint(1, 50)  # type: ignore[call-overload]
        lines[0] = json.dumps(wrong)
    elif kind == 1:  # a route
        at = rng.randrange(first, first + int(header["routes"]))  # type: ignore[call-overload]
        route = json.loads(lines[at])
        route[rng.randrange(len(route))] = rng.randrange(-1, int(header["nodes"]) + 1)  # type: ignore[call-overload]
        lines[at] = json.dumps(route, separators=(",", ":"))
    elif kind == 2:  # a line goes
        del lines[rng.randrange(1, len(lines))]
    else:  # a multiplier shrinks or grows by far
        at = rng.randrange(first + int(header["routes"]), len(lines))  # type: ignore[call-overload]
        row = json.loads(lines[at])
        is_cut = first + int(header["routes"]) < at < len(lines) - bool(header["width"])  # type: ignore[call-overload]
        place = 0 if is_cut else rng.randrange(1, len(row))
        row[place] = row[place] + rng.choice([-1, 1]) * 10**9
        lines[at] = json.dumps(row, separators=(",", ":"))
    return lines


@pytest.mark.parametrize("make", FAMILIES)
def test_the_verifier_refuses_what_was_changed(make: object, tmp_path: Path) -> None:
    path, answer = tmp_path / "proof", solved(make)
    assert answer.routes is not None
    bound = make_bound(answer.instance, answer.routes)
    assert bound is not None
    while not bound.done:
        bound.step(10.0)
    write_certificate(path, answer.instance, answer.routes, bound.best)
    lines = path.read_text().splitlines()
    header = json.loads(lines[0])
    rng = random.Random(0)
    refused = 0
    for _ in range(300):
        wrong = mutated(lines, header, rng)
        if wrong == lines:
            continue
        path.write_bytes(rehashed(wrong))
        with pytest.raises(RoutingFault):
            verify_routing(path)
        refused += 1
    assert refused > 250


def test_a_byte_that_changed_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "proof"
    solved(random_cvrp).write_certificate(path)
    good = path.read_bytes()
    rng = random.Random(1)
    for _ in range(200):
        at = rng.randrange(len(good) - 1)
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
        with pytest.raises(RoutingFault):
            verify_routing(path)


def test_the_verifier_shares_no_line_with_the_solver() -> None:
    from tesuji.engine import routing_verification

    assert routing_verification.__file__
    tree = ast.parse(Path(routing_verification.__file__).read_text())
    ours = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {module for module in ours if module and "tesuji" in module} == {"tesuji.engine.errors"}


def test_tesuji_verify_says_what_a_certificate_proves(tmp_path: Path) -> None:
    from tesuji.engine.commands.verify import Arguments, run

    answer = solved(random_cvrp)
    answer.write_certificate(tmp_path / "proof")
    said = run(Arguments(file=tmp_path / "proof"))
    assert said.facts["verified"] is True
    assert said.facts["cost"] == answer.cost
    assert f"none cost less than {answer.bound:g}" in said.text
    (tmp_path / "proof").write_text('{"format": "tesuji routing certificate"}\n')
    with pytest.raises(TesujiError, match="proves nothing"):
        run(Arguments(file=tmp_path / "proof"))


def test_a_map_shows_every_customer_once() -> None:
    answer = solved(random_cvrp, 30)
    assert answer.routes is not None
    picture = ElementTree.fromstring(map_svg(answer.instance, answer.routes, "30 <customers>"))
    space = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{space}circle")) == 30
    assert len(picture.findall(f"{space}polyline")) == len(answer.routes)
    bare = make_instance("bare", np.ones((2, 2), np.int64), np.array([0, 1]), 1)
    with pytest.raises(UsageError, match="no coordinates"):
        map_svg(bare, [[1]], "bare")


def test_no_highspy_means_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tesuji.search.routing.bound", None)
    instance: RoutingInstance = random_cvrp(10, np.random.default_rng(0))
    answer = solve_routing(instance, LONG, iterations=1000)
    assert (answer.bound, answer.bounded) == (0, False)
    assert answer.cost is not None


def test_constraints_are_kept_and_named() -> None:
    instance = random_cvrp(20, np.random.default_rng(0))
    texts = ["stops: stops <= 3", "apart: visits[1] + visits[2] < 2"]
    answer = solve_routing(instance, LONG, iterations=1000, constraints=texts)
    assert answer.routes is not None
    assert max(map(len, answer.routes)) <= 3
    assert answer.constraints == ("stops", "apart")
    assert answer.cost is not None
    assert answer.bound <= answer.cost


def test_what_no_route_may_do_is_said_and_proved() -> None:
    instance = random_cvrp(8, np.random.default_rng(0))
    answer = solve_routing(instance, LONG, constraints=["never: visits[5] == 0"])
    assert answer.routes is None
    assert answer.refuted == ("no route may visit customer 5: never",)
