"""Domains that each break one promise, by the code of the fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from tesuji.domains.base import Board, Domain, DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.registry import make

SPEC = DomainSpec("nim", num_actions=3, observation_shape=(2,), num_players=2, max_steps=11)


class Nim(Domain):
    """Take one to three of the stones; who takes the last one wins. A state: stones, side."""

    def __init__(self) -> None:
        self.spec = SPEC
        self.counter = count()
        self.kept = np.zeros(3, np.bool_)

    def reset(self, seed: int = 0) -> Any:
        return (8 + seed % 4, 0)

    def legal(self, state: Any) -> Any:
        return np.arange(3) < state[0]

    def step(self, state: Any, action: int, key: int = 0) -> Any:
        stones, side = state[0] - action - 1, state[1]
        if stones < 0:
            raise ValueError("not so many stones")
        return (stones, 1 - side), float(stones == 0), 0.0 if stones == 0 else -1.0

    def observe(self, state: Any) -> Any:
        return np.array([state[0] / 11, 1], np.float32)

    def to_play(self, state: Any) -> int:
        return int(state[1])

    def key(self, state: Any) -> Any:
        return bytes(state)

    def action_name(self, state: Any, action: int) -> str:
        return f"take {action + 1}"


class ListNim(Nim):
    """The same with a state that can be changed."""

    def reset(self, seed: int = 0) -> Any:
        return list(super().reset(seed))

    def step(self, state: Any, action: int, key: int = 0) -> Any:
        following, reward, discount = super().step(state, action, key)
        return list(following), reward, discount


def broken(base: type[Domain] = Nim, **methods: Callable[..., Any]) -> Domain:
    return type("Broken", (base,), methods)()


def with_spec(**changes: Any) -> Domain:
    game = Nim()
    game.spec = replace(SPEC, **changes)
    return game


def count_on(game: Any, *_: Any) -> int:
    return int(next(game.counter))


def step_then(change: Callable[..., Any]) -> Domain:
    """Return Nim whose step passes its result through `change(self, result, action, key)`."""
    return broken(step=lambda self, s, a, key=0: change(self, Nim.step(self, s, a), a, key))


def keep_mask(self: Any, state: Any) -> Any:
    self.kept[:] = Nim.legal(self, state)
    return self.kept


def step_in_place(self: Any, state: Any, action: int, key: int = 0) -> Any:
    following, *outcome = ListNim.step(self, state, action, key)
    state[:] = following
    return (state, *outcome)


def observe_in_place(self: Any, state: Any) -> Any:
    state[1] = 1 - state[1]
    return Nim.observe(self, state)


class Recycles(Nim):
    """Hands out the same forty pieces of memory again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = [np.zeros(2, np.int64) for _ in range(40)]

    def step(self, state: Any, action: int, key: int = 0) -> Any:
        following, reward, discount = super().step(state, action)
        memory = self.pool[count_on(self) % len(self.pool)]
        memory[:] = following
        return memory, reward, discount


class Remembers(Nim):
    """Shows how the position came about, which `key` leaves out."""

    def reset(self, seed: int = 0) -> Any:
        return (9, 0, 0)

    def step(self, state: Any, action: int, key: int = 0) -> Any:
        following, reward, discount = super().step(state[:2], action)
        return (*following, action), reward, discount

    def observe(self, state: Any) -> Any:
        return np.array([state[0], state[2]], np.float32)

    def key(self, state: Any) -> Any:
        return bytes(state[:2])


def endless(self: Any, state: Any, action: int, key: int = 0) -> Any:
    return (max(state[0] - action - 1, 0), 1 - state[1]), 0.0, -1.0


def lazy(self: Any, state: Any, action: int, key: int = 0) -> Any:
    return (state, 0.0, 1.0) if action == 2 else Nim.step(self, state, action)


def connect_four(**methods: Callable[..., Any]) -> Domain:
    path = Path(__file__).with_name("object_connect_four.py")
    game = type(make(f"{path}:object_connect_four"))
    return broken(game, **methods)


