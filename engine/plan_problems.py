"""Where the problems come from that a planner learns from: a generator, or the user's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tesuji.domains.logistics.pddl.parser import load_task, parse_task
from tesuji.domains.logistics.pddl.relations import GroundingError
from tesuji.domains.logistics.tasks.families import FAMILIES
from tesuji.engine.errors import UsageError
from tesuji.engine.plan_config import PlanTrainConfig
from tesuji.engine.planning import GroundTask, ground
from tesuji.engine.selfplay import mix_seed

_MOST_OPERATORS = 500_000
_TRIALS = 1.2, 6.0  # levels of the smallest and the largest trial, times the largest learned from
_LEARN, _TRY, _GROW = range(3)  # kinds of generated problems, for their seeds


class ProblemSource:
    """Problems of one domain: small ones to learn from, larger ones to be tried on.

    Raises:
        UsageError: there is no such family, no such folder, or too few problems in it.
        PddlError: a file is not PDDL, or needs what is not supported.
    """

    def __init__(self, config: PlanTrainConfig) -> None:
        self._config = config
        self._files: list[GroundTask] = []
        if not config.game.endswith(".pddl"):
            if config.game not in FAMILIES:
                raise UsageError(
                    f"no planning family {config.game!r}; known: {', '.join(FAMILIES)}, "
                    "or the file of a PDDL domain with --problems FOLDER"
                )
            return
        if not config.problems:
            raise UsageError(f"{config.game} needs problems to learn from: --problems FOLDER")
        found = sorted(Path(config.problems).glob("*.pddl"))
        paths = [path for path in found if path.resolve() != Path(config.game).resolve()]
        if len(paths) < 2:
            raise UsageError(f"{config.problems} holds {len(paths)} PDDL problems; give 2 or more")
        for path in paths:
            try:
                self._files.append(ground(load_task(config.game, path), _MOST_OPERATORS))
            except GroundingError:
                continue  # too large to learn from
        self._files.sort(key=lambda each: len(each.variables.cost))

    def small(self) -> list[GroundTask]:
        """Return problems to learn from, small ones first."""
        if self._files:
            return self._files
        count, level = self._config.planning.problems, self._config.planning.level
        return [self._generated(_LEARN, i, level * i / count) for i in range(count)]

    def trials(self) -> list[GroundTask]:
        """Return larger problems to measure a planner by."""
        count, level = self._config.planning.trials, self._config.planning.level
        if self._files:
            return self._files[-count:]
        levels = level * np.geomspace(*_TRIALS, count)
        return [self._generated(_TRY, i, float(own)) for i, own in enumerate(levels)]

    def larger(self, number: int) -> list[GroundTask]:
        """Return problems of medium size for round `number` of learning from own plans."""
        count, level = self._config.planning.trials, self._config.planning.level
        if self._files:
            half = self._files[len(self._files) // 2 :]
            return half[number % 2 :: 2][:count]
        return [self._generated(_GROW, 1000 * number + i, 1.2 * level) for i in range(count)]

    def _generated(self, kind: int, number: int, level: float) -> GroundTask:
        family = FAMILIES[self._config.game]
        seed = mix_seed(self._config.seed, kind, number) % 2**63
        return ground(parse_task(family.domain(), family.problem(seed, level)))
