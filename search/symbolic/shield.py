"""`Shield`: may this move be made, so that the goal can still be reached under the constraints?

    shield = Shield(model, Sequencing(jobs))
    decision = shield.decide(state, action)      # ALLOWED has a plan, REFUSED has reasons

Meant for moves that are really made; inside a search, masks must do. Cheap answers come first: the
constraints, the relaxation, nogoods and witnesses that are known. Then come proposals, each of
which is replayed, and z3 where they fail. Only a replayed plan makes a move allowed.

For deterministic rules. In a game of two players the shield speaks of the own side's obligations
against any reply, so many plies ahead and no further, by exhaustive look-ahead (`replies`).

z3 works in processes with a memory limit, which are killed when they go beyond it: an answer that
never comes is `UNKNOWN`. A shield is for one thread at a time; two threads may use two shields.
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
from tesuji.search.symbolic.replies import Freedom, Outcome, Replies
from tesuji.search.symbolic.unrolling import GOAL
from tesuji.search.symbolic.witness import Witnesses

Source = Literal[
    "rules",
    "constraints",
    "goal",
    "witness",
    "relaxation",
    "nogood",
    "prices",
    "proposal",
    "bound",
    "solver",
    "replies",
]

_PLIES = 3  # an own move, any reply, and that there is an answer
_EFFORT = 100  # iterations for the proposals of one decision
_GREAT_EFFORT = 200  # times as many for a root
_LAST_RESORT = 100  # times as many again where z3 does not know


@dataclass(frozen=True)
class Decision:
    """A verdict on a move, or on a state.

    Attributes:
        verdict: `ALLOWED` only with a plan; `UNKNOWN` never counts as allowed.
        source: what settled it; with `UNKNOWN`, what was tried last.
        plan: with `ALLOWED`, the way to the goal, the move itself first. With two players a line of
            play: with `REFUSED`, up to a reply that nothing answers.
        reasons: with `REFUSED`, names of constraints or facts that no completion survives; with
            `UNKNOWN`, names of the constraints in question when the budget ran out.
        scope: with two players, of what the verdict speaks.
    """

    verdict: Verdict
    source: Source
    plan: Plan = ()
    reasons: tuple[str, ...] = ()
    scope: str = ""


class Shield:
    """Certifies moves towards the goal of one model; with two players, a goal is not needed.

    Args:
        model: constraints and goal; its relaxation, where given, is trusted.
        completion: how to look ahead; None unrolls the model's effects. Not for two players.
        horizon: steps to look ahead without a `completion`; None for the longest episode. With two
            players, moves of either side; None for 3.
        rlimit: z3's own count of work for each check.
        seconds: wall-clock time for each question to z3, or look-ahead over replies.
        replies: what the opponent may do: all that the "rules" allow, or what the "constraints" do.
        nodes: positions that a look-ahead over replies may look at.

    Attributes:
        witnesses: certified plans.
        nogoods: refuted facts.
        counts: decisions by (verdict, source).
        solver_seconds: processor time spent in and for z3, that of its processes included.
        process_seconds: the part of it that z3's processes took.
    """

    def __init__(
        self,
        model: SymbolicModel,
        completion: Completion | None = None,
        *,
        horizon: int | None = None,
        rlimit: int = 2_000_000,
        seconds: float = 1.0,
        replies: Freedom = "rules",
        nodes: int = 20_000,
    ) -> None:
        spec = model.symbols.domain.spec
        if model.goal is None and spec.num_players == 1:
            raise ValueError("goal: the model has none, so no move can be certified")
        if not spec.deterministic:
            raise ValueError(f"{spec.name}: a shield takes no chance")
        if spec.num_players == 2 and completion is not None:
            raise ValueError(f"{spec.name}: a completion is for one player, not against replies")
        if model.symbols.domain.key(model.symbols.domain.reset(0)) is None:
            raise ValueError(f"{spec.name}: its states have no key, so no witness could be kept")
        if not seconds > 0:
            raise ValueError(f"seconds must be positive, got {seconds}")
        self.model = model
        self.witnesses = Witnesses(model)
        self.nogoods = Nogoods(model.symbols)
        self.counts: Counter[tuple[Verdict, Source]] = Counter()
        self.solver_seconds = self.process_seconds = 0.0
        self._replies: Replies | None = None
        self._completion = completion
        if spec.num_players == 2:
            plies = _PLIES if horizon is None else horizon
            self._replies = Replies(model, plies, replies, nodes, seconds)
        elif completion is None:
            self._completion = Unrolled(model, spec.max_steps if horizon is None else horizon)
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
        if self._replies is not None:
            decision = self._against(state, self._replies.at(state))
            self.counts[decision.verdict, decision.source] += 1
            return decision
        decision = self._ahead(state, (), effort, solve=True)
        if decision.verdict is Verdict.UNKNOWN:
            decision = self._ahead(state, (), _LAST_RESORT * effort, solve=False)
        self.counts[decision.verdict, decision.source] += 1
        return decision

    def explain(self, state: State, action: int) -> Explanation:
        """Return a smallest set of constraints that refuses `action`.

        At once; with two players, also against any reply.
        """
        if self._explainer is None:
            self._explainer = Explainer(self.model, self._budget)
        found = self._explainer.explain(state, action)
        if self._replies is None or found.verdict is not Verdict.ALLOWED:
            return found
        outcome = self._replies.after(state, action)
        scope = self._scope(state, outcome)
        if outcome.verdict is not Verdict.REFUSED:
            names = self._in_question() if outcome.verdict is Verdict.UNKNOWN else ()
            return Explanation(outcome.verdict, names, scope=scope)
        blame = self._replies.blame(state, action)
        if not blame.proved:
            return Explanation(Verdict.UNKNOWN, blame.names, scope=scope)
        return Explanation(Verdict.REFUSED, blame.names, {}, blame.minimal, scope)

    def _decide(self, state: State, action: int, effort: int, solve: bool) -> Decision:
        domain = self.model.symbols.domain
        if not (0 <= action < domain.spec.num_actions and domain.legal(state)[action]):
            return Decision(Verdict.REFUSED, "rules")
        names = refusing(domain, self.model, state, action)
        if names:
            return Decision(Verdict.REFUSED, "constraints", reasons=names)
        if self._replies is not None:
            return self._against(state, self._replies.after(state, action))
        return self._way_on(state, action, effort, solve)

    def _way_on(self, state: State, action: int, effort: int, solve: bool) -> Decision:
        """Return whether a move that the constraints allow leaves a way to the goal."""
        hint = self.witnesses.find(state) or ()
        if hint and hint[0] == action:
            return Decision(Verdict.ALLOWED, "witness", hint)
        entered, _, discount = self.model.symbols.domain.step(state, action)
        if discount == 0:
            plan = self.witnesses.certify(state, (action,))
            return Decision(
                Verdict.REFUSED if plan is None else Verdict.ALLOWED, "goal", plan or ()
            )
        ahead = self._ahead(entered, hint, effort, solve)
        if ahead.verdict is not Verdict.ALLOWED:
            return ahead
        return Decision(Verdict.ALLOWED, ahead.source, (action, *ahead.plan))

    def _against(self, state: State, outcome: Outcome) -> Decision:
        """Return the decision that a look-ahead over replies comes to."""
        scope = self._scope(state, outcome)
        reasons = {Verdict.REFUSED: (scope,), Verdict.UNKNOWN: self._in_question()}
        return Decision(
            outcome.verdict, "replies", outcome.line, reasons.get(outcome.verdict, ()), scope
        )

    def _scope(self, state: State, outcome: Outcome) -> str:
        """Return in words what an outcome speaks of, with the play that refutes a move."""
        assert self._replies is not None
        if outcome.verdict is not Verdict.REFUSED or len(outcome.line) < 2:
            return self._replies.scope
        domain, names = self.model.symbols.domain, []
        for action in outcome.line:
            names.append(domain.action_name(state, action))
            state = domain.step(state, action)[0]
        return f"{self._replies.scope}: {' '.join(names)}"

    def _ahead(self, state: State, hint: Plan, effort: int, solve: bool) -> Decision:
        """Return whether there is a way on from `state`."""
        known = self._known(state)
        if known.verdict is not Verdict.UNKNOWN or effort == 0:
            return known
        assert self._completion is not None
        for proposal in self._completion.propose(state, hint, effort):
            plan = self.witnesses.certify(state, proposal)
            if plan is not None:
                return Decision(Verdict.ALLOWED, "proposal", plan)
        reasons = self._completion.refute(state, effort)
        if reasons:
            return Decision(Verdict.REFUSED, "bound", reasons=reasons)
        if not solve:
            return Decision(Verdict.UNKNOWN, "bound", reasons=self._in_question())
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
        reasons = () if self._completion is None else self._completion.refute(state, 0)
        if reasons:
            return Decision(Verdict.REFUSED, "prices", reasons=reasons)
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
        assert self._completion is not None
        for question in self._completion.questions(state):
            answer = ask(question, self._budget)
            self.solver_seconds += answer.cpu_seconds
            self.process_seconds += answer.cpu_seconds
            if answer.verdict is Verdict.REFUSED:
                for nogood in answer.nogoods:
                    self.nogoods.add(nogood)
                reasons = tuple(map(str, answer.nogoods[0]))
                return Decision(Verdict.REFUSED, "solver", reasons=reasons)
            if answer.plan:
                plan = self.witnesses.certify(state, answer.plan)
                if plan is not None:
                    return Decision(Verdict.ALLOWED, "solver", plan)
        return Decision(Verdict.UNKNOWN, "solver", reasons=self._in_question())

    def _in_question(self) -> tuple[str, ...]:
        """Return what was to be kept when the budget ran out."""
        return (*self.model.constraints, *(() if self.model.goal is None else (GOAL,)))
