"""Learning to control: training improves, goes on exactly, and keeps constraints."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.engine.checkpoint import list_checkpoints, load_checkpoint
from tesuji.engine.cli import main
from tesuji.engine.commands.train import Arguments as Train
from tesuji.engine.commands.train import run as train
from tesuji.engine.control_agent import load_control
from tesuji.engine.control_config import (
    ControlLearningConfig,
    ControlTrainConfig,
    PracticeConfig,
    preset_of,
)
from tesuji.engine.control_lessons import Lessons
from tesuji.engine.control_training import train_control
from tesuji.engine.episodes import Runner
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.metrics import read_metrics
from tesuji.engine.progress import Silent
from tesuji.nets.config import ControlNetConfig
from tesuji.nets.control import ControlNet, gaussian
from tesuji.nets.control_native import ControlAgent, return_support
from tesuji.search.base import scales
from tesuji.search.trajectory.settings import (
    PolishSettings,
    RandomSearchSettings,
    TrajectorySettings,
)

SEARCH = TrajectorySettings(
    samples=24, iterations=2, horizon=10, deviation=2.5, knots=2, discount=0.99
)
SMALL = ControlTrainConfig(
    game="Pendulum-v1", minutes=0, iterations=2, trajectory=SEARCH,
    control=ControlLearningConfig(
        steps=150, imagined=150, wander=20, beginnings=0.5, updates=150, batch=128, rate=0.005
    ),
    control_net=ControlNetConfig(hidden=32, bins=31),
)  # fmt: skip
TINY = replace(
    SMALL, iterations=3,
    control=replace(SMALL.control, steps=20, imagined=10, updates=5, window=40),
)  # fmt: skip


def returns(agent: ControlAgent | None) -> list[float]:
    """Return the returns of two episodes in which the pendulum must be swung up from below."""
    runner = Runner(EnvironmentDomain("Pendulum-v1"), SEARCH, agent=agent)
    return [list(runner.run(seed))[-1].total for seed in (3, 4)]


def test_a_short_training_makes_a_short_horizon_suffice(tmp_path: Path) -> None:
    """Ten steps ahead the planner alone does not swing the pendulum up from there."""
    totals = train_control(SMALL, tmp_path / "run", Silent())
    assert totals.steps == 300
    assert totals.simulated > 50_000
    trained = load_control(str(tmp_path / "run"), EnvironmentDomain("Pendulum-v1"))
    assert trained.settings == SEARCH
    assert max(returns(None)) < -1400.0
    assert min(returns(trained.agent)) > -260.0
    steps = [row["steps"] for row in read_metrics(tmp_path / "run")]
    assert steps == [150, 300]


def _tensors(run: Path) -> Mapping[str, Any]:
    checkpoint = load_checkpoint(run)
    return {**checkpoint.tensors, **checkpoint.training}


TIMES = {"seconds": 0.0, "cpu_seconds": 0.0}
FEW = RandomSearchSettings(30, searches=2, trial=8, directions=2, best=1, steps=9)
POLISH = PolishSettings(28, directions=2, best=1, steps=9, every=2)


@pytest.mark.parametrize(
    ("game", "change", "when"),
    [
        ("Pendulum-v1", {}, "imagined"),
        ("InvertedDoublePendulum-v5", {"random_search": FEW, "polish": POLISH}, "imagined"),
        ("InvertedDoublePendulum-v5", {"random_search": FEW}, "policy search 1, round 6 "),
        ("InvertedDoublePendulum-v5", {"random_search": FEW}, "round 27 of 30"),
        ("InvertedDoublePendulum-v5", {"polish": POLISH}, "round 27 of 28"),
        (
            "InvertedDoublePendulum-v5",
            {"polish": POLISH, "practice": PracticeConfig(steps=48, lanes=3, length=8)},
            "practice",
        ),
    ],
)
def test_a_run_goes_on_as_if_it_had_not_stopped(
    game: str, change: dict[str, Any], when: str, tmp_path: Path
) -> None:
    """To the bit, from what the files hold, wherever it is stopped."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    few = replace(TINY.control, steps=8, imagined=4, wander=2, taken=3)
    search = replace(SEARCH, samples=4, horizon=4)
    config = replace(TINY, game=game, control=few, trajectory=search, **change)
    train_control(config, whole, Silent())
    stopped = []

    class Stops:
        """Interrupts once, when there is something to go on from, or a search has just begun."""

        def update(self, row: Mapping[str, object]) -> None:
            """Stop where it shall."""
            message = str(row.get("message"))
            if when in message and (list_checkpoints(parts) or "round 6 " in message):
                stopped.append(message)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_control(config, parts, Stops())
    assert stopped
    train_control(config, parts, Silent(), resume=True)
    one, other = _tensors(whole), _tensors(parts)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert load_checkpoint(whole).metadata["totals"] | TIMES == (
        load_checkpoint(parts).metadata["totals"] | TIMES
    )


