"""Reading Li and Lim's files of pick-up and delivery with time windows (Li & Lim 2001).

Distances and times are in thousandths, rounded to the nearest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.routing.instance import (
    Integers,
    RoutingError,
    RoutingInstance,
)
from tesuji.domains.logistics.routing.lines import Lines, windowed_instance

SCALE = 1000
_COLUMNS = "number, x, y, demand, earliest, latest, service, pick-up and delivery"


def parse_li_lim(text: str, file: str = "instance.txt") -> RoutingInstance:
    """Return the instance of a file in Li and Lim's format.

    Raises:
        RoutingError: it is no such file; it says where.
    """
    lines = Lines(file, text)
    head = lines.take("the first line")
    fleet = lines.fleet(head, 3, "vehicles, capacity and speed")
    rows: list[list[float]] = []
    places: list[int] = []
    for row in lines.customers(9, _COLUMNS, 3):
        for value in (row[3], row[7], row[8]):
            lines.whole(value, "demands, pick-ups and deliveries")
        rows.append(row)
        places.append(lines.number)
    table = np.array(rows)
    delivery = _pairs(file, table, places)
    name = "pick-up and delivery"
    return windowed_instance(lines, name, fleet, table, SCALE, delivery=delivery)


def _pairs(file: str, table: npt.NDArray[np.float64], places: list[int]) -> Integers:
    # Of each pick-up its delivery; what the two lines of a pair say must agree.
    nodes = len(table)
    delivery = np.zeros(nodes, np.int64)
    pickup, wanted = table[:, 7].astype(int), table[:, 8].astype(int)
    for node in range(1, nodes):
        other = wanted[node] or pickup[node]
        single = 1 <= other < nodes and (wanted[node] == 0) != (pickup[node] == 0)
        if not single or (pickup[other] if wanted[node] else wanted[other]) != node:
            raise RoutingError(
                f"{file}:{places[node]}: customer {node} needs one partner that names it back"
            )
        if wanted[node]:
            delivery[node] = other
    return delivery
