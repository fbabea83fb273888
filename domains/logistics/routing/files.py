"""Reading a routing file of any known format, recognised by what it holds."""

from __future__ import annotations

import re
from pathlib import Path

from tesuji.domains.logistics.routing.fleet import check_fleet
from tesuji.domains.logistics.routing.instance import RoutingError, RoutingInstance
from tesuji.domains.logistics.routing.li_lim import parse_li_lim
from tesuji.domains.logistics.routing.solomon import parse_solomon
from tesuji.domains.logistics.routing.tsplib import parse_tsplib
from tesuji.domains.logistics.text_files import read_text

_TSPLIB = re.compile(r"^\s*(DIMENSION|CAPACITY|EDGE_WEIGHT_TYPE|NODE_COORD_SECTION)\b", re.M)
_SOLOMON = re.compile(r"^\s*VEHICLES?\s*$", re.M | re.I)
_LI_LIM = re.compile(r"\s*\d+\s+\d+\s+\d+\s*\n\s*0(\s+\S+){8}\s*(\n|$)")


def recognised(text: str) -> bool:
    """Return whether a text looks like a routing file."""
    return any((_TSPLIB.search(text), _SOLOMON.search(text), _LI_LIM.match(text)))


def parse_routing(text: str, file: str = "instance") -> RoutingInstance:
    """Return the instance that a text holds.

    Raises:
        RoutingError: it holds none; it says where.
    """
    if _TSPLIB.search(text):
        instance = parse_tsplib(text, file)
    elif _SOLOMON.search(text):
        instance = parse_solomon(text, file)
    elif _LI_LIM.match(text):
        instance = parse_li_lim(text, file)
    else:
        raise RoutingError(
            f"{file} is no routing file: expected CVRPLIB (.vrp), Solomon (VEHICLE, CUSTOMER) "
            "or Li & Lim (nine columns)"
        )
    try:
        check_fleet(instance)
    except RoutingError as error:
        raise RoutingError(f"{file}: {error}") from None
    return instance


def read_routing(path: str | Path) -> RoutingInstance:
    """Return the instance of a file.

    Raises:
        RoutingError: it cannot be read or holds no instance; it says where.
    """
    return parse_routing(read_text(path, RoutingError), str(path))
