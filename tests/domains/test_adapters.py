"""Games of OpenSpiel and PettingZoo as domains, and domains as PettingZoo environments."""

import numpy as np
import pytest
from pettingzoo.test import api_test

from tesuji.domains.adapters.pettingzoo import DomainAECEnv
from tesuji.domains.base import Domain
from tesuji.domains.check import check_domain
from tesuji.domains.registry import make
from tesuji.search.base import Budget, Status, UniformEvaluator
from tesuji.search.search import Search

PAIRS = {
    "openspiel:tic_tac_toe": "tic_tac_toe",
    "openspiel:connect_four": "connect_four",
    "pettingzoo:connect_four_v3": "connect_four",
}


@pytest.mark.parametrize(
    "name",
    [
        "openspiel:breakthrough(rows=5,columns=5)",
        "openspiel:mancala",
        "openspiel:catch",
        "openspiel:pig(winscore=15)",
        "pettingzoo:tictactoe_v3",
        "pettingzoo:connect_four_v3",
    ],
)
def test_an_adapted_game_keeps_the_contract(name: str) -> None:
    check_domain(make(name), num_episodes=3)


@pytest.mark.parametrize(("theirs", "ours"), PAIRS.items())
def test_an_adapted_game_is_the_game_that_we_have(theirs: str, ours: str) -> None:
    one, two = make(theirs), make(ours)
    rng = np.random.default_rng(3)
    for _ in range(5):
        first, second, discount = one.reset(), two.reset(), 1.0
        while discount != 0.0:
            assert np.array_equal(one.legal(first), two.legal(second))
            action = int(rng.choice(np.flatnonzero(two.legal(second))))
            first, *transition = one.step(first, action)
            second, reward, discount = two.step(second, action)
            assert transition == [reward, discount]


def test_a_win_in_one_is_found_in_an_openspiel_game() -> None:
    domain = make("openspiel:tic_tac_toe")
    result = _search(domain, (0, 3, 1, 4))
    assert result.action == 2
    assert result.status is Status.PROVEN_WIN


def _search(domain: Domain, moves: tuple[int, ...]):  # type: ignore[no-untyped-def]
    state = domain.reset()
    for move in moves:
        state, _, _ = domain.step(state, move)
    search = Search(domain, UniformEvaluator(domain.spec.num_actions))
    [result] = search.run([state], Budget(simulations=50), seed=0)
    return result


def test_chance_is_drawn_from_the_key() -> None:
    domain = make("openspiel:pig(winscore=15)")
    following = [domain.step(domain.reset(), 0, key)[0].history() for key in range(20)]
    assert following == [domain.step(domain.reset(), 0, key)[0].history() for key in range(20)]
    assert len({tuple(history) for history in following}) > 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openspiel:conect_four", "did you mean 'connect_four'"),
        ("openspiel:kuhn_poker", "it hides information"),
        ("openspiel:goofspiel", "move simultaneously"),
        ("openspiel:hex(colour=3)", "OpenSpiel cannot load"),
        ("pettingzoo:connect_for_v3", "did you mean 'connect_four_v3'"),
        ("pettingzoo:rps_v2", "no action mask"),
        ("pettingzoo:texas_holdem_v4", "does not load: No module named"),
    ],
)
def test_a_game_that_cannot_be_searched_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(name)


@pytest.mark.filterwarnings("ignore:Observation:UserWarning")
@pytest.mark.parametrize("name", ["connect_four", "othello_6x6", "delivery", "double_integrator"])
def test_a_domain_passes_pettingzoos_own_test(name: str) -> None:
    api_test(DomainAECEnv(make(name)), num_cycles=100)


def test_a_won_game_rewards_the_winner_and_punishes_the_loser() -> None:
    env = DomainAECEnv(make("tic_tac_toe"))
    env.reset(seed=0)
    for action in (0, 3, 1, 4, 2):
        env.step(action)
    assert env.rewards == {"player_0": 1.0, "player_1": -1.0}
    assert all(env.terminations.values())
    assert not env.observe("player_1")["action_mask"].any()


def test_an_illegal_action_of_an_agent_is_refused() -> None:
    env = DomainAECEnv(make("tic_tac_toe"))
    env.reset(seed=0)
    env.step(4)
    with pytest.raises(ValueError, match="action 4 is not legal here"):
        env.step(4)
