"""`tesuji run`: act in an environment by trajectory search, a shortest plan or tree search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Optional

import tyro

from tesuji.engine.commands.base import (
    Agent,
    Answer,
    Common,
    Constraints,
    Count,
    File,
    Milliseconds,
)
from tesuji.engine.errors import FAULTS, UsageError, one_line

if TYPE_CHECKING:
    from tesuji.engine.episodes import Episode
    from tesuji.engine.film import Film
    from tesuji.engine.progress import Progress

EXAMPLES = """
Examples:
  tesuji run pendulum                                  the newest version of Gymnasium's environment
  tesuji run HalfCheetah-v5 --constraint "x_velocity <= 3.2096" --steps 200
  tesuji run reacher --constraint "away: fingertip_x < 0.1 or fingertip_y < 0.1" --episodes 5
  tesuji run half_cheetah --steps 100 --render run.gif --plot run.png
  tesuji run pendulum --agent runs/pendulum            what tesuji train pendulum learned
  tesuji run hopper --samples 64 --horizon 40 --deadline-ms 50 --json
  tesuji run MiniGrid-KeyCorridorS6R3-v0 --episodes 10 --render maze.gif    by shortest plans
  tesuji run MiniGrid-DoorKey-8x8-v0 --constraint "implies(carrying == key, action != left)"
  tesuji run minigrid                                  lists the names of a family
  tesuji run CartPole-v1 --sims 50 --constraint "x < 0.3"                   by tree search
  tesuji run tesuji/PointMass-v0 --constraint "not (x > -1 and x < 1 and y > -1 and y < 1)" \\
    --certificate steps.json                    by a proved invariant; tesuji verify steps.json
  tesuji run reacher --method tree --sims 200              a tree over samples of the actions
  tesuji run tesuji/FetchTwoBlocks-v0 --render blocks.gif    a symbolic plan, and its motions

A constraint speaks of the model's quantities; a name that is none is answered by those that are.
It holds always, or comes: "eventually(slider > 0.5)", "eventually(slider > 0.5, 40)" within 40
steps, "joint0 < 1 until fingertip_x < 0" before the episode ends. In MiniGrid it speaks of
agent_x, agent_y, agent_dir, carrying, front, action and so on (docs/robotics.md).
Leaves with 0, with 1 where a constraint was violated or did not come, or an episode failed, which
ends that episode only, and with 130 after Ctrl-C, which keeps what was done.
"""

_PLANS = {
    "shortest": "seed {seed}: return {return:.4f} in {steps} actions, {violating_steps} violating, "
    "and no plan{kept} has fewer; planned in {decision_ms_p50:.1f} ms",
    "none": "seed {seed}: there is no plan{kept} within the limit of steps",
    "unknown": "seed {seed}: no plan{kept} found within the memory; none has fewer than "
    "{lower_bound} actions",
}


Method = Annotated[
    Optional[str],  # noqa: UP045 - for `| None` tyro loads typeguard
    tyro.conf.arg(metavar="{mppi,cem,icem,tree,tasks}"),
]


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Act in a Gymnasium environment, with an agent or without.

    Of continuous actions many trajectories are sampled, and its own simulator says what comes of
    them. Under constraints only what was checked after every substep is executed, where there is
    anything. Discrete actions are decided by tree search; in MiniGrid a shortest plan is sought. In
    tesuji/FetchTwoBlocks-v0 a symbolic plan chooses the order of motions.

    Attributes:
        environment: its id, or that in snake case without the version.
        episodes: to run.
        steps: of an episode, at most; by default what the environment allows.
        seed: of the first episode; the next has the next.
        constraints: what must hold, such as "slow: x_velocity <= 3.2", or come, such as
            "eventually(slider > 0.5)"; repeat it for more.
        agent: the folder of a run of `tesuji train ENVIRONMENT`, net for the agent that ships,
            none, or auto: net where one ships. Its search settings hold where flags are silent.
        method: mppi, cem or icem (the default); tree searches a tree of sampled actions; tasks has
            a symbolic plan choose the order of motions, in MiniGrid and FetchTwoBlocks.
        samples: trajectories that a decision samples first; by default, as the next two, what was
            measured to be good for the environment.
        iterations: of sampling.
        horizon: steps ahead.
        sims: simulations of a decision by tree search.
        deadline_ms: milliseconds that a decision may take; those that take longer are counted.
        render: write a film of the first episode to this .gif, or .mp4 where PyAV is installed.
        certificate: of a linear world (tesuji/PointMass-v0, DoubleIntegrator, Cart): write the
            invariant and all steps, for tesuji verify.
        plot: write rewards, margins and interventions of the first episode to a .png or .svg.
    """

    environment: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ENVIRONMENT")]
    episodes: int = 1
    steps: Count = None
    seed: int = 0
    constraints: Constraints = ()
    agent: Agent = "auto"
    method: Method = None
    samples: Count = None
    iterations: Count = None
    horizon: Count = None
    sims: Count = None
    deadline_ms: Milliseconds = None
    render: File = None
    certificate: File = None
    plot: File = None


