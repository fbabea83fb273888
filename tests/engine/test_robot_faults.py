"""What simulators, spaces and machines can be at fault in: one clear line each, no traceback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.mujoco.half_cheetah_v5 import HalfCheetahEnv
from gymnasium.spaces import Box, Discrete, Text

from tesuji.engine.cli import main
from tesuji.engine.episodes import Episode, Runner

Step = tuple[np.ndarray, float, bool, bool, dict[str, Any]]


class Plain(gymnasium.Env[np.ndarray, Any]):
    """Counts its steps."""

    observation_space = Box(-np.inf, np.inf, (1,), np.float64)
    action_space: Any = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin."""
        super().reset(**options)
        self.count = 0
        return np.zeros(1), {}

    def step(self, action: Any) -> Step:
        """Count."""
        self.count += 1
        return np.full(1, float(self.count)), 1.0, False, False, {}


class Breaking(Plain):
    """Observes no number from its fourth step on."""

    def step(self, action: Any) -> Step:
        """Break."""
        seen, *rest = super().step(action)
        return (np.full(1, np.nan) if self.count >= 4 else seen), *rest  # type: ignore[return-value]


class Speechless(Plain):
    """Wants to be told."""

    action_space = Text(4)


class Rewarding(Plain):
    """Its reward is no number."""

    action_space = Discrete(2)

    def step(self, action: Any) -> Step:
        """Count."""
        self.count += 1
        return np.zeros(1), float("nan") if self.count > 3 else 0.0, False, False, {}


class Lost(Plain):
    """Misses a file when it begins."""

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Look for it."""
        raise FileNotFoundError(2, "No such file or directory", "maze.png")


class Exploding(HalfCheetahEnv):
    """A cheetah that is thrown so fast that MuJoCo gives up."""

    def reset_model(self) -> np.ndarray:
        """Throw it."""
        super().reset_model()
        speed = np.full(self.model.nv, 1e9)
        self.set_state(self.init_qpos, speed)
        return np.asarray(self._get_obs())


class Tiring(Plain):
    """Observes no number from the third step of its second episode on."""

    def reset(
        self, *, seed: int | None = None, **options: Any
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin; a seed begins an episode."""
        self.tired = seed == 1
        return super().reset(seed=seed, **options)

    def step(self, action: Any) -> Step:
        """Break."""
        seen, *rest = super().step(action)
        broken = self.tired and self.count >= 3
        return (np.full(1, np.nan) if broken else seen), *rest  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the environments; MuJoCo writes its log where the test works."""
    monkeypatch.chdir(tmp_path)
    kinds: tuple[Any, ...] = (Plain, Breaking, Speechless, Rewarding, Lost, Exploding, Tiring)
    names = []
    for kind in kinds:
        name = f"Faulty{kind.__name__}-v0"
        gymnasium.register(name, entry_point=kind, max_episode_steps=20)
        names.append(name)
    yield
    for name in names:
        del gymnasium.registry[name]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["FaultyBreaking-v0", "--horizon", "2"], "FaultyBreaking-v0: the simulator returned no"),
        (["FaultyBreaking-v0", "--method", "tree"], "FaultyBreaking-v0: the simulator returned no"),
        (["FaultyRewarding-v0"], "FaultyRewarding-v0: the simulator returned no number"),
        (["FaultySpeechless-v0"], "FaultySpeechless-v0: actions of Text"),
        (["FaultyLost-v0"], "FaultyLost-v0 cannot begin an episode"),
        (
            ["FaultyExploding-v0", "--horizon", "2"],
            "FaultyExploding-v0: the simulation became unstable",
        ),
        (["half_cheta"], "did you mean HalfCheetah-v5"),
        (["AdroitHandDoor-v1", "--steps", "1", "--method", "genetic"], "--method must be one of"),
        (["CartPole-v1", "--constraint", "height < 1"], "unknown name 'height'"),
        (["reacher", "--method", "tree", "--constraint", "hand_x < 1"], "unknown name 'hand_x'"),
        (["reacher", "--constraint", "joint0 < 0 and joint0 > 1"], "can never hold"),
        (["reacher", "--sims", "9"], "--sims is for tree search; reacher needs --method tree"),
        (["pendulum", "--method", "tree", "--horizon", "9"], "--horizon: an agent's tree samples"),
        (["CartPole-v1", "--method", "cem"], "--method cem: no trajectories are sampled"),
        (
            ["tesuji/Cart-v0", "--agent", "net"],
            "--agent net: no agent takes part in tesuji/Cart-v0",
        ),
        (["pendulum", "--seed", "-1"], "--seed must be at least 0, got -1"),
        (["CartPole-v1", "--constraint", "x < 0 and x > 1"], "can never hold"),
    ],
)
def test_faults_are_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """That names the environment, and what is wrong."""
    assert main(["run", *words]) in {1, 2}
    error = capsys.readouterr().err
    told = [line for line in error.splitlines() if line.startswith("tesuji: error:")]
    assert len(told) == 1
    assert message in told[0]
    assert "Traceback" not in error


def test_without_a_library_to_draw_with_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What MuJoCo needs, and that it was looked for in vain."""

    def missing(*arguments: Any, **options: Any) -> Any:
        raise ImportError("Cannot initialize a EGL device display")

    monkeypatch.setattr("gymnasium.envs.mujoco.mujoco_env.MujocoEnv.render", missing)
    film = tmp_path / "film.gif"
    words = ["run", "inverted_pendulum", "--steps", "2", "--samples", "4", "--horizon", "2"]
    assert main([*words, "--render", str(film)]) != 0
    error = capsys.readouterr().err
    assert "this machine cannot draw (ImportError: Cannot initialize a EGL device display)" in error
    assert "MUJOCO_GL=egl or osmesa" in error
    assert not film.exists()


def test_a_fault_ends_its_episode_only(capsys: pytest.CaptureFixture[str]) -> None:
    """The others are told, and what failed."""
    words = ["run", "FaultyTiring-v0", "--horizon", "2", "--samples", "4", "--episodes", "3"]
    assert main([*words, "--steps", "5", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(row["seed"], row["steps"]) for row in facts["episodes"]] == [(0, 5), (2, 5)]
    assert [row["seed"] for row in facts["failed"]] == [1]
    assert "the simulator returned no number" in facts["failed"][0]["error"]


def test_a_start_outside_the_invariant_ends_its_episode_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Seeds 0 and 1 start where nothing keeps the constraint, others where something does."""
    words = ["run", "tesuji/DoubleIntegrator-v0", "--constraint", "x >= 0", "--steps", "3"]
    assert main([*words, "--episodes", "4"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert any("in 3 steps, 0 violating" in line for line in told)
    assert any("nothing keeps the constraints for ever" in line for line in told)


def test_stopping_keeps_what_was_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The steps so far, and leaves with 130."""
    step = Runner._step

    def stop(self: Runner, episode: Episode, *others: Any) -> Any:
        if len(episode.rewards) == 4:
            raise KeyboardInterrupt
        return step(self, episode, *others)

    monkeypatch.setattr(Runner, "_step", stop)
    assert main(["run", "FaultyPlain-v0", "--horizon", "2", "--samples", "4"]) == 130
    told = capsys.readouterr().out.splitlines()
    assert "return 4.0 in 4 steps" in told[-2]
    assert told[-1] == "stopped"