def test_a_run_may_begin_with_an_agent(tmp_path: Path) -> None:
    """Whose scales stay; what was found before is polished first; other sizes are refused."""
    first = replace(TINY, game="InvertedPendulum-v5", iterations=1, random_search=FEW)
    train_control(first, tmp_path / "first", Silent())
    source = str(tmp_path / "first")
    going = replace(first, agent=source, polish=replace(POLISH, every=5, rate=1e-9))
    totals = train_control(going, tmp_path / "second", Silent())
    assert totals.searched == 0
    one, other = (load_checkpoint(tmp_path / name).tensors for name in ("first", "second"))
    assert np.array_equal(one["center"], other["center"])
    assert not np.array_equal(one["policy.0.weight"], other["policy.0.weight"])  # it learned on
    still = replace(going, control=replace(TINY.control, imitation=0.0))
    train_control(still, tmp_path / "third", Silent())
    kept = load_checkpoint(tmp_path / "third").tensors["policy.0.weight"]
    assert np.allclose(one["policy.0.weight"], kept, atol=1e-6)
    wrong = replace(going, control_net=ControlNetConfig(hidden=16, bins=31))
    with pytest.raises(TesujiError, match="--control-net"):
        train_control(wrong, tmp_path / "fourth", Silent())
    with pytest.raises(UsageError, match="no run at nowhere"):
        train_control(replace(going, agent="nowhere"), tmp_path / "fifth", Silent())
    assert not (tmp_path / "fifth").exists()


def test_constraints_hold_in_training(tmp_path: Path) -> None:
    """Planning by untrained and trained networks alike."""
    search = TrajectorySettings(samples=16, iterations=1, horizon=12, discount=0.95)
    config = replace(
        TINY, game="HalfCheetah-v5", trajectory=search, constraints=("x_velocity <= 0.5",)
    )
    totals = train_control(config, tmp_path / "run", Silent())
    assert totals.steps == 60
    assert totals.violating == 0
    assert [row["violating_steps"] for row in read_metrics(tmp_path / "run")] == [0, 0, 0]


def balance(agent: ControlAgent) -> float:
    """Return for how many steps the policy alone holds the pole up, of 200."""
    domain, lasted = EnvironmentDomain("InvertedPendulum-v5"), []
    for seed in range(4):
        state, discount, steps = domain.reset(seed), 1.0, 0
        while discount > 0.0 and steps < 200:
            mean, _ = agent.propose(state.observation[None])
            state, _, discount = domain.step_by(state, (3.0 * mean[0]).astype(np.float32))
            steps += 1
        lasted.append(steps)
    return float(np.mean(lasted))


