"""The compiler against its exact twin, and both against z3."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import z3
from expressions import NUM_ACTIONS, ByZ3, Generator, playground, random_states

from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.predicate import ALLOWED, REFUSED, UNDECIDED, compile_predicate
from tesuji.search.symbolic.symbols import Symbols, symbols

ANSWERS = {REFUSED: False, ALLOWED: True}


@pytest.fixture(scope="module")
def x() -> Symbols:
    return playground()


def compiled(x: Symbols, expression: z3.BoolRef, states: Any, actions: Any) -> list[int]:
    return compile_predicate(x, [expression]).check(states, actions).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_compiled_says_what_z3_says(x: Symbols, seed: int) -> None:
    rng = np.random.default_rng(seed)
    generator = Generator(x, rng)
    evaluations = decided = by_z3 = 0
    while evaluations < 25_000:
        expression = generator.truth(int(rng.integers(1, 5)))
        states, actions = random_states(rng, 256), rng.integers(0, NUM_ACTIONS, 256)
        try:
            answers = compiled(x, expression, states, actions)
        except ConstraintError as error:
            assert "beyond 64 bits" in str(error)  # noqa: PT017
            continue
        judge = ByZ3(x, expression)
        evaluations += len(answers)
        for i, (answer, action) in enumerate(zip(answers, actions.tolist(), strict=True)):
            truth = decide(x, expression, states[i], action)
            if answer != UNDECIDED:
                assert ANSWERS[answer] == truth, expression
                decided += 1
            if i % 16 == 0 and truth is not None:
                assert judge.answer(states[i], action) == truth, expression
                by_z3 += 1
    assert decided > 15_000
    assert by_z3 > 1000


def test_the_kernel_says_what_numpy_says(x: Symbols) -> None:
    rng = np.random.default_rng(99)
    generator = Generator(x, rng)
    together = [generator.truth(2) for _ in range(6)]
    predicate = compile_predicate(x, [z3.Or(*together[:3]), z3.Or(*together[3:])])
    domain: Any = x.domain
    instance = np.concatenate([domain.instance, predicate.parameters])
    states = random_states(rng, 300)
    for row in states:
        state = domain.state(np.frombuffer(row.tobytes(), np.uint8).copy())
        answers = predicate.check(np.repeat(row[None], NUM_ACTIONS), np.arange(NUM_ACTIONS))
        mask, later, possible = (np.ones(n, np.bool_) for n in (NUM_ACTIONS, 2, NUM_ACTIONS))
        predicate.kernel(state, instance, mask, 0)
        assert mask.tolist() == (answers == ALLOWED).tolist()
        predicate.kernel(state, instance, later, 3)
        assert later.tolist() == mask[3:].tolist()
        predicate.possible(state, instance, possible, 0)
        assert possible.tolist() == (answers != REFUSED).tolist()


def test_a_thousand_constraints_are_written_as_one_kernel(x: Symbols) -> None:
    predicate = compile_predicate(x, [x.state.n + x.action < 50 + i for i in range(1000)])
    assert predicate.source.count(" < ") == 1000


def test_the_kernel_leaves_forbidden_actions_forbidden(x: Symbols) -> None:
    domain: Any = x.domain
    predicate = compile_predicate(x, [z3.BoolVal(True)])
    mask = np.array([True, False, True, False, True])
    state = domain.state(np.zeros(domain.row_size, np.uint8))
    predicate.kernel(state, np.append(domain.instance, predicate.parameters), mask, 0)
    assert mask.tolist() == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("n", "divisor", "quotient", "rest"),
    [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -3, 1), (-7, -2, 4, 1)],
)
def test_division_is_euclids(x: Symbols, n: int, divisor: int, quotient: int, rest: int) -> None:
    states = random_states(np.random.default_rng(0), 1)
    states["n"] = n
    holds = z3.And(x.state.n / divisor == quotient, x.state.n % divisor == rest)
    assert compiled(x, holds, states, np.array([0])) == [ALLOWED]


def test_division_by_zero_is_undecided_but_not_where_it_does_not_matter(x: Symbols) -> None:
    states = random_states(np.random.default_rng(0), 1)
    states["n"] = 0
    by_zero = 5 / x.state.n == 1
    assert compiled(x, by_zero, states, np.array([0])) == [UNDECIDED]
    assert compiled(x, z3.And(by_zero, x.state.n > 0), states, np.array([0])) == [REFUSED]
    assert compiled(x, z3.Or(by_zero, x.state.n == 0), states, np.array([0])) == [ALLOWED]
    assert decide(x, by_zero, states[0], 0) is None


def test_outside_an_array_nothing_is_allowed(x: Symbols) -> None:
    states = random_states(np.random.default_rng(0), 1)
    states["marks"] = 1
    beyond = x.state.marks[x.action] == 1
    assert compiled(x, beyond, np.repeat(states, 2), np.array([3, 4])) == [ALLOWED, UNDECIDED]


def test_a_field_beyond_its_declared_bounds_is_undecided(x: Symbols) -> None:
    states = random_states(np.random.default_rng(0), 1)
    states["n"] = 41
    assert compiled(x, x.state.n > 0, states, np.array([0])) == [UNDECIDED]
    assert decide(x, x.state.n > 0, states[0], 0) is None


def test_a_float_on_a_boundary_is_never_wrongly_allowed(x: Symbols) -> None:
    rng = np.random.default_rng(5)
    states = random_states(rng, 4000)
    states["v"][:, 0] = (3.0 - states["x"]) / 0.1
    speed = x.state.x + z3.Q(1, 10) * x.state.v[0] <= 3
    answers = compile_predicate(x, [speed]).check(states, np.zeros(4000, np.int64))
    truths = [decide(x, speed, state, 0) for state in states]
    assert sum(answer == UNDECIDED for answer in answers) > 100
    assert all(
        ANSWERS[answer] == truth
        for answer, truth in zip(answers.tolist(), truths, strict=True)
        if answer != UNDECIDED
    )
    assert truths.count(False) > 100  # plain floats would call many of these equal to 3


def test_a_power_of_two_times_a_float_is_exact_but_for_the_smallest_and_greatest(
    x: Symbols,
) -> None:
    numbers = [0.1, -0.3, 2.0**-1022, -(2.0**-1020), 5e-324, -1e-310, 1.7e308, -1.7e308, 0.0]
    states = random_states(np.random.default_rng(0), len(numbers))
    states["x"] = numbers
    actions = np.zeros(len(numbers), np.int64)
    eighth, double = x.state.x / 8, x.state.x * 2
    same = compiled(x, z3.And(eighth * 8 == x.state.x, double / 2 == x.state.x), states, actions)
    # Below 2**-1019 an eighth may lose digits, twice the greatest is no float.
    assert same == [ALLOWED, ALLOWED, *6 * [UNDECIDED], ALLOWED]
    for expression in (eighth > 0, eighth >= z3.Q(1, 80), double < 0, double <= z3.Q(1, 5)):
        found = compiled(x, expression, states, actions)
        for state, answer in zip(states, found, strict=True):
            truth = decide(x, expression, state, 0)
            assert answer in (UNDECIDED, ALLOWED if truth else REFUSED)


def test_what_is_no_number_is_undecided(x: Symbols) -> None:
    states = random_states(np.random.default_rng(0), 2)
    states["x"] = [np.nan, np.inf]
    assert compiled(x, x.state.x <= x.state.x, states, np.zeros(2, np.int64)) == [UNDECIDED] * 2


def test_an_int_that_may_leave_64_bits_is_refused_with_its_term(x: Symbols) -> None:
    big = x.state.n
    for _ in range(13):
        big = big * x.state.n
    with pytest.raises(ConstraintError, match="beyond 64 bits; declare narrower bounds"):
        compile_predicate(x, [big > 0])


def test_what_has_no_machine_form_is_named(x: Symbols) -> None:
    with pytest.raises(ConstraintError, match="outside the fragment"):
        compile_predicate(x, [z3.ToInt(x.state.x) > 0])
    with pytest.raises(ConstraintError, match="element by element"):
        compile_predicate(x, [x.state.marks == z3.K(z3.IntSort(), z3.IntVal(0))])


def test_bounds_of_an_unknown_field_are_refused(x: Symbols) -> None:
    with pytest.raises(ValueError, match="bounds of speed: not an int field; fields: flag, marks"):
        symbols(x.domain, bounds={"speed": (0, 1)})


def test_a_second_start_finds_the_kernel_on_disk(
    x: Symbols, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    predicate = compile_predicate(x, [x.state.n > int(np.random.default_rng().integers(10**6))])
    assert predicate.kernel is not None
    [file] = (tmp_path / "tesuji" / "constraints").glob("*.py")
    assert file.read_text() == predicate.source
