"""Routes on a map, as SVG: a colour for each route, a square for the depot."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import chain

from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.domains.logistics.routing.roads import RoadNetwork
from tesuji.engine.errors import UsageError

_SIZE, _EDGE, _HEAD = 720.0, 16.0, 34.0
# Okabe & Ito's colours and darker ones: told apart by most eyes, on white.
_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8b6d00", "#56b4e9", "#e69f00", "#5e3c99",
    "#7f3b08", "#1b7837", "#b2182b", "#4d4d4d",
)  # fmt: skip


Point = tuple[float, float]


def map_svg(
    instance: RoutingInstance,
    routes: Sequence[Sequence[int]],
    title: str,
    network: RoadNetwork | None = None,
) -> str:
    """Return a map of the routes.

    Args:
        instance: what is driven; it needs coordinates.
        routes: the customers of each vehicle.
        title: what stands above.
        network: whose streets they are driven on.

    Raises:
        UsageError: the instance has no coordinates.
    """
    if instance.coordinates is None:
        raise UsageError(f"{instance.name} has distances only, no coordinates to draw a map from")
    streets = [] if network is None else _streets(network)
    low, high, span = _extent([*map(tuple, instance.coordinates.tolist()), *chain(*streets)])

    def place(point: Point) -> Point:
        x, y = ((point[i] - low[i]) / span * _SIZE for i in (0, 1))
        return _EDGE + x, _HEAD + _EDGE + (high[1] - low[1]) / span * _SIZE - y

    width, height = ((high[i] - low[i]) / span * _SIZE for i in (0, 1))
    whole = width + 2 * _EDGE, height + 2 * _EDGE + _HEAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole[0]:.0f} {whole[1]:.0f}" '
        f'width="{whole[0]:.0f}" height="{whole[1]:.0f}" role="img" '
        f'aria-label="{escape(title)}">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_EDGE}" y="24" font-family="sans-serif" font-size="15" fill="#222">'
        f"{escape(title)}</text>",
    ]
    parts += [_line(place(a), place(b), 'stroke="#ccc" stroke-width="1"') for a, b in streets]
    points = [place((x, y)) for x, y in instance.coordinates.tolist()]
    for number, route in enumerate(routes):
        if route and network is None:
            parts += _beeline(points, route, number)
        elif route and network is not None:
            ways = (network.place(node) for node in network.streets(route))
            parts.append(_polyline([place(way) for way in ways if way is not None], number))
        parts += _customers(points, route, number)
    x, y = points[0]
    parts.append(f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" fill="#222"/>')
    return "\n".join([*parts, "</svg>\n"])


def _streets(network: RoadNetwork) -> list[tuple[Point, Point]]:
    ends = ((network.place(a), network.place(b)) for a, b in network.graph.edges())
    return [(a, b) for a, b in ends if a is not None and b is not None]


def _extent(points: Sequence[Point]) -> tuple[Point, Point, float]:
    # The lowest and the highest corner, and the longer side.
    across, up = zip(*points, strict=True)
    low, high = (min(across), min(up)), (max(across), max(up))
    return low, high, max(high[0] - low[0], high[1] - low[1], 1e-9)


def _line(a: Point, b: Point, style: str) -> str:
    return f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" {style}/>'


def _polyline(points: Sequence[Point], number: int) -> str:
    inner = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{inner}" fill="none" stroke="{_COLOURS[number % len(_COLOURS)]}" '
        'stroke-width="2" stroke-linejoin="round"/>'
    )


def _beeline(points: Sequence[Point], route: Sequence[int], number: int) -> list[str]:
    # Ways from and to the depot are dashed: there many lie on each other.
    style = (
        f'stroke="{_COLOURS[number % len(_COLOURS)]}" stroke-width="1" stroke-dasharray="4 4" '
        'stroke-opacity="0.7"'
    )
    ends = [_line(points[0], points[node], style) for node in (route[0], route[-1])]
    return [_polyline([points[node] for node in route], number), *ends]


def _customers(points: Sequence[Point], route: Sequence[int], number: int) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    return [
        f'<circle cx="{points[node][0]:.1f}" cy="{points[node][1]:.1f}" r="3.5" fill="{colour}">'
        f"<title>route {number + 1}</title></circle>"
        for node in route
    ]
