"""Evaluators by name: knowing nothing, random games, or a trained network from disk."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from tesuji.domains.base import Domain
from tesuji.engine.checkpoint import load_checkpoint
from tesuji.engine.storage import StorageError
from tesuji.nets.config import MLPConfig, NetConfig, ResNetConfig
from tesuji.nets.evaluators import make_evaluator
from tesuji.nets.fold import fold_norms
from tesuji.search.base import Evaluator, FloatArray, UniformEvaluator

if TYPE_CHECKING:
    from torch import nn

    from tesuji.engine.checkpoint import Checkpoint
    from tesuji.search.driver import RolloutEvaluator

WEIGHTS = Path(__file__).parent / "weights"  # networks that ship with the package

_CALIBRATION = 512  # positions of random games, to quantise with

_NETS: dict[str, type[NetConfig]] = {"resnet": ResNetConfig, "mlp": MLPConfig}


def net_to_dict(config: NetConfig) -> dict[str, Any]:
    """Return a network's configuration as a checkpoint keeps it: its kind and its fields."""
    kind = next(name for name, known in _NETS.items() if isinstance(config, known))
    return {"kind": kind, **asdict(config)}


def net_from_dict(values: Mapping[str, Any]) -> NetConfig:
    """Return the configuration that a checkpoint keeps.

    Raises:
        ValueError: it is none of this version's.
    """
    fields = dict(values)
    kind = fields.pop("kind", None)
    if kind not in _NETS:
        raise ValueError(f"unknown kind of network {kind!r}; known: {', '.join(_NETS)}")
    try:
        return _NETS[kind](**fields)
    except TypeError as error:
        raise ValueError(f"network {kind}: {error}") from None


def family(game: str) -> tuple[str, int]:
    """Return a game's name without the size of its board, and that size, 0 where none is named.

    Of one family are the sizes of one game: `hex_5x5`, `hex_7x7` and `hex`.
    """
    sized = re.fullmatch(r"(.+)_(\d+)x\2", game)
    return (sized[1], int(sized[2])) if sized else (game, 0)


def shipped(game: str) -> Path:
    """Return where the network that ships for `game` lies.

    A size without a network of its own gets that of the nearest size, the larger of two as near.
    """
    own = WEIGHTS / game
    name, size = family(game)
    if own.is_dir() or not size:
        return own
    sizes = [family(path.name) for path in WEIGHTS.glob(f"{name}_*")]
    near = [other for kin, other in sizes if kin == name and other]
    if not near:
        usual = WEIGHTS / name  # of the size that goes without saying
        return usual if usual.is_dir() else own
    best = min(near, key=lambda other: (abs(other - size), -other))
    return WEIGHTS / f"{name}_{best}x{best}"


def load_evaluator(
    source: str | Path,
    domain: Domain,
    *,
    backend: str = "auto",
    device: str = "cpu",
    threads: int = 1,
    rollouts: tuple[int, int] = (1, 1000),
    known: Sequence[str] = ("net", "uniform", "rollout"),
) -> Evaluator | RolloutEvaluator:
    """Return the evaluator that `source` names.

    Args:
        source: `uniform`, `rollout`, `net` (the network that ships with the game), or the path of
            a run or checkpoint.
        domain: the domain that it is to judge.
        backend: what runs a network (`tesuji.nets.evaluators.BACKENDS`); `auto` takes our
            own kernels on the CPU, which need no torch, and torch on a GPU.
        device: `cpu` or `cuda`.
        threads: threads of one evaluation.
        rollouts: random games a position, of `rollout`, and the moves after which one is cut off.
        known: names to suggest from where there is no such source.

    Raises:
        ValueError: no such source, or it does not fit; the message says what to do.
        TesujiError: the checkpoint is damaged or for another game.
    """
    if source == "uniform":
        return UniformEvaluator(domain.spec.num_actions)
    if source == "rollout":
        from tesuji.search.driver import RolloutEvaluator  # noqa: PLC0415

        return RolloutEvaluator(*rollouts)
    path = _checkpoint(source, domain, known)
    checkpoint = load_checkpoint(path, training=False)
    if family(checkpoint.game)[0] != family(domain.spec.name)[0]:
        raise StorageError(
            f"checkpoint {path} is for {checkpoint.game}, not for {domain.spec.name}"
        )
    _check_fit(checkpoint, domain)
    if backend == "auto":
        backend = "native" if device == "cpu" else "torch"
    network: nn.Module | bytes
    if backend == "native":
        network = save(fold_norms(checkpoint.tensors))
    else:
        network = load_network(checkpoint, domain)
    calibration = random_observations(domain, _CALIBRATION) if backend.endswith("-int8") else None
    return make_evaluator(
        backend, network, domain.spec, device=device, threads=threads, calibration=calibration
    )


def _check_fit(checkpoint: Checkpoint, domain: Domain) -> None:
    """Check that the network sees what the domain shows; its name may stand for other rules now."""
    planes, inputs = domain.spec.observation_shape[0], math.prod(domain.spec.observation_shape)
    for name, expected in (("stem.conv.weight", planes), ("layers.0.weight", inputs)):
        if name in checkpoint.tensors and checkpoint.tensors[name].shape[1] != expected:
            raise ValueError(
                f"the network sees {checkpoint.tensors[name].shape[1]} inputs, but "
                f"{domain.spec.name} shows {expected}; it was trained for other rules"
            )
    logits = checkpoint.tensors.get("policy.logits.weight", checkpoint.tensors.get("policy.weight"))
    if logits is not None and len(logits) != domain.spec.num_actions:
        raise ValueError(
            f"the network chooses among {len(logits)} actions, {domain.spec.name} has "
            f"{domain.spec.num_actions}; its policy serves one size of board only"
        )


def _checkpoint(source: str | Path, domain: Domain, known: Sequence[str]) -> Path:
    """Return the path that `source` stands for."""
    if source == "net":
        path = shipped(domain.spec.name)
        if not path.is_dir():
            raise ValueError(
                f"no network ships for {domain.spec.name}; train one with "
                f"'tesuji train {domain.spec.name}' and give its run folder"
            )
        return path
    path = Path(source).expanduser()
    if not str(source) or not path.exists():
        near = difflib.get_close_matches(str(source), known, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"no agent and no file {str(source)!r}; {hint}known: {', '.join(known)}, "
            "or the path of a run or checkpoint"
        )
    return path


def load_network(checkpoint: Checkpoint, domain: Domain) -> nn.Module:
    """Return the checkpoint's network, ready to be run.

    Raises:
        ValueError: its weights do not fit the domain.
    """
    import torch  # noqa: PLC0415

    from tesuji.nets.model import build  # noqa: PLC0415

    network = build(net_from_dict(checkpoint.net), domain.spec)
    weights = {name: torch.from_numpy(tensor) for name, tensor in checkpoint.tensors.items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"the network does not fit {domain.spec.name}: {reason}") from None
    return network.eval()


def random_observations(domain: Domain, number: int, seed: int = 0) -> FloatArray:
    """Return observations `[number, *observation_shape]` of random games."""
    rng = np.random.default_rng(seed)
    observations: list[FloatArray] = []
    while len(observations) < number:
        state, discount = domain.reset(int(rng.integers(2**32))), 1.0
        while discount != 0 and len(observations) < number:
            observations.append(domain.observe(state))
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action, int(rng.integers(2**63)))
    return np.stack(observations)
