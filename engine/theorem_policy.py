"""Policies of connection tableaux as files, and as the tables that a guided search runs on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tesuji.domains.proving.clause_graph import ClauseGraph, clause_graph
from tesuji.domains.proving.features import (
    BUCKETS,
    Features,
    Names,
    Sight,
    action_features,
    name_matrix,
)
from tesuji.domains.proving.matrix import Matrix, NamedMatrix, Small
from tesuji.engine.checkpoint import Checkpoint, load_checkpoint
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.theorem_config import PROVING, ROBINSON
from tesuji.engine.theorem_outcomes import chances_of
from tesuji.nets.clause_graph import Graphs
from tesuji.nets.config import ConnectionNetConfig
from tesuji.nets.connection import Actions, Candidates, ConnectionNet
from tesuji.nets.ragged import pick_rows
from tesuji.search.proving.lessons import Lesson
from tesuji.search.proving.policy import Guidance, Guide, Policy, Reals
from tesuji.search.proving.prices import Prices

KIND = "connections"
PRICES = "prices"  # of the search, in a checkpoint's metadata
SHIPPED = Path(__file__).parent / "weights" / "proving_robinson"


class Theorem:
    """A problem to learn from.

    Attributes:
        name: of its file.
        matrix: its clauses.
        names: of the matrix.
        action: number of each of its actions among all different ones.
        number: of the problem among those known.
    """

    def __init__(self, name: str, named: NamedMatrix, known: Known) -> None:
        self.name = name
        self.matrix: Matrix = named.matrix
        self.names: Names = name_matrix(named, known.sight)
        self.action: Small = known.add_actions(action_features(self.matrix, self.names))
        self.number = known.add_graph(self.matrix)


class Known:
    """What networks read of many problems: their graphs, and their different actions.

    Args:
        sight: what there is to read.
    """

    def __init__(self, sight: Sight = "names") -> None:
        self.sight = sight
        self._number: dict[bytes, int] = {}
        self._graphs: list[ClauseGraph] = []

    def add_actions(self, features: Features) -> Small:
        """Return the number of each action; those with the same features are one."""
        first, feature = features.first.tolist(), features.feature
        keys = [feature[a:b].tobytes() for a, b in pairwise(first)]
        return np.array([self._number.setdefault(k, len(self._number)) for k in keys], np.int32)

    def add_graph(self, matrix: Matrix) -> int:
        """Return the number of a problem's graph; without graphs to read, 0."""
        if self.sight != "names":
            self._graphs.append(clause_graph(matrix))
        return max(0, len(self._graphs) - 1)

    def graphs(self) -> Graphs | None:
        """Return the graphs of all; None where none are read."""
        several = self._graphs
        if not several:
            return None
        kind, whole, part, edge = (
            np.concatenate([getattr(each, field) for each in several])
            for field in ("kind", "whole", "part", "edge")
        )
        return Graphs(
            kind, _firsts(each.kind for each in several), whole, part, edge,
            _firsts(each.edge for each in several),
            np.array([each.sizes for each in several], np.int32),
        )  # fmt: skip

    def actions(self) -> Actions:
        """Return the features of all."""
        rows = [np.frombuffer(key, np.int32) for key in self._number]
        return Actions(np.concatenate(rows), _firsts(rows))


def _firsts(rows: Iterable[Small]) -> Small:
    return np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32)


