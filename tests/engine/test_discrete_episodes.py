"""`tesuji run` where actions are discrete: shortest plans in MiniGrid, else tree search."""

import json
from pathlib import Path

import pytest

from tesuji.engine.cli import main

pytest.importorskip("minigrid")


def test_mazes_are_solved_by_shortest_plans(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a film and a plot of the first."""
    film, plot = tmp_path / "maze.gif", tmp_path / "maze.png"
    words = ["run", "MiniGrid-KeyCorridorS3R1-v0", "--episodes", "3", "--json"]
    assert main([*words, "--render", str(film), "--plot", str(plot)]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["method"] == "shortest plan"
    for episode in facts["episodes"]:
        assert (episode["plan"], episode["solved"]) == ("shortest", True)
        assert episode["steps"] == episode["plan_length"] == episode["lower_bound"]
        assert episode["reward_error"] == 0.0
    assert film.read_bytes()[:6] == b"GIF89a"
    assert plot.read_bytes()[:4] == b"\x89PNG"


def test_mazes_are_solved_under_constraints(capsys: pytest.CaptureFixture[str]) -> None:
    """By plans that nothing else than what is checked in MiniGrid itself calls kept."""
    words = ["run", "MiniGrid-DoorKey-8x8-v0", "--episodes", "3", "--json"]
    assert main(words) == 0
    free = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    words += ["--constraint", "by right turns: action != left"]
    assert main([*words, "--constraint", "carrying == empty or front != wall"]) == 0
    kept = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    for one, other in zip(free, kept, strict=True):
        assert other["constraints"] == ["by right turns", "carrying == empty or front != wall"]
        assert (other["plan"], other["solved"], other["violating_steps"]) == ("shortest", True, 0)
        assert other["plan_length"] > one["plan_length"]


def test_mazes_are_solved_under_constraints_over_time(capsys: pytest.CaptureFixture[str]) -> None:
    """What must come does in the plan; cut off before, it is told as unmet, with 1."""
    words = ["run", "MiniGrid-DoorKey-8x8-v0", "--episodes", "2", "--json"]
    words += ["--constraint", "seen: eventually(front == key and agent_dir == 1)"]
    words += ["--constraint", "action != left until carrying == key"]
    assert main(words) == 0
    episodes = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    for episode in episodes:
        assert (episode["solved"], episode["violating_steps"], episode["unmet"]) == (True, 0, [])
    assert main([*words, "--steps", "1"]) == 1
    [episode, _] = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    assert "action != left until carrying == key" in episode["unmet"]


def test_mazes_are_solved_by_tasks_and_motions(capsys: pytest.CaptureFixture[str]) -> None:
    """A ball blocks a locked door, whose key is in a box: learned from motions that fail."""
    words = ["run", "MiniGrid-ObstructedMaze-1Dlhb-v0", "--method", "tasks", "--episodes", "4"]
    assert main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    for episode in facts["episodes"]:
        assert episode["solved"]
        assert episode["failed"]
        order = [each.split()[0] for each in episode["tasks"]]
        assert order.index("unpack") < order.index("unlock") < len(order) - 1
        assert order[-1] == "take"


def test_a_maze_without_a_goal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Rather than walked about in."""
    assert main(["run", "MiniGrid-Playground-v0"]) == 0
    assert "there is no plan within the limit of steps" in capsys.readouterr().out


def test_a_pole_is_balanced_by_tree_search(capsys: pytest.CaptureFixture[str]) -> None:
    """Random actions drop it within about 20 steps."""
    assert main(["run", "CartPole-v1", "--sims", "16", "--steps", "40", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["method"] == "tree search"
    assert facts["episodes"][0]["return"] == 40.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["MiniGrid-Dynamic-Obstacles-5x5-v0"], "its obstacles move at random"),
        (["MiniGrid-Empty-5x5-v0", "--constraint", "x < 3"], "unknown name 'x'; did you mean"),
        (
            ["MiniGrid-Empty-5x5-v0", "--constraint", "agent_x > 1"],
            "breaks agent_x > 1 (agent_x = 1)",
        ),
        (
            ["MiniGrid-Unlock-v0", "--method", "tasks", "--constraint", "eventually(agent_x > 1)"],
            "at the task level constraints hold always",
        ),
        (["CartPole-v1", "--method", "tasks"], "only MiniGrid and FetchTwoBlocks have a task"),
        (["MiniGrid-Fetch-5x5-N2-v0", "--method", "tasks"], "its mission has no task level"),
        (
            ["MiniGrid-Empty-5x5-v0", "--sims", "9", "--deadline-ms", "9"],
            "--sims, --deadline-ms: MiniGrid-Empty-5x5-v0 is planned whole, before the first step",
        ),
        (
            ["tesuji/FetchTwoBlocks-v0", "--deadline-ms", "9"],
            "--deadline-ms: tesuji/FetchTwoBlocks",
        ),
        (["CartPole-v1", "--sims", "0"], "--sims must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a traceback."""
    assert main(["run", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("words", "model"),
    [
        (
            ["pendulum", "--constraint", "action_0 <= 1", "--constraint", "action_0 >= -1"],
            "Classic",
        ),
        (["hopper", "--constraint", "x_velocity <= 0.7402"], "Mujoco"),
        (["CartPole-v1", "--constraint", "x < 0.5"], "compiled"),
    ],
)
def test_trees_keep_constraints(
    words: list[str], model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over samples of continuous actions and over discrete ones, to the model's rewards."""
    options = ["--method", "tree", "--sims", "16", "--steps", "12", "--json"]
    assert main(["run", *words, *options]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["method"] == "tree search"
    assert facts["model"].startswith(model)
    episode = facts["episodes"][0]
    assert episode["steps"] == 12
    assert (episode["violating_steps"], episode["unchecked_steps"]) == (0, 0)
    assert episode["reward_error"] < 1e-9


def test_a_tree_without_a_way_on_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """No action keeps a falling pendulum slow: what is taken all the same is counted."""
    words = ["run", "pendulum", "--method", "tree", "--sims", "16", "--steps", "30", "--seed", "4"]
    assert main([*words, "--constraint", "speed <= 2 and speed >= -2", "--json"]) == 1
    [episode] = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    assert episode["violating_steps"] == episode["unchecked_steps"] > 0
