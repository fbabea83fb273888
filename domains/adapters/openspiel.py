"""Any turn-based OpenSpiel game of perfect information as an object domain.

`make("openspiel:breakthrough")`, or with the game's own parameters
`make("openspiel:hex(board_size=5)")`. A state is an OpenSpiel state that nobody changes: a step
works on a clone. Chance nodes are passed through at once, their outcomes drawn from the step's key.
"""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np

from tesuji.domains.base import BoolArray, Domain, DomainSpec, FloatArray, State


class OpenSpielDomain(Domain):
    """An OpenSpiel game.

    Args:
        text: the game as `pyspiel.load_game` reads it.

    Raises:
        ValueError: no such game, or one that moves simultaneously, hides information, has more
            than two players, or has two who do not play against each other.
        ModuleNotFoundError: OpenSpiel is not installed.
    """

    def __init__(self, text: str) -> None:
        import pyspiel  # noqa: PLC0415 - an extra

        _refuse_unknown(text.partition("(")[0], pyspiel.registered_names())
        try:
            self.game: Any = pyspiel.load_game(text)
        except pyspiel.SpielError as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            raise ValueError(f"OpenSpiel cannot load {text!r}: {reason}") from None
        kind = self.game.get_type()
        _refuse_what_cannot_be_searched(text, kind, pyspiel.GameType, self.game.num_players())
        self._observes = bool(kind.provides_observation_tensor)
        self.spec = DomainSpec(
            name=f"openspiel:{text}",
            num_actions=self.game.num_distinct_actions(),
            observation_shape=self._observation_shape(),
            num_players=self.game.num_players(),
            max_steps=self.game.max_game_length(),
            value_range=(float(self.game.min_utility()), float(self.game.max_utility())),
            deterministic=kind.chance_mode == pyspiel.GameType.ChanceMode.DETERMINISTIC,
        )

    def reset(self, seed: int = 0) -> State:
        """Return the first state; `seed` decides what chance does before the first move."""
        return _pass_chance(self.game.new_initial_state(), seed)

    def legal(self, state: State) -> BoolArray:
        """Return the mask `[A]`."""
        mask = np.zeros(self.spec.num_actions, np.bool_)
        if not state.is_terminal():
            mask[state.legal_actions()] = True
        return mask

    def step(self, state: State, action: int, key: int = 0) -> tuple[State, float, float]:
        """Return `(next state, reward, discount)`."""
        player = state.current_player()
        following = state.clone()
        following.apply_action(int(action))
        following = _pass_chance(following, key)
        reward = following.returns()[player] - state.returns()[player]
        if following.is_terminal():
            return following, reward, 0.0
        return following, reward, 1.0 if following.current_player() == player else -1.0

    def observe(self, state: State) -> FloatArray:
        """Return OpenSpiel's tensor for the side to move, then a plane or number that tells it."""
        player = self.to_play(state)
        tensor = (
            state.observation_tensor(player)
            if self._observes
            else state.information_state_tensor(player)
        )
        side = np.full(int(np.prod(self.spec.observation_shape)) - len(tensor), player, np.float32)
        return np.append(np.asarray(tensor, np.float32), side).reshape(self.spec.observation_shape)

    def to_play(self, state: State) -> int:
        """Return the side to move; 0 at an end."""
        return max(int(state.current_player()), 0)

    def key(self, state: State) -> bytes:
        """Return the moves from the start, chance's included: equal states may differ in it."""
        return np.asarray(state.history(), np.int64).tobytes()

    def render(self, state: State) -> str:
        """Return OpenSpiel's text."""
        return str(state)

    def action_name(self, state: State, action: int) -> str:
        """Return OpenSpiel's name of the action."""
        return str(state.action_to_string(self.to_play(state), int(action)))

    def _observation_shape(self) -> tuple[int, ...]:
        shape = (
            self.game.observation_tensor_shape()
            if self._observes
            else self.game.information_state_tensor_shape()
        )
        if len(shape) == 3:
            return (shape[0] + 1, shape[1], shape[2])
        return (int(np.prod(shape)) + 1,)


def _refuse_unknown(name: str, known: list[str]) -> None:
    # Before OpenSpiel does, which writes all its names to standard error.
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"OpenSpiel has no game {name!r}{hint}")


def _refuse_what_cannot_be_searched(text: str, kind: Any, types: Any, num_players: int) -> None:
    faults = (
        (kind.dynamics != types.Dynamics.SEQUENTIAL, "its players move simultaneously"),
        (kind.information != types.Information.PERFECT_INFORMATION, "it hides information"),
        (num_players not in (1, 2), f"it has {num_players} players"),
        (
            num_players == 2 and kind.utility != types.Utility.ZERO_SUM,
            "its players do not play against each other",
        ),
        (
            not (kind.provides_observation_tensor or kind.provides_information_state_tensor),
            "it has no observation",
        ),
    )
    for fails, reason in faults:
        if fails:
            raise ValueError(
                f"OpenSpiel's {text!r} cannot be searched: {reason}; take a turn-based game of "
                "perfect information for one player or two opponents"
            )


def _pass_chance(state: State, key: int) -> State:
    """Return `state` after chance has made its moves, drawn from `key`."""
    if not state.is_chance_node():
        return state
    rng = np.random.default_rng(key)
    while state.is_chance_node():
        outcomes, chances = zip(*state.chance_outcomes(), strict=True)
        state.apply_action(int(rng.choice(outcomes, p=np.asarray(chances) / sum(chances))))
    return state
