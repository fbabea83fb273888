"""Constraints of trajectories: along segments, and over time."""

from typing import Any

import numpy as np
import pytest
import z3

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.models import Rollouts, make_model
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.text import parse_constraint
from tesuji.search.trajectory.expressions import Margin, along, refined
from tesuji.search.trajectory.monitor import ConstraintMonitor
from tesuji.search.trajectory.temporal import QuantityNames, parse_formula

NAMES = ("a", "b")
PLACES = {"a": 0, "b": 1}


def margin_of(text: str) -> Margin:
    """Return the margin of an expression over `a` and `b`."""
    return Margin("it", parse_constraint(text, QuantityNames(NAMES))[1], PLACES)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a <= 1 and not b >= 0.5", lambda a, b: (a <= 1) & ~(b >= 0.5)),
        ("a < 0 or b < 0.2", lambda a, b: (a < 0) | (b < 0.2)),
        ("implies(a > 0, 2 * b - a <= 1)", lambda a, b: ~(a > 0) | (2 * b - a <= 1)),
        ("(a - 0.2) * (a - 0.2) + b * b >= 0.3", lambda a, b: (a - 0.2) ** 2 + b**2 >= 0.3),
        ("abs(a) + max(a, b) <= 1.5", lambda a, b: np.abs(a) + np.maximum(a, b) <= 1.5),
        ("a * a * b <= 0.4", lambda a, b: a * a * b <= 0.4),
        ("a / (b + 4) <= 0.2", lambda a, b: a / (b + 4) <= 0.2),
    ],
)
def test_a_margin_along_a_segment_is_nowhere_undercut(text: str, holds: Any) -> None:
    """A thousand random segments, each looked at in 200 places; closer looks spare more of them."""
    rng = np.random.default_rng(0)
    program = margin_of(text)
    before, after = rng.uniform(-1.5, 1.5, (2, 1000)), rng.uniform(-1.5, 1.5, (2, 1000))
    after = before + 0.4 * (after - before)
    s = np.linspace(0, 1, 200)[:, None]
    points = [x + s * (y - x) for x, y in zip(before, after, strict=True)]
    truth = holds(*points)
    assert np.array_equal(program(points) > 0, truth) or text.endswith("0.4") or "/" in text
    whole = program(along(before, after, [0.0, 0.0]))
    assert (whole <= program(points).min(axis=0) + 1e-12).all()
    closer = refined(program, before, after, [0.0, 0.0])
    assert (closer <= program(points).min(axis=0) + 1e-12).all()
    assert truth.all(axis=0)[closer >= 0].all()
    if program.exact:
        assert (whole >= program(points).min(axis=0) - 1e-3).all()
    spared = (closer >= 0).sum() / truth.all(axis=0).sum()
    assert spared > 0.95
    assert 100 < truth.all(axis=0).sum() < 950


def test_a_magnitude_is_two_planes() -> None:
    """Exact along segments; other choices are not."""
    assert margin_of("abs(a - b) <= 1").exact
    assert not margin_of("abs(a - b) >= 1").exact
    assert not margin_of("max(a, b) <= 1").exact
    numbers = [np.array([-3.0, 0.2]), np.array([1.0, 0.5])]
    assert margin_of("abs(a - b) <= 1")(numbers) == pytest.approx([-3.0, 0.7])
    assert margin_of("2 >= abs(a)")(numbers) == pytest.approx([-1.0, 1.8])
    assert margin_of("not abs(a) > 2")(numbers) == pytest.approx([-1.0, 1.8])


def test_what_bends_is_enclosed() -> None:
    """A point on a circle leaves its chord by no more than it is said to."""
    turned = np.array([0.3])
    start, end = np.array([1.0]), np.cos(turned)
    program = margin_of("a <= 0.99")
    off = turned**2 / 8
    assert program(along([start, start], [end, start], [off, 0.0])) <= 0.99 - 1.0 - off


