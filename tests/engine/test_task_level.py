"""Tasks and motions: what fails is forbidden, and the planner is asked again."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tesuji.domains.logistics.pddl.validation import Step
from tesuji.engine.task_level import Failure, Motion, plan_task

DOMAIN = """
(define (domain ways) (:requirements :strips :negative-preconditions :action-costs)
  (:predicates (at ?a) (way ?a ?b) (failed-go ?a ?b))
  (:functions (total-cost) - number (far ?a ?b) - number)
  (:action go :parameters (?a ?b)
    :precondition (and (at ?a) (way ?a ?b) (not (failed-go ?a ?b)))
    :effect (and (at ?b) (not (at ?a)) (increase (total-cost) (far ?a ?b)))))
"""


class Walker:
    """Moves are letters; some ways are blocked."""

    def __init__(self, blocked: set[Step]) -> None:
        self.blocked, self.tried = blocked, [Step()]

    def problem(self, clauses: Sequence[str]) -> str:
        """From a to d: by b at a cost of 3, by c at one of 5."""
        ways = {"a b": 1, "b d": 2, "a c": 1, "c d": 4}
        text = " ".join(f"(way {way}) (= (far {way}) {far})" for way, far in ways.items())
        return f"""(define (problem p) (:domain ways) (:objects a b c d)
          (:init (at a) (= (total-cost) 0) {text} {" ".join(clauses)})
          (:goal (at d)) (:metric minimize (total-cost)))"""

    def attempt(self, state: Any, step: Step) -> Motion | Failure:
        """Go from where one is."""
        self.tried.append(step)
        assert state[-1] == step[1]
        if step in self.blocked:
            return Failure(f"(failed-{' '.join(step)})", 3)
        return Motion([step[2]], state + step[2], 2)


def test_a_failed_motion_becomes_a_clause_and_motions_are_kept() -> None:
    """The cheaper way is blocked at its second step."""
    walker = Walker({("go", "b", "d")})
    *_, plan = plan_task("a", DOMAIN, walker)
    assert plan.steps == (("go", "a", "c"), ("go", "c", "d"))
    assert plan.failed == (("go", "b", "d"),)
    assert [motion.after for motion in plan.motions] == ["ac", "acd"]
    assert (plan.plans, plan.simulated) == (2, 2 + 3 + 2 + 2)
    assert not plan.exhausted
    assert len(walker.tried[1:]) == len(set(walker.tried[1:]))


def test_where_every_way_fails_there_is_no_plan() -> None:
    """And it is known why."""
    *_, plan = plan_task("a", DOMAIN, Walker({("go", "b", "d"), ("go", "a", "c")}))
    assert (plan.steps, plan.motions) == ((), ())
    assert set(plan.failed) == {("go", "b", "d"), ("go", "a", "c")}
    assert plan.exhausted


def test_a_block_is_lifted_and_none_is_put_on_the_other() -> None:
    """The simulator judges both."""
    pytest.importorskip("gymnasium_robotics")
    from tesuji.domains.robotics.environment_domain import EnvironmentDomain
    from tesuji.engine.block_task import BlockTask

    domain = EnvironmentDomain("tesuji/FetchTwoBlocks-v0")
    task = BlockTask(domain)
    state = domain.reset(0)
    task.begin(state, seed=0)
    lifted = task.attempt(state, ("pick", "object0", "start0", "object1", "start1"))
    assert isinstance(lifted, Motion)
    for action in lifted.actions:
        state, reward, _ = domain.step_by(state, action)
    assert np.array_equal(state.observation, lifted.after.observation)
    assert state.observation[2] > 0.55
    assert reward == -1.0
    task.places["there"] = task.places["start1"]
    assert isinstance(
        task.attempt(state, ("place", "object0", "there", "object1", "start1")), Failure
    )


def test_conditions_over_time_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""
    pytest.importorskip("gymnasium_robotics")
    from tesuji.engine.cli import main

    words = ["run", "tesuji/FetchTwoBlocks-v0", "--constraint", "up: eventually(grip_z > 0.9)"]
    assert main(words) == 2
    assert "up: at the task level constraints hold always" in capsys.readouterr().err


@pytest.mark.slow
def test_blocks_change_places(capsys: pytest.CaptureFixture[str]) -> None:
    """Under a constraint, with a place that cannot be used."""
    from tesuji.engine.cli import main

    words = ["run", "tesuji/FetchTwoBlocks-v0", "--seed", "1", "--json"]
    assert main([*words, "--constraint", "grip_z <= 0.68"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    [episode] = facts["episodes"]
    assert episode["solved"]
    assert episode["violating_steps"] == 0
    assert episode["reward_error"] == 0.0
    assert [each.split()[0] for each in episode["tasks"]] == ["pick", "place"] * 3
