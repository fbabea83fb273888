"""`Shield`: may this move be made, so that the goal can still be reached under the constraints?

    shield = Shield(model, Sequencing(jobs))
    decision = shield.decide(state, action)      # ALLOWED has a plan, REFUSED has reasons

Meant for moves that are really made; inside a search, masks must do. Cheap answers come first: the
constraints, the relaxation, nogoods and witnesses that are known. Then come proposals, each of
which is replayed, and z3 where they fail. Only a replayed plan makes a move allowed.

For one player and deterministic rules. Uses z3's main context: keep a shield to one thread.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tesuji.domains.base import State
from tesuji.search.symbolic.completion import Unrolled
from tesuji.search.symbolic.cores import SolverBudget, Verdict
from tesuji.search.symbolic.explain import Explainer, Explanation
from tesuji.search.symbolic.facts import Completion, Plan
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.nogoods import Nogoods, ask
from tesuji.search.symbolic.predicate import REFUSED, Predicate, compile_predicate
from tesuji.search.symbolic.refusals import refusing
from tesuji.search.symbolic.witness import Witnesses

Source = Literal[
    "rules", "constraints", "goal", "witness", "relaxation", "nogood", "proposal", "solver"
]

_EFFORT = 100  # iterations for the proposals of one decision
_GREAT_EFFORT = 200  # times as many for a root
_LAST_RESORT = 100  # times as many again where z3 does not know


@dataclass(frozen=True)
class Decision:
    """A verdict on a move, or on a state.

    Attributes:
        verdict: `ALLOWED` only with a plan; `UNKNOWN` never counts as allowed.
        source: what settled it; with `UNKNOWN`, what was tried last.
        plan: with `ALLOWED`, the way to the goal, the move itself first.
        reasons: with `REFUSED`, names of constraints or facts that no completion survives.
    """

    verdict: Verdict
    source: Source
    plan: Plan = ()
    reasons: tuple[str, ...] = ()


class Shield:
    """Certifies moves towards the goal of one model.

    Args:
        model: constraints and goal; its relaxation, where given, is trusted.
        completion: how to look ahead; None unrolls the model's effects.
        horizon: steps to look ahead without a `completion`; None for the longest episode.
        rlimit: z3's own count of work for each check.
        seconds: wall-clock time for each question to z3.

    Attributes:
        witnesses: certified plans.
        nogoods: refuted facts.
        counts: decisions by (verdict, source).
        solver_seconds: processor time spent in and for z3.
    """

    def __init__(
        self,
        model: SymbolicModel,
        completion: Completion | None = None,
        *,
        horizon: int | None = None,
        rlimit: int = 2_000_000,
        seconds: float = 1.0,
    ) -> None:
        spec = model.symbols.domain.spec
        if model.goal is None:
            raise ValueError("goal: the model has none, so no move can be certified")
        if spec.num_players != 1 or not spec.deterministic:
            raise ValueError(f"{spec.name}: a shield takes one player and no chance")
        if model.symbols.domain.key(model.symbols.domain.reset(0)) is None:
            raise ValueError(f"{spec.name}: its states have no key, so no witness could be kept")
        if not seconds > 0:
            raise ValueError(f"seconds must be positive, got {seconds}")
        self.model = model
        self.witnesses = Witnesses(model)
        self.nogoods = Nogoods(model.symbols)
        self.counts: Counter[tuple[Verdict, Source]] = Counter()
        self.solver_seconds = 0.0
        self._completion = completion or Unrolled(model, horizon or spec.max_steps)
        self._budget = SolverBudget(rlimit, max(1, round(1000 * seconds)))
        self._relaxation: Predicate | None = None
        if model.relaxation is not None:
            self._relaxation = compile_predicate(model.symbols, [model.relaxation.condition])
        self._explainer: Explainer | None = None

    def decide(
        self, state: State, action: int, effort: int = _EFFORT, *, solve: bool = True
    ) -> Decision:
        """Return whether `action` may be made at `state`, which is not an end.

        Args:
            state: where.
            action: which.
            effort: of the proposals, in the completion's own measure; 0 asks only what is known.
            solve: whether to ask z3 where they fail.
        """
        decision = self._decide(state, action, effort, solve)
        self.counts[decision.verdict, decision.source] += 1
        return decision

    def certify(self, state: State, effort: int = _GREAT_EFFORT * _EFFORT) -> Decision:
        """Return whether the goal can be reached from `state`, which is not an end."""
        decision = self._ahead(state, (), effort, solve=True)
        if decision.verdict is Verdict.UNKNOWN:
            decision = self._ahead(state, (), _LAST_RESORT * effort, solve=False)
        self.counts[decision.verdict, decision.source] += 1
        return decision

    def explain(self, state: State, action: int) -> Explanation:
        """Return a smallest set of constraints that refuses `action` at once, if any does."""
        if self._explainer is None:
            self._explainer = Explainer(self.model, self._budget)
        return self._explainer.explain(state, action)

    def _decide(self, state: State, action: int, effort: int, solve: bool) -> Decision:
        domain = self.model.symbols.domain
        if not (0 <= action < domain.spec.num_actions and domain.legal(state)[action]):
            return Decision(Verdict.REFUSED, "rules")
        names = refusing(domain, self.model, state, action)
        if names:
            return Decision(Verdict.REFUSED, "constraints", reasons=names)
        hint = self.witnesses.find(state) or ()
        if hint and hint[0] == action:
            return Decision(Verdict.ALLOWED, "witness", hint)
        entered, _, discount = domain.step(state, action)
        if discount == 0:
            plan = self.witnesses.certify(state, (action,))
            return Decision(
                Verdict.REFUSED if plan is None else Verdict.ALLOWED, "goal", plan or ()
            )
        ahead = self._ahead(entered, hint, effort, solve)
        if ahead.verdict is not Verdict.ALLOWED:
            return ahead
        return Decision(Verdict.ALLOWED, ahead.source, (action, *ahead.plan))

    def _ahead(self, state: State, hint: Plan, effort: int, solve: bool) -> Decision:
        """Return whether there is a way on from `state`."""
        known = self._known(state)
        if known.verdict is not Verdict.UNKNOWN or effort == 0:
            return known
        for proposal in self._completion.propose(state, hint, effort):
            plan = self.witnesses.certify(state, proposal)
            if plan is not None:
                return Decision(Verdict.ALLOWED, "proposal", plan)
        if not solve:
            return Decision(Verdict.UNKNOWN, "proposal")
        began = time.process_time()
        decision = self._solve(state)
        self.solver_seconds += time.process_time() - began
        return decision

    def _known(self, state: State) -> Decision:
        """Return what is known of `state` without a question to z3."""
        plan = self.witnesses.find(state)
        if plan is None:
            plan = self.witnesses.certify(state, ())  # the goal is reached
        if plan is not None:
            return Decision(Verdict.ALLOWED, "witness", plan)
        facts = self.nogoods.match(state)
        if facts:
            return Decision(Verdict.REFUSED, "nogood", reasons=tuple(map(str, facts)))
        if self._out_of_reach(state):
            return Decision(Verdict.REFUSED, "relaxation", reasons=("relaxation",))
        return Decision(Verdict.UNKNOWN, "nogood")

    def _out_of_reach(self, state: State) -> bool:
        if self._relaxation is None:
            return False
        domain = self.model.symbols.domain
        if isinstance(state, np.record):
            states = np.array([state], getattr(domain, "state_dtype", None))
            return bool(self._relaxation.check(states, np.zeros(1, np.int64))[0] == REFUSED)
        return False

    def _solve(self, state: State) -> Decision:
        for question in self._completion.questions(state):
            answer = ask(question, self._budget)
            if answer.verdict is Verdict.REFUSED:
                for nogood in answer.nogoods:
                    self.nogoods.add(nogood)
                reasons = tuple(map(str, answer.nogoods[0]))
                return Decision(Verdict.REFUSED, "solver", reasons=reasons)
            if answer.plan:
                plan = self.witnesses.certify(state, answer.plan)
                if plan is not None:
                    return Decision(Verdict.ALLOWED, "solver", plan)
        return Decision(Verdict.UNKNOWN, "solver")
