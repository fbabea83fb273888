"""Policies of connection tableaux as files, and as the tables that a guided search runs on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from tesuji.domains.proving.features import (
    BUCKETS,
    Features,
    Names,
    action_features,
    name_matrix,
)
from tesuji.domains.proving.matrix import Matrix, NamedMatrix, Small
from tesuji.engine.checkpoint import Checkpoint, load_checkpoint
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.theorem_config import PROVING
from tesuji.engine.theorem_outcomes import chances_of
from tesuji.nets.config import ConnectionNetConfig
from tesuji.nets.connection import Actions, Candidates, ConnectionNet
from tesuji.search.proving.lessons import Lesson
from tesuji.search.proving.policy import Guidance, Policy, Reals

KIND = "connections"


class Theorem:
    """A problem to learn from.

    Attributes:
        name: of its file.
        matrix: its clauses.
        names: of the matrix.
        action: number of each of its actions among all different ones.
    """

    def __init__(self, name: str, named: NamedMatrix, known: KnownActions) -> None:
        self.name = name
        self.matrix: Matrix = named.matrix
        self.names: Names = name_matrix(named)
        self.action: Small = known.number(action_features(self.matrix, self.names))


class KnownActions:
    """The different actions of many problems: those with the same features are one."""

    def __init__(self) -> None:
        self._number: dict[bytes, int] = {}

    def number(self, features: Features) -> Small:
        """Return the number of each action; new ones are added."""
        first, feature = features.first.tolist(), features.feature
        keys = [feature[a:b].tobytes() for a, b in pairwise(first)]
        return np.array([self._number.setdefault(k, len(self._number)) for k in keys], np.int32)

    def actions(self) -> Actions:
        """Return the features of all."""
        rows = [np.frombuffer(key, np.int32) for key in self._number]
        return Actions(np.concatenate(rows), _firsts(rows))


def _firsts(rows: Iterable[Small]) -> Small:
    return np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32)


class PolicyTables:
    """What a network has become for a search: its tables, and a row for each known action."""

    def __init__(self, net: ConnectionNet, actions: Actions) -> None:
        with torch.no_grad():
            self.rows = net.action_rows(_long(actions.feature), _long(actions.first)).numpy()
        parts = net.goal.weight, net.goal_bias, net.query.weight.T, net.query.bias
        self._table, self._bias, self._query, self._shift = (
            np.ascontiguousarray(part.detach().numpy()) for part in parts
        )

    def policy(self, names: Names, action: Small) -> Policy:
        """Return the policy for a problem with these actions."""
        rows = np.ascontiguousarray(self.rows[action])
        return Policy(names, self._table, self._bias, self._query, self._shift, rows)


def policy_for(net: ConnectionNet, named: NamedMatrix) -> Policy:
    """Return a network's policy for one problem."""
    known = KnownActions()
    theorem = Theorem("", named, known)
    return PolicyTables(net, known.actions()).policy(theorem.names, theorem.action)


def guidance_for(net: ConnectionNet, named: NamedMatrix) -> Guidance:
    """Return what a network says of one problem."""
    return Guidance(policy_for(net, named), chances_of(tensors_of(net)))


def tensors_of(net: ConnectionNet) -> dict[str, Reals]:
    """Return a network's weights by name."""
    return {name: value.detach().numpy() for name, value in net.state_dict().items()}


def _long(values: Small) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.int64))


class Taught(NamedTuple):
    """A lesson, the problem that it is of, and its weight against others."""

    theorem: Theorem
    lesson: Lesson
    weight: float = 1.0


def candidates(lessons: Iterable[Taught]) -> Candidates:
    """Return the goals of all lessons; those of one of `n` goals weigh `weight / sqrt(n)` each."""
    taught = [each for each in lessons if len(each.lesson.chosen)]
    feature_counts, candidate_counts, features, actions, chosen, weights = [], [], [], [], [], []
    start = 0
    for theorem, each, weight in taught:
        number = len(each.chosen)
        feature_counts.append(np.diff(each.feature_first))
        candidate_counts.append(np.diff(each.action_first))
        features.append(each.feature)
        actions.append(theorem.action[each.action])
        chosen.append(each.chosen + start)
        weights.append(np.full(number, weight * number**-0.5, np.float32))
        start += len(each.action)
    return Candidates(
        _joined(features), _joined([[0], *feature_counts], cumulate=True),
        _joined(actions), _joined([[0], *candidate_counts], cumulate=True),
        _joined(chosen), np.concatenate([np.zeros(0, np.float32), *weights]),
    )  # fmt: skip


def _joined(parts: Sequence[Sequence[int] | Small], cumulate: bool = False) -> Small:
    whole = np.concatenate([np.zeros(0, np.int64), *map(np.asarray, parts)])
    return (np.cumsum(whole) if cumulate else whole).astype(np.int32)


def connection_checkpoint(
    game: str, net: ConnectionNet, step: int, metadata: dict[str, object]
) -> Checkpoint:
    """Return a checkpoint that holds a network."""
    return Checkpoint(
        game=game, net={"kind": KIND, "buckets": net.buckets, **asdict(net.config)}, step=step,
        tensors=tensors_of(net), metadata=metadata,
    )  # fmt: skip


def connection_net_of(checkpoint: Checkpoint) -> ConnectionNet:
    """Return the network that a checkpoint holds.

    Raises:
        TesujiError: it holds something else.
    """
    fields = dict(checkpoint.net)
    if fields.pop("kind", None) != KIND or fields.pop("buckets", None) != BUCKETS:
        raise TesujiError(f"the model is for {checkpoint.game}, not for theorems of this version")
    try:
        net = ConnectionNet(ConnectionNetConfig(**fields), BUCKETS)
        net.load_state_dict({n: torch.from_numpy(t) for n, t in checkpoint.tensors.items()})
    except (TypeError, ValueError, RuntimeError) as error:
        raise TesujiError(f"the model's weights are none of this version's ({error})") from None
    if not all(bool(torch.isfinite(each).all()) for each in net.parameters()):
        raise TesujiError("the model's weights are not finite")
    return net.eval()


def load_connection_net(source: str) -> ConnectionNet:
    """Return the network of a run's folder.

    Raises:
        UsageError: there is none.
        TesujiError: the file is damaged, or for something else.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise UsageError(f"no model at {source}; give the folder of a run of {PROVING}")
    return connection_net_of(load_checkpoint(path, training=False))
