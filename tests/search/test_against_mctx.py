"""The search against DeepMind's mctx, on random trees with fixed priors, values and rewards."""

import jax
import jax.numpy as jnp
import mctx
import numpy as np
import pytest

from tesuji.domains.base import Domain, DomainSpec
from tesuji.search.base import Budget, Evaluation
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.search import Search

ACTIONS = 5
SIZE = 4099  # positions; a prime, so that walks rarely meet


class RandomTree(Domain):
    """Positions are numbers; an action leads to another number, at a random reward."""

    def __init__(self, seed: int, discount: float) -> None:
        self.spec = DomainSpec(
            "random_tree", ACTIONS, (1,), num_players=1, max_steps=100, value_range=(-1e3, 1e3)
        )
        rng = np.random.default_rng(seed)
        self.logits = rng.normal(size=(SIZE, ACTIONS)).astype(np.float32)
        self.values = rng.uniform(-1, 1, SIZE).astype(np.float32)
        self.rewards = rng.uniform(-0.5, 0.5, (SIZE, ACTIONS)).astype(np.float32)
        self.discount = discount

    def reset(self, seed=0):
        return seed

    def legal(self, state):
        return np.ones(ACTIONS, np.bool_)

    def step(self, state, action, key=0):
        following = (state * 31 + action * 977 + 13) % SIZE
        return following, float(self.rewards[state, action]), self.discount

    def observe(self, state):
        return np.array([state], np.float32)

    def evaluate(self, observations):
        states = observations[:, 0].astype(np.int64)
        return Evaluation(
            self.logits[states], self.values[states], np.zeros(len(states), np.float32)
        )

    def mctx_root(self, states):
        states = jnp.asarray(states)
        return mctx.RootFnOutput(
            prior_logits=jnp.asarray(self.logits)[states],
            value=jnp.asarray(self.values)[states],
            embedding=states,
        )

    def mctx_step(self, params, key, action, embedding):
        following = (embedding * 31 + action * 977 + 13) % SIZE
        output = mctx.RecurrentFnOutput(
            reward=jnp.asarray(self.rewards)[embedding, action],
            discount=jnp.full(action.shape, self.discount),
            prior_logits=jnp.asarray(self.logits)[following],
            value=jnp.asarray(self.values)[following],
        )
        return output, following


@pytest.mark.parametrize("discount", [-1.0, 0.97])
@pytest.mark.parametrize("simulations", [2, 17, 64])
def test_puct_weights_are_those_of_muzero_policy(discount, simulations):
    tree = RandomTree(1, discount)
    roots = [3, 500, 2024, 4000]
    peer = mctx.muzero_policy(
        params=(), rng_key=jax.random.PRNGKey(0), root=tree.mctx_root(roots),
        recurrent_fn=tree.mctx_step, num_simulations=simulations, dirichlet_fraction=0.0,
    )  # fmt: skip
    search = Search(
        tree,
        tree,
        PUCT(c_init=1.25, policy_temperature=1.0, fpu="minmax", prove=False, lookahead=0),
    )
    results = search.run(roots, Budget(simulations=simulations))
    weights = np.stack([result.visits / result.visits.sum() for result in results])
    np.testing.assert_allclose(weights, peer.action_weights, atol=1e-5)


@pytest.mark.parametrize("discount", [-1.0, 0.97])
@pytest.mark.parametrize("simulations", [2, 17, 64])
@pytest.mark.parametrize("considered", [2, 4, 16])
def test_gumbel_weights_are_those_of_gumbel_muzero_policy(discount, simulations, considered):
    tree = RandomTree(2, discount)
    roots = [3, 500, 2024, 4000]
    peer = mctx.gumbel_muzero_policy(
        params=(), rng_key=jax.random.PRNGKey(0), root=tree.mctx_root(roots),
        recurrent_fn=tree.mctx_step, num_simulations=simulations,
        max_num_considered_actions=considered, gumbel_scale=0.0,
    )  # fmt: skip
    search = Search(tree, tree, Gumbel(max_considered=considered, prove=False, lookahead=0))
    results = search.run(roots, Budget(simulations=simulations))
    np.testing.assert_allclose(
        np.stack([result.policy for result in results]), peer.action_weights, atol=1e-5
    )
    assert [result.action for result in results] == peer.action.tolist()
    summary = peer.search_tree.summary()
    np.testing.assert_array_equal(
        np.stack([result.visits for result in results]), summary.visit_counts
    )
