"""Networks for continuous control: a Gaussian policy and a categorical value.

Two perceptrons read the same normalised observation. Mean and deviation of observations, and the
range of returns that the value's bins divide, are stored with the weights. `B` batch, `F` numbers
of an observation, `D` parts of an action, `K` bins.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tesuji.nets.config import ControlNetConfig
from tesuji.nets.control_native import LEAST_DEVIATION, return_support
from tesuji.nets.value import value_targets
from tesuji.search.base import scales

Reals = npt.NDArray[np.float32]

_SLACK = 0.25  # of the range of returns, at each end, when it must be widened


class ControlNet(nn.Module):
    """Policy and value of an environment with continuous actions.

    Args:
        config: sizes.
        num_observations: numbers of an observation, `F`.
        num_actions: parts of an action, `D`.
    """

    center: Tensor
    spread: Tensor
    returns: Tensor

    def __init__(self, config: ControlNetConfig, num_observations: int, num_actions: int) -> None:
        super().__init__()
        self.config = config
        self.policy = _perceptron(num_observations, config.hidden, 2 * num_actions)
        self.value = _perceptron(num_observations, config.hidden, config.bins)
        self.register_buffer("center", torch.zeros(num_observations))
        self.register_buffer("spread", torch.ones(num_observations))
        self.register_buffer("returns", torch.zeros(2, dtype=torch.float64))  # lowest, highest

    def normalise(self, observations: Reals, share: float = 1.0) -> None:
        """Take mean and deviation of observations `[N, F]` as those that inputs are scaled by.

        Args:
            observations: any.
            share: of the way to go there from those of before.
        """
        self.center.lerp_(torch.from_numpy(observations.mean(0)), share)
        self.spread.lerp_(torch.from_numpy(scales(observations.std(0))), share)

    def widen(self, values: npt.NDArray[np.float64], most: float) -> None:
        """Have the bins span `values` `[N]` up to `most`, with some room below, where they do not.

        Args:
            values: returns.
            most: that no return exceeds, so that no value can promise more.
        """
        low, high = (float(each) for each in self.returns)
        least = float(values.min())
        if low < high:
            least, most = min(low, least), max(high, most)
            if low <= least and most <= high:
                return
        least -= _SLACK * max(most - least, 1.0)
        self.returns.copy_(torch.tensor([least, most], dtype=torch.float64))

    def support(self) -> Reals:
        """Return the returns `[K]` that bins stand for, the highest first."""
        low, high = (float(each) for each in self.returns)
        return return_support(low, high, self.config.bins)

    def losses(
        self, observations: Tensor, actions: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the mean losses of policy and value: negative log-likelihood, cross-entropy.

        Args:
            observations: `[B, F]`.
            actions: to imitate `[B, D]`, scaled to [-1, 1].
            targets: distributions over the value's bins `[B, K]`.
        """
        policy_loss = -self.likelihoods(observations, actions).mean()
        return policy_loss, self.value_loss(observations, targets)

    def likelihoods(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return log-densities `[B]` of actions under the policy, but for a constant."""
        mean, deviation = gaussian(self.policy((observations - self.center) / self.spread))
        return -(0.5 * ((actions - mean) / deviation) ** 2 + torch.log(deviation)).sum(1)

    def value_loss(self, observations: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of distributions `[B, K]` over the value's bins."""
        logits = torch.log_softmax(self.value((observations - self.center) / self.spread), 1)
        return -(targets * logits).sum(1).mean()

    def targets(self, values: npt.NDArray[np.float64]) -> Tensor:
        """Return values `[N]` as distributions over the bins `[N, K]`."""
        return torch.from_numpy(value_targets(values.astype(np.float32), self.support()))


def gaussian(out: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation `[B, D]` of actions that a policy's outputs `[B, 2 D]` mean."""
    mean, log_deviation = out.chunk(2, 1)
    return torch.tanh(mean), LEAST_DEVIATION + torch.sigmoid(log_deviation)


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    last = nn.Linear(hidden, outputs)
    with torch.no_grad():
        last.weight.mul_(0.1)
        last.bias.zero_()
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last
    )
