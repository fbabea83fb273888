"""The trainer: a window of positions in, better weights out.

Loss (AlphaZero, Silver et al. 2018): cross-entropy of the policy with the search's improved policy
over legal actions, and of the value's distribution with a mix of outcome and root value.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.rows import observe_rows
from tesuji.engine.checkpoint import Tensors
from tesuji.engine.losses import NAMES, AuxiliaryLosses
from tesuji.engine.replay import Numbers, ReplayWindow
from tesuji.engine.shards import Positions
from tesuji.engine.training_config import AuxiliaryConfig, LearningConfig
from tesuji.nets.model import MLP, ResNet
from tesuji.nets.value import WIN_DRAW_LOSS, value_support, value_targets


class DivergedError(ArithmeticError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Losses:
    """Means over the steps of one iteration."""

    loss: float
    policy: float
    value: float
    policy_entropy: float  # of the targets: the floor of the policy loss
    gradient: float
    steps: int
    auxiliary: Mapping[str, float]  # of the heads that there are, unweighted


class Trainer:
    """Weights, their running average, and the optimizer that moves them."""

    def __init__(
        self,
        domain: CompiledDomain,
        network: MLP | ResNet,
        config: LearningConfig,
        device: str,
        auxiliary: AuxiliaryConfig | None = None,
    ) -> None:
        self.domain = domain
        self.support = value_support(domain.spec)
        self.config = config
        self.auxiliary = AuxiliaryLosses(domain, auxiliary or AuxiliaryConfig())
        self.device = torch.device(device)
        self.network = network.to(self.device)
        if self.device.type == "cpu":
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            foreach=True,
        )
        self.step = 0

    def learn(
        self, window: ReplayWindow, steps: int, rng: np.random.Generator, progress: float
    ) -> Losses:
        """Take `steps` steps; `progress` in [0, 1] is the share of the run that is over.

        Raises:
            DivergedError: the loss is not a number; the weights are spoilt.
        """
        self.network.train()
        sums = np.zeros(5 + len(NAMES))
        for _ in range(steps):
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate(progress)
            numbers = window.draw(rng, self.config.batch_size)
            sums += self._learn_batch(window, numbers, rng)
        loss, policy, value, entropy, gradient, *rest = (sums / max(steps, 1)).tolist()
        config = self.auxiliary.config
        heads = (config.reply, config.territory, config.territory)
        found = {name: x for name, x, there in zip(NAMES, rest, heads, strict=True) if there}
        return Losses(loss, policy, value, entropy, gradient, steps, found)

    def _learn_batch(
        self, window: ReplayWindow, numbers: Numbers, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        positions = window.at(numbers)
        symmetries = rng.integers(self.domain.spec.num_symmetries, size=len(numbers))
        observations, targets, legal = self._augment(positions, symmetries)
        values = torch.from_numpy(self._value_targets(positions)).to(self.device)
        full = torch.from_numpy(positions.full.astype(np.float32)).to(self.device)
        outputs = self.network.learn(observations)
        policy_logits = outputs.policy.masked_fill(~legal, -1e9)
        per_position = -(targets * log_softmax(policy_logits, 1)).sum(1)
        count = full.sum().clamp(min=1.0)
        policy_loss = (per_position * full).sum() / count
        value_loss = -(values * log_softmax(outputs.value, 1)).sum(1).mean()
        rest = self.auxiliary(outputs, window, numbers, positions, symmetries)
        loss = policy_loss + self.config.value_weight * value_loss
        loss = loss + (rest * self.auxiliary.weights(rest.device)).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        if not math.isfinite(loss.item()) or not math.isfinite(norm.item()):
            raise DivergedError(f"the loss became {loss.item()} at step {self.step}")
        self.optimizer.step()
        self.step += 1
        self._follow()
        entropy = -((targets * targets.clamp(min=1e-9).log()).sum(1) * full).sum() / count
        own = [loss, policy_loss, value_loss, entropy, norm]
        return np.array([x.item() for x in own] + rest.tolist())

    def _augment(
        self, positions: Positions, symmetries: npt.NDArray[np.int64]
    ) -> tuple[Tensor, Tensor, Tensor]:
        spec = self.domain.spec
        size = len(positions.outcome)
        observations = np.empty((size, int(np.prod(spec.observation_shape))), np.float32)
        targets = np.empty((size, spec.num_actions), np.float32)
        legal = np.zeros((size, spec.num_actions), np.bool_)
        observe_rows(
            self.domain.kernels.addresses(),
            self.domain.instance,
            np.ascontiguousarray(positions.states),
            symmetries,
            np.ascontiguousarray(positions.policy),
            np.zeros((1, self.domain.row_size), np.uint8),
            (observations, targets, legal),
        )
        shaped = torch.from_numpy(observations).reshape(size, *spec.observation_shape)
        if shaped.dim() == 4:
            shaped = shaped.contiguous(memory_format=torch.channels_last)
        return (
            shaped.to(self.device),
            torch.from_numpy(targets).to(self.device),
            torch.from_numpy(legal).to(self.device),
        )

    def _value_targets(self, positions: Positions) -> npt.NDArray[np.float32]:
        """Return distributions `[N, K]` over the returns: the outcome mixed with the value."""
        mix = self.config.value_mix
        if len(self.support) != len(WIN_DRAW_LOSS):
            outcome, value = (
                value_targets(array, self.support) for array in (positions.outcome, positions.value)
            )
            return (1.0 - mix) * outcome + mix * value
        outcome = np.clip(positions.outcome, -1.0, 1.0)
        draw = 1.0 - np.abs(outcome)
        found = np.clip(positions.draw, 0.0, 1.0 - np.minimum(np.abs(positions.value), 1.0))
        value = (1.0 - mix) * outcome + mix * np.clip(positions.value, -1.0, 1.0)
        draw = (1.0 - mix) * draw + mix * found
        wdl = np.stack([(1.0 - draw + value) / 2.0, draw, (1.0 - draw - value) / 2.0], 1)
        return np.asarray(np.clip(wdl, 0.0, 1.0), np.float32)

    def _rate(self, progress: float) -> float:
        config = self.config
        warm = min(1.0, (self.step + 1) / max(config.warmup_steps, 1))
        late = max(0.0, progress - config.decay_start) / max(1.0 - config.decay_start, 1e-9)
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(late, 1.0)))
        return config.learning_rate * warm * (config.final_rate + (1 - config.final_rate) * cosine)

    def _follow(self) -> None:
        """Move the average towards the weights; young averages follow faster."""
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            own = self.network.state_dict()
            for name, mean in self.average.state_dict().items():
                if mean.dtype.is_floating_point:
                    mean.lerp_(own[name], 1.0 - decay)
                else:
                    mean.copy_(own[name])

    def weights(self) -> Tensors:
        """Return the averaged weights, which play."""
        return _to_numpy(self.average)

    def training_state(self) -> Tensors:
        """Return what resuming needs beside `weights`."""
        state: Tensors = {f"network.{k}": v for k, v in _to_numpy(self.network).items()}
        for index, parameter in enumerate(self.network.parameters()):
            for name, value in self.optimizer.state.get(parameter, {}).items():
                state[f"optimizer.{index}.{name}"] = _array(value)
        return state

    def restore(self, step: int, weights: Tensors, training: Tensors) -> None:
        """Take up where `weights` and `training_state` left off."""
        self.step = step
        own = {k.removeprefix("network."): v for k, v in training.items() if k[:8] == "network."}
        self.network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in own.items()})
        self.average.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in weights.items()})
        self.optimizer.state.clear()
        for index, parameter in enumerate(self.network.parameters()):
            prefix = f"optimizer.{index}."
            found = {k.removeprefix(prefix): v for k, v in training.items() if k.startswith(prefix)}
            if found:
                self.optimizer.state[parameter] = {
                    name: torch.from_numpy(value.copy()).to(
                        parameter.device if value.ndim else "cpu"
                    )
                    for name, value in found.items()
                }


def _to_numpy(module: nn.Module) -> Tensors:
    return {name: _array(value) for name, value in module.state_dict().items()}


def _array(value: Tensor) -> npt.NDArray[np.generic]:
    return value.detach().cpu().contiguous().numpy().copy()
