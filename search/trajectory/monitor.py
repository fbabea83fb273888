"""A monitor of constraints: how far trajectories keep them, and what of them is still to come.

What must hold is checked after every substep of the simulator and on the way there, see
`expressions.py`. What must come (`eventually`, `until`) has to hold after some substep. The monitor
carries over real steps what has come already, and by which step what has not is *due*: by the end
of the episode at the latest, and no later than in the last trajectory that was promised, so that
nothing is put off for ever. A margin counts as kept from a tolerance on, so that rounding never
turns a violation into none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tesuji.domains.robotics.models import Model, Rollouts
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.terms import MAIN
from tesuji.search.trajectory.expressions import Margin, along, refined
from tesuji.search.trajectory.planner import Verdict
from tesuji.search.trajectory.swept import Floats
from tesuji.search.trajectory.temporal import Formula, QuantityNames, parse_formula

TOLERANCE = 1e-9  # of margins
_FOREVER = 10**9  # steps


@dataclass
class _Obligation:
    formula: Formula
    hold: Margin | None
    goal: Margin | None
    left: int = _FOREVER  # steps in which the goal is due
    met: bool = False

    @property
    def open(self) -> bool:
        return self.goal is not None and not self.met


class _Trace(NamedTuple):
    before: list[Any]  # numbers at the beginning of each segment, `Q` of `[B, H, K]`
    after: list[Any]  # and at its end
    bends: list[Any]
    going: Any  # [B, H], whether the episode goes on before each step


class ConstraintMonitor:
    """Constraints compiled for batches of trajectories, and how they stand in an episode.

    Args:
        model: whose quantities they speak of.
        texts: such as `"slow: x_velocity <= 3.2"`; `temporal.py` has their forms.

    Attributes:
        names: of the constraints.

    Raises:
        ConstraintError: one cannot be read, uses what has no margin, or can never hold.
    """

    def __init__(self, model: Model, texts: Sequence[str]) -> None:
        self._model = model
        known = (*model.names, *(f"action_{i}" for i in range(model.low.size)))
        with MAIN:
            formulas = [parse_formula(text, QuantityNames(known)) for text in texts]
            for i, formula in enumerate(formulas):
                if formula.name in {each.name for each in formulas[:i]}:
                    raise ConstraintError(f"two constraints are called {formula.name!r}")
            used = {name for formula in formulas for name in formula.names()}
            self._used = [i for i, name in enumerate(known) if name in used]
            self._known = [known[i] for i in self._used]
            places = {name: i for i, name in enumerate(self._known)}
            self._obligations = [
                _Obligation(
                    formula,
                    None if formula.hold is None else Margin(formula.name, formula.hold, places),
                    None if formula.goal is None else Margin(formula.name, formula.goal, places),
                )
                for formula in formulas
            ]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the constraints."""
        return tuple(each.formula.name for each in self._obligations)

    @property
    def unmet(self) -> tuple[str, ...]:
        """Return the names of those whose goal has not come."""
        return tuple(each.formula.name for each in self._obligations if each.open)

    def begin(self, state: Any, steps: int | None = None) -> None:
        """Begin an episode.

        Args:
            state: of the model's domain.
            steps: of the episode; None where nobody knows.
        """
        known = np.append(self._model.quantities(state), np.zeros(self._model.low.size))
        numbers = list(known[self._used])
        for each in self._obligations:
            within = each.formula.within
            each.left = min(steps or _FOREVER, within or _FOREVER)
            each.met = each.goal is not None and float(each.goal(numbers)) >= TOLERANCE

    def margins(self, state: Any, rollouts: Rollouts, actions: Floats) -> dict[str, Floats]:
        """Return the margins `[B, H, K]` of what must hold, or else come, by name.

        Args:
            state: that the trajectories start from.
            rollouts: what they lead to.
            actions: of them `[B, H, D]`.
        """
        trace = self._trace(self._model.quantities(state), rollouts, actions)
        found = {}
        for each in self._obligations:
            goal = None if each.goal is None else _full(each.goal(trace.after), rollouts)
            hold = self._hold(each, trace, goal, rollouts)
            margin = goal if hold is None else hold
            assert margin is not None
            found[each.formula.name] = margin
        return found

    def judge(self, state: Any, rollouts: Rollouts, actions: Floats) -> Verdict:
        """Return what is wrong with trajectories, as `margins` takes them."""
        trace = self._trace(self._model.quantities(state), rollouts, actions)
        batch, horizon = rollouts.rewards.shape
        violations, shortfalls = np.zeros(batch), np.zeros(batch)
        for each in self._obligations:
            goal = None if each.goal is None else _full(each.goal(trace.after), rollouts)
            hold = self._hold(each, trace, goal, rollouts)
            if hold is not None:
                least = hold.min(axis=2)
                missed = np.where(least < TOLERANCE, TOLERANCE - least + 1e-6, 0.0)
                violations += (missed * trace.going).sum(axis=1)
            if goal is not None and not each.met and each.left > 0:
                come = _come(goal, trace.going, each.left).max(axis=1)
                missed = np.where(come < TOLERANCE, TOLERANCE - come + 1e-6, 0.0)
                due = (each.left <= horizon) | ~rollouts.alive[:, -1]
                violations += np.where(due, missed, 0.0)
                shortfalls += np.where(due, 0.0, missed)
        return Verdict(violations, shortfalls)

    def breaches(self, before: Floats, rollouts: Rollouts, actions: Floats) -> Floats:
        """Return by how much steps from states of their own break what must hold always `[B]`.

        Args:
            before: quantities of the states `[B, Q]`.
            rollouts: of one step each.
            actions: of them `[B, 1, D]`.
        """
        trace, found = self._trace(before, rollouts, actions), np.zeros(len(actions))
        for each in self._obligations:
            hold = self._hold(each, trace, None, rollouts)
            if hold is not None:
                found += np.maximum(-hold.min(axis=(1, 2)), 0.0)
        return found

    def promise(self, state: Any, rollouts: Rollouts, actions: Floats) -> None:
        """Note that a trajectory (a batch of one) may be followed: its goals are due in it."""
        trace = self._trace(self._model.quantities(state), rollouts, actions)
        for each in self._obligations:
            if each.open and each.goal is not None:
                goal = _full(each.goal(trace.after), rollouts)
                comes = _come(goal, trace.going, each.left)[0] >= TOLERANCE
                if comes.any():
                    each.left = min(each.left, int(comes.argmax()) + 1)

    def advance(
        self, state: Any, rollouts: Rollouts, actions: Floats
    ) -> tuple[Mapping[str, float], bool]:
        """Take note of a step that was taken: a trajectory of one step, a batch of one.

        Returns:
            The least margin of what must hold, and the greatest of what else must come, by name;
            and whether what must hold did not.
        """
        trace = self._trace(self._model.quantities(state), rollouts, actions)
        margins, broken = {}, False
        for each in self._obligations:
            goal = None if each.goal is None else _full(each.goal(trace.after), rollouts)
            hold = self._hold(each, trace, goal, rollouts)
            if hold is not None:
                margins[each.formula.name] = float(hold.min())
                broken |= float(hold.min()) < 0.0
            elif goal is not None:
                margins[each.formula.name] = float(goal.max())
            each.left -= 1
            each.met |= goal is not None and each.left >= 0 and float(goal.max()) >= TOLERANCE
        return margins, broken

    def _trace(self, start: Floats, rollouts: Rollouts, actions: Floats) -> _Trace:
        after = rollouts.quantities
        batch, horizon, substeps, size = after.shape
        bends = self._model.bends(start, after)
        firsts, lasts, offs = [], [], []
        for i, name in zip(self._used, self._known, strict=True):
            if i < size:
                last = after[..., i]
            else:
                last = np.broadcast_to(actions[:, :, None, i - size], after.shape[:3])
            first = last
            if i < size and name not in self._model.held:
                flat = np.empty((batch, horizon * substeps))
                flat[:, 0], flat[:, 1:] = start[..., i], last.reshape(batch, -1)[:, :-1]
                first = flat.reshape(last.shape)
            firsts.append(first)
            lasts.append(last)
            offs.append(bends.get(name, 0.0))
        return _Trace(firsts, lasts, offs, rollouts.going)

    def _hold(
        self, each: _Obligation, trace: _Trace, goal: Floats | None, rollouts: Rollouts
    ) -> Floats | None:
        """Return margins `[B, H, K]` of what must hold along each segment; infinite where freed."""
        program = each.hold
        if program is None:
            return None
        margin = _full(program(along(trace.before, trace.after, trace.bends)), rollouts)
        if not program.exact:
            _refine(program, trace, margin)
        broken = program([number[:, 0, 0] for number in trace.before]) < 0.0
        if np.any(broken):  # what is broken already cannot be kept on the way
            ends = program([number[:, 0, 0] for number in trace.after])
            margin[:, 0, 0] = np.where(broken, ends, margin[:, 0, 0])
        if goal is None:
            return margin
        if each.met:
            return np.full_like(margin, np.inf)
        come = np.maximum.accumulate(goal.reshape(len(goal), -1) >= TOLERANCE, axis=1)
        margin[come.reshape(goal.shape)] = np.inf
        return margin


