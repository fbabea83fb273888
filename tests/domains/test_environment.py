"""Domains as Gymnasium environments."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from tesuji.domains.environment import DomainEnv
from tesuji.domains.registry import make


@pytest.fixture
def env() -> DomainEnv:
    return DomainEnv(make("tic_tac_toe"), render_mode="ansi")


def test_the_three_masks_are_one(env: DomainEnv) -> None:
    _, info = env.reset(seed=1)
    _, _, _, _, info = env.step(4)
    assert info["action_mask"].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1]
    assert env.legal_actions_mask() == info["action_mask"].tolist()
    assert np.array_equal(env.action_masks(), info["action_mask"].astype(bool))


def test_a_masked_random_game_comes_to_its_end(env: DomainEnv) -> None:
    _, info = env.reset(seed=2)
    env.action_space.seed(2)
    ended = False
    while not ended:
        action = env.action_space.sample(mask=info["action_mask"])
        _, reward, ended, cut, info = env.step(action)
        assert not cut
    assert reward in {0.0, 1.0}


def test_a_forbidden_action_is_refused_with_the_legal_ones(env: DomainEnv) -> None:
    env.reset(seed=1)
    env.step(0)
    with pytest.raises(ValueError, match="action 0 is not legal here; legal: \\[1, 2"):
        env.step(0)


def test_steps_before_a_reset_are_refused(env: DomainEnv) -> None:
    with pytest.raises(ValueError, match="reset before step"):
        env.step(0)


@pytest.mark.filterwarnings("ignore")
def test_gymnasium_finds_no_fault_in_its_spaces() -> None:
    class AnyAction(DomainEnv):
        """Gymnasium's checker samples without the mask."""

        def step(self, action):  # type: ignore[no-untyped-def]
            legal = np.flatnonzero(self.action_masks())
            return super().step(legal[int(action) % len(legal)])

    check_env(AnyAction(make("tic_tac_toe")), skip_render_check=True)
