"""`tesuji train`: learn a game, or to plan in a domain."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tesuji.engine.commands.base import Answer, Common, Constraints, File, Game, open_domain
from tesuji.engine.config import narrow
from tesuji.engine.control_config import (
    ControlLearningConfig,
    ControlTrainConfig,
    PracticeConfig,
    preset_of,
)
from tesuji.engine.errors import UsageError
from tesuji.engine.measures import clock, measure, number, numbers
from tesuji.engine.plan_config import PlanLearningConfig, PlanTrainConfig
from tesuji.engine.progress import open_progress
from tesuji.engine.route_config import ROUTES, RouteLearningConfig, RouteTrainConfig
from tesuji.engine.shop_config import SHOPS, ShopLearningConfig, ShopTrainConfig
from tesuji.engine.theorem_config import (
    PROVING,
    ROBINSON,
    TheoremLearningConfig,
    TheoremTrainConfig,
)
from tesuji.engine.training_config import TrainConfig
from tesuji.nets.config import ConnectionNetConfig, ControlNetConfig, RouteNetConfig
from tesuji.search.trajectory.settings import (
    PolishSettings,
    RandomSearchSettings,
    TrajectorySettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tesuji.engine.progress import Progress
    from tesuji.engine.train import TrainSummary

EXAMPLES = """
Examples:
  tesuji train connect_four                             ten minutes
  tesuji train connect_four --minutes 60 --run-dir runs/hour
  tesuji train --resume runs/hour                       after Ctrl-C, kill -9 or a power cut
  tesuji train --resume runs/hour --minutes 120         for longer
  tesuji train othello_6x6 --net.channels 48 --selfplay.simulations 128
  tesuji train --config runs/hour/config.toml --seed 2  the same again, another seed
  tesuji train your_game.py:factory                     a game of your own
  tesuji train logistics/transport --minutes 5          to plan: a family with a generator
  tesuji train logistics/cvrp --cpu-minutes 20          to construct routes
  tesuji train logistics/job_shop --minutes 2           to dispatch jobs
  tesuji train domain.pddl --problems folder            a PDDL domain of your own
  tesuji train proving --problems folder                to prove: TPTP problems of your own
  tesuji train proving/robinson --cpu-minutes 10        to prove: sums and products of numerals
  tesuji train pendulum                                 to control: an environment of Gymnasium
  tesuji train half_cheetah --constraint "x_velocity <= 3.2096"
  tesuji train hopper --constraint "x_velocity <= 0.5" --agent net    from the agent that ships
  tesuji train connect_four --constraint "keep centre: implies(to_play == 0, action != 3)"
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common, TrainConfig):
    """Learn a game by self-play, from nothing, to plan, to route, to prove, or to control.

    Attributes:
        game: the game to learn, a family of planning problems such as logistics/transport, the file
            of a PDDL domain, logistics/cvrp for routes, logistics/job_shop for shops, proving
            for theorems, or an environment of Gymnasium with continuous actions.
        problems: the folder of problems to learn from, for a PDDL domain or for proving.
        constraints: what must hold besides the rules, such as "keep centre: action != 3"; repeat
            it for more. Those of a file are kept.
        run_dir: the folder of the run; the next free one in runs/ by default.
        agent: to control, an agent to begin with: net for the one that ships, or the folder of a
            run.
        resume: the folder of a run to go on with; its configuration is kept where flags are silent.
    """

    game: Game = "connect_four"
    run_dir: File = None
    resume: File = None
    constraints: Constraints = ()
    problems: str = ""
    planning: PlanLearningConfig = field(default_factory=PlanLearningConfig)
    routing: RouteLearningConfig = field(default_factory=RouteLearningConfig)
    route_net: RouteNetConfig = field(default_factory=RouteNetConfig)
    scheduling: ShopLearningConfig = field(default_factory=ShopLearningConfig)
    proving: TheoremLearningConfig = field(default_factory=TheoremLearningConfig)
    connection_net: ConnectionNetConfig = field(default_factory=ConnectionNetConfig)
    agent: str = ""
    control: ControlLearningConfig = field(default_factory=ControlLearningConfig)
    random_search: RandomSearchSettings = field(default_factory=RandomSearchSettings)
    polish: PolishSettings = field(default_factory=PolishSettings)
    practice: PracticeConfig = field(default_factory=PracticeConfig)
    trajectory: TrajectorySettings = field(default_factory=TrajectorySettings)
    control_net: ControlNetConfig = field(default_factory=ControlNetConfig)

    @staticmethod
    def preset(words: Sequence[str]) -> Path | None:
        """Return the file of settings that ships for the environment that `words` name."""
        named = [
            word
            for before, word in zip(["", *words], words, strict=False)
            if before in ("", "--json", "--debug") or "=" in before or not before.startswith("--")
        ]
        return next(filter(None, map(preset_of, named)), None)


def run(arguments: Arguments) -> Answer:
    """Train, and say how to go on."""
    if arguments.resume is not None and arguments.run_dir is not None:
        raise UsageError("give --run-dir for a new run or --resume for one to go on with, not both")
    if arguments.game == ROUTES:
        if arguments.problems:
            raise UsageError(f"{ROUTES} draws its instances; --problems is for a PDDL domain")
        return _learn_to_route(arguments)
    if arguments.game == SHOPS:
        return _learn_to_dispatch(arguments)
    if arguments.game in (PROVING, ROBINSON):
        return _learn_to_prove(arguments)
    if arguments.game.startswith("logistics/") or arguments.game.endswith(".pddl"):
        return _learn_to_plan(arguments)
    if arguments.problems:
        raise UsageError(f"{arguments.game} is a game; --problems is for a PDDL domain")
    return (
        _learn_to_control(arguments) if _is_environment(arguments.game) else _learn_game(arguments)
    )


