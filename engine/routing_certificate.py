"""Certificates of routing: routes, and multipliers that prove a lower bound, as one text file.

The first line is a JSON object: the format, what is claimed, and the SHA-256 of the file without
that entry. A JSON list of whole numbers a line follows: demands; earliest, latest and service where
there are windows; the deliveries where there are pairs; each node's distances; the routes; the
multipliers of the nodes; of each cut its multiplier and its customers; the prices of the nodes.
`tesuji.engine.routing_verification` says what they mean and checks them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.storage import atomic_write, sha256
from tesuji.search.routing.duality import Multipliers

FORMAT = "tesuji routing certificate"
VERSION = 2


def certificate_text(
    instance: RoutingInstance, routes: Sequence[Sequence[int]] | None, multipliers: Multipliers
) -> str:
    """Return the text of a certificate.

    Args:
        instance: what has to be driven.
        routes: the best that is known; None without any.
        multipliers: what proves the bound.
    """
    rows: list[Sequence[int]] = [instance.demand.tolist()]
    if instance.has_windows:
        times = (instance.earliest, instance.latest, instance.service)
        rows += [row.tolist() for row in times]
    if instance.has_pairs:
        rows.append(instance.delivery.tolist())
    rows += instance.distance.tolist()
    rows += routes or ()
    rows.append(multipliers.nodes)
    rows += [(multiplier, *members) for members, multiplier in multipliers.cuts]
    if multipliers.width:
        rows.append(multipliers.prices)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": instance.name,
        "nodes": instance.num_nodes,
        "capacity": instance.capacity,
        "vehicles": instance.num_vehicles,
        "scale": instance.scale,
        "windows": instance.has_windows,
        "pairs": instance.has_pairs,
        "routes": len(routes or ()),
        "cost": None if routes is None else instance.cost(routes),
        "cuts": len(multipliers.cuts),
        "width": multipliers.width,
        "bound": multipliers.bound,
    }
    body = "\n".join(json.dumps(list(row), separators=(",", ":")) for row in rows) + "\n"
    hashed = sha256((json.dumps(header) + "\n" + body).encode())
    return json.dumps({**header, "sha256": hashed}) + "\n" + body


def write_certificate(
    path: Path,
    instance: RoutingInstance,
    routes: Sequence[Sequence[int]] | None,
    multipliers: Multipliers,
) -> None:
    """Write a certificate.

    Raises:
        StorageError: it could not be written.
    """
    atomic_write(path, certificate_text(instance, routes, multipliers).encode())
