"""Routes on a map, as SVG: a colour for each route, a square for the depot."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.errors import UsageError

_SIZE, _EDGE, _HEAD = 720.0, 16.0, 34.0
# Okabe & Ito's colours and darker ones: told apart by most eyes, on white.
_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8b6d00", "#56b4e9", "#e69f00", "#5e3c99",
    "#7f3b08", "#1b7837", "#b2182b", "#4d4d4d",
)  # fmt: skip


def map_svg(instance: RoutingInstance, routes: Sequence[Sequence[int]], title: str) -> str:
    """Return a map of the routes.

    Args:
        instance: what is driven; it needs coordinates.
        routes: the customers of each vehicle.
        title: what stands above.

    Raises:
        UsageError: the instance has no coordinates.
    """
    if instance.coordinates is None:
        raise UsageError(f"{instance.name} has distances only, no coordinates to draw a map from")
    low = instance.coordinates.min(axis=0)
    span = max(float((instance.coordinates.max(axis=0) - low).max()), 1e-9)
    width, height = ((instance.coordinates.max(axis=0) - low) / span * _SIZE).tolist()
    places = (instance.coordinates - low) / span * _SIZE
    points = [(_EDGE + x, _HEAD + _EDGE + height - y) for x, y in places.tolist()]
    whole = width + 2 * _EDGE, height + 2 * _EDGE + _HEAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole[0]:.0f} {whole[1]:.0f}" '
        f'width="{whole[0]:.0f}" height="{whole[1]:.0f}" role="img" '
        f'aria-label="{escape(title)}">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_EDGE}" y="24" font-family="sans-serif" font-size="15" fill="#222">'
        f"{escape(title)}</text>",
    ]
    for number, route in enumerate(routes):
        parts += _route(points, route, number)
    x, y = points[0]
    parts.append(f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" fill="#222"/>')
    return "\n".join([*parts, "</svg>\n"])


def _route(points: Sequence[tuple[float, float]], route: Sequence[int], number: int) -> list[str]:
    # Ways from and to the depot are dashed: there many lie on each other.
    colour = _COLOURS[number % len(_COLOURS)]
    if not route:
        return []
    inner = " ".join(f"{points[node][0]:.1f},{points[node][1]:.1f}" for node in route)
    parts = [
        f'<polyline points="{inner}" fill="none" stroke="{colour}" stroke-width="2" '
        'stroke-linejoin="round"/>'
    ]
    for node in (route[0], route[-1]):
        (x, y), (u, v) = points[0], points[node]
        parts.append(
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}" stroke="{colour}" '
            'stroke-width="1" stroke-dasharray="4 4" stroke-opacity="0.7"/>'
        )
    parts += [
        f'<circle cx="{points[node][0]:.1f}" cy="{points[node][1]:.1f}" r="3.5" fill="{colour}">'
        f"<title>route {number + 1}</title></circle>"
        for node in route
    ]
    return parts
