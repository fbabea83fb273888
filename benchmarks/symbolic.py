"""Compiled constraints: nanoseconds a check beside z3, right answers, and their cost in a search.

    python benchmarks/symbolic.py [--differential 100000] [--differential-seconds 720]
        [--kernels 0] [--seconds 1] [--json FILE]

A check is one (state, action): the kernel masks all actions of a state in one call, as the search
does it, over many random states. z3 substitutes the same values and simplifies. The differential
test compares the numpy form with the exact twin, and every fourth time with z3's own evaluation, on
random expressions; numba's kernels of some are compared with numpy. Cost in a search:
simulations per CPU-second with and without the constraints, of Connect Four with a rule of its own
and of the two examples, by an evaluator that costs nothing, so that the share is at its greatest,
by random play, and by the net that ships.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import z3
from numba import njit

sys.path.append(str(Path(__file__).parents[1] / "tests" / "search" / "symbolic"))
sys.path.append(str(Path(__file__).parents[1] / "docs" / "examples"))

from delivery import delivery_model  # type: ignore[import-not-found]
from expressions import (  # type: ignore[import-not-found]
    NUM_ACTIONS,
    ByZ3,
    Generator,
    playground,
    random_states,
)
from robot import robot_model  # type: ignore[import-not-found]

from tesuji.domains.base import DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.logistics.delivery_task import random_task
from tesuji.domains.registry import make
from tesuji.engine.trained import load_evaluator
from tesuji.search.base import Evaluator, UniformEvaluator
from tesuji.search.config import PUCT
from tesuji.search.driver import RolloutEvaluator
from tesuji.search.search import Search
from tesuji.search.symbolic.constrained import constrain
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel
from tesuji.search.symbolic.predicate import (
    ALLOWED,
    REFUSED,
    UNDECIDED,
    Predicate,
    compile_predicate,
)
from tesuji.search.symbolic.symbols import Symbols, Variable, symbols

STATES = 10_000
REACHED = 2_000
ROUNDS = 5  # of measuring a search
SIMULATIONS = 200  # of a tree
PROGRESS = 100_000  # evaluations between reports
DRAWN = 512  # states and actions for each random expression


def delivery() -> tuple[Symbols, list[z3.BoolRef], Any]:
    """Return a delivery's guards, capacity, windows and each customer once, and random states."""
    n = 51
    dtype = np.dtype(
        [("at", np.int16), ("load", np.int32), ("time", np.int32), ("visited", np.int8, n)],
        align=True,
    )
    domain = CompiledDomain(DomainSpec("delivery", n, (1,), 1, n), Kernels(dtype))
    rng = np.random.default_rng(0)
    x = symbols(
        domain,
        bounds={"at": (0, n - 1), "load": (0, 200), "time": (0, 10_000), "visited": (0, 1)},
        parameters={
            "travel": rng.integers(1, 100, (n, n)),
            "due": rng.integers(100, 1000, n),
            "demand": rng.integers(1, 30, n),
        },
    )
    s, a, p = x.state, x.action, x.parameter
    guards = [
        s.visited[a] == 0,
        s.load + p.demand[a] <= 200,
        s.time + p.travel[s.at][a] <= p.due[a],
    ]
    states = np.zeros(STATES, domain.state_dtype)
    states["at"] = rng.integers(0, n, STATES)
    states["load"] = rng.integers(0, 201, STATES)
    states["time"] = rng.integers(0, 1000, STATES)
    states["visited"] = rng.integers(0, 2, (STATES, n))
    return x, guards, states


def keep_out() -> tuple[Symbols, list[z3.BoolRef], Any]:
    """Return a robot's guards, two forbidden boxes and a speed limit, and random states."""
    dtype = np.dtype([("position", np.float64, 2), ("velocity", np.float64, 2)], align=True)
    domain = CompiledDomain(DomainSpec("robot", 9, (4,), 1, 100), Kernels(dtype))
    pushes = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    x = symbols(domain, parts={"push_x": pushes[:, 0], "push_y": pushes[:, 1]})
    s, step = x.state, z3.Q(1, 10)
    pushed = [
        s.velocity[i] + step * z3.ToReal(p) for i, p in enumerate((x.part.push_x, x.part.push_y))
    ]
    moved = [s.position[i] + step * pushed[i] for i in range(2)]
    guards = [z3.And(v <= 1, v >= -1) for v in pushed]
    for low, high in (((1, 1), (2, 3)), ((-3, -2), (-1, 0))):
        guards.append(
            z3.Or(moved[0] < low[0], moved[0] > high[0], moved[1] < low[1], moved[1] > high[1])
        )
    rng = np.random.default_rng(0)
    states = np.zeros(STATES, domain.state_dtype)
    states["position"] = rng.uniform(-4, 4, (STATES, 2))
    states["velocity"] = rng.integers(-10, 11, (STATES, 2)) / 10.0
    return x, guards, states


