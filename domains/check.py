"""The conformance suite: does a domain keep what the contract promises?

    from tesuji import check_domain, make
    print(check_domain(make("connect_four")))

It plays random episodes and checks each state that it meets. The first broken promise raises a
`DomainFault` that names the fault by a stable code, says what to do, and gives the way to the
state. It finds faults; it cannot prove that there are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.domains.check_kernels import check_compiles, check_moves, check_start
from tesuji.domains.check_rules import (
    check_key,
    check_mask,
    check_names,
    check_observation,
    check_reset,
    check_side,
    check_step,
    check_symmetry,
    check_view,
)
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.faults import FAULTS, DomainFault, Probe, fingerprint

if TYPE_CHECKING:
    import gymnasium

    from tesuji.domains.robotics.check_environment import EnvironmentReport

__all__ = ["FAULTS", "CheckReport", "DomainFault", "check_domain"]


@dataclass(frozen=True)
class CheckReport:
    """What `check_domain` looked at without finding a fault.

    Attributes:
        domain: the name.
        tier: `compiled` or `object`.
        num_episodes: random episodes played.
        num_states: states checked.
        longest: steps of the longest episode.
        num_transpositions: states met again by key; where 0, `key` was hardly tested.
        returns: lowest and highest return seen, by the side to move.
    """

    domain: str
    tier: str
    num_episodes: int
    num_states: int
    longest: int
    num_transpositions: int
    returns: tuple[float, float]

    def __str__(self) -> str:
        """Return one line."""
        low, high = self.returns
        return (
            f"{self.domain} ({self.tier}): no fault in {self.num_states} states of "
            f"{self.num_episodes} episodes, longest {self.longest}, returns {low:g} to {high:g}, "
            f"{self.num_transpositions} transpositions"
        )


@overload
def check_domain(domain: Domain, num_episodes: int = 20, seed: int = 0) -> CheckReport: ...
@overload
def check_domain(
    domain: gymnasium.Env[Any, Any], num_episodes: int = 20, seed: int = 0
) -> EnvironmentReport: ...
def check_domain(
    domain: Domain | gymnasium.Env[Any, Any], num_episodes: int = 20, seed: int = 0
) -> CheckReport | EnvironmentReport:
    """Check that `domain` keeps the contract on random episodes.

    Args:
        domain: a compiled or an object domain; or a Gymnasium environment, of which is checked that
            a restored snapshot goes on the same to the bit.
        num_episodes: more find rarer faults.
        seed: of the random play; the same seed checks the same states.

    Raises:
        DomainFault: a promise is broken.
        EnvironmentRefusedError: the environment does not go on the same.
    """
    if not isinstance(domain, Domain):
        from tesuji.domains.robotics.check_environment import check_environment  # noqa: PLC0415

        return check_environment(domain, num_episodes, seed)
    if num_episodes < 1:
        raise ValueError(f"num_episodes must be at least 1, got {num_episodes}")
    probe = Probe(domain)
    _check_spec(probe)
    if isinstance(domain, CompiledDomain):
        check_compiles(probe, domain)
    rng = np.random.default_rng(seed)
    lengths, returns = [], []
    for episode in range(num_episodes):
        rewards = _check_episode(probe, seed + episode, rng)
        lengths.append(len(rewards))
        returns += _check_returns(probe, rewards)
    return CheckReport(
        domain=domain.spec.name,
        tier="compiled" if isinstance(domain, CompiledDomain) else "object",
        num_episodes=num_episodes,
        num_states=sum(lengths),
        longest=max(lengths),
        num_transpositions=probe.num_transpositions,
        returns=(min(returns), max(returns)),
    )


def _check_spec(probe: Probe) -> None:
    """Check that the spec's numbers fit together."""
    spec = probe.spec
    low, high = spec.value_range
    for holds, what in (
        (spec.num_actions >= 1, f"num_actions is {spec.num_actions}"),
        (spec.num_players in {1, 2}, f"num_players is {spec.num_players}, not 1 or 2"),
        (spec.max_steps >= 1, f"max_steps is {spec.max_steps}"),
        (spec.num_symmetries >= 1, f"num_symmetries is {spec.num_symmetries}; the identity is one"),
        (low < high, f"value_range {spec.value_range} is empty"),
        (
            all(length >= 1 for length in spec.observation_shape),
            f"observation_shape is {spec.observation_shape}",
        ),
    ):
        probe.require(holds, "spec", what)
    if spec.policy_planes:
        cells = int(np.prod(spec.observation_shape[1:]))
        count = spec.policy_planes * cells + spec.num_extra_actions
        probe.require(
            len(spec.observation_shape) == 3 and count == spec.num_actions,
            "spec",
            f"{spec.policy_planes} policy planes of {cells} cells and {spec.num_extra_actions} "
            f"extra actions make {count} actions, num_actions is {spec.num_actions}",
        )


def _check_episode(probe: Probe, seed: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Check one random episode, and return its `(reward, discount)` pairs."""
    probe.seed, probe.actions, probe.state = seed, [], None
    if isinstance(probe.domain, CompiledDomain):
        check_start(probe, probe.domain)
    state = check_reset(probe, seed)
    trail: list[tuple[State, Any, Any]] = []
    rewards: list[tuple[float, float]] = []
    discount = 1.0
    while discount != 0:
        if len(rewards) == probe.spec.max_steps:
            probe.fault("too-long", f"no end after max_steps = {probe.spec.max_steps} steps")
        trail.append((state, fingerprint(state), probe.look(state)))
        state, reward, discount = _check_state(probe, state, rng)
        probe.state = state
        rewards.append((reward, discount))
    check_view(probe, state, range(probe.spec.num_actions))
    for earlier, content, look in trail:
        probe.state = earlier
        if fingerprint(earlier) != content:
            probe.fault("aliasing", "a later step changed this earlier state")
        if probe.look(earlier) != look:
            probe.fault("observation-leak", "this state looks different later in the episode")
    return rewards


def _check_state(
    probe: Probe, state: State, rng: np.random.Generator
) -> tuple[State, float, float]:
    """Check one state that is not an end, and return a random transition from it."""
    probe.state = state
    check_side(probe, state)
    mask = check_mask(probe, state)
    check_observation(probe, state)
    check_names(probe, state, mask)
    action, other = (int(a) for a in rng.choice(np.flatnonzero(mask), 2))
    symmetry = int(rng.integers(probe.spec.num_symmetries))
    # Kernels first, on guarded memory: a fault there would make the rest meaningless.
    if isinstance(probe.domain, CompiledDomain):
        check_moves(probe, probe.domain, state, {action, other}, symmetry)
    check_view(probe, state, {action, other})
    check_step(probe, state, other)
    transition = check_step(probe, state, action)
    check_key(probe, state, action)
    for turn in sorted({0, symmetry}):
        check_symmetry(probe, state, mask, action, turn)
    probe.actions.append(action)
    return transition


def _check_returns(probe: Probe, rewards: list[tuple[float, float]]) -> list[float]:
    """Check the return from each state of an episode against the value range."""
    low, high = probe.spec.value_range
    returns = []
    value = 0.0
    for reward, discount in reversed(rewards):
        value = reward + discount * value
        returns.append(value)
        if not low - 1e-6 <= value <= high + 1e-6:
            probe.fault("value-range", f"return {value:g} lies outside {low:g} to {high:g}")
    return returns
