"""Policy and value learn what examples say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from tesuji.engine.control_config import ControlLearningConfig
from tesuji.engine.control_lessons import Examples
from tesuji.nets.control import ControlNet

_TOLD = 50  # updates between two words
_CLIP = 10.0  # of the gradient's norm


def fit(
    net: ControlNet,
    optimizer: torch.optim.Optimizer,
    examples: Examples,
    most: float,
    settings: ControlLearningConfig,
    rng: np.random.Generator,
    tell: Callable[[str], None],
) -> tuple[float, float]:
    """Have networks learn from examples; return the mean losses of policy and value.

    Args:
        net: the networks.
        optimizer: of their weights.
        examples: states, and what they teach.
        most: that no return exceeds.
        settings: how many updates, of which size.
        rng: of the batches.
        tell: is told what is under way.
    """
    net.widen(examples.values, most)
    observations = torch.from_numpy(examples.observations)
    actions, targets = torch.from_numpy(examples.actions), net.targets(examples.values)
    losses = np.zeros(2)
    for number in range(settings.updates):
        rows = torch.from_numpy(rng.integers(len(observations), size=settings.batch))
        policy_loss, value_loss = net.losses(observations[rows], actions[rows], targets[rows])
        optimizer.zero_grad()
        loss = settings.imitation * policy_loss + value_loss
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), _CLIP)
        optimizer.step()
        losses += [policy_loss.item(), value_loss.item()]
        if number % _TOLD == 0:
            tell(f"update {number + 1} of {settings.updates}")
    return float(losses[0]) / settings.updates, float(losses[1]) / settings.updates
