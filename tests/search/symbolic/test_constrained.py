"""Domains under constraints: masks, dead ends, searches that never err, contradictions."""

import numpy as np
import pytest
import z3

from tesuji.domains.base import Domain, DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.registry import make
from tesuji.search.base import Budget, Evaluation, UniformEvaluator
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.driver import RolloutEvaluator
from tesuji.search.search import Search
from tesuji.search.symbolic.constrained import constrain
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel
from tesuji.search.symbolic.refusals import refusing
from tesuji.search.symbolic.symbols import Variable, symbols
from tesuji.search.symbolic.text import parse_constraint

NO_SQUARE = " and ".join(
    f"stones[{i}] & stones[{i}] >> 1 & stones[{i}] >> 7 & stones[{i}] >> 8 == 0" for i in (0, 1)
)


def model_of(domain, *texts, **options):
    names = symbols(domain, **options)
    return SymbolicModel(names, dict(parse_constraint(text, names) for text in texts))


@pytest.fixture(scope="module")
def squareless():
    domain = make("connect_four")
    return constrain(domain, model_of(domain, f"no square: {NO_SQUARE}", "no edge: action != 6"))


class RandomEvaluator:
    def evaluate(self, observations):
        rng = np.random.default_rng(len(observations))
        shape = (len(observations), 7)
        value = rng.uniform(-1, 1, len(observations)).astype(np.float32)
        return Evaluation(rng.normal(size=shape).astype(np.float32), value, np.zeros_like(value))


def has_square(stones):
    board = [(int(stones) >> np.arange(49)) & 1 for stones in stones]
    cells = [np.array(b).reshape(7, 7) for b in board]
    return any((c[:-1, :-1] & c[1:, :-1] & c[:-1, 1:] & c[1:, 1:]).any() for c in cells)


def test_the_compiled_mask_is_the_exact_one_in_random_games(squareless):
    rng = np.random.default_rng(1)
    for _ in range(2):
        state, discount = squareless.reset(), 1.0
        while discount != 0:
            mask = squareless.legal(state)
            if rng.random() < 0.3:  # the exact check is slow
                assert mask.tolist() == squareless.allowed(state).tolist()
            state, _, discount = squareless.step(state, int(rng.choice(np.flatnonzero(mask))))
            assert not has_square(state.stones)


def test_two_constraints_of_each_kind_keep_their_own_data():
    domain = make("connect_four")
    due = {"due": np.array([1, 0, 1, 1, 1, 1, 1]), "most": np.array([3, 5])}
    model = model_of(
        domain,
        "open: due[action] == 1",
        "few: stones[0] <= 1 << 14 and most[to_play] > 3",
        parameters=due,
        bounds={"to_play": (0, 1)},
    )
    found = constrain(domain, model)
    assert found.legal(found.reset()).tolist() == [True, False, True] + [False] * 4
    state = found.step(found.reset(), 0)[0]
    assert not found.legal(state).any()  # the second side's move gives the turn to side 0


@pytest.mark.parametrize("settings", [PUCT(), Gumbel()])
def test_no_search_visits_a_forbidden_action(settings, squareless):
    rng = np.random.default_rng(2)
    states = []
    while len(states) < 6:
        state, discount = squareless.reset(), 1.0
        for _ in range(int(rng.integers(4, 16))):
            mask = squareless.legal(state)
            state, _, discount = squareless.step(state, int(rng.choice(np.flatnonzero(mask))))
            if discount == 0:
                break
        if discount != 0:
            states.append(state)
    search = Search(squareless, RandomEvaluator(), settings)
    for state, result in zip(states, search.run(states, Budget(simulations=150)), strict=True):
        allowed = squareless.allowed(state)
        assert (result.visits[~allowed] == 0).all()
        assert (result.policy[~allowed] == 0).all()
        assert allowed[result.action]


