"""A closed tableau as SVG: a row a goal, goals below the one that they come from.

~ uncle(tom, X)                extension by uncle_2
brother(tom, sK1)            extension by tom_1
parent(sK1, ann)             reduction with goal 3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tesuji.domains.proving.clauses import ClauseSet
from tesuji.domains.proving.clausify import TooLargeError
from tesuji.domains.proving.instances import Goal
from tesuji.domains.proving.tptp_text import TermTexts
from tesuji.engine.errors import TesujiError

_ROW, _STEP, _TOP, _LEFT, _LETTER = 22, 20, 62, 24, 7.3
_LEGEND, _TITLE_LETTER = 110, 8.5  # width of an entry, and of a letter of the title
_MOST_LETTERS = 90  # of a literal; the rest is in its title
_MOST_ROWS = 5000
_COLOURS = {"extension": "#2c6fbb", "reduction": "#b4532a", "lemma": "#3b8c4c"}
_STYLE = (
    "text{font:12px ui-monospace,monospace;fill:#222}.title{font:600 14px system-ui,sans-serif}"
    ".how{fill:#777;font:12px system-ui,sans-serif}.edge{stroke:#bbb;fill:none}"
)


def tableau_svg(name: str, clauses: ClauseSet, goals: Sequence[Goal]) -> str:
    """Return a tableau as a whole SVG document.

    Args:
        name: of the problem.
        clauses: of the problem.
        goals: of the tableau; those below one after it.

    Raises:
        TesujiError: there is no tableau, or it is too large for a picture.
    """
    if not goals:
        raise TesujiError(f"{name} was not proved by a tableau; there is nothing to draw")
    if len(goals) > _MOST_ROWS:
        raise TesujiError(f"a picture has {_MOST_ROWS} goals at most, not {len(goals):,}")
    order = _in_order(goals)
    row = {goal: at for at, goal in enumerate(order)}
    rows = [_row(clauses, goals, goal, row) for goal in order]
    title = f"{name}: a closed tableau, {len(goals)} goals"
    heads = _LEGEND * len(_COLOURS), _TITLE_LETTER * len(title)
    width = _LEFT + max(*heads, *(end for end, _ in rows)) + 20
    height = _TOP + _ROW * len(rows) + 16
    legend = "".join(
        f'<circle cx="{_LEFT + _LEGEND * at}" cy="42" r="5" fill="{colour}"/>'
        f'<text class="how" x="{_LEFT + 10 + _LEGEND * at}" y="46">{kind}</text>'
        for at, (kind, colour) in enumerate(_COLOURS.items())
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" role="img" aria-label="{escape(title)}">',
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        f'<text class="title" x="{_LEFT - 6}" y="24">{escape(title)}</text>', legend,
        *_edges(goals, row), *(part for _, part in rows),
    ]  # fmt: skip
    return "\n".join([*parts, "</svg>", ""])


def _in_order(goals: Sequence[Goal]) -> list[int]:
    # Depth first, from left to right.
    below: dict[int, list[int]] = {}
    for number, goal in enumerate(goals):
        below.setdefault(goal.above, []).append(number)
    order, waiting = [], list(reversed(below[-1]))
    while waiting:
        order.append(waiting.pop())
        waiting += reversed(below.get(order[-1], []))
    return order


def _place(goals: Sequence[Goal], goal: int, row: dict[int, int]) -> tuple[float, float]:
    return _LEFT + _STEP * goals[goal].depth, _TOP + _ROW * (row[goal] + 0.5)


def _row(
    clauses: ClauseSet, goals: Sequence[Goal], number: int, row: dict[int, int]
) -> tuple[float, str]:
    # Where it ends, and its marks.
    goal = goals[number]
    x, y = _place(goals, number, row)
    text = literal_text(goal)
    short = shortened(text)
    how = f"by {clauses.clauses[goal.with_].name}"
    if goal.kind != "extension":
        how = f"{'closes with' if goal.kind == 'reduction' else 'as'} {row[goal.with_] + 1}"
    at = x + 12 + _LETTER * (len(short) + 5)
    return at + _LETTER * len(how), (
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="5" fill="{_COLOURS[goal.kind]}"/>'
        f'<text x="{x + 12:.0f}" y="{y + 4:.0f}">{row[number] + 1}  {escape(short)}'
        f"<title>{escape(text)}</title></text>"
        f'<text class="how" x="{at:.0f}" y="{y + 4:.0f}">{escape(how)}</text>'
    )


def shortened(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1] + "…"


def literal_text(goal: Goal) -> str:
    """Return a goal's literal as text; of one that is too large, its predicate."""
    try:
        return TermTexts(inline=True).atom(goal.literal.atom, goal.literal.positive)
    except TooLargeError:
        return f"{goal.literal.atom.predicate}(...)"


def _edges(goals: Sequence[Goal], row: dict[int, int]) -> Iterator[str]:
    for number, goal in enumerate(goals):
        if goal.above >= 0:
            (x, y), (left, top) = _place(goals, number, row), _place(goals, goal.above, row)
            yield f'<path class="edge" d="M{left:.0f} {top + 5:.0f}V{y:.0f}H{x - 5:.0f}"/>'
