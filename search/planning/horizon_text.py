"""A planning task up to a horizon as SMT-LIB text (Kautz & Selman 1992; Huang et al. 2010).

`f3@2` says that fact 3 holds after two steps, `o5@2` that operator 5 is done then. In a step
exactly one operator is done; or, in parallel, any that can be done in every order: no two change
one variable, and what one requires and leaves, all leave. Text is written once and stamped with
times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.ragged import Ragged

_PAIRWISE = 6  # of so many at most one holds, said for all pairs
_NOW, _NEXT = "@now", "@next"


class HorizonText:
    """Writes states and steps.

    Args:
        task: without numbers.
        groups: facts of which at most one holds.
        parallel: whether a step may hold several operators; not where effects have conditions.

    Attributes:
        parallel: whether it may.
    """

    def __init__(self, task: FiniteDomain, groups: Ragged, parallel: bool) -> None:
        self._task = task
        self.parallel = parallel and not len(task.when)
        self._auxiliary = 0
        self._state = "\n".join(self._states(groups))
        self._step = "\n".join(self._steps())

    def start(self) -> str:
        """Return what holds at time 0; with `init` assumed, it is the first state."""
        facts = (self._task.first[:-1] + self._task.init).tolist()
        lines = [_declared("init"), *(_clause("-init", f"f{f}@0") for f in facts)]
        return "\n".join([self._facts(0), self._state.replace(_NOW, "@0"), *lines])

    def step(self, time: int) -> str:
        """Return what leads from the state at a time to the next; `goal@T` says it is a goal."""
        return "\n".join([
            self._facts(time), self._facts(time + 1),
            self._state.replace(_NOW, f"@{time + 1}"),
            self._step.replace(_NOW, f"@{time}").replace(_NEXT, f"@{time + 1}"),
        ])  # fmt: skip

    def path(self, time: int) -> str:
        """Return what `path@T` assumed says: no state before is a goal, and no two are alike."""
        lines = [_declared(f"path@{time}")]
        if time:
            before, facts = f"-path@{time}", range(int(self._task.first[-1]))
            lines += [_declared(f"path@{time - 1}"), _declared(f"goal@{time - 1}")]
            lines += map(self._facts, range(time + 1))
            lines += [_clause(before, f"path@{time - 1}"), _clause(before, f"-goal@{time - 1}")]
            for earlier in range(time):
                apart = (f"(and f{f}@{earlier} (not f{f}@{time}))" for f in facts)
                lines.append(_clause(before, *apart))
        return "\n".join(lines)

    def _facts(self, time: int) -> str:
        return "\n".join(_declared(f"f{f}@{time}") for f in range(int(self._task.first[-1])))

    def _states(self, groups: Ragged) -> Iterator[str]:
        task = self._task
        for first, last in pairwise(task.first.tolist()):
            names = [f"f{f}{_NOW}" for f in range(first, last)]
            yield _clause(*names)
            yield from self._at_most_one(names)
        for group in np.split(groups.values, groups.start[1:-1]):
            if len(np.unique(task.variable[group])) > 1:
                yield from self._at_most_one([f"f{f}{_NOW}" for f in group.tolist()])
        goal = [f"f{f}{_NOW}" for f in task.goal.tolist()]
        yield _declared(f"goal{_NOW}")
        yield from (_clause(f"-goal{_NOW}", name) for name in goal)
        yield _clause(f"goal{_NOW}", *(f"-{name}" for name in goal))

    def _steps(self) -> Iterator[str]:
        task = self._task
        count = len(task.cost)
        names = [f"o{o}{_NOW}" for o in range(count)]
        yield from map(_declared, names)
        yield _clause(*names)
        makers: dict[int, list[str]] = defaultdict(list)
        writers: dict[int, list[str]] = defaultdict(list)
        for o, name in enumerate(names):
            effects = range(task.effect_start[o], task.effect_start[o + 1])
            written = {int(task.variable[task.effect[k]]) for k in effects}
            for variable in written:
                writers[variable].append(name)
            for fact in task.before[task.before_start[o] : task.before_start[o + 1]].tolist():
                yield _clause(f"-{name}", f"f{fact}{_NOW}")
                if task.variable[fact] not in written:
                    yield _clause(f"-{name}", f"f{fact}{_NEXT}")
            for k in effects:
                cause, lines = self._cause(name, k, effects.stop)
                yield from lines
                if cause:
                    yield _clause(f"-{cause}", f"f{task.effect[k]}{_NEXT}")
                    makers[int(task.effect[k])].append(cause)
        for f in range(int(task.first[-1])):
            yield _clause(f"-f{f}{_NEXT}", f"f{f}{_NOW}", *makers[f])
        for alike in writers.values() if self.parallel else [names]:
            yield from self._at_most_one(alike)

    def _cause(self, name: str, effect: int, last: int) -> tuple[str, list[str]]:
        # The name of what makes an effect happen, none where a later one always undoes it.
        task = self._task
        variable = task.variable[task.effect[effect]]
        later = [k for k in range(effect + 1, last) if task.variable[task.effect[k]] == variable]
        when = self._when(effect)
        undone = [self._when(k) for k in later]
        if not all(undone):
            return "", []
        if not when and not undone:
            return name, []
        cause = f"e{effect}{_NOW}"
        parts = [name, *when, *(f"(not (and {' '.join(own)}))" for own in undone)]
        return cause, [_declared(cause), f"(assert (= {cause} (and {' '.join(parts)})))"]

    def _when(self, effect: int) -> list[str]:
        task = self._task
        facts = task.when[task.when_start[effect] : task.when_start[effect + 1]]
        return [f"f{fact}{_NOW}" for fact in facts.tolist()]

    def _at_most_one(self, names: Sequence[str]) -> Iterator[str]:
        """Yield clauses; of many names by a chain of further ones (Sinz 2005)."""
        if len(names) <= _PAIRWISE:
            yield from (_clause(f"-{a}", f"-{b}") for a, b in combinations(names, 2))
            return
        before = ""
        for name in names[:-1]:
            self._auxiliary += 1
            seen = f"a{self._auxiliary}{_NOW}"
            yield _declared(seen)
            yield _clause(f"-{name}", seen)
            if before:
                yield _clause(f"-{before}", seen)
                yield _clause(f"-{name}", f"-{before}")
            before = seen
        yield _clause(f"-{names[-1]}", f"-{before}")


def _declared(name: str) -> str:
    return f"(declare-const {name} Bool)"


def _clause(*literals: str) -> str:
    # A leading dash negates.
    parts = (f"(not {name[1:]})" if name[0] == "-" else name for name in literals)
    return f"(assert (or false {' '.join(parts)}))"