def test_the_side_that_cannot_move_loses():
    domain = make("connect_four")
    found = constrain(domain, model_of(domain, "first only: implies(to_play == 1, action < 0)"))
    state, reward, discount = found.step(found.reset(), 3)
    assert (reward, discount) == (1.0, 0.0)
    assert not found.legal(state).any()
    assert domain.step(domain.reset(), 3)[1:] == (0.0, -1.0)


def test_constraints_of_two_calls_hold_together(squareless):
    found = constrain(squareless, model_of(squareless.base, "no first: action != 0"))
    assert found.legal(found.reset()).tolist() == [False, True, True, True, True, True, False]
    assert found.constraints == ("no square", "no edge", "no first")


def test_a_refused_action_names_its_constraints(squareless):
    state = squareless.reset()
    assert squareless.refusal(state, 6) == "refused by: no edge (action = 6)"
    assert squareless.refusal(state, 0) is None
    with pytest.raises(ValueError, match="7 is refused by: no edge"):
        squareless.parse_action(state, "7")


def test_contradictory_constraints_come_with_a_minimal_core():
    domain = make("connect_four")
    model = model_of(domain, "high: action > 3", "even: action % 2 == 0", "low: action < 4")
    with pytest.raises(ConstraintError, match=r"^high \+ low: .* no action in the first state"):
        constrain(domain, model)


def test_symmetries_are_given_up_and_the_rest_of_the_face_stays(squareless):
    assert squareless.base.spec.num_symmetries == 2
    assert squareless.spec.num_symmetries == 1
    state = squareless.reset()
    assert squareless.render(state) == squareless.base.render(state)
    assert squareless.board(state) == squareless.base.board(state)


class Counting(Domain):
    """A walk on 0, 1, 2, … by one or two steps, up to five; an object domain."""

    spec = DomainSpec("counting", 2, (1,), num_players=1, max_steps=5)

    def reset(self, seed=0):
        return 0

    def legal(self, state):
        return np.array([state < 5, state < 4])

    def step(self, state, action, key=0):
        after = state + action + 1
        return after, float(after == 5), float(after < 5)

    def observe(self, state):
        return np.array([state], np.float32)


def counting_model(text):
    domain = Counting()
    names = symbols(
        domain,
        variables=[Variable("at", "state", "int", low=0, high=5)],
        encode=lambda s: {"at": s},
    )
    return domain, SymbolicModel(names, dict([parse_constraint(text, names)]))


def test_an_object_domain_is_constrained_exactly_and_its_dead_ends_are_low():
    domain, model = counting_model("no third: at != 3 and (at < 4 or at > 4)")
    found = constrain(domain, model)
    assert found.legal(2).tolist() == [False, False]
    assert found.legal(1).tolist() == [True, False]
    assert found.step(0, 1) == (2, -1.0, 0.0)


def test_a_state_that_is_entered_is_decided_once():
    domain, model = counting_model("no third: at != 3")
    found, asked = constrain(domain, model), []
    base_legal = domain.legal
    domain.legal = lambda state: asked.append(state) or base_legal(state)
    state, _, _ = found.step(found.reset(), 0)
    assert found.legal(state).tolist() == [True, False]
    assert asked == [1]


def test_an_effect_that_differs_from_the_rules_is_named():
    domain, model = counting_model("at >= 0")
    at, action = model.symbols.state.at, model.symbols.action
    right = SymbolicModel(model.symbols, effects={"at": at + action + 1})
    wrong = SymbolicModel(model.symbols, effects={"at": z3.If(at == 2, at + 1, at + action + 1)})
    assert right.check_against(domain) is None
    difference = wrong.check_against(domain)
    assert "effect 'at' is not 4" in str(difference)
    assert (difference.state, difference.action) == (2, 1)


def test_a_bound_that_a_state_breaks_is_named():
    domain = make("connect_four")
    names = symbols(domain, bounds={"to_play": (0, 0)})
    assert "'to_play' is declared from 0 to 0" in str(SymbolicModel(names).check_against(domain))


