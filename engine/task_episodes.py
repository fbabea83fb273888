"""Episodes of environments with a task level: all motions are found first, then carried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.environments import Env
from tesuji.engine.block_task import DOMAIN, BlockTask
from tesuji.engine.episodes import Episode
from tesuji.engine.task_level import TaskEpisode

# By the class of the environment.
_TASKS = {"FetchTwoBlocksEnv": BlockTask}


def has_tasks(env: Env) -> bool:
    """Return whether an environment has a task level."""
    return type(env.unwrapped).__name__ in _TASKS


class TaskRunner:
    """Runs episodes of an environment with a task level.

    Args:
        domain: the environment.
        constraints: as text, over the model's quantities; they must hold always.

    Raises:
        ConstraintError: a constraint cannot be used.
    """

    def __init__(self, domain: EnvironmentDomain, constraints: Sequence[str] = ()) -> None:
        self._domain, self.env, self.name = domain, domain.env, domain.spec.name
        self._task = _TASKS[type(domain.env.unwrapped).__name__](domain, constraints)

    def run(self, seed: int, most_steps: int | None = None) -> Iterator[Episode]:
        """Yield one episode, the same that grows, while it is planned and after each step."""
        state, episode = self._domain.reset(seed), TaskEpisode(seed)
        self._task.begin(state, seed)
        yield from episode.make_plan(state, DOMAIN, self._task)
        self._task.begin(state, seed)
        for action in episode.actions[:most_steps]:
            if episode.ended:
                break
            state = self._step(episode, state, action)
            yield episode

    def close(self) -> None:
        """End the environment."""
        self.env.close()

    def describe(self) -> dict[str, Any]:
        """Return what results depend on."""
        import mujoco  # noqa: PLC0415 - loaded with the model

        return {
            "environment": self.name,
            "model": type(self._task.model).__name__,
            "method": "task and motion",
            "mujoco": mujoco.__version__,
        }

    def _step(self, episode: TaskEpisode, state: Moment, action: Any) -> Moment:
        units = action.astype(float)[None, None]
        taken = self._task.model.roll(state, units)
        after, reward, discount = self._domain.step_by(state, action)
        episode.take(reward, discount == 0.0, float(taken.rewards[0, 0]))
        episode.solved = episode.ended and reward >= 0.0
        if self._task.monitor is not None:
            episode.judge(*self._task.monitor.advance(state, taken, units))
        return after
