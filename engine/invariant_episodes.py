"""Episodes of linear worlds under an invariant: no action leaves what can be kept for ever.

Whoever proposes the actions - trajectory search here - the nearest that the invariant allows is
executed, and each step is written down for a certificate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.environments import Env
from tesuji.domains.robotics.linear_model import LinearModel
from tesuji.domains.robotics.linear_world import WORLDS
from tesuji.engine.episodes import Episode
from tesuji.engine.errors import UsageError
from tesuji.engine.storage import atomic_write, dump_json
from tesuji.search.symbolic.invariant_proof import prove
from tesuji.search.symbolic.invariant_sets import inputs
from tesuji.search.symbolic.invariants import Invariant, State
from tesuji.search.trajectory.monitor import ConstraintMonitor
from tesuji.search.trajectory.planner import TrajectoryPlanner
from tesuji.search.trajectory.settings import TrajectorySettings

FORMAT = "tesuji invariant certificate"
VERSION = 1


class InvariantRunner:
    """Runs episodes of a linear world.

    Args:
        env: a linear world.
        settings: of the search that proposes actions.
        constraints: over positions and velocities, besides the world's own limits.
        deadline: seconds that a decision may take; None for no limit.

    Raises:
        ConstraintError: a constraint cannot be used, nothing can keep it, or z3 does not prove that
            the invariant does.
    """

    def __init__(
        self,
        env: Env,
        settings: TrajectorySettings,
        constraints: Sequence[str] = (),
        deadline: float | None = None,
    ) -> None:
        self.env, self._domain = env, EnvironmentDomain(env)
        self.name = self._domain.spec.name
        self._settings, self._deadline = settings, deadline
        self._model = LinearModel(self._domain)
        self._invariant = Invariant(WORLDS[self.name], constraints)
        self._proof = prove(self._invariant)
        self._monitor = ConstraintMonitor(self._model, constraints) if constraints else None
        self._episodes: list[dict[str, Any]] = []

    def run(self, seed: int, most_steps: int | None = None) -> Iterator[Episode]:
        """Yield one episode, the same that grows with each step.

        Raises:
            UsageError: nothing keeps the constraints from where it starts.
        """
        episode, most = Episode(seed), most_steps or self._domain.spec.max_steps
        planner = TrajectoryPlanner(self._model, self._settings, self._monitor, seed=seed)
        state = self._domain.reset(seed)
        start = _exactly(self._model.quantities(state))
        if self._invariant.mode_of(start) is None:
            places = ", ".join(f"{float(x):g}" for x in start)
            raise UsageError(
                f"seed {seed}: from the start ({places}) nothing keeps the constraints for ever"
            )
        steps: list[dict[str, Any]] = []
        self._episodes.append({"seed": seed, "start": _written(start), "steps": steps})
        while len(episode.rewards) < most and not episode.ended:
            began = time.perf_counter()
            here = _exactly(self._model.quantities(state))
            found = planner.plan(state, self._deadline)
            action = self._allowed(here, found.actions[0], episode)
            episode.decide(time.perf_counter() - began, self._deadline)
            state, reward, discount = self._domain.step_by(state, action.astype(np.float32))
            entered = _exactly(self._model.quantities(state))
            mode = self._invariant.way(here, entered)
            assert mode is not None, "a proved step left the invariant"
            steps.append({
                "action": _written(_exactly(action)), "state": _written(entered), "mode": mode,
            })  # fmt: skip
            episode.take(reward, discount == 0.0, reward)
            episode.simulated += found.simulated
            yield episode

    def close(self) -> None:
        """End the environment."""
        self.env.close()

    def describe(self) -> dict[str, Any]:
        """Return what results depend on."""
        return {
            "environment": self.name,
            "model": "linear",
            "method": f"{self._settings.method} under an invariant",
            "modes": len(self._invariant.modes),
            "proof": self._proof,
        }

    def write_certificate(self, path: Path) -> None:
        """Write the invariant and the episodes so far as a certificate."""
        invariant = self._invariant
        polygons = list(dict.fromkeys(
            (i, polygon) for mode in invariant.modes for i, polygon in enumerate(mode.polygons)
        ))  # fmt: skip
        places = {each: number for number, each in enumerate(polygons)}
        content = {
            "format": FORMAT,
            "version": VERSION,
            "world": self.name,
            "constraints": list(invariant.texts),
            "proof": self._proof,
            "polygons": [
                {
                    "axis": i,
                    "corners": [_written(corner) for corner in polygon.corners],
                    "inputs": _written(
                        [
                            sum(inputs(invariant.dynamics[i], polygon, corner), Fraction(0)) / 2
                            for corner in polygon.corners
                        ]
                    ),
                }
                for i, polygon in polygons
            ],
            "modes": [
                {
                    "ranges": [_written(each) for each in mode.ranges],
                    "polygons": [places[i, polygon] for i, polygon in enumerate(mode.polygons)],
                }
                for mode in invariant.modes
            ],
            "episodes": self._episodes,
        }
        atomic_write(path, dump_json(content))

    def _allowed(
        self, state: State, wanted: npt.NDArray[np.float64], episode: Episode
    ) -> npt.NDArray[np.float64]:
        """Return the allowed action nearest to `wanted`; count where that is another."""
        allowed = self._invariant.nearest(state, _exactly(wanted))
        assert allowed is not None, "a state of the invariant has an allowed action"
        action = np.array([float(each) for each in allowed])
        if np.abs(action - wanted).max() > 1 / 64:  # more than the grid of inputs
            episode.stepped_in.append(len(episode.rewards))
        return action


def _exactly(numbers: npt.NDArray[np.float64]) -> State:
    return tuple(Fraction(float(number)) for number in numbers)


def _written(numbers: Sequence[Fraction]) -> list[str]:
    return [str(number) for number in numbers]