def reached(model: SymbolicModel) -> tuple[Symbols, list[z3.BoolRef], Any]:
    """Return a shipped example's guards, and states that random play under them comes to."""
    domain: Any = model.symbols.domain
    rng, states = np.random.default_rng(0), []
    state, discount = domain.reset(), 1.0
    while len(states) < REACHED:
        states.append(state)
        state, _, discount = domain.step(
            state, int(rng.choice(np.flatnonzero(domain.legal(state))))
        )
        if discount == 0:
            state = domain.reset()
    return model.symbols, list(model.guards.values()), np.array(states, domain.state_dtype)


def example(name: str) -> SymbolicModel:
    """Return the model of one of the examples in the documentation."""
    if name == "robot":
        return robot_model(make("double_integrator"))  # type: ignore[no-any-return]
    return delivery_model(random_task(50, 5, 0))  # type: ignore[no-any-return]


@njit(nogil=True)
def _mask_all(kernel, states, instance, mask):  # type: ignore[no-untyped-def]
    total = 0
    for i in range(states.shape[0]):
        mask[:] = True
        kernel(states[i], instance, mask, 0)
        total += mask.sum()
    return total


def ground(x: Symbols, guards: list[z3.BoolRef]) -> tuple[z3.BoolRef, list[tuple[z3.ExprRef, Any]]]:
    """Return the guards with a plain constant for each element that they read.

    z3 is slow on matrices written out as arrays; a fair user would hand it the numbers.
    """
    pairs: dict[int, tuple[z3.ExprRef, z3.ExprRef]] = {}
    stack = list(guards)
    while stack:
        term = stack.pop()
        if z3.is_select(term) and not z3.is_array(term):
            constant = z3.Const(f"e{len(pairs)}", term.sort())
            pairs.setdefault(term.get_id(), (term, constant))
        else:
            stack.extend(term.children())
    plain = z3.substitute(z3.And(*guards), *pairs.values())
    return plain, [(term, constant) for term, constant in pairs.values()]


def time_checks(
    x: Symbols, guards: list[z3.BoolRef], states: Any, seconds: float
) -> dict[str, float]:
    """Return nanoseconds a check of the kernel and of z3, their ratio, and differences."""
    predicate = compile_predicate(x, guards)
    domain: Any = x.domain
    actions = domain.spec.num_actions
    instance = np.append(domain.instance, predicate.parameters)
    mask = np.ones(actions, np.bool_)
    _mask_all(predicate.kernel, states, instance, mask)
    rounds, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        _mask_all(predicate.kernel, states, instance, mask)
        rounds += 1
    kernel = spent / (rounds * len(states) * actions) * 1e9
    solver, wrong = time_z3(x, guards, states, predicate, seconds)
    return {
        "kernel_ns": round(kernel, 2),
        "z3_ns": round(solver),
        "ratio": round(solver / kernel),
        "wrong": wrong,
    }


def time_z3(
    x: Symbols, guards: list[z3.BoolRef], states: Any, predicate: Predicate, seconds: float
) -> tuple[float, int]:
    """Return z3's nanoseconds a check, and how often the compiled check was wrong."""
    plain, elements = ground(x, guards)
    actions = x.domain.spec.num_actions
    spent, asked, wrong = 0.0, 0, 0
    while spent < seconds:
        index, action = asked % len(states), asked % actions
        state = states[index]
        values = [(v.term, v.literal(state[v.name])) for v in x.of("state") if not v.shape]
        values += [(v.term, v.literal(n)) for v, n in _action(x, action)]
        # What an element is comes from the exact twin's own reading, outside the timed part.
        values += [(c, _number(x, term, state, action)) for term, c in elements]
        start = time.process_time()
        answer = z3.is_true(z3.simplify(z3.substitute(plain, *values)))
        spent += time.process_time() - start
        found = predicate.check(states[index : index + 1], np.array([action]))[0]
        wrong += int(found != UNDECIDED and (found == ALLOWED) != answer)
        asked += 1
    return spent / asked * 1e9, wrong


