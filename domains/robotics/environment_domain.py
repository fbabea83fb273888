"""Any Gymnasium environment that can be snapshotted, as an object domain.

Discrete actions are the domain's own. Of continuous ones each state offers a few that are sampled
from a proposal (Sampled MuZero, Hubert et al. 2021), the same whenever the state is met: action `i`
is the `i`-th sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box

from tesuji.domains.base import (
    BoolArray,
    DomainSpec,
    FloatArray,
    Reached,
    Rollouts,
    SimulatedDomain,
    State,
)
from tesuji.domains.robotics.classic_rules import find_rules
from tesuji.domains.robotics.environments import Env, make_environment
from tesuji.domains.robotics.proposals import Plan, Policy, Proposed, propose_alone
from tesuji.domains.robotics.sampling import mixed, normal, uniform
from tesuji.domains.robotics.snapshots import Snapshot, Snapshots
from tesuji.domains.robotics.spaces import (
    count_actions,
    environment_name,
    flatten_observation,
    numbered_action,
    time_limit,
)

if TYPE_CHECKING:
    from tesuji.domains.robotics.compiled_trials import Steps
    from tesuji.domains.robotics.imagination import Imagination

_UNSTABLE = (3, 4, 5)  # MuJoCo's warnings of bad positions, velocities, accelerations
_NO_LIMIT = 10_000  # steps of an episode where the environment names none
_NO_BOUND = 1e9  # of returns
_CHEAP = (8, 200)  # rollouts of kernels: swinging up takes a hundred steps


class Moment(NamedTuple):
    """A state of an environment.

    Attributes:
        snapshot: the whole state; None where a model has imagined it.
        observation: what was observed, flat `[F]`.
        steps: since the reset.
        seed: what is sampled here follows from it.
        row: the model's own state, where it has imagined it or has rules.
        way: actions of the best rollout from here, where one is known; negative ones are none.
        ended: whether the environment has ended the episode here.
        cut: whether a limit of time, rather than an end, cut it off here.
    """

    snapshot: Snapshot | None
    observation: FloatArray
    steps: int
    seed: int
    row: npt.NDArray[np.float64] | None = None
    way: npt.NDArray[np.int8] | None = None
    ended: bool = False
    cut: bool = False


class SimulationError(RuntimeError):
    """The simulator broke: a number that is none, or time that went back."""


class EnvironmentDomain(SimulatedDomain):
    """An environment as a domain of one player.

    A search over continuous actions takes its steps in the model (`models.py`), many at once.

    Args:
        env: an environment, or the name of one; to be used through this object from now on.
        num_samples: actions that a state offers where they are continuous.
        proposal: what these are sampled around; uniform over the box where None. The first sample
            is its mean, or the middle of the box; the last quarter is uniform in any case, lest
            constraints refuse all that is near it.
        discount: of the next reward.

    Attributes:
        env: the environment.
        snapshots: of it.
        simulated: steps that the model has taken for searches.

    Raises:
        EnvironmentRefusedError: its spaces are not supported.
    """

    def __init__(
        self,
        env: Env | str,
        num_samples: int = 16,
        proposal: Policy | Plan | None = None,
        discount: float = 1.0,
    ) -> None:
        self.env = make_environment(env) if isinstance(env, str) else env
        name = environment_name(self.env)
        self._space = self.env.action_space
        self._discount, self._proposal = discount, proposal
        self._proposed: Proposed = {}
        self.simulated = 0
        num_actions = count_actions(name, self._space, num_samples)
        self.snapshots = Snapshots(self.env)
        observation = self.snapshots.reset(seed=0)[0]
        size = flatten_observation(self.env.observation_space, observation).size
        limit = time_limit(self.env, getattr(self.env.unwrapped, "max_steps", None) or _NO_LIMIT)
        self.spec = DomainSpec(
            name=name,
            num_actions=num_actions,
            observation_shape=(size,),
            num_players=1,
            max_steps=limit,
            value_range=(-_NO_BOUND, _NO_BOUND),
            deterministic=not self.snapshots.draws,
        )
        self.sampled = isinstance(self._space, Box)
        self._rules = find_rules(self.env)
        self.batched = self.sampled or self._rules is not None
        if self._rules is not None:
            self.rollouts = _CHEAP
        self._imagined: Steps | None = None
        self._at: Moment | None = None  # where the environment stands
        self._sampled: tuple[Moment | None, npt.NDArray[np.float64]] = (None, np.empty(0))

    def reset(self, seed: int = 0) -> Moment:
        """Begin an episode."""
        observation, _ = self.snapshots.reset(seed=seed)
        return self._moment(observation, 0, seed)

    def restore(self, state: Moment) -> None:
        """Have the environment stand where `state` was taken."""
        if self._at is not state:
            if state.snapshot is None:
                raise ValueError(
                    f"{self.spec.name}: a model imagined this state; it has no snapshot"
                )
            self.snapshots.restore(state.snapshot)
            self._at = state

    @property
    def proposal(self) -> Policy | Plan | None:
        """Return what actions are sampled around; setting it changes what states offer."""
        return self._proposal

    @proposal.setter
    def proposal(self, proposal: Policy | Plan | None) -> None:
        self._proposal = proposal
        self._sampled = (None, np.empty(0))
        self._proposed.clear()

    def legal(self, state: State) -> BoolArray:
        """Return that everything is legal."""
        return np.ones(self.spec.num_actions, np.bool_)

    def action(self, state: Moment, index: int) -> Any:
        """Return what the environment takes for action `index`."""
        if isinstance(self._space, Box):
            return self.samples(state)[index].astype(self._space.dtype)
        return numbered_action(self._space, index)

    def samples(self, state: Moment) -> npt.NDArray[np.float64]:
        """Return the actions `[K, D]` that a state offers, in the units of the environment."""
        known, actions = self._sampled
        if known is not state:
            number = self.spec.num_actions
            actions = self.sample_batch([state] * number, np.arange(number))
            actions = actions.reshape(number, *(self._space.shape or ()))
            self._sampled = state, actions
        return actions

    def step(self, state: State, action: int, key: int = 0) -> tuple[Moment, float, float]:
        """Take one step."""
        return self.step_by(state, self.action(state, action), key)

    def step_by(self, state: Moment, action: Any, key: int = 0) -> tuple[Moment, float, float]:
        """Take one step by an action of the environment.

        Raises:
            SimulationError: the simulator broke.
        """
        self.restore(state)
        self._at = None
        if self.snapshots.draws:
            self.snapshots.reseed(key)
        times = [each.time for each in self.snapshots.data]
        for each in self.snapshots.data:
            for warning in _UNSTABLE:
                each.warning[warning].number = 0
        observation, reward, terminated, truncated, _ = self.env.step(action)
        over = bool(terminated), bool(truncated and not terminated)
        seed = state.seed * 6364136223846793005 + 1
        after = self._moment(observation, state.steps + 1, seed, *over)
        # MuJoCo has reset what became unstable; in its first moment time does not go back.
        warned = any(each.warning[w].number for each in self.snapshots.data for w in _UNSTABLE)
        back = (each.time < time for each, time in zip(self.snapshots.data, times, strict=True))
        if warned or any(back):
            raise SimulationError(f"{self.spec.name}: the simulation became unstable")
        if not (math.isfinite(float(reward)) and np.isfinite(after.observation).all()):
            raise SimulationError(f"{self.spec.name}: the simulator returned no number")
        return after, float(reward), 0.0 if any(over) else self._discount

    def step_batch(
        self, states: Sequence[State], actions: Sequence[int], rollouts: Rollouts
    ) -> Reached:
        """Return where actions lead in the model, and the best of rollouts from there."""
        reached = self._imagination.step_batch(states, actions, rollouts, self._discount)
        self.simulated += reached.simulated
        return reached

    @property
    def quantities(self) -> tuple[str, ...]:
        """Return what constraints speak of, such as a model's quantities and the action's parts."""
        return self._imagination.quantities

    @property
    def model_name(self) -> str:
        """Return what takes a search's steps."""
        return self._imagination.name

    @property
    def imagination(self) -> Imagination:
        """Return what takes a search's steps where actions are continuous."""
        return self._imagination  # type: ignore[return-value]

    @property
    def _imagination(self) -> Steps:
        if self._imagined is None:
            from tesuji.domains.robotics.compiled_trials import make_steps  # noqa: PLC0415 - a circle

            self._imagined = make_steps(self, self._rules)
        return self._imagined

    def observe(self, state: State) -> FloatArray:
        """Return the observation, flat."""
        observation: FloatArray = state.observation
        return observation

    def key(self, state: State) -> bytes | None:
        """Return bytes that are equal just for equal states; None for simulators."""
        if self._rules is not None:
            return bytes(state.row.tobytes() + state.steps.to_bytes(4))
        return None if state.snapshot is None else self.snapshots.key(state.snapshot)

    def render(self, state: State) -> str:
        """Return the observation as text."""
        shown = ", ".join(f"{each:.3g}" for each in state.observation[:8])
        more = ", …" if state.observation.size > 8 else ""
        return f"step {state.steps}: {shown}{more}"

    def action_name(self, state: State, action: int) -> str:
        """Return the action's number, or what is sampled there."""
        if isinstance(self._space, Box):
            return " ".join(f"{each:.3g}" for each in self.samples(state)[action])
        return str(action)

    def _moment(self, observation: Any, steps: int, seed: int, *over: bool) -> Moment:
        flat = flatten_observation(self.env.observation_space, observation)
        row = None if self._rules is None else self._rules.read(self.env)
        self._at = Moment(self.snapshots.save(), flat, steps, seed % 2**64, row, None, *over)
        return self._at

    def _near(
        self, proposal: Policy | Plan, states: Sequence[Moment]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        if isinstance(proposal, Plan):
            return proposal.near(np.array([state.steps for state in states]))
        return propose_alone(proposal, [state.observation for state in states], self._proposed)

    def sample_batch(
        self, states: Sequence[Moment], chosen: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return samples of actions `[B, D]`, flat, of each state the one that is chosen `[B]`."""
        assert isinstance(self._space, Box)
        size = math.prod(self._space.shape)
        seeds = np.array([state.seed for state in states], np.uint64)
        bits = mixed(seeds[:, None], chosen[:, None] * size + np.arange(1, size + 1))
        unit = 2.0 * uniform(bits) - 1.0
        if self._proposal is None:
            unit[chosen == 0] = 0.0
        else:
            mean, deviation = self._near(self._proposal, states)
            noise = normal(bits)
            noise[chosen == 0] = 0.0
            near = chosen < self.spec.num_actions - self.spec.num_actions // 4
            unit = np.where(near[:, None], np.clip(mean + deviation * noise, -1.0, 1.0), unit)
        low = self._space.low.astype(np.float64).ravel()
        high = self._space.high.astype(np.float64).ravel()
        actions = (low + high) / 2 + unit * (high - low) / 2
        return actions.astype(np.float32).astype(np.float64)