def test_an_invariant_that_fails_from_the_start_is_named():
    domain, model = counting_model("late: at > 0")
    assert "'late' does not hold of a first state" in str(model.check_against(domain))


def test_division_by_zero_refuses():
    domain = make("connect_four")
    found = constrain(domain, model_of(domain, "ratio: 6 // action >= 0"))
    assert not found.legal(found.reset())[0]
    assert found.refusal(found.reset(), 0) == "without a value, so refused: ratio (action = 0)"
    assert refusing(domain, found.model, domain.reset(), 1) == ()


def test_the_root_is_decided_exactly_where_the_search_cannot_decide() -> None:
    domain = make("double_integrator")
    x = symbols(domain, bounds={"steps": (0, 32)})
    tenth = z3.Q(1, 10)
    model = SymbolicModel(
        x,
        {
            "guard": z3.Or(x.action < 0, x.state.x * tenth >= -3 * tenth),
            "invariant": x.state.vx * tenth <= tenth * z3.Q(1, 2),
        },
    )
    constrained = constrain(domain, model)
    state = constrained.reset()
    assert not constrained.legal(state).any()  # -3 is on the border, and 1/10 is no float
    assert constrained.allowed(state).all()
    [result] = Search(constrained, UniformEvaluator(9)).run([state], Budget(simulations=50))
    assert result.legal.all()
    entered, _, discount = constrained.step(state, 7)
    assert discount == 1.0
    assert constrained.allowed(entered).tolist() == [True] * 6 + [False] * 3  # no faster


def checked(domain):
    """Return a constrained domain as one whose `legal` and `step` are all the search has."""
    kernels = Kernels(domain.state_dtype)
    for name in ("reset", "legal", "step", "observe"):
        kernels.take(name, domain.kernels[name])
    return CompiledDomain(domain.spec, kernels, domain.instance[:-1])


@pytest.fixture(scope="module")
def cornered():
    """The robot where most ways soon leave no move."""
    domain = make("double_integrator")
    x = symbols(domain, bounds={"steps": (0, 32)})
    far = z3.Or(x.state.x < -2, x.state.y < -2)
    return constrain(domain, SymbolicModel(x, {"far": z3.Or(x.state.steps < 2, far)}))


@pytest.mark.parametrize(
    "settings",
    [
        PUCT(lookahead=0, canonical=False, cache_entries=0),
        PUCT(lookahead=0, graph=True),
        PUCT(lookahead=2, leaves=4),
        Gumbel(lookahead=0),
    ],
)
@pytest.mark.parametrize("name", ["squareless", "cornered"])
def test_a_search_by_the_free_rules_grows_the_trees_of_one_by_the_kept_ones(
    name, settings, request
):
    domain = request.getfixturevalue(name)
    roots, plies = [], 30 if name == "squareless" else 1
    for seed in range(8):
        rng, state = np.random.default_rng(seed), domain.reset()
        for _ in range(plies):
            after, _, discount = domain.step(
                state, int(rng.choice(np.flatnonzero(domain.legal(state))))
            )
            if discount == 0.0:
                break
            state = after
        roots.append(state)
    found = [
        Search(which, UniformEvaluator(domain.spec.num_actions), settings).run(
            roots, Budget(simulations=300), seed=4
        )
        for which in (domain, checked(domain))
    ]
    for one, other in zip(*found, strict=True):
        assert one.visits.tolist() == other.visits.tolist()
        assert np.array_equal(one.q, other.q, equal_nan=True)


def test_random_play_draws_what_is_allowed_alike_and_ends_where_nothing_is(cornered):
    state = cornered.reset()
    settings = PUCT(lookahead=0, c_init=1e9)  # every action alike
    means = [
        Search(which, RolloutEvaluator(num_rollouts=400), settings)
        .run([state], Budget(simulations=9), seed=5)[0]
        .q
        for which in (cornered, checked(cornered))
    ]
    assert np.allclose(*means, atol=0.15)
    assert (means[0] < 0).all()