class PolicyTables:
    """What a network has become for searches of known problems.

    Args:
        net: the network.
        actions: of the problems.
        graphs: of the problems, where the network reads them.
    """

    def __init__(self, net: ConnectionNet, actions: Actions, graphs: Graphs | None) -> None:
        self._net, self._actions, self._graphs = net, actions, graphs
        parts = net.goal.weight, net.goal_bias, net.query.weight.T, net.query.bias
        self._table, self._bias, self._query, self._shift = (
            np.ascontiguousarray(part.detach().numpy()) for part in parts
        )
        self._rows: Reals | None = None
        if net.graph is None:
            self._rows = self._action_rows(np.arange(len(self._actions.first) - 1), None)

    def policy(self, theorem: Theorem) -> Policy:
        """Return the policy for a problem."""
        table = self._table
        if self._rows is not None:
            rows = self._rows[theorem.action]
        else:
            assert self._net.graph is not None
            assert self._graphs is not None
            with torch.no_grad():
                read = self._net.graph.read(self._graphs, np.array([theorem.number]))
            table = np.concatenate([table, read.goals.numpy()])
            rows = self._action_rows(theorem.action.astype(np.int64), read.actions)
        return Policy(
            theorem.names, table, self._bias, self._query, self._shift, np.ascontiguousarray(rows)
        )

    def _action_rows(self, numbers: npt.NDArray[np.int64], read: torch.Tensor | None) -> Reals:
        feature, first, _ = pick_rows(self._actions.feature, self._actions.first, numbers)
        with torch.no_grad():
            rows = self._net.action_rows(torch.from_numpy(feature), torch.from_numpy(first), read)
        out: Reals = rows.numpy()
        return out


def policy_for(net: ConnectionNet, named: NamedMatrix) -> Policy:
    """Return a network's policy for one problem."""
    known = Known(net.config.sight)
    theorem = Theorem("", named, known)
    return PolicyTables(net, known.actions(), known.graphs()).policy(theorem)


def guide_of(checkpoint: Checkpoint) -> Guide:
    """Return what says of a problem what a checkpoint's networks say of it.

    Raises:
        TesujiError: it holds something else.
    """
    net, chances = connection_net_of(checkpoint), chances_of(checkpoint.tensors)
    try:
        prices = Prices(*map(float, checkpoint.metadata.get(PRICES, ())))
    except (TypeError, ValueError) as error:
        raise TesujiError(f"the model's prices are not three numbers ({error})") from None
    return lambda named: Guidance(policy_for(net, named), chances, prices)


def tensors_of(net: ConnectionNet) -> dict[str, Reals]:
    """Return a network's weights by name."""
    return {name: value.detach().numpy() for name, value in net.state_dict().items()}


class Taught(NamedTuple):
    """A lesson, the problem that it is of, and its weight against others."""

    theorem: Theorem
    lesson: Lesson
    weight: float = 1.0


def candidates(lessons: Iterable[Taught]) -> Candidates:
    """Return the goals of all lessons; those of one of `n` goals weigh `weight / sqrt(n)` each."""
    taught = [each for each in lessons if len(each.lesson.chosen)]
    feature_counts, candidate_counts, features, actions, chosen, weights = [], [], [], [], [], []
    problems = []
    start = 0
    for theorem, each, weight in taught:
        number = len(each.chosen)
        feature_counts.append(np.diff(each.feature_first))
        candidate_counts.append(np.diff(each.action_first))
        features.append(each.feature)
        actions.append(theorem.action[each.action])
        chosen.append(each.chosen + start)
        weights.append(np.full(number, weight * number**-0.5, np.float32))
        problems.append(np.full(number, theorem.number))
        start += len(each.action)
    return Candidates(
        _joined(features), _joined([[0], *feature_counts], cumulate=True),
        _joined(actions), _joined([[0], *candidate_counts], cumulate=True),
        _joined(chosen), np.concatenate([np.zeros(0, np.float32), *weights]),
        _joined(problems), _joined([each.lesson.action for each in taught]),
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


def load_prover(source: str) -> Checkpoint:
    """Return the checkpoint of a run's folder, or the one that ships for `proving/robinson`.

    Raises:
        UsageError: there is none.
        TesujiError: the file is damaged.
    """
    path = SHIPPED if source == ROBINSON else Path(source).expanduser()
    if not path.exists():
        raise UsageError(
            f"no model at {source}; give the folder of a run of {PROVING}, or {ROBINSON}"
        )
    return load_checkpoint(path, training=False)
