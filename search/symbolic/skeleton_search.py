"""Skeletons as a contender: z3 fills in the best one, and what it refutes it teaches.

One without holes needs no solver where only steps count: it is replayed.

An unsatisfiable core names the steps whose templates are to blame. Where the goal has no part in
it, every skeleton with the same part is dead and does not grow.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import z3

from tesuji.search.base import Evaluator
from tesuji.search.symbolic.contest import Ask, Moves
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.plan_task import PlanTask, unwrap
from tesuji.search.symbolic.skeletons import DeadEnds, Skeleton, Skeletons, Templates
from tesuji.search.symbolic.solver_process import SolverProcess

_RLIMIT, _SECONDS = 1_000_000, 5.0  # of the check of one skeleton
_DEATHS = 2  # of the process, after which it is enough
_PATIENCE = 16  # skeletons without a question, after which the others have their turn


Step = Generator[Ask, z3.CheckSatResult, bool | None]


@dataclass
class SkeletonCounts:
    """What a search through skeletons did.

    Attributes:
        replayed: skeletons without holes, about which rules and constraints were asked.
        checked: skeletons that z3 was asked about.
        pruned: skeletons that had a part refuted before.
        undecided: skeletons that z3 gave up.
    """

    replayed: int = 0
    checked: int = 0
    pruned: int = 0
    undecided: int = 0


class SkeletonSearch:
    """Looks for a plan through skeletons.

    Args:
        task: what is asked.
        process: the solver.
        templates: what a step can be.
        evaluator: the network that ranks them.
    """

    def __init__(
        self, task: PlanTask, process: SolverProcess, templates: Templates, evaluator: Evaluator
    ) -> None:
        self.counts = SkeletonCounts()
        self._task, self._process, self._templates = task, process, templates
        self._ledger = task.ledger
        distinct = task.ledger.by_steps
        self._skeletons = Skeletons(templates, task.model, evaluator, task.state, distinct)
        self._dead = DeadEnds(task.ledger.horizon)
        self._short: dict[int, DeadEnds] = {}  # by length: what does not come to the goal there
        self._stated = -1  # steps that the solver knows
        self._whole = True  # whether all that was dropped was refuted
        self._cut = False  # whether a skeleton would have grown beyond the horizon

    def moves(self, name: str) -> Moves:
        """Ask about skeletons, the best first, until there are no more."""
        ledger = self._ledger
        self._process.add(self._task.start())
        idle = 0
        while (skeleton := self._skeletons.pop()) is not None:
            idle += 1
            if idle == _PATIENCE:
                idle = 0
                yield Ask(None)
            length = len(skeleton.templates)
            if length >= ledger.extinct or (ledger.by_steps and length >= ledger.bound):
                continue
            if self._dead.match(skeleton.templates):
                self.counts.pruned += 1
                continue
            alive = True
            if skeleton.exact and ledger.by_steps and self._replay(name, skeleton):
                yield Ask(None)  # whoever waits for a plan has it now
            while alive and ledger.open(length) and not self._settled(skeleton):
                idle = 0
                goes_on = yield from self._check(name, skeleton)
                if goes_on is None:
                    break
                alive = goes_on
            if self._process.deaths > _DEATHS:
                return
            if alive:
                self._grow(skeleton)
        if self._whole:
            self._exhausted(name)

    def _replay(self, name: str, skeleton: Skeleton) -> bool:
        """Enter a skeleton without holes if it comes to the goal; return whether it does."""
        model = self._task.model
        self.counts.replayed += 1
        if decide(model.symbols, unwrap(model.goal), skeleton.state, 0) is not True:
            return False
        return self._task.replay(name, skeleton.actions).valid

    def _check(self, name: str, skeleton: Skeleton) -> Step:
        """Ask z3 to fill a skeleton in; return whether it lives, None when it is settled."""
        length = len(skeleton.templates)
        self._state_steps(length)
        bound = self._ledger.bound
        assumed = [f"goal@{length}", *(f"step@{t}" for t in range(length))]
        assumed += [f"at@{t}@{k}" for t, k in enumerate(skeleton.templates)]
        assumed += self._task.cheaper(self._process, length)
        self.counts.checked += 1
        verdict = yield self._task.ask(length, assumed, _RLIMIT, _SECONDS)
        if verdict == z3.sat:
            self._task.take(name, self._process, length)
            return True
        if verdict == z3.unsat:
            return self._learn(name, length, bound)
        if self._ledger.open(length):
            self.counts.undecided += 1
            self._whole = False
        return None

    def _learn(self, name: str, length: int, bound: Fraction | float) -> bool | None:
        """Remember what a core blames; return whether the skeleton may still grow."""
        part: dict[int, int] = {}
        least, lasting = 0, True
        for literal in self._process.core:
            kind, *numbers = literal.split("@")
            if kind == "at":
                part[int(numbers[0])] = int(numbers[1])
            elif kind == "step":
                least = max(least, int(numbers[0]) + 1)
            else:
                lasting = False
        if lasting and not part:
            self._ledger.end(name, least)
            return False
        if lasting:
            self._dead.add(part, max(least, max(part) + 1))
            return False
        if not part:
            self._ledger.refute(name, length, bound)
        self._short.setdefault(length, DeadEnds(self._ledger.horizon)).add(part, 0)
        return None

    def _settled(self, skeleton: Skeleton) -> bool:
        """Return whether it is known that a skeleton does not come to the goal as it is."""
        if skeleton.exact and self._ledger.by_steps:
            return True
        known = self._short.get(len(skeleton.templates))
        return known is not None and known.match(skeleton.templates)

    def _grow(self, skeleton: Skeleton) -> None:
        if len(skeleton.templates) == self._ledger.horizon:
            self._cut = True
        else:
            self._skeletons.grow(skeleton)

    def _state_steps(self, length: int) -> None:
        """Let the solver know of all steps up to `length`, each behind a literal."""
        task = self._task
        formulas: list[z3.BoolRef] = []
        for t in range(self._stated + 1, length + 1):
            formulas.append(z3.Implies(task.literal(f"goal@{t}"), task.goal(t)))
            if t:
                tied = z3.And(task.step(t - 1))
                formulas.append(z3.Implies(task.literal(f"step@{t - 1}"), tied))
                formulas += self._choices(t - 1)
        self._stated = max(self._stated, length)
        self._process.add(formulas)

    def _choices(self, t: int) -> Sequence[z3.BoolRef]:
        return [
            z3.Implies(self._task.literal(f"at@{t}@{k}"), self._task.among(t, group))
            for k, group in enumerate(self._templates.groups)
        ]

    def _exhausted(self, name: str) -> None:
        """Enter what follows when every skeleton was refuted."""
        ledger = self._ledger
        if not self._cut and ledger.actions is None:
            ledger.end(name, ledger.horizon)
        for length in range(ledger.horizon + 1):
            ledger.refute(name, length, ledger.bound)
