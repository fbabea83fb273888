"""Sound certificates of small random instances, and judges of what became of them."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.syntax import Atom, Task
from tesuji.domains.logistics.pddl.validation import PlanFault, validate_plan, walk
from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.generate import random_cvrp
from tesuji.domains.logistics.routing.instance import make_instance
from tesuji.domains.logistics.scheduling.shop import random_shop
from tesuji.engine.plan_bounds import best_proof
from tesuji.engine.plan_certificate import certificate
from tesuji.engine.plan_verification import verify_plan
from tesuji.engine.planning import answers, load_kernels
from tesuji.engine.routing import solve_routing
from tesuji.engine.routing_certificate import certificate_text
from tesuji.engine.routing_verification import verify_routing
from tesuji.engine.scheduling import solve_shop
from tesuji.engine.shop_verification import verify_shop
from tesuji.engine.solving import SolveBudget, SolveClock
from tesuji.engine.storage import sha256
from tesuji.search.routing.duality import proven_bound

BAD = (
    KeyError, IndexError, TypeError, ValueError, AttributeError, ZeroDivisionError, OverflowError,
    AssertionError, StopIteration,
)  # fmt: skip
MAX_STATES = 4000


@dataclass(frozen=True)
class Case:
    """A certificate, who verifies it, and who judges it.

    Attributes:
        content: as JSON.
        verify: raises `TesujiError` where it refuses.
        is_sound: whether all that is claimed is true and proven.
    """

    content: Any
    verify: Callable[[Any], object]
    is_sound: Callable[[Any], bool]


DOMAIN = """(define (domain van)
  (:requirements :typing :action-costs :negative-preconditions :conditional-effects)
  (:types place parcel van number)
  (:predicates (here ?v - van ?a - place) (at ?p - parcel ?a - place) (in ?p - parcel ?v - van)
    (room ?v - van ?n - number) (next ?m ?n - number) (road ?a ?b - place) (tired ?v - van))
  (:functions (total-cost) - number (length ?a ?b - place) - number)
  (:action drive :parameters (?v - van ?a ?b - place)
    :precondition (and (here ?v ?a) (road ?a ?b) (not (tired ?v)))
    :effect (and (here ?v ?b) (not (here ?v ?a)) (increase (total-cost) (length ?a ?b))
                 (when (room ?v n0) (tired ?v))))
  (:action rest :parameters (?v - van) :precondition (tired ?v)
    :effect (and (not (tired ?v)) (increase (total-cost) 1)))
  (:action load :parameters (?p - parcel ?v - van ?a - place ?m ?n - number)
    :precondition (and (here ?v ?a) (at ?p ?a) (room ?v ?n) (next ?m ?n))
    :effect (and (in ?p ?v) (not (at ?p ?a)) (room ?v ?m) (not (room ?v ?n))
                 (increase (total-cost) 1)))
  (:action unload :parameters (?p - parcel ?v - van ?a - place ?m ?n - number)
    :precondition (and (here ?v ?a) (in ?p ?v) (room ?v ?m) (next ?m ?n))
    :effect (and (at ?p ?a) (not (in ?p ?v)) (room ?v ?n) (not (room ?v ?m))
                 (increase (total-cost) 1)))
  (:constants n0 - number))
