"""Reading CVRPLIB's files (.vrp in TSPLIB's manner, Reinelt 1991).

Distances are EUC_2D, rounded to the nearest integer, or explicit.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.logistics.routing.instance import (
    MAX_NODES,
    Floats,
    RoutingError,
    RoutingInstance,
    make_instance,
    rounded,
)
from tesuji.domains.logistics.routing.lines import Lines

_IGNORED = {"NAME", "COMMENT", "TYPE", "DISPLAY_DATA_TYPE", "NODE_COORD_TYPE", "VEHICLES"}
_KNOWN = {"DIMENSION", "CAPACITY", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT"}


def parse_tsplib(text: str, file: str = "instance.vrp") -> RoutingInstance:
    """Return the instance of a .vrp file.

    Raises:
        RoutingError: it is no such file; it says where.
    """
    lines = Lines(file, text)
    header: dict[str, str] = {}
    sections: dict[str, Floats] = {}
    for line in lines:
        word = line.split()[0].rstrip(":")
        if word == "EOF":
            break
        if word.endswith("_SECTION"):
            if word in sections:
                raise lines.fault(f"there is a second {word}")
            sections[word] = _section(lines, word, header)
            continue
        key, colon, value = line.partition(":")
        key = key.strip()
        if not colon or (key not in _IGNORED and key not in _KNOWN):
            raise lines.fault(f"{line.split()[0]!r} is not known in a file of capacitated routing")
        header[key] = value.strip()
    return _assemble(lines, header, sections)


def _dimension(lines: Lines, header: dict[str, str]) -> int:
    if "DIMENSION" not in header:
        raise lines.fault("DIMENSION must stand before the sections")
    return _positive(lines, header, "DIMENSION", MAX_NODES)


def _positive(lines: Lines, header: dict[str, str], key: str, largest: int) -> int:
    value = lines.numbers(header[key], 1, f"a number as {key}")[0]
    number = lines.whole(value, key)
    if not 1 <= number <= largest:
        raise lines.fault(f"{key} must be 1 to {largest}, got {number}")
    return number


def _section(lines: Lines, word: str, header: dict[str, str]) -> Floats:
    nodes = _dimension(lines, header)
    if word == "NODE_COORD_SECTION":
        return _rows(lines, nodes, 3, "a node and its two coordinates", word)
    if word == "DEMAND_SECTION":
        return _rows(lines, nodes, 2, "a node and its demand", word)
    if word == "EDGE_WEIGHT_SECTION":
        return _matrix(lines, nodes, header)
    if word == "DEPOT_SECTION":
        return _depots(lines, nodes)
    raise lines.fault(f"{word} is not supported in a file of capacitated routing")


def _rows(lines: Lines, nodes: int, width: int, wanted: str, word: str) -> Floats:
    table = np.zeros((nodes, width - 1))
    seen = np.zeros(nodes, np.bool_)
    for count in range(nodes):
        line = lines.take(f"line {count + 1} of {nodes} of {word}")
        values = lines.numbers(line, width, wanted)
        node = lines.whole(values[0], "a node") - 1
        if not 0 <= node < nodes or seen[node]:
            reason = "stands there twice" if 0 <= node < nodes else f"is not one of 1 to {nodes}"
            raise lines.fault(f"node {node + 1} {reason}")
        seen[node] = True
        table[node] = values[1:]
        demand = lines.whole(values[1], "a demand") if word == "DEMAND_SECTION" else 0
        if demand < 0:
            raise lines.fault(f"node {node + 1} has the negative demand {demand}")
    return table


def _matrix(lines: Lines, nodes: int, header: dict[str, str]) -> Floats:
    shape = header.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX")
    where = {
        "FULL_MATRIX": np.indices((nodes, nodes)).reshape(2, -1),
        "LOWER_ROW": np.array(np.tril_indices(nodes, -1)),
        "LOWER_DIAG_ROW": np.array(np.tril_indices(nodes)),
        "UPPER_ROW": np.array(np.triu_indices(nodes, 1)),
        "UPPER_DIAG_ROW": np.array(np.triu_indices(nodes)),
    }
    if shape not in where:
        raise lines.fault(f"EDGE_WEIGHT_FORMAT {shape} is not one of {', '.join(where)}")
    rows, columns = where[shape]
    values: list[float] = []
    while len(values) < len(rows):
        line = lines.take(f"{len(rows)} distances, of which {len(values)} are there")
        values += lines.numbers(line, None, "distances")
    if len(values) > len(rows):
        raise lines.fault(f"there are more than the {len(rows)} distances of {shape}")
    matrix = np.zeros((nodes, nodes))
    matrix[rows, columns] = [lines.whole(value, "a distance") for value in values]
    if shape != "FULL_MATRIX":
        matrix[columns, rows] = matrix[rows, columns]
    if matrix.min() < 0:
        raise lines.fault(f"distances must be at least 0, got {matrix.min():g}")
    return matrix


def _depots(lines: Lines, nodes: int) -> Floats:
    depots: list[int] = []
    while True:
        line = lines.take("the -1 that closes DEPOT_SECTION")
        values = [lines.whole(v, "a depot") for v in lines.numbers(line, None, "a depot or -1")]
        if -1 in values:
            depots += values[: values.index(-1)]
            break
        depots += values
    if len(depots) != 1:
        raise lines.fault(f"there must be one depot, got {len(depots)}")
    if not 1 <= depots[0] <= nodes:
        raise lines.fault(f"the depot must be one of the nodes 1 to {nodes}, got {depots[0]}")
    return np.array(depots, np.float64)


def _assemble(lines: Lines, header: dict[str, str], sections: dict[str, Floats]) -> RoutingInstance:
    kind = header.get("TYPE", "CVRP")
    if kind != "CVRP":
        raise lines.fault(f"TYPE {kind} is not supported; CVRP is")
    for key in ("CAPACITY", "EDGE_WEIGHT_TYPE"):
        if key not in header:
            raise lines.fault(f"the file has no {key}")
    for word in ("DEMAND_SECTION", "DEPOT_SECTION"):
        if word not in sections:
            raise lines.fault(f"the file has no {word}; is it truncated?")
    nodes = _dimension(lines, header)
    depot = int(sections["DEPOT_SECTION"][0]) - 1
    order = np.concatenate([[depot], np.delete(np.arange(nodes), depot)])
    points = sections.get("NODE_COORD_SECTION")
    weights = header["EDGE_WEIGHT_TYPE"]
    wanted = {"EUC_2D": "NODE_COORD_SECTION", "EXPLICIT": "EDGE_WEIGHT_SECTION"}
    if weights not in wanted:
        raise lines.fault(f"EDGE_WEIGHT_TYPE {weights} is not one of {', '.join(wanted)}")
    given = sections.get(wanted[weights])
    if given is None:
        raise lines.fault(f"{weights} distances need a {wanted[weights]}")
    matrix = rounded(given) if weights == "EUC_2D" else given.astype(np.int64)
    try:
        return make_instance(
            header.get("NAME", "routing"),
            matrix[np.ix_(order, order)],
            sections["DEMAND_SECTION"][order, 0].astype(np.int64),
            _positive(lines, header, "CAPACITY", 1 << 28),
            coordinates=None if points is None else points[order],
            labels=(order + 1).tolist(),
        )
    except RoutingError as error:
        raise RoutingError(f"{lines.file}: {error}") from None
