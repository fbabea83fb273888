"""CartPole, MountainCar and Acrobot: Gymnasium's equations as kernels.

They round as the environments do, operation for operation, so that states, rewards and ends are
equal to the bit. `constants` are the numbers of an environment; each kernel says which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.robotics.environments import Env
from tesuji.domains.robotics.spaces import is_plain

Floats = npt.NDArray[np.float64]

_POLE, _CAR, _ACROBOT = range(3)

_kernel = njit(cache=True, nogil=True, error_model="numpy")


@_kernel
def _step_pole(state, action, constants):  # type: ignore[no-untyped-def]
    gravity, pole_mass, total_mass, length, moment = constants[:5]
    strength, tau, most_angle, most_x, reward, last_reward = constants[5:11]
    x, speed, angle, turning = state[0], state[1], state[2], state[3]
    force = strength if action == 1 else -strength
    cosine, sine = math.cos(angle), math.sin(angle)
    push = (force + moment * (turning * turning) * sine) / total_mass
    inertia = length * (4.0 / 3.0 - pole_mass * (cosine * cosine) / total_mass)
    turn = (gravity * sine - cosine * push) / inertia
    state[0] = x + tau * speed
    state[1] = speed + tau * (push - moment * turn * cosine / total_mass)
    state[2] = angle + tau * turning
    state[3] = turning + tau * turn
    ended = not (-most_x <= state[0] <= most_x and -most_angle <= state[2] <= most_angle)
    return last_reward if ended else reward, ended


@_kernel
def _step_car(state, action, constants):  # type: ignore[no-untyped-def]
    low, high, most_speed, goal, goal_speed, force, gravity = constants[:7]
    position, speed = state[0], state[1]
    speed = speed + ((action - 1) * force + math.cos(3 * position) * -gravity)
    speed = min(max(speed, -most_speed), most_speed)
    position = min(max(position + speed, low), high)
    if position == low and speed < 0:
        speed = 0.0
    state[0], state[1] = position, speed
    return -1.0, position >= goal and speed >= goal_speed


@_kernel
def _swing(state, torque, constants):  # type: ignore[no-untyped-def]
    # Return both accelerations. Squares are the C library's powers, as NumPy's are; with `two` not
    # known when this is compiled, they stay so.
    two, m1, m2, l1, lc1, lc2, moi, l1_squared, lc1_squared, lc2_squared = constants[:10]
    one, other, turning, turning2 = state[0], state[1], state[2], state[3]
    cosine, sine = math.cos(other), math.sin(other)
    inertia = m1 * lc1_squared + m2 * (l1_squared + lc2_squared + 2 * l1 * lc2 * cosine) + moi + moi
    coupling = m2 * (lc2_squared + l1 * lc2 * cosine) + moi
    pull2 = m2 * lc2 * 9.8 * math.cos(one + other - math.pi / 2.0)
    pull = (
        -m2 * l1 * lc2 * turning2**two * sine
        - 2 * m2 * l1 * lc2 * turning2 * turning * sine
        + (m1 * lc1 + m2 * l1) * 9.8 * math.cos(one - math.pi / 2)
        + pull2
    )
    second = (torque + coupling / inertia * pull - m2 * l1 * lc2 * turning**two * sine - pull2) / (
        m2 * lc2_squared + moi - coupling**two / inertia
    )
    return -(coupling * second + pull) / inertia, second


@_kernel
def _slope(state, torque, constants, out):  # type: ignore[no-untyped-def]
    out[0], out[1] = state[2], state[3]
    out[2], out[3] = _swing(state, torque, constants)


@_kernel
def _wrap(angle):  # type: ignore[no-untyped-def]
    while angle > math.pi:
        angle = angle - 2 * math.pi
    while angle < -math.pi:
        angle = angle + 2 * math.pi
    return angle


@_kernel
def _step_acrobot(state, action, constants):  # type: ignore[no-untyped-def]
    dt, most, most2 = constants[10:13]
    torque = constants[13 + action]
    slopes = np.empty((4, 4))  # Runge-Kutta's
    _slope(state, torque, constants, slopes[0])
    _slope(state + dt / 2.0 * slopes[0], torque, constants, slopes[1])
    _slope(state + dt / 2.0 * slopes[1], torque, constants, slopes[2])
    _slope(state + dt * slopes[2], torque, constants, slopes[3])
    for i in range(4):
        total = slopes[0, i] + 2 * slopes[1, i] + 2 * slopes[2, i] + slopes[3, i]
        state[i] = state[i] + dt / 6.0 * total
    state[0], state[1] = _wrap(state[0]), _wrap(state[1])
    state[2] = min(max(state[2], -most), most)
    state[3] = min(max(state[3], -most2), most2)
    ended = -math.cos(state[0]) - math.cos(state[1] + state[0]) > 1.0
    return 0.0 if ended else -1.0, ended


@_kernel
def step(kind, state, action, constants):  # type: ignore[no-untyped-def]
    """Make `state` [S] what follows from an action; return the reward, and whether it is an end."""
    if kind == _POLE:
        return _step_pole(state, action, constants)
    if kind == _CAR:
        return _step_car(state, action, constants)
    return _step_acrobot(state, action, constants)


@_kernel
def _mixed(seed, number):  # type: ignore[no-untyped-def]
    # As `sampling.mixed`.
    bits = seed + np.uint64(0x9E3779B97F4A7C15) * np.uint64(number)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@_kernel
def play(kind, constants, num_actions, starts, seeds, left, discount, taken, returns, passed):  # type: ignore[no-untyped-def]
    """Play out random actions from each start.

    In every other rollout an action is held for `n` steps or more with probability `1 / n`, as in
    ez-greedy exploration (Dabney et al. 2021): some ends take long pushes, some quick changes.

    Args:
        kind: of the environment.
        constants: of the environment.
        num_actions: `A`.
        starts: `[B, S]`.
        seeds: `[B]`.
        left: steps from each start, at most `[B]`.
        discount: of the next reward.
        taken: actions `[tries, B, H]`; they are followed where they are not negative, and filled in
            where they are.
        returns: is filled with what each rollout brings `[tries, B]`.
        passed: is filled with the states passed `[tries, B, H, S]`; empty where nobody asks.
    """
    state = np.empty(starts.shape[1])
    for k in range(returns.shape[0]):
        for b in range(returns.shape[1]):
            state[:] = starts[b]
            seed = _mixed(seeds[b], k + 1)
            total, weight, held, action = 0.0, 1.0, np.int64(0), np.int64(0)
            for h in range(left[b]):
                if taken[k, b, h] >= 0:
                    action = np.int64(taken[k, b, h])
                else:
                    if held == 0:
                        bits = _mixed(seed, h + 1)
                        action = np.int64(bits % np.uint64(num_actions))
                        held = np.int64(2.0**53 / (np.float64(bits >> np.uint64(11)) + 0.5))
                    held = held - 1 if k % 2 == 0 else np.int64(0)
                    taken[k, b, h] = action
                reward, ended = step(kind, state, action, constants)
                if passed.size:
                    passed[k, b, h] = state
                total += weight * reward
                weight *= discount
                if ended:
                    taken[k, b, h + 1 :] = -1
                    break
            returns[k, b] = total


@_kernel
def advance(kind, constants, states, actions, rewards, ended):  # type: ignore[no-untyped-def]
    """Step each state `[B, S]` in place by its action `[B]`; fill rewards and ends `[B]`."""
    for b in range(len(states)):
        rewards[b], ended[b] = step(kind, states[b], actions[b], constants)


class ClassicRules(NamedTuple):
    """The rules of one environment.

    Attributes:
        kind: number of its kernel.
        names: of the parts of a state `[S]`.
        constants: its numbers, as many for all kinds.
    """

    kind: int
    names: tuple[str, ...]
    constants: tuple[float, ...]

    def read(self, env: Env) -> Floats:
        """Return where an environment stands `[S]`."""
        inner: Any = env.unwrapped
        return np.array(inner.state, np.float64)

    def observe(self, states: Floats) -> npt.NDArray[np.float32]:
        """Return what is observed of states `[B, S]`."""
        if self.kind == _ACROBOT:
            one, other = states[:, 0], states[:, 1]
            parts = np.cos(one), np.sin(one), np.cos(other), np.sin(other)
            states = np.column_stack([*parts, states[:, 2:]])
        return states.astype(np.float32)


def find_rules(env: Env) -> ClassicRules | None:
    """Return the rules of an environment; None where it is none of these, or a changed one."""
    inner: Any = env.unwrapped
    known = _KINDS.get(type(inner).__name__)
    here = type(inner).__module__.startswith("gymnasium.envs.classic_control.")
    if known is None or not here or not is_plain(env):
        return None
    kind, names, read = known
    constants = read(inner)
    if constants is None:
        return None
    numbers = np.zeros(_NUM_CONSTANTS)
    numbers[: len(constants)] = constants
    return ClassicRules(kind, names, tuple(numbers.tolist()))


def _read_pole(env: Any) -> list[float] | None:
    if env.kinematics_integrator != "euler":
        return None
    rewards = (0.0, -1.0) if env._sutton_barto_reward else (1.0, 1.0)
    masses = (env.masspole, env.total_mass, env.length, env.polemass_length)
    limits = (env.theta_threshold_radians, env.x_threshold)
    return [env.gravity, *masses, env.force_mag, env.tau, *limits, *rewards]


def _read_car(env: Any) -> list[float]:
    limits = (env.min_position, env.max_position, env.max_speed)
    return [*limits, env.goal_position, env.goal_velocity, env.force, env.gravity]


def _read_acrobot(env: Any) -> list[float] | None:
    if env.book_or_nips != "book" or env.torque_noise_max != 0.0:
        return None
    lengths = (env.LINK_LENGTH_1, env.LINK_COM_POS_1, env.LINK_COM_POS_2)
    bodies = (env.LINK_MASS_1, env.LINK_MASS_2, *lengths, env.LINK_MOI)
    limits = (env.dt, env.MAX_VEL_1, env.MAX_VEL_2)
    return [2.0, *bodies, *(each**2 for each in lengths), *limits, *env.AVAIL_TORQUE]


_NUM_CONSTANTS = 16
_KINDS: Mapping[str, tuple[int, tuple[str, ...], Callable[[Any], list[float] | None]]] = {
    "CartPoleEnv": (_POLE, ("x", "x_dot", "theta", "theta_dot"), _read_pole),
    "MountainCarEnv": (_CAR, ("position", "velocity"), _read_car),
    "AcrobotEnv": (_ACROBOT, ("theta1", "theta2", "theta1_dot", "theta2_dot"), _read_acrobot),
}
