"""Policies of routes as files, and as the tables that a construction runs on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.checkpoint import Checkpoint, load_checkpoint
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.optimizers import optimizer_tensors
from tesuji.engine.route_config import ROUTES
from tesuji.engine.trained import WEIGHTS
from tesuji.nets.config import RouteNetConfig
from tesuji.nets.routing import Decoder, RouteNet, describe_instance
from tesuji.search.routing.construct import PolicyTables

KIND = "routes"


def tables_of(net: RouteNet, decoder: Decoder) -> list[PolicyTables]:
    """Return the tables of each instance that the network has read."""
    query, load, key, value, point, edge = (
        np.ascontiguousarray(part.detach().numpy()) for part in decoder
    )
    return [
        PolicyTables(query[i], load, key[i], value[i], point[i], edge[i], net.config.heads)
        for i in range(len(query))
    ]


def read_instance(net: RouteNet, instance: RoutingInstance) -> PolicyTables:
    """Return what a policy knows of an instance.

    Raises:
        UsageError: there is more to it than distances and capacity.
    """
    if instance.has_windows or instance.has_pairs:
        raise UsageError(
            f"{instance.name} has {'time windows' if instance.has_windows else 'pairs'}, of which "
            "policies know nothing; solve it without --agent and --learned"
        )
    node, edge = describe_instance(
        instance.distance, instance.demand, instance.capacity, instance.coordinates
    )
    with torch.no_grad():
        return tables_of(net, net(node[None], edge[None]))[0]


def net_of(checkpoint: Checkpoint) -> RouteNet:
    """Return the network that a checkpoint holds.

    Raises:
        TesujiError: it holds something else.
    """
    fields = dict(checkpoint.net)
    if fields.pop("kind", None) != KIND:
        raise TesujiError(f"the model is for {checkpoint.game}, not for routes ({ROUTES})")
    try:
        net = RouteNet(RouteNetConfig(**fields))
        net.load_state_dict({n: torch.from_numpy(t) for n, t in checkpoint.tensors.items()})
    except (TypeError, ValueError, RuntimeError) as error:
        raise TesujiError(f"the model's weights are none of this version's ({error})") from None
    if not all(bool(torch.isfinite(each).all()) for each in net.parameters()):
        raise TesujiError("the model's weights are not finite")
    return net.eval()


def load_route_net(source: str) -> RouteNet:
    """Return the network that `source` names.

    Args:
        source: `net` for the one that ships, or the path of a run.

    Raises:
        UsageError: there is none.
        TesujiError: the file is damaged, or for something else.
    """
    path = WEIGHTS / ROUTES.rpartition("/")[2] if source == "net" else Path(source).expanduser()
    if not path.exists():
        raise UsageError(f"no model at {source}; give the folder of a run of {ROUTES}, or net")
    return net_of(load_checkpoint(path, training=False))


def route_checkpoint(
    net: RouteNet, optimizer: torch.optim.Adam, step: int, metadata: dict[str, object]
) -> Checkpoint:
    """Return a checkpoint that holds a network, and what going on with it needs."""
    training = optimizer_tensors(optimizer, list(net.parameters()))
    return Checkpoint(
        game=ROUTES, net={"kind": KIND, **asdict(net.config)}, step=step,
        tensors={name: value.detach().numpy() for name, value in net.state_dict().items()},
        metadata=metadata, training=training,
    )  # fmt: skip
