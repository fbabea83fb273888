"""Learning to prove: a policy imitates the proofs that its own search finds (expert iteration).

A round searches all problems with the policy so far - the first one with none - and learns anew
from the newest proof of each: every goal of it that could be closed in several ways is an example
(Kaliszyk et al. 2018), and, with less weight, every goal that a search closed at all (hindsight).
SAT help proves more; its instances are made tableaux, to learn from. A part of the problems is only
searched, without it, to see what was learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import torch

from tesuji.domains.proving.features import BUCKETS
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
from tesuji.engine.progress import Progress
from tesuji.engine.run_folder import CONFIG, RunFolder
from tesuji.engine.selfplay import mix_seed
from tesuji.engine.theorem_attempts import Attempt, Search, Searches, attempt
from tesuji.engine.theorem_config import TheoremTrainConfig
from tesuji.engine.theorem_outcomes import closing_examples
from tesuji.engine.theorem_policy import (
    PRICES,
    Known,
    PolicyTables,
    Taught,
    Theorem,
    candidates,
    connection_checkpoint,
    connection_net_of,
)
from tesuji.engine.theorem_problems import Problems
from tesuji.nets.closing import learn_closing
from tesuji.nets.connection import ConnectionNet, learn_connections
from tesuji.search.proving.deepening import Deepening
from tesuji.search.proving.guided import Guided
from tesuji.search.proving.outcomes import make_outcomes

_TOLD = 50  # problems between two words


@dataclass
class TheoremTotals:
    """What a run has done so far.

    Attributes:
        problems: that it learns from.
        proved: of those, by now.
        trials: problems that are only searched.
        first: of the trials that were proved without a policy.
        trained: of the trials that the last policy proved.
    """

    iteration: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    inferences: int = 0
    problems: int = 0
    proved: int = 0
    trials: int = 0
    first: int = 0
    trained: int = 0


def train_prover(
    config: TheoremTrainConfig, run: Path, progress: Progress, resume: bool = False
) -> TheoremTotals:
    """Learn until the time or the rounds are spent; return how it ended.

    Args:
        config: the run's settings; on resume those it was started with.
        run: the run's folder, new or to be resumed.
        progress: told of each round.
        resume: go on with the policy of the newest sound checkpoint; its proofs are found anew.

    Raises:
        TesujiError: the folder is in use or cannot be written, or nothing could be proved.
        UsageError: there are no problems to learn from.
        KeyboardInterrupt: the run stands at its last checkpoint.
    """
    source = Problems(config)
    with RunFolder(run, resume) as folder:
        save_toml(run / CONFIG, config)
        training = _Training(config, source, folder.path, progress, resume)
        try:
            return training.to_end()
        finally:
            training.metrics.close()


class _Training:
    def __init__(
        self, config: TheoremTrainConfig, source: Problems, run: Path, progress: Progress,
        resume: bool,
    ) -> None:  # fmt: skip
        torch.set_num_threads(1)  # one sum, one order: the same bytes
        self.config, self.source, self.run, self.progress = config, source, run, progress
        self.totals = TheoremTotals()
        self.net: ConnectionNet | None = None
        if resume and list_checkpoints(run):
            checkpoint = load_checkpoint(run, game=config.game, set_aside=True)
            self.net = connection_net_of(checkpoint)
            self.totals = TheoremTotals(**checkpoint.metadata["totals"])
        self.metrics = MetricsWriter(run, step=self.totals.iteration)
        self.lessons: dict[str, Taught] = {}  # the newest tableaux
        self.proved: set[str] = set()
        self.pace = Pace(config, self.totals, progress)

    def to_end(self) -> TheoremTotals:
        if self.pace.share() < 1.0:
            self._prepare()
        while self.pace.share() < 1.0:
            self._iterate(self.totals.iteration + 1)
        return self.totals

    def _prepare(self) -> None:
        known = Known(self.config.connection_net.sight)
        theorems, faults = list[Theorem](), list[str]()
        for number, one in enumerate(self.source.read(known), 1):
            if isinstance(one, str):
                faults.append(one)
            else:
                theorems.append(one)
            if number % _TOLD == 0:
                self.pace.tell(f"reading problem {number}")
        if not theorems:
            raise TesujiError(f"no problem could be read; the first: {faults[0]}")
        self.actions, self.graphs = known.actions(), known.graphs()
        self.learned = [one for one in theorems if not self.source.is_trial(one)]
        self.trials = [one for one in theorems if self.source.is_trial(one)]
        self.faults = faults
        self.totals.problems, self.totals.trials = len(self.learned), len(self.trials)
        if self.net is None:
            tried = self._search_all(self.trials, "trying", self._deepening)
            self.totals.first = sum(each.proved for each in tried)

    def _iterate(self, number: int) -> None:
        config, totals = self.config, self.totals
        sat_help = config.proving.sat_help
        ways = self._unguided if self.net is None else self._guided(sat_help)
        found = self._search_all(self.learned, "proving", ways)
        for theorem, one in zip(self.learned, found, strict=True):
            if one.proved:
                self.proved.add(theorem.name)
            if one.lesson is not None:
                self.lessons[theorem.name] = Taught(theorem, one.lesson)
        goals = candidates([*self.lessons.values(), *self._hindsight(found)])
        if not len(goals.chosen):
            raise TesujiError(
                "no proof to learn from; give easier problems, or more --proving.inferences"
            )
        self.pace.tell(f"learning from {len(self.lessons)} tableaux")
        seed = mix_seed(config.seed, 4, number) % 2**32
        torch.manual_seed(seed)
        self.net = ConnectionNet(config.connection_net, BUCKETS)
        loss, accuracy = learn_connections(
            self.net, self.actions, goals, config.proving.epochs, seed, self.graphs
        )
        closing_loss = self._learn_closing(found, seed)
        tried = self._search_all(self.trials, "trying", self._guided(sat_help=False))
        totals.iteration, totals.proved = number, len(self.proved)
        totals.trained = sum(one.proved for one in tried)
        self._save(number, {
            "lessons": len(self.lessons), "positions": len(goals.chosen),
            "loss": round(loss, 5), "accuracy": round(accuracy, 5), "closing_loss": closing_loss,
            "proved_now": sum(one.proved for one in found),
        })  # fmt: skip

    def _hindsight(self, found: list[Attempt]) -> Iterator[Taught]:
        # A goal that was closed is proved, whether or not the whole was.
        weight = self.config.proving.hindsight
        if weight:
            for theorem, one in zip(self.learned, found, strict=True):
                for outcomes in one.outcomes:
                    yield Taught(theorem, outcomes.lesson(), weight)

    def _learn_closing(self, found: list[Attempt], seed: int) -> float | None:
        config = self.config.connection_net
        left = (outcomes for one in found for outcomes in one.outcomes)
        examples = closing_examples(left, [e.lesson for e in found if e.lesson is not None])
        assert self.net is not None
        if not 0 < examples.closed.sum() < len(examples.closed):
            return None
        loss = learn_closing(
            self.net.closing, examples, self.config.proving.closing_epochs, seed, config.rate,
            config.decay, config.batch,
        )  # fmt: skip
        return round(loss, 5)

    def _deepening(self, theorem: Theorem) -> list[Search]:
        return [Deepening(theorem.matrix)]

    def _unguided(self, theorem: Theorem) -> list[Search]:
        # Restricted backtracking finds more, but hardly what needs axioms of equality.
        sat_help = self.config.proving.sat_help
        return [Deepening(theorem.matrix, sat_help=sat_help), Deepening(theorem.matrix, cut=False)]

    def _guided(self, sat_help: bool) -> Searches:
        assert self.net is not None
        tables, settings = PolicyTables(self.net, self.actions, self.graphs), self.config.proving
        prices = settings.prices
        return lambda theorem: [
            Guided(
                theorem.matrix, tables.policy(theorem), prices,
                sat_help=sat_help, outcomes=make_outcomes(settings.outcomes),
            )
        ]  # fmt: skip

    def _search_all(self, theorems: list[Theorem], what: str, searches: Searches) -> list[Attempt]:
        found, most = list[Attempt](), self.config.proving.inferences
        with ThreadPoolExecutor(self.config.proving.workers) as pool:
            try:
                results = pool.map(lambda each: attempt(each, searches(each), most), theorems)
                for one in results:
                    found.append(one)
                    self.totals.inferences += one.inferences
                    if len(found) % _TOLD == 0:
                        proved = sum(each.proved for each in found)
                        self.pace.tell(
                            f"{what}: {proved} of {len(found)}, of {len(theorems)} problems"
                        )
            except KeyboardInterrupt:
                pool.shutdown(cancel_futures=True)
                raise
        return found

    def _save(self, number: int, learned: dict[str, object]) -> None:
        totals = self.totals
        self.pace.note()
        row = {
            "kind": "iteration", "game": self.config.game, "iteration": number,
            "seconds": round(totals.seconds, 3), "cpu_seconds": round(totals.cpu_seconds, 3),
            "progress": round(min(self.pace.share(), 1.0), 4), **learned,
            "proved": totals.proved, "problems": totals.problems, "trials": totals.trials,
            "trials_first": totals.first, "trials_proved": totals.trained,
            "inferences": totals.inferences, "unreadable": len(self.faults),
        }  # fmt: skip
        self.metrics.write(number, row)
        self.progress.update(row)
        assert self.net is not None
        metadata: dict[str, object] = {
            "totals": asdict(totals), "seed": self.config.seed,
            PRICES: list(astuple(self.config.proving.prices)),
        }  # fmt: skip
        save_checkpoint(
            checkpoint_path(self.run, number),
            connection_checkpoint(self.config.game, self.net, number, metadata),
        )
        prune_checkpoints(self.run, self.config.keep_checkpoints)
