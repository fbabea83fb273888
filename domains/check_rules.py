"""Checks on the rules of any domain, one function a promise of the contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.faults import Probe, fingerprint

# Random bits beside 0 that a step may be given; a deterministic domain ignores them.
_KEYS = (1, 0x9E3779B97F4A7C15)


def check_reset(probe: Probe, seed: int) -> State:
    """Check that a seed always gives the same state, and return it."""
    first, second = probe.call("reset", seed), probe.call("reset", seed)
    probe.state = first
    check_side(probe, first)
    check_mask(probe, first)
    check_observation(probe, first)
    probe.require(
        probe.look(first) == probe.look(second), "reset-varies", f"reset({seed}) gives two states"
    )
    return first


def check_mask(probe: Probe, state: State) -> npt.NDArray[np.bool_]:
    """Check the mask of a state that is not an end, and return it."""
    mask = probe.array("legal", state)
    shape = (probe.spec.num_actions,)
    probe.require(
        isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.shape == shape,
        "legal-shape",
        f"legal returns {_kind(mask)}, expected bool {shape}",
    )
    probe.require(
        np.array_equal(mask, probe.call("legal", state)), "legal-varies", "two calls give two masks"
    )
    probe.require(mask.any(), "no-legal-action", "no action is legal, and the episode is not over")
    return mask.copy()


def check_observation(probe: Probe, state: State) -> npt.NDArray[np.float32]:
    """Check what a network sees, and return it."""
    seen = probe.array("observe", state)
    shape = probe.spec.observation_shape
    probe.require(
        isinstance(seen, np.ndarray) and seen.dtype == np.float32 and seen.shape == shape,
        "observation-shape",
        f"observe returns {_kind(seen)}, expected float32 {shape}",
    )
    probe.require(np.isfinite(seen).all(), "observation-not-finite", "observe returns NaN or inf")
    probe.require(
        np.array_equal(seen, probe.call("observe", state)),
        "observation-leak",
        "the same state is observed in two ways",
    )
    return seen.copy()


def check_side(probe: Probe, state: State) -> int:
    """Check the side to move, and return it."""
    side = probe.call("to_play", state)
    probe.require(
        side in range(probe.spec.num_players),
        "to-play",
        f"to_play returns {side!r} of {probe.spec.num_players} sides",
    )
    return int(side)


def check_names(probe: Probe, state: State, mask: npt.NDArray[np.bool_]) -> None:
    """Check that each legal action has a name of its own that reads back."""
    legal = [int(action) for action in np.flatnonzero(mask)]
    names = [probe.call("action_name", state, action) for action in legal]
    for action, name in zip(legal, names, strict=True):
        probe.require(
            isinstance(name, str) and name.strip(), "action-name", f"action {action} is {name!r}"
        )
    folded = [name.strip().lower() for name in names]
    for index, name in enumerate(folded):
        other = folded.index(name)
        probe.require(
            other == index,
            "action-name",
            f"actions {legal[other]} and {legal[index]} are both {names[index]!r}",
        )
    for action, name in zip(legal[:3], names, strict=False):
        read = probe.call("parse_action", state, name, code="parse-action")
        probe.require(
            read == action, "parse-action", f"{name!r} is action {action}, it reads as {read}"
        )


def check_view(probe: Probe, state: State, actions: Iterable[int]) -> None:
    """Check what front ends show of a state and of `actions`."""
    probe.require(isinstance(probe.call("render", state), str), "render", "render returns no text")
    board = probe.call("board", state)
    if board is None:
        return
    widths = {len(row) for row in board.cells}
    probe.require(len(widths) == 1, "board", "the rows of the board differ in length")
    height, width = len(board.cells), widths.pop()
    for action in actions:
        for row, column in probe.call("action_cells", state, action):
            probe.require(
                0 <= row < height and 0 <= column < width,
                "board",
                f"action {action} lies at {(row, column)}, the board is {height} by {width}",
            )


def check_step(probe: Probe, state: State, action: int) -> tuple[State, float, float]:
    """Check one transition, and return it as made with key 0."""
    following, reward, discount = _transition(probe, state, action, 0)
    probe.require(
        np.isfinite(reward), "reward", f"action {action} is rewarded {reward}, which is not finite"
    )
    _check_discount(probe, state, action, following, discount)
    seen = (probe.look(following), reward, discount)
    content = fingerprint(following)
    again, *rest = _transition(probe, state, action, 0)
    probe.require(
        seen == (probe.look(again), *rest), "step-varies", f"action {action} has two outcomes"
    )
    for key in _KEYS:
        other, *rest = _transition(probe, state, action, key)
        outcome = (probe.look(other), *rest)
        probe.require(
            not probe.spec.deterministic or outcome == seen,
            "not-deterministic",
            f"action {action} depends on the key",
        )
    probe.require(
        fingerprint(following) == content, "aliasing", "a later step changes the state of this one"
    )
    if probe.spec.deterministic and discount != 0:
        _check_progress(probe, state, action, following)
    return following, reward, discount


def _transition(probe: Probe, state: State, action: int, key: int) -> tuple[State, float, float]:
    result = probe.call("step", state, action, key, code="mask-step")
    if not (isinstance(result, tuple) and len(result) == 3):
        probe.fault("raises", f"step returns {_kind(result)}, expected (state, reward, discount)")
    return result


def _check_discount(
    probe: Probe, state: State, action: int, following: State, discount: float
) -> None:
    single = probe.spec.num_players == 1
    probe.require(
        np.isfinite(discount) and (0 if single else -1) <= discount <= 1,
        "discount",
        f"action {action} gives discount {discount} with {probe.spec.num_players} player(s)",
    )
    if discount != 0:
        side, next_side = probe.call("to_play", state), check_side(probe, following)
        probe.require(
            (discount < 0) == (side != next_side),
            "to-play",
            f"action {action} gives discount {discount}, side {side} is followed by {next_side}",
        )


def _check_progress(probe: Probe, state: State, action: int, following: State) -> None:
    look, following_look = probe.look(state), probe.look(following)
    if look[0] is not None and look[0] == following_look[0]:
        probe.require(look == following_look, "key-collision", f"action {action} leaves the key")
        probe.fault("mask-step", f"action {action} is legal and changes nothing")
    if not isinstance(probe.domain, CompiledDomain) or probe.spec.num_players == 1:
        return
    if _but_for_side(probe.domain, state) != _but_for_side(probe.domain, following):
        probe.moving_actions.add(action)
    elif action in probe.moving_actions:
        # A pass is an action of its own; a move that only hands over the turn was not possible.
        probe.fault("mask-step", f"action {action} is legal and changes only the side to move")


def _but_for_side(domain: CompiledDomain, state: State) -> bytes:
    copy = domain.state(domain.row(state))
    copy["to_play"] = 0
    return bytes(copy.tobytes())


def check_key(probe: Probe, state: State, action: int) -> None:
    """Check that equal keys mean equal states: same mask, side, outcome, observation."""
    look = probe.look(state)
    key = look[0]
    probe.require(
        key is None or isinstance(key, bytes), "key-type", f"key returns {_kind(key)}, not bytes"
    )
    if key is None:
        return
    if key not in probe.seen:
        probe.seen[key] = (state, look)
        return
    probe.num_transpositions += 1
    earlier, earlier_look = probe.seen[key]
    probe.require(
        look[1:3] == earlier_look[1:3],
        "key-collision",
        "two states with one key differ in legal actions or the side to move",
    )
    here, there = _transition(probe, state, action, 0), _transition(probe, earlier, action, 0)
    probe.require(
        here[1:] == there[1:] and probe.look(here[0])[:3] == probe.look(there[0])[:3],
        "key-collision",
        f"action {action} has different outcomes in two states with one key",
    )
    probe.require(
        look == earlier_look, "observation-leak", "two states with one key are observed differently"
    )


def check_symmetry(
    probe: Probe, state: State, mask: npt.NDArray[np.bool_], action: int, symmetry: int
) -> None:
    """Check that a symmetry maps masks, steps and observations onto each other."""
    turned = probe.call("transform", state, symmetry)
    to = _permutation(probe, symmetry)
    name = f"symmetry {symmetry}"
    look, turned_look = probe.look(state), probe.look(turned)
    if symmetry == 0:
        same = turned_look == look and np.array_equal(to, np.arange(len(to)))
        probe.require(same, "symmetry-identity", "symmetry 0 is not the identity")
    turned_mask = check_mask(probe, turned)
    probe.require(
        np.array_equal(turned_mask[to], mask),
        "symmetry-legal",
        f"under {name} the legal actions are not those of the turned state",
    )
    if probe.spec.deterministic:
        _check_commutes(probe, state, turned, action, int(to[action]), symmetry)
    # A net that sees no difference must answer alike, though the actions are turned. On a board
    # that is symmetric itself it may, even if what was before was not, as with ko in Go.
    moved = bool((to != np.arange(len(to)))[mask].any())
    board = probe.call("board", state)
    unlike = board is None or board != probe.call("board", turned)
    if turned_look[:3] != look[:3] and turned_look[3] == look[3] and moved and unlike:
        probe.fault("symmetry-observation", f"under {name} the observation stays the same")


def _permutation(probe: Probe, symmetry: int) -> npt.NDArray[np.int64]:
    if symmetry not in probe.permutations:
        actions = range(probe.spec.num_actions)
        to = np.array([probe.call("transform_action", a, symmetry) for a in actions])
        probe.require(
            np.array_equal(np.sort(to), actions),
            "symmetry-action",
            f"symmetry {symmetry} sends the actions to {to.tolist()}",
        )
        probe.permutations[symmetry] = to
    return probe.permutations[symmetry]


def _check_commutes(
    probe: Probe, state: State, turned: State, action: int, turned_action: int, symmetry: int
) -> None:
    following, *rest = _transition(probe, state, action, 0)
    other, *other_rest = _transition(probe, turned, turned_action, 0)
    expected = probe.call("transform", following, symmetry)
    probe.require(
        rest == other_rest and probe.look(expected) == probe.look(other),
        "symmetry-step",
        f"symmetry {symmetry} then action {turned_action} is not action {action} then symmetry",
    )


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return f"{type(value).__name__} {value!r:.40}"