def mirrored_turn(self: Any, state: Any, symmetry: int) -> Any:
    return type(state)(state.columns[::-1], 1 - state.to_play) if symmetry else state


def lopsided(self: Any, state: Any, action: int, key: int = 0) -> Any:
    following, reward, discount = super(type(self), self).step(state, action, key)
    return following, 0.5 if discount == 0 and action < 3 else reward, discount


def lopsided_mask(self: Any, state: Any) -> Any:
    mask = super(type(self), self).legal(state)
    mask[0] &= len("".join(state.columns)) < 4
    return mask


def blind(self: Any, state: Any) -> Any:
    return np.full((2, 6, 7), len("".join(state.columns)), np.float32)


OBJECT_FAULTS = {
    "spec": [
        with_spec(policy_planes=1),
        with_spec(num_players=3),
        with_spec(value_range=(1.0, -1.0)),
    ],
    "raises": [
        broken(observe=lambda self, state: state.missing),
        broken(to_play=lambda self, state: {}[state]),
        step_then(lambda self, result, action, key: result[:2]),
    ],
    "legal-shape": [
        broken(legal=lambda self, state: np.ones(4, np.bool_)),
        broken(legal=lambda self, state: np.ones(3, np.int8)),
        broken(legal=lambda self, state: [True, True, True]),
    ],
    "legal-varies": [broken(legal=lambda self, state: np.arange(3) <= count_on(self) % 3)],
    "no-legal-action": [broken(step=endless)],
    "mask-step": [
        broken(legal=lambda self, state: np.ones(3, np.bool_)),
        broken(step=lazy),
    ],
    "reward": [step_then(lambda self, result, action, key: (result[0], np.nan, result[2]))],
    "discount": [
        step_then(lambda self, result, action, key: (*result[:2], 2 * result[2])),
        step_then(lambda self, result, action, key: (*result[:2], np.nan)),
        with_spec(num_players=1),
    ],
    "to-play": [
        step_then(lambda self, result, action, key: (*result[:2], abs(result[2]))),
        broken(to_play=lambda self, state: 2),
    ],
    "value-range": [
        with_spec(value_range=(0.0, 1.0)),
        step_then(lambda self, result, action, key: (result[0], 2 * result[1], result[2])),
    ],
    "too-long": [with_spec(max_steps=3)],
    "mutates": [broken(ListNim, step=step_in_place), broken(ListNim, observe=observe_in_place)],
    "aliasing": [broken(legal=keep_mask), Recycles()],
    "reset-varies": [broken(reset=lambda self, seed=0: (8 + count_on(self) % 3, 0))],
    "step-varies": [
        step_then(lambda self, result, action, key: (*result[:1], count_on(self), *result[2:]))
    ],
    "not-deterministic": [
        step_then(lambda self, result, action, key: (result[0], float(key & 1), result[2]))
    ],
    "observation-shape": [
        broken(observe=lambda self, state: np.zeros(3, np.float32)),
        broken(observe=lambda self, state: np.zeros(2)),
    ],
    "observation-not-finite": [
        broken(observe=lambda self, state: np.array([1, np.inf], np.float32))
    ],
    "observation-leak": [
        broken(observe=lambda self, state: np.array([1, count_on(self)], np.float32)),
        Remembers(),
    ],
    "key-collision": [
        broken(key=lambda self, state: b"always"),
        broken(key=lambda self, state: bytes(state[:1])),
    ],
    "key-type": [broken(key=lambda self, state: str(state))],
    "action-name": [
        broken(action_name=lambda self, state, action: "take"),
        broken(action_name=lambda self, state, action: ""),
    ],
    "parse-action": [
        broken(parse_action=lambda self, state, text: 0),
        broken(parse_action=lambda self, state, text: int(text)),
    ],
    "render": [broken(render=lambda self, state: None)],
    "board": [
        broken(
            board=lambda self, state: Board(((0, 0, 0),)),
            action_cells=lambda self, state, action: ((1, action),),
        )
    ],
    "symmetry-identity": [connect_four(transform_action=lambda self, action, symmetry: 6 - action)],
    "symmetry-action": [connect_four(transform_action=lambda self, action, symmetry: action // 2)],
    "symmetry-legal": [connect_four(legal=lopsided_mask)],
    "symmetry-step": [
        connect_four(transform=mirrored_turn),
        connect_four(transform_action=lambda self, action, symmetry: action),
        connect_four(step=lopsided),
    ],
    "symmetry-observation": [connect_four(observe=blind)],
}

ROW = np.dtype([("stones", np.int8), ("to_play", np.int8)])


def compiled(**changed: Callable[..., Any]) -> CompiledDomain:
    """Return Nim as kernels, some of them changed."""

    def reset(state, instance, key):  # type: ignore[no-untyped-def]
        state.stones = 8 + key % np.uint64(4)

    def legal(state, instance, mask):  # type: ignore[no-untyped-def]
        for action in range(3):
            mask[action] = action < state.stones

    def step(state, action, instance, key):  # type: ignore[no-untyped-def]
        state.stones -= action + 1
        state.to_play = 1 - state.to_play
        return (1.0, 0.0) if state.stones == 0 else (0.0, -1.0)

    def observe(state, instance, out):  # type: ignore[no-untyped-def]
        out[0] = state.stones / 11

    kernels = Kernels(ROW)
    rules = {"reset": reset, "legal": legal, "step": step, "observe": observe} | changed
    for name, rule in rules.items():
        getattr(kernels, name)(rule)
    return CompiledDomain(SPEC, kernels, instance=[3])


def legal_past_end(state, instance, mask):  # type: ignore[no-untyped-def]
    for action in range(4):
        mask[action] = action < state.stones


def legal_partly(state, instance, mask):  # type: ignore[no-untyped-def]
    for action in range(min(3, state.stones)):
        mask[action] = True


def observe_past_end(state, instance, out):  # type: ignore[no-untyped-def]
    for index in range(3):
        out[index] = state.stones


def observe_before_start(state, instance, out):  # type: ignore[no-untyped-def]
    out[np.int64(state.stones) * 0 - 3] = 1


def observe_wrapped(state, instance, out):  # type: ignore[no-untyped-def]
    out[0] = state.stones * 100 // 100  # an int8 times an int is an int8 in numpy alone


def observe_strangely(state, instance, out):  # type: ignore[no-untyped-def]
    out[0] = len({"stones": [state]}["stones"]) + state.unknown


def observe_and_count(state, instance, out):  # type: ignore[no-untyped-def]
    instance[0] += 1


def legal_always(state, instance, mask):  # type: ignore[no-untyped-def]
    for action in range(3):
        mask[action] = True


def step_or_hand_over(state, action, instance, key):  # type: ignore[no-untyped-def]
    state.to_play = 1 - state.to_play
    if action < state.stones:
        state.stones -= action + 1
    return (1.0, 0.0) if state.stones == 0 else (0.0, -1.0)


COMPILED_FAULTS: dict[str, list[Callable[[], Domain]]] = {
    "legal-varies": [lambda: compiled(legal=legal_partly)],
    "mask-step": [lambda: compiled(legal=legal_always, step=step_or_hand_over)],
    "mutates": [lambda: compiled(observe=observe_and_count)],
    "kernel-compile": [
        lambda: compiled(observe=observe_strangely),
        lambda: CompiledDomain(SPEC, Kernels(ROW)),
    ],
    "kernel-bounds": [
        lambda: compiled(legal=legal_past_end),
        lambda: compiled(observe=observe_past_end),
        lambda: compiled(observe=observe_before_start),
    ],
    "kernel-twin": [lambda: compiled(observe=observe_wrapped)],
}
