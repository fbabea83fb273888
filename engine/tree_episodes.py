"""Episodes by tree search: over discrete actions, or samples of continuous ones.

Under constraints each action is checked after every substep of the simulator before it is taken.
Where all are refused, the one that breaks the fewest is taken, and counted as unchecked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tesuji.domains.base import Domain, Rollouts, SimulatedDomain, State
from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.environments import Env, EnvironmentRefusedError
from tesuji.engine.control_agent import ControlJudge, Trained
from tesuji.engine.episodes import Episode
from tesuji.engine.planner import Planner
from tesuji.search.base import Budget
from tesuji.search.trajectory.settings import TrajectorySettings

_SIMULATIONS = 100  # of a decision


class TreeRunner:
    """Runs episodes by tree search.

    Args:
        env: to be used by this object alone.
        simulations: of a decision; 100 where None.
        constraints: what must hold.
        deadline: seconds that a decision may take; None for no limit.
        note: why it is not planned whole.
        trained: whose policy's samples are searched among, and whose value judges leaves; where
            actions are continuous.
        trajectory: of the search that guides the tree where nothing is trained.

    Raises:
        ValueError: its spaces are not supported, or a constraint cannot be used.
    """

    def __init__(
        self,
        env: Env,
        simulations: int | None = None,
        constraints: Sequence[str] = (),
        deadline: float | None = None,
        note: str = "",
        trained: Trained | None = None,
        trajectory: TrajectorySettings | None = None,
    ) -> None:
        self.env, self._domain = env, EnvironmentDomain(env)
        judge: ControlJudge | str = "rollout"
        if trained is not None:
            self._domain = EnvironmentDomain(
                env, proposal=trained.agent, discount=trained.settings.discount
            )
            judge = ControlJudge(trained.agent, self._domain.spec.num_actions)
        self.name, self._note, self._deadline = self._domain.spec.name, note, deadline
        budget = Budget(simulations=simulations or _SIMULATIONS, seconds=deadline)
        if note and not self._domain.spec.deterministic:
            raise EnvironmentRefusedError(note)
        self._planner = Planner(
            self._domain, judge, budget=budget, constraints=constraints, trajectory=trajectory
        )
        self._planner.plan_batch([self._domain.reset(0)])  # compiles, before the clock

    def run(self, seed: int, most_steps: int | None = None) -> Iterator[Episode]:
        """Yield one episode, the same that grows with each step."""
        episode, most = Episode(seed), most_steps or self._domain.spec.max_steps
        state = self._domain.reset(seed)
        while len(episode.rewards) < most and not episode.ended:
            state = self._step(episode, state)
            yield episode

    def close(self) -> None:
        """End the environment."""
        self.env.close()

    def describe(self) -> dict[str, Any]:
        """Return what results depend on."""
        model = self._domain.model_name
        facts = {"environment": self.name, "model": model, "method": "tree search"}
        return {**facts, "note": self._note} if self._note else facts

    def _step(self, episode: Episode, state: State) -> State:
        began, simulated = time.perf_counter(), self._domain.simulated
        number = len(episode.rewards)
        domain: Domain = self._planner.domain
        result = self._planner.plan(state, seed=episode.seed + number)
        action = result.action
        if action < 0:
            action = self._least_broken(state)
            episode.unchecked += 1
            episode.violating += 1
        episode.decide(time.perf_counter() - began, self._deadline)
        episode.simulated += self._domain.simulated - simulated
        expected = None
        if isinstance(domain, SimulatedDomain) and domain.batched:
            expected = float(self._domain.step_batch([state], [action], Rollouts()).rewards[0])
        # What the environment draws is not what the search drew.
        state, reward, discount = self._domain.step(state, action, (episode.seed << 32) + number)
        episode.take(reward, discount == 0.0, reward if expected is None else expected)
        return state

    def _least_broken(self, state: State) -> int:
        """Return the action that breaks the fewest constraints, the first of several."""
        domain: Any = self._planner.domain
        broken = [
            len(domain.refused_by(state, int(action)))
            for action in np.flatnonzero(self._domain.legal(state))
        ]
        return int(np.argmin(broken))
