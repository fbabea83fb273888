"""MiniGrid by tasks and motions under constraints, as MiniGrid itself has it."""

import json
import re

import pytest

from tesuji.domains.robotics import grid_rules as rules
from tesuji.domains.robotics.environments import make_environment
from tesuji.domains.robotics.grid import look, look_from, make_grid
from tesuji.engine.cli import main
from tesuji.engine.discrete_episodes import GridRunner
from tesuji.engine.maze_task import MazeTask
from tesuji.engine.task_level import Failure, Motion
from tesuji.search.symbolic.grid_constraints import GridConstraints

pytest.importorskip("minigrid")

# Environments, constraints, and of how many of 4 seeds tasks and motions solve one.
CASES = [
    ("ObstructedMaze-1Dlhb", ["action != left"], 4),
    ("ObstructedMaze-1Dlh", ["implies(carrying == ball, action == drop)"], 4),
    ("KeyCorridorS6R3", ["implies(carrying == key, front != wall)"], 4),
    ("KeyCorridorS3R3", ["carrying == empty or front != door or front_state != open"], 0),
    ("BlockedUnlockPickup", ["implies(carrying == ball, agent_y > 2 or action != drop)"], 4),
    ("UnlockPickup", ["implies(action == drop, agent_x < 3)", "agent_x != 4 or agent_y != 2"], 3),
    ("Unlock", ["implies(action == toggle, agent_dir == 0)"], 4),
    ("LockedRoom", ["agent_x != 9 or agent_y != 9", "front != wall or carrying == empty"], 4),
]


@pytest.mark.parametrize(("name", "texts", "solved"), CASES)
def test_tasks_and_motions_keep_constraints(name: str, texts: list[str], solved: int) -> None:
    """They are no shorter than the shortest plans, and there are none where there is no plan."""
    env = make_environment(f"MiniGrid-{name}-v0")
    tasks = GridRunner(env, tasks=True, constraints=texts)
    plans = GridRunner(make_environment(f"MiniGrid-{name}-v0"), constraints=texts)
    found = []
    for seed in range(4):
        *_, shortest = plans.run(seed)
        *_, episode = tasks.run(seed)
        facts, best = episode.facts(), shortest.facts()
        assert facts["violating_steps"] == 0
        assert facts["solved"] <= best["solved"]
        assert facts["steps"] >= best["steps"] * facts["solved"]
        found.append(facts["solved"])
    assert sum(found) == solved


def test_what_the_model_sees_is_what_minigrid_shows() -> None:
    """From where the agent is, on a walk that takes, puts down and opens things."""
    env = make_environment("MiniGrid-BlockedUnlockPickup-v0")
    env.reset(seed=1)
    for number in range(300):
        domain = make_grid(env)
        state = domain.reset()
        cell = int(state.y) * int(domain.instance[rules.WIDTH]) + int(state.x)
        assert look_from(domain.instance, state, cell, int(state.direction)) == look(env)
        env.step((2, 3, 0, 2, 5, 2, 4, 1)[number * 7 % 8 if number % 5 else number % 8])


def test_a_clause_holds_while_a_thing_is_carried() -> None:
    """A key that may not be turned with is put down, and another thing may be taken."""
    env = make_environment("MiniGrid-UnlockPickup-v0")
    env.reset(seed=0)
    domain = make_grid(env)
    constraints = GridConstraints(domain, ["implies(carrying == key, action == drop)"])
    task, state = MazeTask(domain, constraints), domain.reset()
    key, door = re.findall(r"\(fits (thing\d+) (door\d+)\)", task.problem([]))[0]
    taken = task.attempt(state, ("take", key))
    assert isinstance(taken, Motion)
    failed = task.attempt(taken.after, ("unlock", door, key))
    assert isinstance(failed, Failure)
    assert f"(bars c0 {door})" in failed.clause
    assert f"(while c0 {key})" in failed.clause
    assert f"(allows c0 {door})" in task.problem([failed.clause])
    assert isinstance(task.attempt(taken.after, ("put", key)), Motion)


def test_where_nothing_may_be_put_down_that_is_a_clause() -> None:
    """Of a spot for it."""
    env = make_environment("MiniGrid-UnlockPickup-v0")
    env.reset(seed=0)
    domain = make_grid(env)
    task = MazeTask(domain, GridConstraints(domain, ["action != drop"]))
    [key] = re.findall(r"\(fits (thing\d+)", task.problem([]))
    taken = task.attempt(domain.reset(), ("take", key))
    assert isinstance(taken, Motion)
    failed = task.attempt(taken.after, ("put", key))
    assert isinstance(failed, Failure)
    assert "(allows c0 spot)" not in task.problem([failed.clause])


def test_no_plan_left_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Not as a failure of the program."""
    words = ["run", "MiniGrid-KeyCorridorS3R2-v0", "--method", "tasks"]
    words += ["--constraint", "not (front == door and front_color == red)"]
    assert main(words) == 0
    assert "seed 0: not solved (no symbolic plan is left), 0 violating" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    [episode] = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    assert (episode["solved"], episode["no_plan_left"], episode["tasks"]) == (False, True, [])
