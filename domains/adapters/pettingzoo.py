"""PettingZoo's classic board games as object domains, and our domains as PettingZoo environments.

`make("pettingzoo:tictactoe_v3")`. A state is a copy of the environment that nobody steps. That a
copy goes on as its original does is tried when the game is opened, and refused where it does not.
"""

from __future__ import annotations

import copy
import difflib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pettingzoo
from gymnasium.spaces import Box, Dict, Discrete
from pettingzoo.env_registry.exceptions import FailedToImport

from tesuji.domains.base import BoolArray, Domain, DomainSpec, FloatArray, State

_FAMILY = "classic/"

Observation = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Snapshot:
    """An environment that is never stepped again, and how many steps led to it."""

    env: Any
    steps: int


class PettingZooDomain(Domain):
    """A game of PettingZoo's classic family for two opponents.

    Args:
        name: the environment, such as `connect_four_v3`.
        max_steps: an episode is cut, drawn, after so many.
        **options: what the environment's constructor takes.

    Raises:
        ValueError: no such environment, no mask of legal actions, not two players, or a copy of it
            does not go on as the original does.
    """

    def __init__(self, name: str, max_steps: int = 512, **options: Any) -> None:
        self._env = _open(name, options)
        self._env.reset(seed=0)
        self._agents = list(self._env.possible_agents)
        if len(self._agents) != 2:
            raise ValueError(f"PettingZoo's {name!r} has {len(self._agents)} players, not 2")
        seen = self._env.observe(self._env.agent_selection)
        if not isinstance(seen, dict) or not {"observation", "action_mask"} <= set(seen):
            raise ValueError(f"PettingZoo's {name!r} gives no action mask")
        self.spec = DomainSpec(
            name=f"pettingzoo:{name}",
            num_actions=int(self._env.action_space(self._agents[0]).n),
            observation_shape=_planes(seen["observation"]).shape,
            num_players=2,
            max_steps=max_steps,
        )
        self._check_copies(name)

    def reset(self, seed: int = 0) -> State:
        """Return the first state."""
        env = _copy(self._env)
        env.reset(seed=seed % 2**32)
        return Snapshot(env, 0)

    def legal(self, state: State) -> BoolArray:
        """Return the mask `[A]`."""
        if self._ended(state):
            return np.zeros(self.spec.num_actions, np.bool_)
        return np.asarray(state.env.observe(state.env.agent_selection)["action_mask"], np.bool_)

    def step(self, state: State, action: int, key: int = 0) -> tuple[State, float, float]:
        """Return `(next state, reward, discount)`."""
        env = _copy(state.env)
        mover = env.agent_selection
        other = self._agents[1 - self._agents.index(mover)]
        env.step(int(action))
        rewards = {agent: float(env.rewards[agent]) for agent in (mover, other)}
        if rewards[mover] != -rewards[other]:
            raise ValueError(
                f"{self.spec.name}: rewards {rewards} do not sum to 0; only games of two "
                "opponents can be searched"
            )
        following = Snapshot(env, state.steps + 1)
        if self._ended(following):
            return following, rewards[mover], 0.0
        return following, rewards[mover], 1.0 if env.agent_selection == mover else -1.0

    def observe(self, state: State) -> FloatArray:
        """Return the environment's observation, channels first."""
        seen = state.env.observe(self._agents[self.to_play(state)])
        return _planes(seen["observation"])

    def to_play(self, state: State) -> int:
        """Return the side to move."""
        return self._agents.index(state.env.agent_selection)

    def render(self, state: State) -> str:
        """Return the planes of the side to move, a digit for each that is set."""
        planes = self.observe(state)
        if planes.ndim != 3:
            return str(planes)
        owner = np.where(planes.any(0), planes.argmax(0) + 1, 0)
        return "\n".join(" ".join("." if c == 0 else str(c) for c in row) for row in owner)

    def _ended(self, state: Snapshot) -> bool:
        env = state.env
        over = any(env.terminations.values()) or any(env.truncations.values())
        return over or state.steps >= self.spec.max_steps

    def _check_copies(self, name: str) -> None:
        """Play a random game in the environment itself and in copies; refuse it where they part."""
        rng = np.random.default_rng(0)
        state = self.reset()
        env = _copy(state.env)
        while not self._ended(state):
            action = int(rng.choice(np.flatnonzero(self.legal(state))))
            state, _, _ = self.step(state, action)
            env.step(action)
            agent = env.agent_selection
            same = (agent, env.rewards) == (state.env.agent_selection, state.env.rewards)
            seen, copied = env.observe(agent), state.env.observe(agent)
            if not same or any(not np.array_equal(seen[key], copied[key]) for key in seen):
                raise ValueError(f"PettingZoo's {name!r} is not restored by a copy; cannot search")


