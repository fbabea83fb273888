"""Connection tableaux as a domain: contract, environment, and proofs by the shared tree search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from small_theorems import OTHERS, THEOREMS

from tesuji.domains.check import check_domain
from tesuji.domains.environment import DomainEnv
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.connection import ConnectionDomain, TableauState, connection
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.search import Search


@pytest.mark.parametrize("text", [*THEOREMS.values(), *OTHERS.values()])
def test_the_domain_keeps_the_contract(text: str) -> None:
    check_domain(ConnectionDomain(clausify(parse_problem(text))), num_episodes=3)


@pytest.mark.filterwarnings("ignore")
def test_gymnasium_finds_no_fault_in_the_calculus_as_an_environment(tmp_path: Path) -> None:
    class AnyAction(DomainEnv):
        """Gymnasium's checker samples without the mask."""

        def step(self, action):  # type: ignore[no-untyped-def]
            legal = np.flatnonzero(self.action_masks())
            return super().step(legal[int(action) % len(legal)])

    path = tmp_path / "problem.p"
    path.write_text(THEOREMS["two instances"])
    env = AnyAction(connection(path))
    check_env(env, skip_render_check=True)
    _, info = env.reset(seed=0)
    assert info["action_mask"].sum() == 1


@pytest.mark.parametrize("name", [name for name in THEOREMS if name != "equivalences"])
def test_tree_search_proves_what_the_verifier_accepts(name: str) -> None:
    problem = parse_problem(THEOREMS[name])
    clauses = clausify(problem)
    domain = ConnectionDomain(clauses)
    search = Search(domain, UniformEvaluator(domain.spec.num_actions))
    (found,) = search.run([domain.reset()], Budget(simulations=3000))
    state: TableauState = domain.reset()
    for action in found.principal_variation:
        state, reward, _ = domain.step(state, action)
    assert reward == 1.0
    verify_theorem(theorem_proof(problem, clauses, domain.instances(state)))


def test_a_goal_above_itself_is_given_up_and_steps_are_named() -> None:
    text = "fof(a, axiom, p => p2). fof(b, axiom, p2 => p). fof(c, conjecture, p)."
    domain = ConnectionDomain(clausify(parse_problem(text)))
    state = domain.reset()
    assert domain.action_name(state, 0) == "start with c_1"
    state, _, _ = domain.step(state, 0)
    assert domain.action_name(state, 0) == "extend with b_1, literal 2"
    state, reward, discount = domain.step(state, 0)
    assert (reward, discount) == (0.0, 1.0)
    state, reward, discount = domain.step(state, 0)
    assert (reward, discount) == (-1.0, 0.0)
    assert not domain.legal(state).any()
    assert domain.render(state).splitlines() == ["  ~ p", "    ~ p2", ">     ~ p"]
