"""Reading a road network (GraphML or node-link JSON) and the orders on it (JSON or CSV).

Orders as JSON:

    {"depot": "A", "capacity": 10, "vehicles": 3, "shift": [0, 480],
     "orders": [{"node": "B", "demand": 4, "earliest": 0, "latest": 90, "service": 5}]}

As CSV: columns `node,demand`, perhaps `earliest,latest,service`; the first row is the depot, with
`capacity` and perhaps `vehicles` in columns of those names. Only node and demand must be there.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import networkx as nx

from tesuji.domains.logistics.routing.instance import RoutingError
from tesuji.domains.logistics.routing.roads import (
    Order,
    RoadNetwork,
    routing_from_graph,
)
from tesuji.domains.logistics.text_files import read_text

_FIELDS = {"node", "demand", "earliest", "latest", "service"}


def read_roads(graph: Path, orders: Path) -> RoadNetwork:
    """Return the routing instance of two files.

    Raises:
        RoutingError: one cannot be read or makes no sense; it says where.
    """
    network = _read_graph(graph)
    text = read_text(orders, RoutingError)
    task = _read_csv(text, orders) if orders.suffix == ".csv" else _read_json(text, orders)
    known = {str(node): node for node in network}
    depot, *stops = (known.get(node, node) for node in (task["depot"], *task["nodes"]))
    try:
        wanted = [Order(node, **row) for node, row in zip(stops, task["orders"], strict=True)]
        return routing_from_graph(
            network, depot, wanted, capacity=task["capacity"], num_vehicles=task["vehicles"],
            shift=task["shift"], name=orders.stem,
        )  # fmt: skip
    except RoutingError as error:
        raise RoutingError(f"{orders}: {error}") from None


def _read_graph(path: Path) -> nx.Graph:
    text = read_text(path, RoutingError)
    try:
        if path.suffix == ".graphml":
            return nx.read_graphml(io.BytesIO(text.encode()))
        data = json.loads(text)
        edges = "edges" if "edges" in data else "links"
        return nx.node_link_graph(data, edges=edges)
    except (ParseError, nx.NetworkXError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RoutingError(
            f"{path} is no road network (GraphML, or node-link JSON of networkx): "
            f"{type(error).__name__} {error}"
        ) from None


def _read_json(text: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RoutingError(f"{path} is not JSON: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("orders"), list):
        raise RoutingError(f'{path}: expected {{"depot": ..., "capacity": ..., "orders": [...]}}')
    for name in data:
        if name not in {"depot", "capacity", "vehicles", "shift", "orders"}:
            raise RoutingError(f"{path}: {name!r} is not known")
    if data.get("depot") is None:
        raise RoutingError(f"{path}: there is no depot")
    shift = data.get("shift", [0, None])
    if not isinstance(shift, list) or len(shift) != 2:
        raise RoutingError(f"{path}: shift must be [begin, end], got {shift!r}")
    rows = [(f"order {n}", row) for n, row in enumerate(data["orders"], 1)]
    return {
        "depot": str(data["depot"]),
        "capacity": _whole(path, "capacity", data.get("capacity")),
        "vehicles": _optional(_whole, path, "vehicles", data.get("vehicles")),
        "shift": (_number(path, "shift", shift[0]), _optional(_number, path, "shift", shift[1])),
        "nodes": [str(_order(path, where, row)["node"]) for where, row in rows],
        "orders": [_fields(path, where, row) for where, row in rows],
    }


def _read_csv(text: str, path: Path) -> dict[str, Any]:
    reader = csv.DictReader(io.StringIO(text))
    rows = [{k: v for k, v in row.items() if k and v not in (None, "")} for row in reader]
    columns = set(reader.fieldnames or ())
    if not rows or "node" not in columns or "demand" not in columns:
        raise RoutingError(f"{path}: expected columns node and demand, and the depot first")
    unknown = sorted(columns - _FIELDS - {"capacity", "vehicles"})
    if unknown:
        raise RoutingError(f"{path}:1: the column {unknown[0]!r} is not known")
    depot, numbered = rows[0], [(f"line {n}", row) for n, row in enumerate(rows[1:], 3)]
    if "node" not in depot:
        raise RoutingError(f"{path}:2: there is no depot")
    return {
        "depot": depot["node"],
        "capacity": _whole(path, "capacity", depot.get("capacity")),
        "vehicles": _optional(_whole, path, "vehicles", depot.get("vehicles")),
        "shift": (
            _number(path, "earliest", depot.get("earliest", 0)),
            _optional(_number, path, "latest", depot.get("latest")),
        ),
        "nodes": [_order(path, where, row)["node"] for where, row in numbered],
        "orders": [_fields(path, where, row) for where, row in numbered],
    }


def _order(path: Path, where: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or "node" not in row or "demand" not in row:
        raise RoutingError(f"{path}, {where}: an order needs a node and a demand")
    return row


def _fields(path: Path, where: str, row: dict[str, Any]) -> dict[str, Any]:
    # What an order says besides its node.
    found: dict[str, Any] = {"demand": _whole(path, f"{where}: demand", row["demand"])}
    if found["demand"] < 0:
        raise RoutingError(f"{path}, {where}: the demand {found['demand']} is negative")
    for name in row.keys() - {"node", "demand"}:
        if name not in _FIELDS:
            raise RoutingError(f"{path}, {where}: {name!r} is not known")
        if row[name] is not None:
            found[name] = _number(path, f"{where}: {name}", row[name])
    return found


def _number(path: Path, what: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not abs(number) < 1e9:
        raise RoutingError(f"{path}: {what} must be a number, got {value!r}")
    return number


def _whole(path: Path, what: str, value: Any) -> int:
    number = _number(path, what, value)
    if not number.is_integer():
        raise RoutingError(f"{path}: {what} must be a whole number, got {value!r}")
    return int(number)


def _optional(read: Any, path: Path, what: str, value: Any) -> Any:
    return None if value is None else read(path, what, value)
