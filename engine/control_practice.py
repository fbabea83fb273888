"""Practice: a policy improves by what comes of its own actions in the model, without real steps.

Proximal policy optimisation (Schulman et al. 2017) with generalised advantages (Schulman et al.
2016). Many episodes run side by side in *lanes*, from states that are drawn. What breaks a
constraint costs, so that the planner, who keeps it, has little to change. `B` lanes, `T` steps, `F`
numbers of an observation, `D` parts of an action, `Q` quantities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tesuji.domains.robotics.environment_domain import Moment
from tesuji.domains.robotics.models import Model
from tesuji.engine.control_agent import tensors_of
from tesuji.engine.control_config import ControlTrainConfig, PracticeConfig
from tesuji.engine.errors import UsageError
from tesuji.nets.control import ControlNet
from tesuji.nets.control_native import ControlAgent
from tesuji.search.trajectory.monitor import ConstraintMonitor

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.float32]

_CLIP = 0.2  # of ratios of likelihoods, beyond which nothing is gained
_FARTHEST = 0.03  # mean divergence from the policy that acted, after which a batch is done
_VALUE = 0.5  # weight of its loss
_NORM = 1.0  # of the gradient
_DEARER = 10.0  # times as much a violation costs at last
_FREE = 0.7  # share of a run in which it does not cost more than at first
_MOST_COST = 3.0  # of a step, however far it is beyond a constraint


@dataclass
class _Lanes:
    rows: Any  # the model's own states [B, ...]
    observations: Reals  # [B, F]
    quantities: Floats  # [B, Q]


class _Batch(NamedTuple):
    observations: Reals  # [T, B, F]
    actions: Reals  # [T, B, D], scaled, before they are clipped
    likelihoods: Reals  # [T, B], of the actions, but for a constant
    rewards: Floats  # [T, B], less what violations cost
    advantages: Floats  # [T, B]
    values: Floats  # [T, B]


@dataclass(frozen=True)
class Practised:
    """What a round of practice came to.

    Attributes:
        simulated: steps of the model.
        updates: of the networks.
        mean_reward: of a step, less what violations cost.
        losses: means of policy and value.
    """

    simulated: int
    updates: int
    mean_reward: float
    losses: tuple[float, float]


class Practice:
    """Practises in one environment's model.

    Args:
        config: of the run.
        model: of the environment.
        monitor: of the constraints, all of which must hold always.
        net: the networks.
        optimizer: of their weights.
    """

    def __init__(
        self,
        config: ControlTrainConfig,
        model: Model,
        monitor: ConstraintMonitor | None,
        net: ControlNet,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        self._settings, self._control = config.practice, config.control
        self._discount, self._scaled = config.trajectory.discount, bool(config.agent)
        self._model, self._monitor, self._net, self._optimizer = model, monitor, net, optimizer

    def round(
        self,
        number: int,
        share: float,
        draw: Callable[[], Moment],
        rng: np.random.Generator,
        tell: Callable[[str], None],
    ) -> Practised:
        """Practise once.

        Args:
            number: of the round, from 1.
            share: of the run that is done.
            draw: gives a state in which an episode of the model begins.
            rng: of actions and batches.
            tell: is told what is under way.
        """
        settings = self._settings
        lanes, cost = (
            self._begin(draw),
            settings.cost * _DEARER ** max(0.0, (share - _FREE) / (1.0 - _FREE)),
        )
        simulated, rewards, losses = 0, [], []
        while simulated < settings.steps:
            batch = self._act(lanes, cost, draw, rng)
            simulated += batch.rewards.size
            if not self._scaled:
                before = (
                    number - 1
                ) * settings.steps  # of the networks' inputs this is one of many
                weight = batch.rewards.size / (before + simulated)
                self._net.normalise(_flat(batch.observations), weight)
            rewards.append(float(batch.rewards.mean()))
            losses += self._improve(batch, rng)
            tell(f"step {simulated} of practice, of {settings.steps}")
        policy, value = np.mean(losses, axis=0).tolist()
        return Practised(simulated, len(losses), float(np.mean(rewards)), (policy, value))

    def _begin(self, draw: Callable[[], Moment]) -> _Lanes:
        moments = [draw() for _ in range(self._settings.lanes)]
        rows: Any = [self._model.begin(moment)[0] for moment in moments]
        if isinstance(rows[0], np.ndarray):
            rows = np.stack(rows)
        seen = np.stack([moment.observation for moment in moments])
        return _Lanes(rows, seen, np.stack([self._model.quantities(each) for each in moments]))

    def _act(
        self, lanes: _Lanes, cost: float, draw: Callable[[], Moment], rng: np.random.Generator
    ) -> _Batch:
        """Go on in all lanes; where an episode ends, another begins."""
        agent, settings = ControlAgent(tensors_of(self._net)), self._settings
        size, count = self._model.low.size, len(lanes.observations)
        seen = np.zeros((settings.length + 1, *lanes.observations.shape), np.float32)
        actions = np.zeros((settings.length, count, size), np.float32)
        likelihoods = np.zeros((settings.length, count), np.float32)
        rewards = np.zeros((settings.length, count))
        alive = np.zeros(rewards.shape, np.bool_)
        for t in range(settings.length):
            seen[t] = lanes.observations
            mean, deviation = agent.propose(seen[t])
            noise = rng.standard_normal(mean.shape)
            actions[t] = mean + deviation * noise
            likelihoods[t] = -(0.5 * noise**2 + np.log(deviation)).sum(axis=1)
            units = self._model.units(np.clip(actions[t, :, None].astype(np.float64), -1.0, 1.0))
            lanes.rows, found = self._model.branch(lanes.rows, units)
            rewards[t] = found.rewards[:, 0] - settings.living
            if self._monitor is not None:
                broken = self._monitor.breaches(lanes.quantities, found, units)
                rewards[t] -= np.minimum(cost * broken, _MOST_COST)
            alive[t] = found.alive[:, 0]
            lanes.observations = found.observations[:, 0].copy()
            lanes.quantities = found.quantities[:, 0, -1].copy()
            for lane in np.nonzero(~alive[t])[0]:
                self._begin_again(lanes, int(lane), draw())
        seen[-1] = lanes.observations
        values = agent.value(_flat(seen)).reshape(len(seen), count)
        advantages = self._advantages(rewards, alive, values)
        return _Batch(seen[:-1], actions, likelihoods, rewards, advantages, values[:-1])

    def _begin_again(self, lanes: _Lanes, lane: int, moment: Moment) -> None:
        lanes.rows[lane] = self._model.begin(moment)[0]
        lanes.observations[lane] = moment.observation
        lanes.quantities[lane] = self._model.quantities(moment)

    def _advantages(self, rewards: Floats, alive: npt.NDArray[np.bool_], values: Floats) -> Floats:
        discounts = self._discount * alive
        surprises = rewards + discounts * values[1:] - values[:-1]
        advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
        for t in range(len(rewards) - 1, -1, -1):
            later = surprises[t] + self._settings.trace * discounts[t] * later
            advantages[t] = later
        return advantages

    def _improve(self, batch: _Batch, rng: np.random.Generator) -> list[tuple[float, float]]:
        """Take the batch several times; return the losses of each step of gradient descent."""
        net, size = self._net, self._control.batch
        returns = (batch.advantages + batch.values).ravel()
        net.widen(returns, max(float(batch.rewards.max()), 0.0) / (1.0 - self._discount))
        observations = torch.from_numpy(_flat(batch.observations))
        actions, targets = torch.from_numpy(_flat(batch.actions)), net.targets(returns)
        advantages = torch.from_numpy(batch.advantages.ravel().astype(np.float32))
        before = torch.from_numpy(batch.likelihoods.ravel())
        losses = []
        for _ in range(self._settings.passes):
            order = torch.from_numpy(rng.permutation(len(actions)))
            for first in range(0, len(order), size):
                rows = order[first : first + size]
                ratios = net.likelihoods(observations[rows], actions[rows]) - before[rows]
                policy = _surrogate(ratios, advantages[rows])
                value = net.value_loss(observations[rows], targets[rows])
                self._optimizer.zero_grad()
                (policy + _VALUE * value).backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(net.parameters(), _NORM)
                self._optimizer.step()
                losses.append((policy.item(), value.item()))
            with torch.no_grad():
                apart = net.likelihoods(observations, actions) - before
            if float((apart.exp() - 1.0 - apart).mean()) > _FARTHEST:
                break
        return losses


def check_always(settings: PracticeConfig, monitor: ConstraintMonitor | None) -> None:
    """Check that constraints hold always, as practice wants them where there is any.

    Raises:
        UsageError: one is about what must come.
    """
    if settings.steps and monitor is not None and monitor.unmet:
        raise UsageError(
            f"{', '.join(monitor.unmet)}: in practice constraints hold always; eventually and "
            "until are not supported there (--practice.steps 0 does without)"
        )


def _surrogate(apart: torch.Tensor, advantages: torch.Tensor) -> torch.Tensor:
    """Return the clipped loss of actions whose log-likelihoods are `apart` from what they were."""
    scaled = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    ratios = apart.exp()
    return -torch.min(ratios * scaled, ratios.clamp(1 - _CLIP, 1 + _CLIP) * scaled).mean()


def _flat(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return array.reshape(-1, array.shape[-1])