class DomainAECEnv(pettingzoo.AECEnv[str, Observation, int]):  # type: ignore[misc]
    """A domain as a PettingZoo environment: two agents who take turns, or a single one.

    Observations are dictionaries of `observation` and `action_mask`. An illegal action is an error.

    Args:
        domain: any domain.
        render_mode: `ansi` to render as text.
    """

    metadata = {"render_modes": ["ansi"], "name": "tesuji", "is_parallelizable": False}  # noqa: RUF012

    def __init__(self, domain: Domain, render_mode: str | None = None) -> None:
        super().__init__()
        self.domain = domain
        self.render_mode = render_mode
        self.metadata = {**type(self).metadata, "name": domain.spec.name}
        self.possible_agents = [f"player_{i}" for i in range(domain.spec.num_players)]
        spec = domain.spec
        seen = Dict(
            {
                "observation": Box(-np.inf, np.inf, spec.observation_shape, np.float32),
                "action_mask": Box(0, 1, (spec.num_actions,), np.int8),
            }
        )
        self.observation_spaces = dict.fromkeys(self.possible_agents, seen)
        self.action_spaces = {
            agent: Discrete(domain.spec.num_actions) for agent in self.possible_agents
        }

    def observation_space(self, agent: str) -> Dict:
        """Return the space of an agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete:
        """Return the space of an agent's actions."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode."""
        del options
        self._rng = np.random.default_rng(seed)
        self.state_of_game: State = self.domain.reset(int(self._rng.integers(2**31)))
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self.agent_selection = self._mover()
        self._steps = 0

    def step(self, action: int | None) -> None:
        """Play `action` for the agent whose turn it is; None once it is done.

        Raises:
            ValueError: the action is not legal.
        """
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        if action is None or not self.domain.allowed(self.state_of_game)[action]:
            legal = np.flatnonzero(self.domain.allowed(self.state_of_game)).tolist()
            raise ValueError(f"action {action} is not legal here; legal: {legal}")
        key = int(self._rng.integers(2**63))
        self.state_of_game, reward, discount = self.domain.step(
            self.state_of_game, int(action), key
        )
        self._steps += 1
        self._cumulative_rewards[agent] = 0.0
        self.rewards = {a: reward if a == agent else -reward for a in self.agents}
        if discount == 0.0:
            self.terminations = dict.fromkeys(self.agents, True)
        elif self._steps >= self.domain.spec.max_steps:
            self.truncations = dict.fromkeys(self.agents, True)
        # At an end, too, each agent has a turn to see it.
        others = [a for a in self.agents if a != agent]
        self.agent_selection = others[0] if discount == 0.0 and others else self._mover()
        self._accumulate_rewards()

    def observe(self, agent: str) -> Observation:
        """Return what the side to move sees; the other agent has nothing to do until then."""
        mask = np.zeros(self.domain.spec.num_actions, np.int8)
        if agent == self.agent_selection and not self.terminations.get(agent, True):
            mask[:] = self.domain.allowed(self.state_of_game)
        return {"observation": self.domain.observe(self.state_of_game), "action_mask": mask}

    def render(self) -> str | None:
        """Return the state as text where the render mode is `ansi`."""
        return self.domain.render(self.state_of_game) if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Do nothing: no window was opened."""

    def _mover(self) -> str:
        return self.possible_agents[self.domain.to_play(self.state_of_game)]


def _open(name: str, options: dict[str, Any]) -> Any:
    known = [
        identity.removeprefix(_FAMILY).replace("-", "_")
        for identity in pettingzoo.aec_registry
        if identity.startswith(_FAMILY)
    ]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"PettingZoo has no classic game {name!r}; {hint}known: {sorted(known)}")
    identity = _FAMILY + "-v".join(name.rsplit("_v", 1))
    try:
        return pettingzoo.make("aec", identity, **options).unwrapped
    except FailedToImport as error:
        raise ValueError(f"PettingZoo's {name!r} does not load: {error.__cause__}") from None


def _copy(env: Any) -> Any:
    """Return an environment in the same state; `deepcopy` alone would make most of them anew."""
    twin = object.__new__(type(env))
    vars(twin).update(copy.deepcopy(vars(env)))
    return twin


def _planes(observation: npt.NDArray[Any]) -> FloatArray:
    """Return an observation with its channels first; PettingZoo's boards have them last."""
    numbers = np.asarray(observation, np.float32)
    return np.ascontiguousarray(np.moveaxis(numbers, -1, 0) if numbers.ndim == 3 else numbers)