def monitor_of(*texts: str) -> ConstraintMonitor:
    """Return a monitor of the pendulum."""
    return ConstraintMonitor(make_model(EnvironmentDomain("Pendulum-v1")), texts)


def judged(monitor: ConstraintMonitor, *speeds: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return violations and shortfalls of trajectories of these speeds, from a speed near 0."""
    state = monitor._model.domain.reset(0)
    numbers = np.array(speeds)[:, :, None]
    quantities = np.stack([np.zeros_like(numbers), numbers], axis=-1)
    shape = numbers.shape[:2]
    rollouts = Rollouts(
        quantities, np.zeros(shape), np.ones(shape, np.bool_), np.zeros((*shape, 3), np.float32)
    )
    return tuple(monitor.judge(state, rollouts, np.zeros((*shape, 1))))  # type: ignore[return-value]


def test_what_lies_between_two_substeps_is_seen() -> None:
    """From -1 to 1 by way of 0, though both ends are allowed."""
    monitor = monitor_of("gap: speed * speed >= 0.25")
    violations, _ = judged(monitor, [1.0, 1.0, 1.0], [1.0, -1.0, -1.0])
    assert violations[0] == 0.0 < violations[1]


def test_what_must_come_may_come_later_than_the_horizon() -> None:
    """Until it is due; nearer is better."""
    monitor = monitor_of("fast: eventually(speed >= 2)")
    monitor.begin(monitor._model.domain.reset(0), 100)
    violations, shortfalls = judged(monitor, [0, 2.5, 0], [0, 1.0, 0], [0, 1.5, 0])
    assert not violations.any()
    assert shortfalls[0] == 0.0 < shortfalls[2] < shortfalls[1]
    monitor.begin(monitor._model.domain.reset(0), 3)
    violations, shortfalls = judged(monitor, [0, 2.5, 0], [0, 1.0, 0])
    assert violations[0] == 0.0 < violations[1]
    assert not shortfalls.any()


def test_what_was_promised_is_not_put_off() -> None:
    """A trajectory that reaches it in the second step: no later one may take longer."""
    monitor = monitor_of("fast: eventually(speed >= 2)")
    model = monitor._model
    state = model.domain.reset(0)
    monitor.begin(state, 100)
    late, early = [0, 0, 2.5], [0, 2.5, 0]
    assert not judged(monitor, late, early)[0].any()
    shape = (1, 3)
    quantities = np.zeros((1, 3, 1, 2))
    quantities[0, :, 0, 1] = early
    rollouts = Rollouts(
        quantities, np.zeros(shape), np.ones(shape, np.bool_), np.zeros((*shape, 3), np.float32)
    )
    monitor.promise(state, rollouts, np.zeros((1, 3, 1)))
    violations, _ = judged(monitor, late, early)
    assert violations[0] > 0.0 == violations[1]


def test_until_frees_what_it_holds() -> None:
    """Slow until it is fast; what comes afterwards is free, also in later steps."""
    monitor = monitor_of("ramp: abs(speed) <= 1.2 until speed >= 2")
    state = monitor._model.domain.reset(0)
    monitor.begin(state, 4)
    free, broken, never, wild = [1, 2.5, -5, 0], [-1.5, 0, 2.5, 0], [1, 1, 1, 1], [2.5, -5, 5, 0]
    violations, _ = judged(monitor, free, broken, never, wild)
    assert violations[0] == violations[3] == 0.0 < min(violations[1], violations[2])
    shape = (1, 1)
    for speed, unmet in ((0.5, ("ramp",)), (2.5, ()), (-5.0, ())):
        quantities = np.array([0.0, speed]).reshape(1, 1, 1, 2)
        rollouts = Rollouts(
            quantities, np.zeros(shape), np.ones(shape, np.bool_), np.zeros((1, 1, 3), np.float32)
        )
        _, wrong = monitor.advance(state, rollouts, np.zeros((1, 1, 1)))
        assert not wrong
        assert monitor.unmet == unmet


def test_a_robots_tip_is_followed_along_its_arc() -> None:
    """The bound encloses 1,000 places between two substeps of the arm's fingertip."""
    model = make_model(EnvironmentDomain("Reacher-v5"))
    state = model.domain.reset(0)
    rollouts = model.roll(state, model.units(np.random.default_rng(0).uniform(-1, 1, (8, 5, 2))))
    bends = model.bends(model.quantities(state), rollouts.quantities)["fingertip_x"]
    at = model.names.index("fingertip_x")
    for b in range(8):
        q = rollouts.quantities[b, :, :, :2].reshape(-1, 2)
        tip = rollouts.quantities[b, :, :, at].ravel()
        s = np.linspace(0, 1, 1000)[:, None]
        for i in range(1, len(q)):
            turned = q[i - 1] + s * (q[i] - q[i - 1])
            arc = 0.1 * np.cos(turned[:, 0]) + 0.11 * np.cos(turned.sum(axis=1))
            line = tip[i - 1] + s[:, 0] * (tip[i] - tip[i - 1])
            off = np.abs(arc - line).max()
            assert off <= bends[b].ravel()[i] + 1e-12
    assert 0 < bends.max() < 0.01


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a < 1", (True, False, None)),
        ("always(a < 1)", (True, False, None)),
        ("x: eventually(a < min(b, 1))", (False, True, None)),
        ("x: eventually(a < 1, 40)", (False, True, 40)),
        ("(a < 1 or b < 1) until a < 0", (True, True, None)),
        ("until(a < 1, b < 1, 7)", (True, True, 7)),
    ],
)
def test_forms(text: str, form: tuple[bool, bool, int | None]) -> None:
    """What holds, what comes, and within how many steps."""
    formula = parse_formula(text, QuantityNames(NAMES))
    assert (formula.hold is not None, formula.goal is not None, formula.within) == form
    assert z3.is_bool(formula.hold if formula.goal is None else formula.goal)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("eventually(a < 1) and b < 1", "stand outside of all else, once"),
        ("not eventually(a < 1)", "stand outside of all else, once"),
        ("a < 1 until b < 1 until a < 0", "stand outside of all else, once"),
        ("eventually(a < 1, 0)", "expected a number of steps, found '0'"),
        ("eventually(a < 1, b < 1, 3)", "eventually takes 1 to 2 parts, got 3"),
        ("until(a < 1)", "until takes 2 to 3 parts, got 1"),
        ("eventually(a < 1", "a bracket is not closed"),
        ("x: eventually(a < 0 and a > 1)", "constraint 'x' can never hold"),
        ("x: eventually(a < c)", "column 19: unknown name 'c'"),
    ],
)
def test_wrong_forms_are_refused(text: str, message: str) -> None:
    """In one line, with the column in the whole."""
    with pytest.raises(ConstraintError, match=r"^[^\n]*$") as caught:
        parse_formula(text, QuantityNames(NAMES))
    assert message in str(caught.value)


def test_breaches_of_many_states_are_those_of_each() -> None:
    """Of a quantity that moves along the segment, and of one that leaps."""
    domain = EnvironmentDomain("HalfCheetah-v5")
    model = make_model(domain)
    monitor = ConstraintMonitor(model, ["rootz <= -0.1", "x_velocity <= 0.1"])
    rng, states = np.random.default_rng(0), [domain.reset(seed) for seed in range(6)]
    for _ in range(8):
        states = [domain.step_by(each, rng.uniform(-1, 1, 6))[0] for each in states]
    actions = rng.uniform(-1.0, 1.0, (6, 1, 6))
    starts = np.concatenate([model.begin(each) for each in states])
    before = np.stack([model.quantities(each) for each in states])
    together = monitor.breaches(before, model.branch(starts, actions).rollouts, actions)
    for state, action, found in zip(states, actions[:, None], together, strict=True):
        margins = monitor.margins(state, model.roll(state, action), action)
        assert found == pytest.approx(sum(max(0.0, -float(m.min())) for m in margins.values()))
    assert (together > 0).any()
