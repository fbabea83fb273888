"""What a run that learns to control has done so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tesuji.engine.episodes import Episode


@dataclass
class ControlTotals:
    """What a run has done so far.

    Attributes:
        steps: real steps.
        simulated: steps of the model.
        violating: real steps in which a constraint did not hold.
        mean_return: of the last round's episodes.
        practice_reward: of a step of the last round's practice, less what violations cost.
        searched: round of learning after which a policy was last searched for; -1 for none.
    """

    iteration: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    steps: int = 0
    simulated: int = 0
    updates: int = 0
    violating: int = 0
    mean_return: float | None = None
    practice_reward: float | None = None
    searched: int = -1

    def row(self, episodes: Sequence[Episode], losses: tuple[float, float]) -> dict[str, object]:
        """Return what is told of a round.

        Args:
            episodes: of the round.
            losses: of policy and value.
        """
        return {
            "iteration": self.iteration,
            "seconds": round(self.seconds, 3), "cpu_seconds": round(self.cpu_seconds, 3),
            "steps": self.steps, "simulated_steps": self.simulated,
            "mean_return": self.mean_return,
            "episode_steps": float(np.mean([len(episode.rewards) for episode in episodes])),
            "violating_steps": self.violating,
            "interventions": sum(len(episode.stepped_in) for episode in episodes),
            "unchecked_steps": sum(episode.unchecked for episode in episodes),
            "practice_reward": self.practice_reward,
            "loss_policy": round(losses[0], 5), "loss_value": round(losses[1], 5),
        }  # fmt: skip