def _action(x: Symbols, action: int) -> list[tuple[Variable, Any]]:
    values = x.action_values(action)
    return [(variable, values[variable.name]) for variable in x.of("action")]


def _number(x: Symbols, term: z3.ExprRef, state: Any, action: int) -> z3.ExprRef:
    """Return the value of an element `array[i]` or `array[i][j]`."""
    index = []
    while z3.is_select(term):
        index.append(term.arg(1))
        term = term.arg(0)
    variable = x.variables[term.decl().name()]
    data = state[variable.name] if variable.role == "state" else variable.values
    places = []
    for i in reversed(index):
        name = i.decl().name()
        if z3.is_int_value(i):
            places.append(i.as_long())
        else:
            places.append(int(action if name == "action" else state[name]))
    return variable.literal(np.asarray(data)[tuple(places)])


def differential(evaluations: int, seconds: float, seed: int) -> dict[str, int]:
    """Return how many answers on random expressions were decided, and how many were wrong.

    Every answer is judged by the exact twin, every fourth by z3's own evaluation as well.
    """
    x, rng = playground(), np.random.default_rng(seed)
    generator = Generator(x, rng)
    names = ("evaluations", "expressions", "undecided", "wrong", "unsafe", "by_z3", "z3_wrong")
    counts, began = dict.fromkeys(names, 0), time.process_time()
    while counts["evaluations"] < evaluations and time.process_time() - began < seconds:
        expression = generator.truth(int(rng.integers(1, 5)))
        states, actions = random_states(rng, DRAWN), rng.integers(0, NUM_ACTIONS, DRAWN)
        try:
            answers = compile_predicate(x, [expression]).check(states, actions)
        except ConstraintError:
            continue
        counts["expressions"] += 1
        if counts["evaluations"] // PROGRESS < (counts["evaluations"] + DRAWN) // PROGRESS:
            sys.stderr.write(f"differential: {counts}\n")
        judge = ByZ3(x, expression)
        for i, (answer, action) in enumerate(zip(answers.tolist(), actions.tolist(), strict=True)):
            truth = decide(x, expression, states[i], action)
            counts["evaluations"] += 1
            counts["undecided"] += answer == UNDECIDED
            counts["unsafe"] += answer == ALLOWED and truth is not True
            counts["wrong"] += answer != UNDECIDED and (answer == ALLOWED) != truth
            if i % 4 or (found := judge.answer(states[i], action)) is None:
                continue
            counts["by_z3"] += 1
            counts["wrong"] += answer != UNDECIDED and (answer == ALLOWED) != found
            counts["z3_wrong"] += truth is not None and found != truth
    return counts


def kernels(expressions: int, seed: int) -> dict[str, int]:
    """Return how often kernels of random expressions say something else than numpy does."""
    x, rng = playground(), np.random.default_rng(seed)
    generator, domain = Generator(x, rng), cast(CompiledDomain, x.domain)
    counts = dict.fromkeys(("kernels", "answers", "wrong"), 0)
    while counts["kernels"] < expressions:
        expression = generator.truth(int(rng.integers(2, 5)))
        states = random_states(rng, DRAWN)
        try:
            predicate = compile_predicate(x, [expression])
        except ConstraintError:
            continue
        instance = np.append(domain.instance, predicate.parameters)
        answers = predicate.check(
            np.repeat(states, NUM_ACTIONS), np.tile(np.arange(NUM_ACTIONS), DRAWN)
        ).reshape(DRAWN, NUM_ACTIONS)
        for row, answer in zip(states, answers, strict=True):
            state = domain.state(domain.row(row))
            for kernel, kept in (
                (predicate.kernel, answer == ALLOWED),
                (predicate.possible, answer != REFUSED),
            ):
                mask = np.ones(NUM_ACTIONS, np.bool_)
                kernel(state, instance, mask, 0)
                counts["wrong"] += int((mask != kept).sum())
                counts["answers"] += NUM_ACTIONS
        counts["kernels"] += 1
        sys.stderr.write(f"kernels: {counts}\n")
    return counts