def _refine(program: Margin, trace: _Trace, margin: Floats) -> None:
    """Look closer at segments of `margin` that seem to be broken, though their ends are not."""
    rows = np.nonzero(margin < TOLERANCE)
    if not len(rows[0]):
        return
    before, after = _rows(trace.before, trace.after, rows)
    sound = (program(before) >= TOLERANCE) & (program(after) >= TOLERANCE)
    if np.any(sound):
        rows = tuple(row[sound] for row in rows)
        before, after = _rows(trace.before, trace.after, rows)
        bends = [off[rows] if isinstance(off, np.ndarray) else off for off in trace.bends]
        margin[rows] = refined(program, before, after, bends)


def _rows(before: list[Any], after: list[Any], rows: Any) -> tuple[list[Any], list[Any]]:
    # What does not move stays one array.
    taken = [number[rows] for number in before]
    moved = zip(taken, before, after, strict=True)
    return taken, [a if x is y else y[rows] for a, x, y in moved]


def _full(margin: Any, rollouts: Rollouts) -> Floats:
    return np.array(np.broadcast_to(margin, rollouts.quantities.shape[:3]), np.float64)


def _come(goal: Floats, going: Any, left: int) -> Floats:
    """Return the greatest margin of a goal in each step `[B, H]`, as far as it counts."""
    counts = going & (np.arange(going.shape[1]) < left)
    return np.where(counts, goal.max(axis=2), -1e6)
