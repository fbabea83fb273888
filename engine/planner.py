"""The face for programs: a domain, something that judges, a search; states in, decisions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tesuji.domains.base import Domain, SimulatedDomain, State
from tesuji.engine.trained import load_evaluator
from tesuji.search.base import Budget, Evaluator, SearchResult
from tesuji.search.config import PUCT, Gumbel

if TYPE_CHECKING:
    from tesuji.domains.robotics.environment_domain import EnvironmentDomain
    from tesuji.domains.robotics.environments import Env
    from tesuji.engine.tree_guide import Guide
    from tesuji.search.driver import RolloutEvaluator
    from tesuji.search.symbolic.model import SymbolicModel
    from tesuji.search.trajectory.settings import TrajectorySettings


class Planner:
    """Decides in one domain.

    Args:
        domain: a domain, a registered name, or a Gymnasium environment that can be snapshotted.
        evaluator: `net` (the network that ships with the game), `uniform`, `rollout`, the path of
            a run or checkpoint, or any evaluator.
        settings: PUCT or Gumbel; PUCT with its defaults where None.
        budget: of one decision, where a call gives none; 400 simulations where None.
        constraints: what no plan may break: a model, or texts such as `"rim: action != 0"`.
        trajectory: of the trajectory search that guides a tree over continuous actions with
            rollouts (`engine/tree_guide.py`); what was measured to be good where None.

    Attributes:
        domain: the domain.
        search: the search, for all that it can do besides.
        budget: the budget of one decision.
    """

    def __init__(
        self,
        domain: Domain | str | Env,
        evaluator: Evaluator | RolloutEvaluator | str | Path = "net",
        settings: PUCT | Gumbel | None = None,
        budget: Budget | None = None,
        constraints: SymbolicModel | Sequence[str] = (),
        trajectory: TrajectorySettings | None = None,
    ) -> None:
        from tesuji.engine.rules import apply_constraints  # noqa: PLC0415
        from tesuji.search.driver import RolloutEvaluator  # noqa: PLC0415
        from tesuji.search.search import Search  # noqa: PLC0415
        from tesuji.search.simulated_driver import settings_for  # noqa: PLC0415

        self._guide: Guide | None = None

        if not isinstance(domain, Domain | str):
            from tesuji.domains.robotics.environment_domain import (  # noqa: PLC0415
                EnvironmentDomain,
            )

            domain = EnvironmentDomain(domain)
        self.domain = apply_constraints(domain, constraints)
        if isinstance(self.domain, SimulatedDomain) and self.domain.batched:
            if evaluator == "rollout":
                evaluator = RolloutEvaluator(*self.domain.rollouts)
                base: Any = getattr(self.domain, "base", self.domain)
                if base.sampled and base.proposal is None:
                    evaluator = self._begin_guide(base, trajectory)
            settings = settings or settings_for(self.domain)
        if isinstance(evaluator, str | Path):
            evaluator = load_evaluator(evaluator, self.domain)
        self.search = Search(self.domain, evaluator, settings)
        self.budget = Budget(simulations=400) if budget is None else budget

    def plan(self, state: State, *, budget: Budget | None = None, seed: int = 0) -> SearchResult:
        """Return what a search from `state` finds; what the last call found is used again."""
        budget = budget or self.budget
        if self._guide is None:
            [result] = self.search.run([state], budget, seed=seed, reuse=True)
            return result
        began, seconds = perf_counter(), budget.seconds
        self._guide.prepare(state, seed, None if seconds is None else seconds / 2)
        if seconds is not None:
            left = seconds - (perf_counter() - began)
            budget = replace(budget, seconds=max(left, 1e-3))
        [result] = self.search.run([state], budget, seed=seed)
        if result.action < 0:
            return result
        line = result.principal_variation
        return replace(result, action=self._guide.choose(state, line, bool(result.legal[0])))

    def plan_batch(
        self, states: Sequence[State], *, budget: Budget | None = None, seed: int = 0
    ) -> list[SearchResult]:
        """Return what searches from many states find; each has the whole budget."""
        if self._guide is not None:  # of which each needs its own
            return [self.plan(state, budget=budget, seed=seed) for state in states]
        return self.search.run(states, budget or self.budget, seed=seed)

    def act(self, state: State, *, budget: Budget | None = None, seed: int = 0) -> int:
        """Return the action to take in `state`.

        Raises:
            ValueError: the state is an end.
        """
        action = self.plan(state, budget=budget, seed=seed).action
        if action < 0:
            raise ValueError("no action to take: the state is an end")
        return action

    def _begin_guide(
        self, base: EnvironmentDomain, settings: TrajectorySettings | None
    ) -> RolloutEvaluator:
        """Have trajectories guide the tree; return the rollouts that follow them."""
        from tesuji.engine.robot_settings import guiding  # noqa: PLC0415
        from tesuji.engine.tree_guide import TRIES, Guide  # noqa: PLC0415
        from tesuji.search.driver import RolloutEvaluator  # noqa: PLC0415

        settings = replace(settings or guiding(base.spec.name), replan=1)
        self._guide = Guide(base, settings, getattr(self.domain, "keeps", None))
        return RolloutEvaluator(TRIES, settings.horizon - 1)
