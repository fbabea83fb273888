"""`CertifiedPlayer`: search for a good move, and make only one that is certified.

    player = CertifiedPlayer(Search(constrain(domain, model), evaluator), Shield(model))
    move = player.move(state, Budget(simulations=10))

Moves are tried in the order of the search's visits. If none is certified within the budget, the
next move of the witness at hand is made: from a state with a witness, play always comes to the
goal, whatever the search and the network say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tesuji.domains.base import State
from tesuji.search.base import Budget, SearchResult
from tesuji.search.search import Search
from tesuji.search.symbolic.cores import Verdict
from tesuji.search.symbolic.facts import Plan
from tesuji.search.symbolic.shield import Shield

NO_ACTION = -1


@dataclass(frozen=True)
class CertifiedMove:
    """A move with its certificate.

    Attributes:
        verdict: `ALLOWED` with a move; `REFUSED` where it is proved that the goal is out of reach;
            `UNKNOWN` where no witness was found.
        action: the move; `NO_ACTION` without one.
        plan: the certificate, a plan to the goal that begins with the move.
        chosen: whether the search chose it; otherwise it is the witness's.
        refused: moves that the search put first and the shield refused, or could not settle.
        result: what the search found.
    """

    verdict: Verdict
    action: int
    plan: Plan
    chosen: bool
    refused: tuple[int, ...]
    result: SearchResult


class CertifiedPlayer:
    """Plays a search under a shield.

    Args:
        search: over the constrained domain, so that the whole tree keeps the mask.
        shield: of the same model.
        candidates: visited moves to ask the shield about, at most.
    """

    def __init__(self, search: Search, shield: Shield, candidates: int = 8) -> None:
        if candidates < 0:
            raise ValueError(f"candidates must be at least 0, got {candidates}")
        base = getattr(search.domain, "base", search.domain)
        if base.spec != shield.model.symbols.domain.spec:
            raise ValueError(
                f"the search plays {base.spec.name}, the shield's model is of "
                f"{shield.model.symbols.domain.spec.name}"
            )
        self.search = search
        self.shield = shield
        self._candidates = candidates

    def play(self, budget: Budget, seed: int = 0) -> Iterator[tuple[State, CertifiedMove]]:
        """Yield each state of an episode with the move made there, until the end or no move."""
        domain = self.shield.model.symbols.domain
        state, discount = domain.reset(seed), 1.0
        while discount:
            move = self.move(state, budget, seed)
            yield state, move
            if move.action == NO_ACTION:
                return
            state, _, discount = domain.step(state, move.action)

    def move(self, state: State, budget: Budget, seed: int = 0) -> CertifiedMove:
        """Return a certified move at `state`, which is not an end."""
        [result] = self.search.run([state], budget, seed=seed)
        witness = self.shield.witnesses.find(state)
        if witness is None:
            root = self.shield.certify(state)
            if root.verdict is not Verdict.ALLOWED:
                return CertifiedMove(root.verdict, NO_ACTION, (), False, (), result)
            witness = root.plan
        refused: list[int] = []
        solved = False
        for action in _by_visits(result)[: self._candidates]:
            # One proof a move: more would cost more than they teach.
            decision = self.shield.decide(state, action, solve=not solved)
            solved = solved or decision.source == "solver"
            if decision.verdict is Verdict.ALLOWED:
                plan = decision.plan
                return CertifiedMove(Verdict.ALLOWED, action, plan, True, tuple(refused), result)
            refused.append(action)
        return CertifiedMove(Verdict.ALLOWED, witness[0], witness, False, tuple(refused), result)


def _by_visits(result: SearchResult) -> list[int]:
    """Return the visited actions, the search's choice first, then by visits."""
    edges = [edge.action for edge in result.edges() if edge.visits > 0]
    first = [result.action] if result.action >= 0 else []
    return list(dict.fromkeys([*first, *edges]))