def test_practice_teaches_a_policy_without_real_steps(tmp_path: Path) -> None:
    """To hold a pole up."""
    config = ControlTrainConfig(
        game="InvertedPendulum-v5", minutes=0, iterations=4, seed=2,
        trajectory=TrajectorySettings(samples=2, iterations=1, horizon=2, discount=0.98),
        control=ControlLearningConfig(steps=1, taken=1, batch=256, beginnings=1.0, rate=0.01),
        practice=PracticeConfig(steps=4096, lanes=32, length=64),
        control_net=ControlNetConfig(hidden=32, bins=31),
    )  # fmt: skip
    totals = train_control(config, tmp_path / "run", Silent())
    assert totals.steps == 4
    assert totals.simulated >= 4 * 4096
    trained = load_control(str(tmp_path / "run"), EnvironmentDomain("InvertedPendulum-v5"))
    torch.manual_seed(0)
    fresh = ControlNet(config.control_net, 4, 1)
    weights = {name: each.numpy() for name, each in fresh.state_dict().items()}
    assert balance(ControlAgent(weights)) < 60.0
    assert balance(trained.agent) > 90.0


def test_what_hardly_varies_is_not_scaled() -> None:
    """Scaled up it would be noise; a policy that is searched for in the model sees the same."""
    net = ControlNet(ControlNetConfig(hidden=16, bins=21), 2, 1)
    net.normalise(np.array([[3.0, 1.0], [3.0005, 5.0]], np.float32))
    assert net.spread.tolist() == [1.0, 2.0]
    assert scales(np.array([1e-3, 0.5])).tolist() == [1.0, 0.5]