"""


def plan_case(seed: int) -> Case:
    """Return the certificate of a van's plan."""
    rng = np.random.default_rng(seed)
    places = [f"p{i}" for i in range(3)]
    parcels = [f"c{i}" for i in range(2)]
    numbers = [f"n{i}" for i in range(int(rng.integers(2, 4)))]
    facts = [f"(next {a} {b})" for a, b in pairwise(numbers)]
    for a, b in [*pairwise(places), (places[-1], places[0])]:
        for one, two in ((a, b), (b, a)):
            facts += [f"(road {one} {two})", f"(= (length {one} {two}) {rng.integers(1, 5)})"]
    facts += [f"(here v {rng.choice(places)})", f"(room v {numbers[-1]})"]
    facts += [f"(at {parcel} {rng.choice(places)})" for parcel in parcels]
    goals = [f"(at {parcel} {rng.choice(places)})" for parcel in parcels]
    problem = f"""(define (problem small) (:domain van)
      (:objects {" ".join(places)} - place {" ".join(parcels)} - parcel v - van
                {" ".join(numbers[1:])} - number)
      (:init (= (total-cost) 0) {" ".join(facts)})
      (:goal (and {" ".join(goals)} (not (tired v)))) (:metric minimize (total-cost)))"""
    load_kernels()
    clock = SolveClock(SolveBudget(seconds=20.0))
    *_, answer = answers(parse_task(DOMAIN, problem), clock)
    proof = best_proof(answer.grounded.operators, answer.grounded.variables)
    answer = replace(answer, proof=proof)
    content = json.loads(json.dumps(certificate(answer, DOMAIN, problem)))
    return Case(content, verify_plan, _is_sound_plan)


State = frozenset[Atom]


@dataclass
class _Graph:
    task: Task
    first: State
    edges: list[tuple[State, Fraction, State]]
    goals: list[State]


def _graph(domain: str, problem: str) -> _Graph | None:
    """List all states that can be reached; None where there are too many."""
    task = parse_task(domain, problem)
    steps = [
        (action.name, *objects)
        for action in task.actions
        for objects in product(*(task.objects_of(v.types) for v in action.parameters))
    ]
    seen, queue = {task.init}, [task.init]
    edges = []
    while queue:
        state = queue.pop()
        for step in steps:
            after, cost = _after(task, state, step)
            if after is None:
                continue
            edges.append((state, cost, after))
            if after not in seen:
                seen.add(after)
                queue.append(after)
        if len(seen) > MAX_STATES:
            return None
    goals = [state for state in seen if _holds_goal(task, state)]
    return _Graph(task, task.init, edges, goals)


@lru_cache(maxsize=200)
def _cached_graph(domain: str, problem: str) -> _Graph | None:
    return _graph(domain, problem)


def _after(task: Task, state: State, step: tuple[str, ...]) -> tuple[State | None, Fraction]:
    try:
        *_, (world, _) = walk(replace(task, init=state), [step])
    except PlanFault:
        return None, Fraction(0)
    cost = Fraction(1 if task.metric is None else world.numbers[Atom("total-cost")])
    return frozenset(world.atoms), cost


def _holds_goal(task: Task, state: State) -> bool:
    try:
        validate_plan(replace(task, init=state), [])
    except PlanFault:
        return False
    return True


def _is_sound_plan(content: Any) -> bool:
    try:
        graph = _cached_graph(content["domain"], content["problem"])
        if graph is None or content["format"] != "tesuji plan certificate":
            return False
        if content["plan"] is not None:
            plan = [tuple(step) for step in content["plan"]]
            if validate_plan(graph.task, plan) != float(Fraction(content["cost"])):
                return False
        if content["bound"] is None:
            return not graph.goals
        return Fraction(content["bound"]) <= _proven(graph, content)
    except BAD:
        return False


def _proven(graph: _Graph, content: Any) -> Fraction:
    """Return what landmarks and potentials prove on the states themselves."""
    literals = [_literal(text) for text in content["literals"]]

    def holds(number: int, state: State) -> bool:
        if number < 0:
            raise ValueError("a literal below 0")
        atom, truth = literals[number]
        return (atom in state) == truth

    landmarks = [(_weight(value), members) for value, members in content["landmarks"]]
    potentials = [(_weight(value), members) for value, members in content["potentials"]]
    unit = _weight(content["unit"])

    def met(state: State) -> list[bool]:
        return [any(holds(n, state) for n in members) for _, members in landmarks]

    def taken(state: State) -> int:
        return sum(value for value, m in potentials if all(holds(n, state) for n in m))

    states = {graph.first, *(s for edge in graph.edges for s in (edge[0], edge[2]))}
    reached = {state: met(state) for state in states}
    weighed = {state: taken(state) for state in states}
    if any(reached[graph.first]) or not all(all(reached[goal]) for goal in graph.goals):
        return Fraction(-1)
    step = Fraction(0)
    for before, cost, after in graph.edges:
        charges = sum(
            value
            for (value, _), was, now in zip(landmarks, reached[before], reached[after], strict=True)
            if now and not was
        )
        if charges + weighed[after] - weighed[before] > cost * unit:
            return Fraction(-1)
        step = Fraction(
            math.gcd(step.numerator * cost.denominator, cost.numerator * step.denominator),
            step.denominator * cost.denominator,
        )
    at_goal = min((weighed[goal] for goal in graph.goals), default=0)
    total = Fraction(sum(value for value, _ in landmarks) + at_goal - weighed[graph.first], unit)
    return max(math.ceil(total / step) * step, Fraction(0)) if step else Fraction(0)


