"""Reading Solomon's and Homberger's files of routing with time windows (Solomon 1987).

Distances and times are in tenths, cut off below, as the best known costs of CVRPLIB are.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.domains.logistics.routing.lines import Lines, windowed_instance

SCALE = 10
_COLUMNS = "number, x, y, demand, ready time, due date and service time"


def parse_solomon(text: str, file: str = "instance.txt") -> RoutingInstance:
    """Return the instance of a file in Solomon's format.

    Raises:
        RoutingError: it is no such file; it says where.
    """
    lines = Lines(file, text)
    name = lines.take("a name")
    _word(lines, "VEHICLE")
    lines.take("NUMBER CAPACITY")
    line = lines.take("how many vehicles there are and what they carry")
    fleet = lines.fleet(line, 2, "the number of vehicles and their capacity")
    _word(lines, "CUSTOMER")
    lines.take("the headings of the columns")
    rows: list[list[float]] = []
    for row in lines.customers(7, _COLUMNS, 2):
        if row[3] < 0:
            raise lines.fault(f"customer {len(rows)} has the negative demand {row[3]:g}")
        lines.whole(row[3], "a demand")
        rows.append(row)
    return windowed_instance(lines, name, fleet, np.array(rows), SCALE, truncate=True)


def _word(lines: Lines, word: str) -> None:
    line = lines.take(word)
    if line.upper() != word:
        raise lines.fault(f"expected {word}, got {line!r}")
