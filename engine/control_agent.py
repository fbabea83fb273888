"""Agents of continuous control as files: networks, and the settings of the planner they serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.engine.checkpoint import Checkpoint, Tensors, load_checkpoint
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.trained import WEIGHTS
from tesuji.nets.config import ControlNetConfig
from tesuji.nets.control_native import ControlAgent
from tesuji.search.base import Evaluation, FloatArray
from tesuji.search.trajectory.settings import TrajectorySettings

if TYPE_CHECKING:
    from torch import nn

KIND = "control"


@dataclass(frozen=True)
class ControlJudge:
    """Judges leaves of a tree whose actions are samples of the agent's policy.

    Attributes:
        agent: whose value judges.
        num_actions: samples that a state offers. They have equal priors: where samples are drawn
            from the policy itself, what corrects it for having been sampled cancels it (Hubert et
            al. 2021, section 5.2).
    """

    agent: ControlAgent
    num_actions: int

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Return the values of observations `[B, F]`."""
        value = self.agent.value(observations).astype(np.float32)
        logits = np.zeros((len(value), self.num_actions), np.float32)
        return Evaluation(logits, value, np.zeros_like(value))


@dataclass(frozen=True)
class Trained:
    """What a run learned.

    Attributes:
        agent: its value and policy.
        settings: of the planner that they were learned with.
        tensors: the networks' weights.
    """

    agent: ControlAgent
    settings: TrajectorySettings
    tensors: Tensors


def control_checkpoint(
    game: str,
    config: ControlNetConfig,
    settings: TrajectorySettings,
    tensors: Tensors,
    step: int,
    metadata: Mapping[str, object],
    training: Tensors,
) -> Checkpoint:
    """Return a checkpoint that holds an agent, and what going on with it needs.

    Of the settings it names those that differ from the defaults, so that others may come and go.
    """
    usual = asdict(TrajectorySettings())
    changed = {name: each for name, each in asdict(settings).items() if each != usual[name]}
    return Checkpoint(
        game=game, net={"kind": KIND, **asdict(config)}, step=step, tensors=tensors,
        metadata={**metadata, "trajectory": changed}, training=training,
    )  # fmt: skip


def trained_of(checkpoint: Checkpoint, domain: EnvironmentDomain) -> Trained:
    """Return what a checkpoint holds.

    Raises:
        TesujiError: it is for another environment, or holds something else.
    """
    name, tensors = domain.spec.name, checkpoint.tensors
    if checkpoint.net.get("kind") != KIND or checkpoint.game != name:
        raise TesujiError(f"the model is for {checkpoint.game}, not for {name}")
    try:
        settings = TrajectorySettings(**checkpoint.metadata["trajectory"])
        agent = ControlAgent(tensors)
        sizes = agent.num_observations, agent.num_actions
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise TesujiError(f"the model's weights are none of this version's ({error})") from None
    found = domain.spec.observation_shape[0], int(np.prod(domain.env.action_space.shape or ()))
    if sizes != found:
        raise TesujiError(
            f"the model is of {sizes[0]} observed numbers and {sizes[1]} parts of an action, "
            f"{name} has {found[0]} and {found[1]}"
        )
    if not all(np.isfinite(each).all() for each in tensors.values()):
        raise TesujiError("the model's weights are not finite")
    return Trained(agent, settings, tensors)


def shipped_control(name: str) -> Path:
    """Return where the agent that ships for an environment lies, if one does."""
    return WEIGHTS / name


def load_control(source: str, domain: EnvironmentDomain) -> Trained:
    """Return what `source` names.

    Args:
        source: `net` for what ships, or the folder of a run.
        domain: the environment.

    Raises:
        UsageError: there is none.
        TesujiError: the file is damaged, or for something else.
    """
    name = domain.spec.name
    path = shipped_control(name) if source == "net" else Path(source).expanduser()
    if not path.exists():
        told = "no agent ships for" if source == "net" else f"no run at {source}, for"
        raise UsageError(f"{told} {name}; tesuji train {name} makes one, --agent RUN takes it")
    return trained_of(load_checkpoint(path, training=False), domain)


def tensors_of(net: nn.Module) -> Tensors:
    """Return a network's weights as arrays of their own."""
    return {name: value.detach().numpy().copy() for name, value in net.state_dict().items()}


def take_tensors(net: nn.Module, tensors: Tensors) -> None:
    """Give a network weights.

    Raises:
        TesujiError: it has another shape.
    """
    import torch  # noqa: PLC0415 - acting does without

    for name, wanted in net.state_dict().items():
        found = tensors[name].shape if name in tensors else ()
        if found != tuple(wanted.shape):
            raise TesujiError(
                f"the agent's {name} is {list(found)}, control_net's {list(wanted.shape)}; give "
                "--control-net.hidden and --control-net.bins as it was learned with"
            )
    net.load_state_dict({name: torch.from_numpy(each) for name, each in tensors.items()})
