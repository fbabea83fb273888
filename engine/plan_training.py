"""Learning to plan: explore small problems whole, learn a ranking, plan larger ones with it.

Each of the first rounds learns with another way of colouring states, from exact labels; later ones
add the plans that the best ranking so far finds for larger problems, made shorter by the anytime
planner (expert iteration). What counts is how a ranking does as a guide on problems larger than
those: the best one is kept.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tesuji.engine.checkpoint import (
    checkpoint_path,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from tesuji.engine.config import save_toml
from tesuji.engine.errors import TesujiError
from tesuji.engine.metrics import MetricsWriter
from tesuji.engine.pace import Pace
from tesuji.engine.plan_config import PlanTrainConfig
from tesuji.engine.plan_examples import (
    Example,
    Label,
    describe,
    label_plan,
    label_space,
    tabulate,
)
from tesuji.engine.plan_model import guided, ranking_checkpoint, ranking_of, signature
from tesuji.engine.plan_problems import ProblemSource
from tesuji.engine.planning import GroundTask
from tesuji.engine.progress import Progress
from tesuji.engine.run_folder import CONFIG, RunFolder
from tesuji.engine.selfplay import mix_seed
from tesuji.nets.ranking import RankingConfig, accuracy, learn_ranking
from tesuji.search.planning.guided import Ranking
from tesuji.search.planning.planner import PlanSearch

COLOURINGS = ((3, 1), (4, 1), (4, 2), (5, 1), (6, 1))  # depth and most, a round each
_LEAST_WEIGHT = 1e-3  # smaller ones are dropped
_MARGIN = 0.03  # a later ranking must be better by this, a trial: finer colours cost time
_HELD_BACK = 10  # of so many problems one is held back to measure accuracy


@dataclass
class PlanTotals:
    """What a run has done so far, and how its best ranking did."""

    iteration: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    states: int = 0
    solved: int = -1
    score: float = -math.inf


@dataclass(frozen=True)
class PlanTrainSummary:
    """How a run ended."""

    iteration: int
    states: int
    seconds: float
    solved: int
    trials: int
    features: int


def train_planner(
    config: PlanTrainConfig, run: Path, progress: Progress, resume: bool = False
) -> PlanTrainSummary:
    """Learn until the time or the rounds are spent; return how it ended.

    Args:
        config: the run's settings; on resume those it was started with.
        run: the run's folder, new or to be resumed.
        progress: told of each round.
        resume: go on after the newest sound checkpoint.

    Raises:
        TesujiError: the folder is in use, cannot be written, or there is nothing to learn from.
        UsageError: there is no such family or folder of problems.
        KeyboardInterrupt: the run stands at its last checkpoint.
    """
    source = ProblemSource(config)
    with RunFolder(run, resume) as folder:
        save_toml(run / CONFIG, config)
        training = _PlanTraining(config, source, folder.path, progress, resume)
        try:
            return training.to_end()
        finally:
            training.metrics.close()


class _PlanTraining:
    def __init__(
        self,
        config: PlanTrainConfig,
        source: ProblemSource,
        run: Path,
        progress: Progress,
        resume: bool,
    ) -> None:
        torch.set_num_threads(1)  # one sum, one order: the same bytes
        self.config, self.source, self.run, self.progress = config, source, run, progress
        self.totals = PlanTotals()
        none = np.zeros(0, np.uint64), np.zeros(0, np.float32)
        self.best = Ranking(*none, *COLOURINGS[0])
        if resume and list_checkpoints(run):
            checkpoint = load_checkpoint(run, game=config.game, set_aside=True)
            self.best = ranking_of(checkpoint)
            self.totals = PlanTotals(**checkpoint.metadata["totals"])
        self.metrics = MetricsWriter(run, step=self.totals.iteration)
        self.pace = Pace(config, self.totals, progress)

    def to_end(self) -> PlanTrainSummary:
        totals = self.totals
        if not self._is_over():
            self._prepare()
        while not self._is_over():
            self._iterate(totals.iteration + 1)
        return PlanTrainSummary(
            totals.iteration, totals.states, totals.seconds, max(totals.solved, 0),
            self.config.planning.trials, len(self.best.colour),
        )  # fmt: skip

    def _is_over(self) -> bool:
        return self.pace.share() >= 1.0

    def _prepare(self) -> None:
        """Explore the small problems."""
        settings = self.config.planning
        self.labelled: list[tuple[GroundTask, list[Label]]] = []
        misses = 0
        for number, task in enumerate(self.source.small()):
            rng = np.random.default_rng(mix_seed(self.config.seed, 10, number))
            found = label_space(task, rng, settings.most_states, settings.samples)
            misses = misses + 1 if found is None else 0
            if found:
                self.labelled.append((task, found))
            self.pace.tell(f"exploring problem {number + 1}")
            if misses == 3:  # they are sorted by size
                break
        if not self.labelled:
            raise TesujiError(
                "no problem is small enough to be explored; give smaller ones, or more "
                "--planning.most-states"
            )
        self.trials = self.source.trials()

    def _iterate(self, number: int) -> None:
        totals = self.totals
        own = number > len(COLOURINGS)
        depth, most = (self.best.depth, self.best.most) if own else COLOURINGS[number - 1]
        none = np.zeros(0, np.uint64), np.zeros(0, np.float32)
        blank = Ranking(*none, depth, most)
        examples = [describe(guided(task, blank), labels) for task, labels in self.labelled]
        held = [each for i, each in enumerate(examples) if i % _HELD_BACK == _HELD_BACK - 1]
        learned = [each for i, each in enumerate(examples) if i % _HELD_BACK != _HELD_BACK - 1]
        if own:
            for task in self.source.larger(number):
                learned.append(self._own_plan(task))
                self.pace.tell("planning larger problems")
        ranking, row = self._learn(
            [e for each in learned for e in each], [e for each in held for e in each], blank
        )
        solved, score, effort = self._try(ranking)
        margin = _MARGIN * len(self.trials)
        if solved > totals.solved or (solved == totals.solved and score > totals.score + margin):
            self.best, totals.solved, totals.score = ranking, solved, score
        totals.iteration = number
        totals.states += sum(map(len, learned))
        self.pace.note()
        row |= {
            "kind": "iteration", "game": self.config.game, "iteration": number,
            "seconds": round(totals.seconds, 3), "cpu_seconds": round(totals.cpu_seconds, 3),
            "progress": round(min(self.pace.share(), 1.0), 4), "positions": totals.states,
            "depth": depth, "most": most, "solved": solved, "solved_by_best": totals.solved,
            "trial_score": score, "evaluated": effort, "trials": len(self.trials),
        }  # fmt: skip
        self.metrics.write(number, row)
        self.progress.update(row)
        self._save()

    def _learn(
        self, learned: list[Example], held: list[Example], blank: Ranking
    ) -> tuple[Ranking, dict[str, Any]]:
        table = tabulate(learned)
        weights = learn_ranking(table.choices, RankingConfig(decay=self.config.planning.decay))
        kept = np.abs(weights) >= _LEAST_WEIGHT
        ranking = blank._replace(colour=table.colour[kept], weight=weights[kept].astype(np.float32))
        row: dict[str, Any] = {"features": int(kept.sum())}
        row["accuracy"] = {"learned": accuracy(table.choices, weights)}
        if held:
            unseen = tabulate(held, table.colour)
            row["accuracy"]["held_back"] = accuracy(unseen.choices, weights)
        return ranking, row

    def _try(self, ranking: Ranking) -> tuple[int, float, int]:
        """Return how many trials a ranking solves, how well, and with how many states valued."""
        solved, score, valued = 0, 0.0, 0
        for task in self.trials:
            plan, evaluated = _plan(task, ranking, self.config.planning.effort)
            self.pace.tell("trying the planner")
            valued += evaluated
            if plan is not None:
                solved += 1
                score -= math.log(len(plan) + 1) + 0.1 * math.log(evaluated + 1)
        return solved, round(score, 6), valued

    def _own_plan(self, task: GroundTask) -> list[Example]:
        """Return examples of a plan that the best ranking finds, made shorter where that goes."""
        effort = self.config.planning.effort
        plan, _ = _plan(task, self.best, effort)
        if plan is None:
            return []
        anytime = PlanSearch(task.variables)
        anytime.bound[0] = min(anytime.bound[0], anytime.cost[list(plan)].sum())
        for step in anytime.steps():
            if step.evaluated > effort // 20:
                break
            plan = step.plan or plan
        search = guided(task, self.best)
        return describe(search, label_plan(search, plan))

    def _save(self) -> None:
        predicates = signature(self.labelled[0][0].task)
        metadata = {"totals": asdict(self.totals), "seed": self.config.seed}
        save_checkpoint(
            checkpoint_path(self.run, self.totals.iteration),
            ranking_checkpoint(
                self.config.game, self.best, predicates, self.totals.iteration, metadata
            ),
        )
        prune_checkpoints(self.run, self.config.keep_checkpoints)


def _plan(task: GroundTask, ranking: Ranking, effort: int) -> tuple[tuple[int, ...] | None, int]:
    """Return the plan that a ranking finds with no more than `effort` states valued, and those."""
    evaluated = 0
    for step in guided(task, ranking).steps():
        evaluated = step.evaluated
        if evaluated > effort:
            return None, effort
        if step.plan is not None:
            return step.plan, evaluated
    return None, evaluated