def run(arguments: Arguments) -> Answer:
    """Run the episodes and say what came of them."""
    from tesuji.engine.film import Film, check_film, write_plot
    from tesuji.engine.progress import open_progress
    from tesuji.engine.runners import open_runner

    if arguments.episodes < 1:
        raise UsageError(f"--episodes must be at least 1, got {arguments.episodes}")
    if arguments.seed < 0:
        raise UsageError(f"--seed must be at least 0, got {arguments.seed}")
    if arguments.steps is not None and arguments.steps < 1:
        raise UsageError(f"--steps must be at least 1, got {arguments.steps}")
    if arguments.sims is not None and arguments.sims < 1:
        raise UsageError(f"--sims must be at least 1, got {arguments.sims}")
    deadline = arguments.deadline_ms
    if deadline is not None and not deadline > 0:
        raise UsageError(f"--deadline-ms must be above 0, got {deadline:g}")
    check_film(arguments.render, arguments.plot)
    runner = open_runner(
        arguments.environment, arguments.agent, _changes(arguments), arguments.constraints,
        None if deadline is None else deadline / 1000, pictures=arguments.render is not None,
        simulations=arguments.sims,
    )  # fmt: skip
    certify = getattr(runner, "write_certificate", None)
    if arguments.certificate is not None and certify is None:
        raise UsageError(f"{runner.name} is no linear world: there is no invariant to certify")
    film = None if arguments.render is None else Film(runner.env)
    done = _Done()
    with open_progress(arguments.json) as progress:
        try:
            for i in range(arguments.episodes):
                seed = arguments.seed + i
                growing = _told(runner.run(seed, arguments.steps), i + 1, progress)
                done.keep(seed, growing if film is None or i else _drawn(growing, film))
        except KeyboardInterrupt:
            done.stopped = True
    if done.failed and (arguments.debug or not done.episodes):
        raise done.failed[0][-1]
    if film is not None and arguments.render is not None:
        film.write(arguments.render)
    if arguments.certificate is not None and certify is not None:
        certify(arguments.certificate)
    runner.close()
    if arguments.plot is not None and done.episodes:
        write_plot(arguments.plot, done.episodes[0], runner.name)
    return _say(runner.describe(), done)


@dataclass
class _Done:
    """The episodes so far; of those that failed, the seed, the steps taken, and why."""

    episodes: list[Episode] = field(default_factory=list)
    failed: list[tuple[int, int, Exception]] = field(default_factory=list)
    stopped: bool = False

    def keep(self, seed: int, growing: Iterator[Episode]) -> None:
        """Keep an episode while it grows, and drop it where it fails."""
        number = len(self.episodes)
        try:
            for episode in growing:
                self.episodes[number:] = [episode]
        except FAULTS as error:
            steps = sum(len(episode.rewards) for episode in self.episodes[number:])
            self.failed.append((seed, steps, error))
            del self.episodes[number:]


def _told(growing: Iterator[Episode], number: int, progress: Progress) -> Iterator[Episode]:
    """Pass on an episode while it grows, and tell of it."""
    for episode in growing:
        row = {"kind": "live", "episode": number, "return": episode.total}
        progress.update({**row, "steps": len(episode.rewards), "message": episode.doing})
        yield episode


def _drawn(growing: Iterator[Episode], film: Film) -> Iterator[Episode]:
    """Pass on an episode while it grows; take a picture of each step, and of a start."""
    drawn = -1
    for episode in growing:
        if len(episode.rewards) != drawn:
            drawn = len(episode.rewards)
            film.add()
        yield episode


def _line(row: dict[str, Any]) -> str:
    if "plan" in row:
        kept = " under the constraints" if row["constraints"] else ""
        return _PLANS[row["plan"]].format(**row, kept=kept)
    if "tasks" in row:
        return _tasks(row)
    return (
        f"seed {row['seed']}: return {row['return']:.1f} in {row['steps']} steps, "
        f"{row['violating_steps']} violating, {row['interventions']} interventions, "
        f"{row['unchecked_steps']} unchecked; {row['decision_ms_p50']:.1f} ms a decision "
        f"(p99 {row['decision_ms_p99']:.1f}, {row['deadline_misses']} past the deadline)"
        + (f"; never came: {', '.join(row['unmet'])}" if row["unmet"] else "")
    )


def _changes(arguments: Arguments) -> dict[str, Any]:
    """Return the settings of the search that flags name."""
    names = ("method", "samples", "iterations", "horizon")
    given = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def _tasks(row: dict[str, Any]) -> str:
    failed = [f"  no motion for: {each}" for each in row["failed"]]
    how = f"solved in {row['steps']} steps"
    if not row["solved"]:
        left = "no symbolic plan is left" if row["no_plan_left"] else "given up"
        how = "not solved" if row["tasks"] else f"not solved ({left})"
    first = (
        f"seed {row['seed']}: {how}, {row['violating_steps']} violating; {row['symbolic_plans']} "
        f"symbolic plans and their motions took {row['decision_ms_p50'] / 1000:.1f} s"
    )
    return "\n".join([first, *failed, *(f"  {each}" for each in row["tasks"])])


def _say(facts: dict[str, Any], done: _Done) -> Answer:
    import numpy as np

    rows = [episode.facts() for episode in done.episodes]
    returns = [episode.total for episode in done.episodes]
    violating = sum(episode.violating for episode in done.episodes)
    lines = [_line(row) for row in rows]
    if len(rows) > 1:
        lines.append(f"mean return {np.mean(returns):.4g}, deviation {np.std(returns):.4g}")
    failed = [
        {"seed": seed, "steps": steps, "error": one_line(error)}
        for seed, steps, error in done.failed
    ]
    lines += ["seed {seed}: failed after {steps} steps: {error}".format(**row) for row in failed]
    if done.stopped:
        lines.append("stopped")
    unmet = sum(len(episode.unmet) for episode in done.episodes)
    facts = {**facts, "episodes": rows, "failed": failed, "violating_steps": violating}
    facts["stopped"] = done.stopped
    facts["mean_return"] = round(float(np.mean(returns)), 4) if returns else None
    wrong = 1 if violating or unmet or failed else 0
    return Answer("\n".join(lines), facts, 130 if done.stopped else wrong)
