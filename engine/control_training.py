"""Learning to control: networks imitate and judge what a trajectory planner makes of them.

Expert iteration (Anthony, Tian & Barber 2017) with a model, as in POLO (Lowrey et al. 2019): the
planner acts in the environment with the newest networks, the policy imitates its plans, and the
value learns their returns with its own word for what lies beyond their end. Stored states are
planned from again (reanalysis, Schrittwieser et al. 2021). Or both practise in the model instead
(`control_practice.py`). Only steps of episodes are real steps; what the model simulates is counted
apart. A policy to begin with may be searched for in the model (`random_search`), and what was
learned be improved so in between (`polish`).
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.engine.checkpoint import (
    Tensors,
    checkpoint_path,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from tesuji.engine.config import save_toml
from tesuji.engine.control_agent import (
    Trained,
    control_checkpoint,
    load_control,
    take_tensors,
    tensors_of,
    trained_of,
)
from tesuji.engine.control_config import ControlLearningConfig, ControlTrainConfig
from tesuji.engine.control_fit import fit
from tesuji.engine.control_lessons import Examples, Lessons
from tesuji.engine.control_practice import Practice, check_always
from tesuji.engine.control_search import PolicySearch, judge_policy
from tesuji.engine.control_states import States
from tesuji.engine.control_totals import ControlTotals
from tesuji.engine.episodes import Episode, Runner
from tesuji.engine.metrics import MetricsWriter
from tesuji.engine.optimizers import optimizer_tensors, restore_optimizer
from tesuji.engine.pace import Pace
from tesuji.engine.progress import Progress
from tesuji.engine.run_folder import CONFIG, RunFolder
from tesuji.engine.selfplay import mix_seed
from tesuji.nets.control import ControlNet
from tesuji.nets.control_native import ControlAgent
from tesuji.search.trajectory.planner import Trajectory
from tesuji.search.trajectory.settings import RandomSearchSettings

Floats = npt.NDArray[np.float64]

_TOLD = 50  # plans between two words


def train_control(
    config: ControlTrainConfig, run: Path, progress: Progress, resume: bool = False
) -> ControlTotals:
    """Learn until the time or the rounds are spent; return how it ended.

    Args:
        config: the run's settings; on resume those it was started with.
        run: the run's folder, new or to be resumed.
        progress: told of each round.
        resume: go on after the newest sound checkpoint, to the same bytes.

    Raises:
        TesujiError: the folder is in use or cannot be written.
        EnvironmentRefusedError: there is no such environment, or it has no continuous actions.
        ConstraintError: a constraint cannot be used.
        UsageError: a constraint need not hold always, and there is practice.
        KeyboardInterrupt: the run stands at its last checkpoint.
    """
    domain = EnvironmentDomain(config.game)
    runner = Runner(domain, config.trajectory, config.constraints)
    try:
        check_always(config.practice, runner.monitor)
        goes_on = resume and bool(list_checkpoints(run))
        first = None if goes_on or not config.agent else load_control(config.agent, domain)
        with RunFolder(run, resume) as folder:
            save_toml(run / CONFIG, config)
            training = _ControlTraining(config, runner, folder.path, progress, goes_on, first)
            try:
                return training.to_end()
            finally:
                training.metrics.close()
    finally:
        runner.close()


class _ControlTraining:
    def __init__(
        self, config: ControlTrainConfig, runner: Runner, run: Path, progress: Progress,
        goes_on: bool, first: Trained | None,
    ) -> None:  # fmt: skip
        torch.set_num_threads(1)  # one sum, one order: the same bytes
        torch.manual_seed(config.seed)
        self.config, self.runner, self.run, self.progress = config, runner, run, progress
        model, settings = runner.model, config.control
        self.totals, self.states = ControlTotals(), States(runner.domain, settings.window)
        self.lessons = Lessons(
            settings.window, config.lesson_horizon, settings.taken, config.trajectory.discount
        )
        observed = runner.domain.spec.observation_shape[0]
        self.net = ControlNet(config.control_net, observed, model.low.size)
        self.optimizer = torch.optim.Adam(self.net.parameters(), settings.rate, fused=True)
        self.practice = Practice(config, model, runner.monitor, self.net, self.optimizer)
        self.search: PolicySearch | None = None  # that is under way
        if goes_on:
            self._restore()
        elif first is not None:
            self._take(first)
        self.metrics = MetricsWriter(run, step=self.totals.iteration)
        self.pace = Pace(config, self.totals, progress)

    def _restore(self) -> None:
        checkpoint = load_checkpoint(self.run, game=self.runner.domain.spec.name, set_aside=True)
        self._take(trained_of(checkpoint, self.runner.domain))
        self.totals = ControlTotals(**checkpoint.metadata["totals"])
        parts: dict[str, Tensors] = {}
        for name, tensor in checkpoint.training.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor
        restore_optimizer(self.optimizer, list(self.net.parameters()), parts.get("optimizer", {}))
        if self.totals.iteration:
            self.lessons.restore(parts["lessons"])
            self.states.restore(parts["states"])
        if "search" in parts:
            self.search = self._begin_search()
            self.search.restore(parts["search"])

    def _take(self, trained: Trained) -> None:
        take_tensors(self.net, trained.tensors)
        self.runner.agent = trained.agent

    def to_end(self) -> ControlTotals:
        while True:
            if self._due().rounds:
                self._search()
            if self.pace.share() >= 1.0:
                return self.totals
            self._iterate(self.totals.iteration + 1)

    def _due(self) -> RandomSearchSettings:
        """Return the settings of the search that comes next; without rounds if there is none."""
        number, polish = self.totals.iteration, self.config.polish
        if number == self.totals.searched or number % polish.every:
            return RandomSearchSettings()
        return polish if number or self.config.agent else self.config.random_search

    def _search(self) -> None:
        """Take a policy that is found in the model; before the first round, judge it."""
        config, totals, tell = self.config, self.totals, self.pace.tell
        search = self.search = self.search or self._begin_search()
        search.run(tell, self._save)
        totals.simulated += search.spent()
        if (
            totals.iteration == 0 and not config.agent
        ):  # else the value is that of a policy much like it
            rng = np.random.default_rng(mix_seed(config.seed, 2, 0))
            examples = judge_policy(self.net, self.runner, config.trajectory.discount, rng)
            totals.simulated += len(examples.values)
            most, settings = float(examples.values.max()), replace(config.control, imitation=0.0)
            self._fit(examples, most, rng, settings)
        self.runner.agent = ControlAgent(tensors_of(self.net))
        totals.searched, self.search = totals.iteration, None
        self._save()

    def _begin_search(self) -> PolicySearch:
        number = self.totals.iteration
        seed = mix_seed(self.config.seed, 3, number)
        anew = number == 0 and not self.config.agent
        return PolicySearch(self.net, self.runner, self._due(), seed, anew)

    def _iterate(self, number: int) -> None:
        config, totals = self.config, self.totals
        rng = np.random.default_rng(mix_seed(config.seed, 1, number))
        for group in self.optimizer.param_groups:
            group["lr"] = config.control.rate * 0.1 ** self.pace.share()
        episodes = self._act(rng)
        if config.practice.steps:
            losses = self._practise(rng)
        else:
            self._imagine(rng)
            losses = self._learn(rng)
        self.runner.agent = ControlAgent(tensors_of(self.net))
        totals.iteration = number
        totals.mean_return = float(np.mean([episode.total for episode in episodes]))
        self._tell(episodes, losses)
        self._save()

    def _act(self, rng: np.random.Generator) -> list[Episode]:
        """Take the round's real steps by the planner; every decision is a lesson."""
        settings, totals, episodes = self.config.control, self.totals, list[Episode]()
        most, left = settings.episode_steps or self.runner.domain.spec.max_steps, settings.steps
        while left > 0:
            seed = int(rng.integers(2**31))
            self.states.begin(seed)
            episode = Episode(seed)
            steps = self.runner.run(seed, min(most, left), record=self._note)
            for episode in steps:
                if len(episode.rewards) % _TOLD == 0:
                    self.pace.tell(f"real step {settings.steps - left + len(episode.rewards)}")
            left -= len(episode.rewards)
            totals.steps += len(episode.rewards)
            totals.simulated += episode.simulated
            totals.violating += episode.violating
            episodes.append(episode)
        return episodes

    def _note(self, state: Moment, action: Floats, plan: Trajectory | None) -> None:
        self.states.append(state, action.astype(np.float32))
        if plan is not None:
            self._teach(state, plan)

    def _teach(self, state: Moment, plan: Trajectory) -> None:
        if plan.violation == 0.0:  # else it is not what shall be done
            self.lessons.add(state.observation, plan, self.runner.model.scaled(plan.actions))

    def _practise(self, rng: np.random.Generator) -> tuple[float, float]:
        """Learn from what the policy does in the model; return the mean losses."""
        totals, share = self.totals, self.pace.share()
        done = self.practice.round(
            totals.iteration + 1, share, lambda: self._wander(rng), rng, self.pace.tell
        )
        totals.simulated += done.simulated
        totals.updates += done.updates
        totals.practice_reward = round(done.mean_reward, 4)
        return done.losses

    def _imagine(self, rng: np.random.Generator) -> None:
        """Plan from states of the model; no step of theirs is a real one."""
        seed, horizon = int(rng.integers(2**31)), self.config.lesson_horizon
        planner = self.runner.planner(seed, horizon=horizon)
        for number in range(self.config.control.imagined):
            state = self._wander(rng)
            plan = self.runner.look(planner, state)
            self.totals.simulated += plan.simulated
            self._teach(state, plan)
            if number % _TOLD == 0:
                self.pace.tell(f"imagined state {number + 1} of {self.config.control.imagined}")

    def _wander(self, rng: np.random.Generator) -> Moment:
        state, steps = self.states.wander(self.config.control, self.runner.model, rng)
        self.totals.simulated += steps
        return state

    def _learn(self, rng: np.random.Generator) -> tuple[float, float]:
        """Learn from all lessons that are kept; return the mean losses of policy and value."""
        agent = self.runner.agent
        examples = self.lessons.examples(None if agent is None else agent.value)
        if self.totals.searched < 0 and not self.config.agent:  # else a part of what was found
            self.net.normalise(self.states.observations())
        most = self.lessons.best_return(self.runner.domain.spec.max_steps)
        return self._fit(examples, most, rng, self.config.control)

    def _fit(
        self, examples: Examples, most: float, rng: np.random.Generator, how: ControlLearningConfig
    ) -> tuple[float, float]:
        self.totals.updates += how.updates
        return fit(self.net, self.optimizer, examples, most, how, rng, self.pace.tell)

    def _tell(self, episodes: list[Episode], losses: tuple[float, float]) -> None:
        self.pace.note()
        share = round(min(self.pace.share(), 1.0), 4)
        row = {
            "kind": "iteration", "game": self.runner.domain.spec.name, "progress": share,
            **self.totals.row(episodes, losses),
        }  # fmt: skip
        self.metrics.write(self.totals.iteration, row)
        self.progress.update(row)

    def _save(self) -> None:
        config, totals = self.config, self.totals
        self.pace.note()
        parts = {"optimizer": optimizer_tensors(self.optimizer, list(self.net.parameters()))}
        if totals.iteration:
            parts |= {"lessons": self.lessons.tensors(), "states": self.states.tensors()}
        if self.search is not None:
            totals.simulated += self.search.spent()
            parts["search"] = self.search.tensors()
        training = {f"{p}/{name}": each for p, part in parts.items() for name, each in part.items()}
        save_checkpoint(
            checkpoint_path(self.run, totals.iteration),
            control_checkpoint(
                self.runner.domain.spec.name, config.control_net, config.trajectory,
                tensors_of(self.net), totals.updates,
                {"totals": asdict(totals), "seed": config.seed, **self.runner.describe(),
                 "constraints": list(config.constraints)},
                training,
            ),
        )  # fmt: skip
        prune_checkpoints(self.run, config.keep_checkpoints, milestone=0)