def test_numpy_says_what_torch_says() -> None:
    """Of observations far from the mean, too."""
    torch.manual_seed(3)
    net = ControlNet(ControlNetConfig(hidden=16, bins=21), 5, 2)
    rng = np.random.default_rng(0)
    seen = (rng.standard_normal((200, 5)) * [1, 2, 0, 10, 0.1] + 3).astype(np.float32)
    net.normalise(seen)
    net.widen(np.array([-50.0, 3.0]), 10.0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        scaled = (torch.from_numpy(seen) - net.center) / net.spread
        mean, deviation = gaussian(net.policy(scaled))
        value = torch.softmax(net.value(scaled), 1) @ torch.from_numpy(net.support())
    agent = ControlAgent({name: each.numpy() for name, each in net.state_dict().items()})
    assert (agent.num_observations, agent.num_actions) == (5, 2)
    found = agent.propose(seen)
    assert found[0].shape == found[1].shape == (200, 2)
    assert np.allclose(found[0], mean.numpy(), atol=1e-4)
    assert np.allclose(found[1], deviation.numpy(), atol=1e-4)
    assert agent.value(seen).shape == (200,)
    assert np.allclose(agent.value(seen), value.numpy(), atol=1e-2)
    # Normalised inputs have mean 0 and deviation 1, but for the third, which does not vary.
    assert np.allclose(scaled.mean(0), 0.0, atol=1e-4)
    assert np.allclose(scaled.std(0, correction=0)[[0, 1, 3, 4]], 1.0, atol=1e-3)


def test_the_range_of_returns_only_grows() -> None:
    """And never beyond what can be had."""
    net = ControlNet(ControlNetConfig(bins=11), 3, 1)
    net.widen(np.array([-10.0, 2.0]), 5.0)
    first = net.returns.tolist()
    assert first[0] < -10.0
    assert first[1] == 5.0
    net.widen(np.array([-9.0]), 4.0)
    assert net.returns.tolist() == first
    net.widen(np.array([-90.0]), 6.0)
    assert net.returns.tolist()[0] < -90.0
    support = net.support()
    assert support[0] == pytest.approx(6.0)
    assert (np.diff(support) < 0).all()
    assert np.allclose(support, return_support(*net.returns.tolist(), 11))
    values = np.array([-80.0, 0.0, 5.5])
    assert np.allclose(net.targets(values).numpy() @ support, values, atol=1e-3)


class _Plan:
    """A plan of three steps that ends after the second, or not."""

    def __init__(self, alive: list[bool]) -> None:
        self.rollouts = self
        self.observations = np.arange(6, dtype=np.float32).reshape(1, 3, 2)
        self.rewards = np.array([[1.0, 2.0, 4.0 * alive[1]]])
        self.alive = np.array([alive])


@pytest.mark.parametrize(
    ("alive", "values", "best"),
    [([True, True, True], [8.0, 14.0], 8.0), ([True, False, False], [2.0, 2.0], 4.0)],
)
def test_values_are_returns_with_the_value_of_the_end(
    alive: list[bool], values: list[float], best: float
) -> None:
    """Half a reward later counts half; after an end nothing comes."""
    lessons = Lessons(window=4, horizon=3, taken=2, discount=0.5)
    lessons.add(np.zeros(2, np.float32), _Plan(alive), np.zeros((3, 1)))  # type: ignore[arg-type]
    found = lessons.examples(lambda seen: np.full(len(seen), 40.0))
    assert found.values.tolist() == values
    assert found.observations.tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert lessons.best_return(100) == best


def test_what_is_named_has_settings_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which flags change; a run's agent brings them to `tesuji run`."""
    assert preset_of("Pendulum-v1") == preset_of("pendulum")
    assert preset_of("nowhere") is None
    run = str(tmp_path / "run")
    words = ["train", "pendulum", "--run-dir", run, "--iterations", "1", "--seed", "7"]
    assert main([*words, "--control.imagined", "2", "--control.updates", "3"]) == 0
    config = (tmp_path / "run" / "config.toml").read_text()
    assert "knots = 3" in config
    assert "imagined = 2" in config
    assert "200 real steps (0 violating)" in capsys.readouterr().out
    assert main(["run", "pendulum", "--agent", run, "--steps", "3", "--samples", "9"]) == 0
    assert main(["report", run]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "CartPole-v1"], "wants a vector of continuous actions"),
        (["train", "pendulun"], "unknown game 'pendulun'"),
        (["train", "pendulun"], "no environment is called 'pendulun'; did you mean Pendulum-v1"),
        (["train", "pendulum", "--control.taken", "11"], "taken must be at most the horizon of 10"),
        (["train", "pendulum", "--constraint", "sped < 1"], "unknown name 'sped'"),
        (
            ["train", "hopper", "--constraint", "eventually(rootx > 1)"],
            "in practice constraints hold always",
        ),
        (["run", "reacher", "--agent", "net"], "no agent ships for Reacher-v5"),
        (["run", "pendulum", "--agent", "/nowhere"], "no run at /nowhere"),
    ],
)
def test_wrong_words_get_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong, and what to do."""
    folder = ["--run-dir", str(tmp_path / "run")] if words[0] == "train" else []
    assert main([*words, *folder]) in (1, 2)
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_pendulums_agent_ships(capsys: pytest.CaptureFixture[str]) -> None:
    """And acts unless told otherwise; no mean return from these four states exceeds -113.7."""
    found = []
    for agent in ("auto", "none"):
        assert main(["run", "pendulum", "--episodes", "4", "--json", "--agent", agent]) == 0
        found.append(json.loads(capsys.readouterr().out.splitlines()[-1])["mean_return"])
    assert -116.0 < found[0] < -113.7
    assert found[1] < found[0]


@pytest.mark.parametrize(
    ("name", "limit", "least"), [("half_cheetah", "3.2096", 80.0), ("hopper", "0.7402", 50.0)]
)
def test_agents_that_keep_a_limit_ship(
    name: str, limit: str, least: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without them the same steps return 77.9 and 40.3."""
    words = ["run", name, "--steps", "40", "--json", "--constraint", f"x_velocity <= {limit}"]
    assert main(words) == 0
    [episode] = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    assert episode["violating_steps"] == 0
    assert episode["return"] > least


def test_agents_fit_one_environment(tmp_path: Path) -> None:
    """And are found by their run."""
    train_control(replace(TINY, iterations=1), tmp_path / "run", Silent())
    with pytest.raises(TesujiError, match="the model is for Pendulum-v1, not for Hopper-v5"):
        load_control(str(tmp_path / "run"), EnvironmentDomain("Hopper-v5"))
    with pytest.raises(TesujiError, match="holds a run already"):
        train(Train(game="pendulum", run_dir=tmp_path / "run", minutes=0, iterations=1))
    with pytest.raises(UsageError, match="no agent ships"):
        load_control("net", EnvironmentDomain("Reacher-v5"))
