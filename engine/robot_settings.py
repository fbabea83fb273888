"""Settings of trajectory search that were measured to be good, by environment.

`docs/results/robotics.md` has the figures. What is not here takes the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tesuji.search.trajectory.settings import TrajectorySettings

MEASURED: Mapping[str, TrajectorySettings] = {
    # Swinging up takes some 40 steps.
    "Pendulum-v1": TrajectorySettings(samples=160, horizon=45),
    # Momentum is gained over a hundred steps; an episode that has ended has arrived.
    "MountainCarContinuous-v0": TrajectorySettings(
        samples=32, iterations=2, horizon=120, knots=6, deviation=1.0, survival=0
    ),
    # Steps of 0.05 s: white noise reaches what gaits need, and the limit of speed is near.
    "HalfCheetah-v5": TrajectorySettings(
        samples=46, beginning=3, horizon=16, exponent=0.25, deviation=0.4, elites=6, kept=1.0,
        momentum=0.0, decay=1.0,
    ),
    # Steps of 0.008 s: a fall takes a hundred of them, and decisions need not be as many.
    "Hopper-v5": TrajectorySettings(
        samples=40, iterations=2, beginning=3, horizon=120, exponent=1.0, deviation=0.4, replan=6,
    ),
    # Torques cost as much as distance.
    "Reacher-v5": TrajectorySettings(
        samples=32, iterations=2, beginning=3, horizon=20, deviation=0.2, least_deviation=0.01
    ),
    # Unstable: what is sampled must be followed in a closed loop.
    "InvertedDoublePendulum-v5": TrajectorySettings(
        samples=2, iterations=2, beginning=6, horizon=40, exponent=0.5, deviation=0.03,
        least_deviation=0.01, elites=3, replan=4, feedback=12,
    ),
}  # fmt: skip


def guiding(name: str) -> TrajectorySettings:
    """Return settings of the search that guides a tree: half of the samples are the tree's part."""
    settings = MEASURED.get(name, TrajectorySettings())
    return replace(settings, samples=max(2, settings.samples // 2))
