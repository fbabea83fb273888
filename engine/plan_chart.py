"""A plan as a chart, in SVG: a row for each object that changes, a column a step.

truck1    | board | drive | load  | drive | unload|
package2  |       |       | load  |       | unload|
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tesuji.domains.logistics.pddl.syntax import Atom, Task
from tesuji.domains.logistics.pddl.validation import Step, walk
from tesuji.engine.gantt import job_colour

_ROW, _BAR, _TOP, _BOTTOM, _RIGHT = 24, 18, 64, 34, 18
_LETTER = 7.6  # width of a letter
_WIDEST, _NARROWEST, _SPREAD = 46.0, 7.0, 1100.0  # of a column; of all where there are many

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:14px}"
    ".row{stroke:#eee}.bar{stroke:#fff;stroke-width:1}"
)


def plan_svg(task: Task, plan: Sequence[Step], title: str) -> str:
    """Return a plan as a whole SVG document.

    An object has a row if a fact whose first object it is changes; facts without objects change the
    first object of the action.

    Args:
        task: the task.
        plan: a valid plan of it.
        title: what stands above.
    """
    moved = list(_moved(task, plan))
    rows = {
        name: row for row, name in enumerate(dict.fromkeys(name for at in moved for name in at))
    }
    kinds = {name: kind for kind, name in enumerate(dict.fromkeys(step[0] for step in plan))}
    left = 16 + _LETTER * max((len(name) for name in rows), default=0)
    column = min(_WIDEST, max(_NARROWEST, _SPREAD / max(1, len(plan))))
    legend = list(_legend(kinds, left))
    width = max(left + column * len(plan), left + _LETTER * len(title), legend[-1][0]) + _RIGHT
    height = _TOP + _ROW * len(rows) + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" role="img" aria-label="{escape(title)}">',
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        f'<text class="title" x="{left:.0f}" y="22">{escape(title)}</text>',
        *(part for _, part in legend),
        *_lines(rows, left, width - _RIGHT),
    ]
    for at, (step, names) in enumerate(zip(plan, moved, strict=True)):
        told = f"<title>{at + 1}: ({escape(' '.join(step))})</title>"
        for name in names:
            parts.append(
                f'<rect class="bar" x="{left + at * column:.1f}" y="{_TOP + rows[name] * _ROW}" '
                f'width="{column:.1f}" height="{_BAR}" rx="2" fill="{job_colour(kinds[step[0]])}">'
                f"{told}</rect>"
            )
    every = next(size for size in (1, 2, 5, 10, 20, 50, 100, 10**6) if size * column >= 3 * _LETTER)
    for at in range(every - 1, len(plan), every):
        x = left + (at + 0.5) * column
        parts.append(f'<text x="{x:.1f}" y="{height - 12}" text-anchor="middle">{at + 1}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _moved(task: Task, plan: Sequence[Step]) -> Iterator[list[str]]:
    # The objects of each step that change, in the order of its words.
    before, last = set[tuple[Atom, float]](), None
    for world, step in walk(task, plan):
        now = {*((atom, 1.0) for atom in world.atoms), *world.numbers.items()}
        if last is not None:
            yield _owners(before ^ now, last)
        before, last = now, step


def _owners(changed: set[tuple[Atom, float]], step: Step) -> list[str]:
    names = {atom.terms[0] for atom, _ in changed if atom.terms}
    return [word for word in dict.fromkeys(step[1:]) if word in names] or list(step[1:2])


def _legend(kinds: dict[str, int], left: float) -> Iterator[tuple[float, str]]:
    # The end of each entry, and the entry.
    x = left
    yield x, ""
    for name, kind in kinds.items():
        yield (
            x + 22 + _LETTER * len(name),
            f'<rect x="{x:.0f}" y="36" width="12" height="12" rx="2" fill="{job_colour(kind)}"/>'
            f'<text x="{x + 16:.0f}" y="46">{escape(name)}</text>',
        )
        x += 34 + _LETTER * len(name)


def _lines(rows: dict[str, int], left: float, right: float) -> Iterator[str]:
    for name, row in rows.items():
        y = _TOP + row * _ROW + _BAR / 2
        yield f'<line class="row" x1="{left:.0f}" x2="{right:.0f}" y1="{y:.0f}" y2="{y:.0f}"/>'
        yield f'<text x="{left - 8:.0f}" y="{y + 4:.0f}" text-anchor="end">{escape(name)}</text>'
