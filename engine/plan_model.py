"""Learned rankings of planning domains as files: a checkpoint with colours and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tesuji.domains.logistics.pddl.object_graph import make_object_graph
from tesuji.domains.logistics.pddl.syntax import Task
from tesuji.engine.checkpoint import Checkpoint, load_checkpoint
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.plan_config import SHIPPED, Guide, Order
from tesuji.engine.planning import GroundTask
from tesuji.engine.trained import WEIGHTS
from tesuji.search.planning.guided import GuidedSearch, Ranking

KIND = "ranking"


def signature(task: Task) -> dict[str, int]:
    """Return what a model must know of a domain: its predicates and how many terms they take."""
    return {name: len(terms) for name, terms in sorted(task.predicates.items())}


def ranking_checkpoint(
    game: str, ranking: Ranking, predicates: Mapping[str, int], step: int, metadata: dict[str, Any]
) -> Checkpoint:
    """Return a checkpoint that holds a ranking."""
    return Checkpoint(
        game=game,
        net={"kind": KIND, "depth": ranking.depth, "most": ranking.most},
        step=step,
        tensors={"colour": ranking.colour, "weight": ranking.weight},
        game_params={"predicates": dict(predicates)},
        metadata=metadata,
    )


def ranking_of(checkpoint: Checkpoint) -> Ranking:
    """Return the ranking that a checkpoint holds.

    Raises:
        TesujiError: it holds something else.
    """
    net, tensors = checkpoint.net, checkpoint.tensors
    if net.get("kind") != KIND or tensors.keys() != {"colour", "weight"}:
        raise TesujiError(f"the model is for the game {checkpoint.game}, not for planning tasks")
    colour, weight = tensors["colour"], tensors["weight"]
    fits = colour.dtype == np.uint64 and weight.dtype == np.float32 and colour.ndim == 1
    depth, most = int(net["depth"]), int(net["most"])
    if not fits or colour.shape != weight.shape or not 1 <= depth <= 64 or most < 0:
        raise TesujiError("the model's colours and weights are not as a ranking has them")
    if not np.isfinite(weight).all() or len(np.unique(colour)) < len(colour) or not colour.all():
        raise TesujiError("the model's colours and weights are not as a ranking has them")
    return Ranking(colour, np.clip(weight, -1e4, 1e4), depth, most)


def shipped_ranking(domain: str) -> Path:
    """Return where the ranking lies that ships for a domain, if one does."""
    return WEIGHTS / f"planning_{domain}"


def load_ranking(guide: Guide, task: Task) -> Ranking:
    """Return the ranking that guides the search for plans of a task.

    Raises:
        UsageError: none ships for the task's domain, or it is for another domain.
        TesujiError: the file is damaged.
    """
    path = guide.path
    if guide.source == SHIPPED:
        path = shipped_ranking(task.domain)
        if not path.is_dir():
            raise UsageError(
                f"no model ships for the domain {task.domain}; train one with "
                "'tesuji train DOMAIN.pddl --problems FOLDER' and give its run folder"
            )
    checkpoint = load_checkpoint(path, training=False)
    ranking = ranking_of(checkpoint)
    known = {str(name): int(n) for name, n in checkpoint.game_params["predicates"].items()}
    own = signature(task)
    if known != own:
        other = sorted(known.items() ^ own.items())[0][0]
        raise UsageError(f"the model {path} is for another domain: the predicate {other!r} differs")
    return ranking


def guided(grounded: GroundTask, ranking: Ranking, order: Order = "greedy") -> GuidedSearch:
    """Return a search of a task that a ranking guides.

    Raises:
        UsageError: the task has numbers, of which rankings know nothing.
    """
    if len(grounded.variables.numeric.init):
        raise UsageError("rankings know atoms only and this task has numbers; plan without one")
    graph = make_object_graph(grounded.operators, grounded.variables)
    return GuidedSearch(grounded.variables, graph, ranking, order)
