"""A domain as a Gymnasium environment, its legal actions where the ecosystem looks for them.

Maskable learners disagree on where a mask lies: Gymnasium's own samplers and CleanRL read
`info["action_mask"]`, sb3-contrib calls `action_masks()`, OpenSpiel `legal_actions_mask()`. A
domain under constraints is a domain like any other, so its mask comes out of all three.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Discrete

from tesuji.domains.base import Domain, State


class DomainEnv(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """One episode of a domain, step by step.

    The reward is that of the side that moved; with two players, who take turns,
    `info["to_play"]` says whose move is next.

    Args:
        domain: any domain.

    Attributes:
        domain: the domain.
        state: the state now; None before the first `reset`.
    """

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012

    def __init__(self, domain: Domain, render_mode: str | None = None) -> None:
        self.domain = domain
        self.render_mode = render_mode
        self.state: State = None
        self.action_space = Discrete(domain.spec.num_actions)
        self.observation_space = Box(-np.inf, np.inf, domain.spec.observation_shape, np.float32)
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin an episode; the seed picks the first state where there are several."""
        super().reset(seed=seed, options=options)
        self.state = self.domain.reset(int(self.np_random.integers(2**31)))
        self._steps = 0
        return self.domain.observe(self.state), self._info()

    def step(
        self, action: np.int64 | int
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take `action`.

        Raises:
            ValueError: the action is not legal, or constraints refuse it (the message names them);
                or no episode has begun.
        """
        if self.state is None:
            raise ValueError("call reset before step")
        if not self.action_masks()[int(action)]:
            legal = np.flatnonzero(self.action_masks()).tolist()
            reason = self.domain.refusal(self.state, int(action)) or "not legal here"
            raise ValueError(f"action {int(action)} is {reason}; legal: {legal}")
        key = int(self.np_random.integers(2**64, dtype=np.uint64))
        self.state, reward, discount = self.domain.step(self.state, int(action), key)
        self._steps += 1
        ended = discount == 0.0
        cut = not ended and self._steps >= self.domain.spec.max_steps
        return self.domain.observe(self.state), reward, ended, cut, self._info()

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return the mask `[A]`, as sb3-contrib's MaskablePPO asks for it."""
        return self.domain.allowed(self.state)

    def legal_actions_mask(self) -> list[int]:
        """Return the mask as ones and zeros, as OpenSpiel gives it."""
        return [int(legal) for legal in self.action_masks()]

    def render(self) -> str | None:
        """Return the state as text where the render mode is `ansi`."""
        return self.domain.render(self.state) if self.render_mode == "ansi" else None

    def _info(self) -> dict[str, Any]:
        mask = self.action_masks().astype(np.int8)
        return {"action_mask": mask, "to_play": self.domain.to_play(self.state)}
