"""`tesuji run`, and the planner on environments."""

import json
from importlib.util import find_spec
from pathlib import Path

import gymnasium
import pytest

import tesuji
from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.models import make_model
from tesuji.engine.cli import main
from tesuji.search.base import Budget
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.trajectory.monitor import ConstraintMonitor


def test_a_speed_limit_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """In the environment's own words: `info["x_velocity"]`."""
    words = ["run", "half_cheetah", "--steps", "25", "--samples", "24", "--horizon", "15"]
    words += ["--json", "--constraint"]
    assert main([*words, "slow: x_velocity <= 0.8"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    [episode] = facts["episodes"]
    assert facts["model"] == "MujocoModel"
    assert episode["steps"] == 25
    assert episode["violating_steps"] == 0
    assert episode["reward_error"] < 1e-6
    assert main([*words, "slow: x_velocity <= 9"]) == 0
    free = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"][0]
    assert free["return"] > episode["return"]


def test_what_cannot_be_kept_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The pendulum begins outside: leaves with 1."""
    words = ["run", "pendulum", "--steps", "3", "--constraint", "angle > 30"]
    assert main(words) == 1
    assert "3 violating, 0 interventions, 3 unchecked" in capsys.readouterr().out


def test_what_must_come_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Against the reward: the car's, for which standing still is best within this horizon."""
    words = ["run", "MountainCarContinuous-v0", "--steps", "40", "--horizon", "20", "--json"]
    goal = "left: abs(velocity) <= 0.03 until position <= -0.62"
    assert main([*words, "--constraint", goal]) == 0
    [episode] = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    assert episode["unmet"] == []
    assert episode["violating_steps"] == episode["unchecked_steps"] == 0


def test_what_never_comes_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The pendulum's speed is at most 8."""
    words = ["run", "pendulum", "--steps", "4", "--constraint", "fast: eventually(speed > 9)"]
    assert main(words) == 1
    assert "never came: fast" in capsys.readouterr().out


def test_films_and_plots(tmp_path: Path) -> None:
    """Of the first episode."""
    film, plot = tmp_path / "run.gif", tmp_path / "run.png"
    words = ["run", "pendulum", "--steps", "5", "--render", str(film), "--plot", str(plot)]
    assert main([*words, "--constraint", "abs(speed) <= 8"]) == 0
    assert film.read_bytes()[:6] == b"GIF89a"
    assert plot.read_bytes()[:4] == b"\x89PNG"


def test_a_film_as_mp4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where PyAV is installed; elsewhere one line says so."""
    film = tmp_path / "run.mp4"
    code = main(["run", "pendulum", "--steps", "5", "--render", str(film)])
    if find_spec("av") is None:
        assert code == 2
        assert "pip install av, or write a .gif" in capsys.readouterr().err
    else:
        assert code == 0
        assert film.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "no environment is called 'nowhere'; families, whose names"),
        (["nowhere"], "classic_control (5), "),
        (["classic_control"], "that is a family: Acrobot-v1, CartPole-v1, MountainCar-v0, "),
        (["tesuji/Cart-v0", "--render", "cart.gif"], "tesuji/Cart-v0 draws no pictures"),
        (["pendulum", "--constraint", "sped < 3"], "column 1: unknown name 'sped'; did you mean"),
        (["pendulum", "--constraint", "speed < 0 and speed > 1"], "can never hold"),
        (["pendulum", "--constraint", "speed == 1"], "compare numbers by <, <=, > or >="),
        (["pendulum", "--method", "random"], "--method must be one of mppi, cem, icem"),
        (["pendulum", "--horizon", "1"], "horizon must be at least 2, got 1"),
        (["pendulum", "--render", "run.avi"], "a film is written as .gif or .mp4, got 'run.avi'"),
        (["pendulum", "--deadline-ms", "0"], "--deadline-ms must be above 0"),
    ],
)
def test_wrong_words_get_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong, and what to do."""
    assert main(["run", *words]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_two_constraints_of_one_name_are_refused() -> None:
    """They could not be told apart."""
    model = make_model(EnvironmentDomain("Pendulum-v1"))
    with pytest.raises(ConstraintError, match="two constraints are called 'a'"):
        ConstraintMonitor(model, ["a: speed < 1", "a: speed > -1"])


def test_the_planner_takes_an_environment() -> None:
    """Tree search balances the pole from a state that random play loses from within 40 steps."""
    planner = tesuji.Planner(
        gymnasium.make("CartPole-v1", disable_env_checker=True), "rollout", budget=Budget(20)
    )
    state = planner.domain.reset(0)
    for _ in range(60):
        state, _, discount = planner.domain.step(state, planner.act(state))
        assert discount == 1.0