def _weight(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("no weight")
    return value


def _literal(text: str) -> tuple[Atom, bool]:
    words = text.replace("(", " ").replace(")", " ").split()
    truth = words[0] != "not"
    return Atom(words[not truth], tuple(words[1 + (not truth) :])), truth


def route_case(seed: int) -> Case:
    """Return the certificate of an instance of vehicle routing."""
    rng = np.random.default_rng(seed)
    instance = random_cvrp(6, rng, route_size=2.5)
    answer = solve_routing(instance, SolveBudget(seconds=1.0, seed=seed))
    text = certificate_text(instance, answer.routes, answer.multipliers)
    first, *rest = map(json.loads, text.splitlines())
    del first["sha256"]
    return Case([first, *rest], _verify_routes, _is_sound_routing)


def _verify_routes(content: Any) -> object:
    header, *rows = content if content else [{}]
    body = "".join(json.dumps(row) + "\n" for row in rows)
    first = header if isinstance(header, dict) else {}
    hashed = sha256((json.dumps(first) + "\n" + body).encode())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "routes.json"
        path.write_text(json.dumps({**first, "sha256": hashed}) + "\n" + body)
        return verify_routing(path)


def _is_sound_routing(content: Any) -> bool:  # noqa: PLR0911
    try:
        header, *rows = content
        lines: Iterator[Any] = iter(rows)
        nodes = header["nodes"]
        if header["windows"] is not False or header["pairs"] is not False or header["width"]:
            return False
        demand = np.array(next(lines), np.int64)
        distance = np.array([next(lines) for _ in range(nodes)], np.int64)
        routes = [next(lines) for _ in range(header["routes"])]
        multipliers = next(lines)
        cuts = [next(lines) for _ in range(header["cuts"])]
        if next(lines, None) is not None or distance.shape != (nodes, nodes):
            return False
        np.fill_diagonal(plain := distance.copy(), 0)
        instance = make_instance(
            "", plain, demand, header["capacity"], num_vehicles=header["vehicles"]
        )
        if header["cost"] is None:
            if routes:
                return False
        else:
            checked = check_routes(instance, routes)
            if checked.faults or checked.cost != header["cost"]:
                return False
        if multipliers[0] or len(multipliers) != nodes or any(cut[0] < 0 for cut in cuts):
            return False
        sets = [(cut[1:], cut[0]) for cut in cuts]
        if any(len({*own}) != len(own) or not own or min(own) < 1 for own, _ in sets):
            return False
        proven = proven_bound(instance, multipliers, sets)
        return bool(header["bound"] <= min(proven, _least_cost(instance)))
    except BAD:
        return False


def _least_cost(instance: Any) -> float:
    """Return the least cost by sets of customers, with as many vehicles as are there."""
    nodes, distance = instance.num_nodes, instance.distance.tolist()
    customers = range(1, nodes)
    tour: dict[tuple[int, int], float] = {(1 << c, c): distance[0][c] for c in customers}
    for size in range(2, nodes):
        for chosen in combinations(customers, size):
            bits = sum(1 << c for c in chosen)
            for last in chosen:
                rest = bits ^ (1 << last)
                tour[bits, last] = min(
                    tour[rest, c] + distance[c][last] for c in chosen if c != last
                )
    whole = sum(1 << c for c in customers)
    route = {}
    for bits in range(2, whole + 1, 2):
        own = [c for c in customers if bits >> c & 1]
        if sum(int(instance.demand[c]) for c in own) <= instance.capacity:
            route[bits] = min(tour[bits, c] + distance[c][0] for c in own)
    best = {0: 0.0}
    for _ in range(min(instance.num_vehicles, nodes - 1)):
        after = dict(best)
        for done, cost in best.items():
            for bits, more in route.items():
                if not bits & done and cost + more < after.get(bits | done, math.inf):
                    after[bits | done] = cost + more
        best = after
    return best.get(whole, math.inf)


def shop_case(seed: int) -> Case:
    """Return the certificate of a shop's schedule."""
    rng = np.random.default_rng(seed)
    shop = random_shop(*((3, 3) if seed % 2 else (2, 3)), seed=seed, flexibility=2 - seed % 2)
    answer = solve_shop(shop, SolveBudget(seconds=0.3, seed=int(rng.integers(100))))
    return Case(json.loads(json.dumps(answer.certificate())), verify_shop, _is_sound_shop)


def _is_sound_shop(content: Any) -> bool:  # noqa: PLR0911
    try:
        if content["format"] != "tesuji shop certificate":
            return False
        jobs = [[[tuple(choice) for choice in op] for op in job] for job in content["jobs"]]
        if any(len(job) > 4 for job in jobs) or sum(map(len, jobs)) > 10:
            return False
        taken = []
        for job, starts, machines in zip(jobs, content["start"], content["machine"], strict=True):
            free = 0
            for choices, start, machine in zip(job, starts, machines, strict=True):
                end = start + min(duration for m, duration in choices if m == machine)
                if start < free:
                    return False
                free = end
                taken.append((machine, start, end))
        if any(a[0] == b[0] and a[1] < b[2] and b[1] < a[2] for a, b in combinations(taken, 2)):
            return False
        if max(end for _, _, end in taken) != content["makespan"]:
            return False
        return bool(content["bound"] <= min(_shown(jobs, content), _least_makespan(jobs)))
    except BAD:
        return False


def _shown(jobs: list[list[list[tuple[int, int]]]], content: Any) -> float:
    chosen = [tuple(pair) for pair in content["operations"]]
    if len({*chosen}) != len(chosen) or any(job < 0 or op < 0 for job, op in chosen):
        return -1
    short = [[min(d for _, d in choices) for choices in job] for job in jobs]
    work = sum(short[job][op] for job, op in chosen)
    if content["chain"]:
        return work if len({job for job, _ in chosen}) == 1 else -1
    machines = {m for job, op in chosen for m, _ in jobs[job][op]}
    head = min(sum(short[job][:op]) for job, op in chosen)
    tail = min(sum(short[job][op + 1 :]) for job, op in chosen)
    return head + math.ceil(work / len(machines)) + tail


def _least_makespan(jobs: list[list[list[tuple[int, int]]]]) -> float:
    """Return the least makespan over all orders and choices of machines."""
    best = math.inf

    def go(done: tuple[int, ...], ready: tuple[int, ...], machines: dict[int, int]) -> None:
        nonlocal best
        if max(ready) >= best:
            return
        if all(count == len(job) for count, job in zip(done, jobs, strict=True)):
            best = max(ready)
        for j, job in enumerate(jobs):
            if done[j] < len(job):
                for machine, duration in job[done[j]]:
                    end = max(ready[j], machines.get(machine, 0)) + duration
                    go(
                        (*done[:j], done[j] + 1, *done[j + 1 :]),
                        (*ready[:j], end, *ready[j + 1 :]),
                        {**machines, machine: end},
                    )

    go((0,) * len(jobs), (0,) * len(jobs), {})
    return best


CASES: dict[str, Callable[[int], Case]] = {
    "plans": plan_case,
    "routes": route_case,
    "shops": shop_case,
}