def _learn_to_plan(arguments: Arguments) -> Answer:
    from tesuji.engine.plan_training import train_planner

    config = narrow(PlanTrainConfig, arguments)
    name = Path(config.game).parent.name if config.game.endswith(".pddl") else config.game
    return _learn(arguments, config, name, train_planner, lambda found, folder: (
        f"{folder}: {found.iteration} rounds, {found.states} states in "
        f"{clock(found.seconds)}; the best ranking weighs {found.features} colours and solved "
        f"{found.solved} of {found.trials} larger problems\n"
        f"plan with it: tesuji solve DOMAIN.pddl PROBLEM.pddl --agent {folder}"
    ))  # fmt: skip


def _learn_to_route(arguments: Arguments) -> Answer:
    from tesuji.engine.route_training import train_routes

    config = narrow(RouteTrainConfig, arguments)
    return _learn(arguments, config, config.game, train_routes, lambda found, folder: (
        f"{folder}: {found.iteration} rounds, {found.instances} instances in "
        f"{clock(found.seconds)}; on larger ones its likeliest routes cost "
        f"{found.over or 0.0:.1%} more than those of ruin and recreate\n"
        f"route with it: tesuji solve FILE.vrp --agent {folder}"
    ))  # fmt: skip


def _learn_to_dispatch(arguments: Arguments) -> Answer:
    from tesuji.engine.shop_training import train_shops

    config = narrow(ShopTrainConfig, arguments)
    return _learn(arguments, config, config.game, train_shops, lambda found, folder: (
        f"{folder}: {found.iteration} rounds, {found.shops} shops in {clock(found.seconds)}; "
        f"its search ends at {found.gain or 1.0:.1%} of what it dispatches at once\n"
        f"schedule with it: tesuji solve FILE.txt --agent {folder}"
    ))  # fmt: skip


def _learn_to_prove(arguments: Arguments) -> Answer:
    from tesuji.engine.theorem_training import train_prover

    config = narrow(TheoremTrainConfig, arguments)
    if config.game == ROBINSON and config.problems:
        raise UsageError(f"{ROBINSON} makes its problems; --problems is for {PROVING}")
    return _learn(arguments, config, config.game, train_prover, lambda found, folder: (
        f"{folder}: {found.iteration} rounds in {clock(found.seconds)}; {found.proved} of "
        f"{found.problems} problems proved; of {found.trials} held back {found.first} without "
        f"a policy, {found.trained} with it\n"
        f"prove with it: tesuji prove FILE.p --agent {folder}"
    ))  # fmt: skip


def _is_environment(name: str) -> bool:
    """Return whether this is no game of ours, but an environment of Gymnasium."""
    from tesuji.domains.registry import UnknownDomainError, parameters
    from tesuji.engine.trained import family

    try:
        parameters(family(name)[0])
    except UnknownDomainError as unknown:
        from tesuji.domains.robotics.environments import EnvironmentRefusedError, environment_id

        try:
            environment_id(name)
        except EnvironmentRefusedError as refused:
            if ":" in name:  # a file
                return False
            raise UsageError(f"{unknown}; {refused}") from None
        return True
    return False


def _learn_to_control(arguments: Arguments) -> Answer:
    from tesuji.engine.control_training import train_control

    config = narrow(ControlTrainConfig, arguments)
    return _learn(arguments, config, config.game, train_control, lambda found, folder: (
        f"{folder}: {found.iteration} rounds, {found.steps} real steps ({found.violating} "
        f"violating), {found.simulated} of the model in {clock(found.seconds)}; mean return of "
        f"the last round {found.mean_return or 0.0:.1f}\n"
        f"act with it: tesuji run {config.game} --agent {folder}"
    ))  # fmt: skip


def _learn_game(arguments: Arguments) -> Answer:
    from tesuji.engine.train import train

    config = narrow(TrainConfig, arguments)
    open_domain(config.game, config.constraints)
    return _learn(arguments, config, config.game, train, lambda found, folder: (
        f"{_text(found)}\nplay it: tesuji play {config.game} --agent {folder}"
    ))  # fmt: skip


def _learn(
    arguments: Arguments,
    config: Any,
    name: str,
    train: Callable[[Any, Path, Progress, bool], Any],
    told: Callable[[Any, Path], str],
) -> Answer:
    """Learn in the run's folder, named after what is learned; say what `told` makes of the end."""
    folder = arguments.resume or arguments.run_dir or next_run(name.replace("/", "_") or "pddl")
    with open_progress(arguments.json) as progress:
        try:
            summary = train(config, folder, progress, arguments.resume is not None)
        except KeyboardInterrupt:
            advice = f"stopped; go on with: tesuji train --resume {folder}"
            return Answer(advice, {"stopped": True, "run": str(folder)}, code=130)
    return Answer(told(summary, folder), {**asdict(summary), "run": str(folder)})


def _text(summary: TrainSummary) -> str:
    lines = [
        f"{summary.run}: {summary.games} games, {summary.positions} positions, "
        f"{summary.iteration} iterations in {clock(summary.seconds)}"
    ]
    lines += [
        f"{measure(name).title}: {number(value, measure(name).unit)}"
        for name, value in numbers(summary.strength).items()
    ]
    return "\n".join(lines)


def next_run(game: str, folder: Path = Path("runs")) -> Path:
    """Return the first free folder of `runs/GAME`, `runs/GAME-2`, and so on."""
    name = game.rpartition(":")[2]
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(path for path in (folder / name for name in names) if not path.exists())