def two_by_two(x: Symbols) -> dict[str, z3.BoolRef]:
    """Return the rule that nobody may complete a block of two by two of one's own stones."""
    both = x.state.stones[0] | x.state.stones[1]
    column = z3.Int2BV(7 * x.action, 64)
    stone = (both + (z3.BitVecVal(1, 64) << column)) & (z3.BitVecVal(0x7F, 64) << column)
    own = x.state.stones[x.state.to_play] | stone
    block = own & z3.LShR(own, 1) & z3.LShR(own, 7) & z3.LShR(own, 8)
    return {"no block": block == 0}


def cost_in_search(seconds: float) -> dict[str, float]:
    """Return simulations per CPU-second without and with constraints, and what these cost.

    The cost is the median over rounds, in each of which all are measured, one after the other. With
    constraints it is another game; in the "same game" they are checked and refuse nothing.
    """
    base = make("connect_four")
    x = symbols(base, bounds={"to_play": (0, 1)})
    model = SymbolicModel(x, two_by_two(x))
    cases: list[tuple[str, SymbolicModel, Evaluator]] = [
        ("Connect Four, constant", model, UniformEvaluator(7)),
        ("Connect Four, rollouts", model, RolloutEvaluator()),
        ("Connect Four, net", model, load_evaluator("net", base)),
    ]
    for name in ("robot", "delivery"):
        actions = example(name).symbols.domain.spec.num_actions
        cases.append((f"{name}, constant", example(name), UniformEvaluator(actions)))
        cases.append((f"{name}, rollouts", example(name), RolloutEvaluator()))
    found: dict[str, float] = {}
    for name, model, evaluator in cases:
        base = model.symbols.domain
        domains = (base, constrain(base, model), constrain(base, toothless(model)))
        rates = np.array(
            [[search_rate(domain, evaluator, seconds) for domain in domains] for _ in range(ROUNDS)]
        )
        names = ("plain", "constrained", "same game")
        found |= {f"{name}: {n}": round(r) for n, r in zip(names, rates.max(0), strict=True)}
        for column, shown in ((1, "cost"), (2, "cost in the same game")):
            found[f"{name}: {shown}"] = round(
                1 - float(np.median(rates[:, column] / rates[:, 0])), 3
            )
    return found


def toothless(model: SymbolicModel) -> SymbolicModel:
    """Return a model whose constraints are checked and always hold, as the compiler cannot know."""
    x = model.symbols
    variable = next(v for v in x.of("state") if not v.shape and v.kind == "int")
    holds = variable.term >= variable.low
    return replace(model, constraints={n: z3.Or(e, holds) for n, e in model.constraints.items()})


def search_rate(domain: CompiledDomain, evaluator: Evaluator, seconds: float) -> float:
    """Return simulations per CPU-second, 64 trees at once, no cache."""
    settings = PUCT(lookahead=0, canonical=False, cache_entries=0)
    search = Search(domain, evaluator, settings)
    rows = np.stack([domain.row(domain.reset())] * 64)
    budget = np.full(64, SIMULATIONS)
    seeds = np.arange(64, dtype=np.uint64)
    search.run_rows(rows, budget, seeds)
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        seeds += np.uint64(64)
        search.run_rows(rows, budget, seeds)
        done += int(search.driver.tree.trees["simulations"].sum())
    return done / spent


def main() -> None:
    """Print a table and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--differential", type=int, default=20_000, help="evaluations")
    parser.add_argument("--differential-seconds", type=float, default=3600.0, help="CPU-seconds")
    parser.add_argument("--kernels", type=int, default=0, help="random expressions to compile")
    parser.add_argument("--seed", type=int, default=2, help="of the random expressions")
    parser.add_argument("--only-differential", action="store_true", help="measure nothing else")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU-seconds a measurement")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "differential": differential(
            options.differential, options.differential_seconds, options.seed
        ),
    }
    if options.kernels:
        figures["kernels"] = kernels(options.kernels, options.seed)
    if not options.only_differential:
        figures |= {
            "delivery, 51 actions": time_checks(*delivery(), options.seconds),
            "keep-out, 9 actions": time_checks(*keep_out(), options.seconds),
            "example delivery, 51 actions": time_checks(
                *reached(example("delivery")), options.seconds
            ),
            "example robot, 9 actions": time_checks(*reached(example("robot")), options.seconds),
            "search under constraints": cost_in_search(options.seconds),
        }
    for name, row in figures.items():
        shown = "  ".join(f"{key} {value:,}" for key, value in row.items())
        sys.stdout.write(f"{name:34}{shown}\n")
    if options.json:
        machine = platform.processor() or platform.machine()
        options.json.write_text(json.dumps({"machine": machine, **figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
