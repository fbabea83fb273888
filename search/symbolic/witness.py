"""Witnesses: plans that were replayed exactly, kept by the states that they pass through."""

from __future__ import annotations

from collections import OrderedDict

from tesuji.domains.base import State
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.facts import Plan
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.refusals import refusing


class Witnesses:
    """A store of certified plans, the longest unused forgotten first.

    The rest of a certified plan certifies every state on its way. So after its next move is made
    there is still a witness, and play that follows one never comes to a dead end.
    """

    def __init__(self, model: SymbolicModel, capacity: int = 4096) -> None:
        self._model = model
        self._capacity = capacity
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()

    def __len__(self) -> int:
        return len(self._plans)

    def find(self, state: State) -> Plan | None:
        """Return a certified plan from `state`, or None."""
        key = self._model.symbols.domain.key(state)
        if key is None or key not in self._plans:
            return None
        self._plans.move_to_end(key)
        return self._plans[key]

    def certify(self, state: State, plan: Plan) -> Plan | None:
        """Replay `plan` by the rules and by exact evaluation; return it, or None if it fails.

        Where it comes to a state with a witness, it goes on along that.
        """
        domain, discount = self._model.symbols.domain, 1.0
        keys: list[bytes | None] = []
        for step, action in enumerate(plan):
            if discount == 0:
                return None  # the episode is over before the plan is
            known = self.find(state)
            if known is not None:
                plan = (*plan[:step], *known)
                break
            legal = 0 <= action < domain.spec.num_actions and domain.legal(state)[action]
            if not legal or refusing(domain, self._model, state, action):
                return None
            keys.append(domain.key(state))
            state, _, discount = domain.step(state, action)
        else:
            goal = self._model.goal
            if goal is None or decide(self._model.symbols, goal, state, 0) is not True:
                return None
        self._keep(keys, plan)
        return plan

    def _keep(self, keys: list[bytes | None], plan: Plan) -> None:
        for step, key in enumerate(keys):
            if key is not None:
                self._plans[key] = plan[step:]
                self._plans.move_to_end(key)
        while len(self._plans) > self._capacity:
            self._plans.popitem(last=False)
