"""Which runner an environment has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.environments import (
    has_continuous_actions,
    make_drawn_environment,
    make_environment,
)
from tesuji.domains.robotics.linear_world import WORLDS
from tesuji.engine.control_agent import Trained, load_control, shipped_control
from tesuji.engine.discrete_episodes import GridRunner, open_discrete, refuse_decisions
from tesuji.engine.episodes import Runner
from tesuji.engine.errors import UsageError
from tesuji.engine.robot_settings import MEASURED, guiding
from tesuji.engine.task_episodes import TaskRunner, has_tasks
from tesuji.engine.tree_episodes import TreeRunner
from tesuji.search.trajectory.settings import TrajectorySettings

if TYPE_CHECKING:
    from tesuji.engine.invariant_episodes import InvariantRunner


def open_runner(
    name: str,
    agent: str,
    changes: Mapping[str, Any],
    constraints: Sequence[str] = (),
    deadline: float | None = None,
    pictures: bool = False,
    simulations: int | None = None,
) -> Runner | GridRunner | TreeRunner | TaskRunner | InvariantRunner:
    """Return a runner for an environment by its name.

    Those with discrete actions and those with a task level have their own.

    Args:
        name: of the environment.
        agent: `auto` for the one that ships, if one does, `none`, `net`, or the folder of a run.
        changes: settings of the search that differ from the agent's, or from the defaults.
        constraints: as text, over the model's quantities.
        deadline: seconds that a decision may take; None for no limit.
        pictures: whether it is to be drawn.
        simulations: of a decision by tree search.

    Raises:
        UsageError: no such environment, agent, method or number, or a constraint that cannot be
            used.
    """
    methods, method = ("mppi", "cem", "icem", "tree", "tasks"), changes.get("method", "icem")
    if method not in methods:
        raise UsageError(f"--method must be one of {', '.join(methods)}, got {method!r}")
    try:
        env = make_drawn_environment(name) if pictures else make_environment(name)
        discrete = not has_continuous_actions(env)
        planned = has_tasks(env) and changes.get("method", "tasks") == "tasks"
        tree = method == "tree" and not discrete
        sampled = not (discrete or planned)
        linear = env.spec is not None and env.spec.id in WORLDS
        _check_flags(name, changes, sampled, discrete, tree, simulations)
        if agent not in ("auto", "none") and (linear or not sampled):
            raise UsageError(f"--agent {agent}: no agent takes part in {name} this way")
        if discrete:
            return open_discrete(env, simulations, constraints, deadline, method == "tasks")
        if linear:
            from tesuji.engine.invariant_episodes import InvariantRunner  # noqa: PLC0415 - z3

            if method == "tree":
                raise UsageError(f"{name} has an invariant; --method must be mppi, cem or icem")
            settings = replace(TrajectorySettings(), **changes)
            return InvariantRunner(env, settings, constraints, deadline)
        if method == "tasks" and not has_tasks(env):
            raise UsageError("only MiniGrid and FetchTwoBlocks have a task level")
        if planned:
            refuse_decisions(name, simulations, deadline)
            return TaskRunner(EnvironmentDomain(env), constraints)
        domain, trained = EnvironmentDomain(env), None
        if agent == "net" or (agent == "auto" and shipped_control(domain.spec.name).is_dir()):
            trained = load_control("net", domain)
        elif agent not in ("auto", "none"):
            trained = load_control(agent, domain)
        if tree:
            return _open_tree(domain, trained, changes, constraints, deadline, simulations)
        untrained = MEASURED.get(domain.spec.name, TrajectorySettings())
        settings = replace(trained.settings if trained else untrained, **changes)
        guide = trained.agent if trained else None
        return Runner(domain, settings, constraints, deadline, guide)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is not installed; pip install 'tesuji[robotics]' brings it"
        ) from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def _open_tree(
    domain: EnvironmentDomain,
    trained: Trained | None,
    changes: Mapping[str, Any],
    constraints: Sequence[str],
    deadline: float | None,
    simulations: int | None,
) -> TreeRunner:
    """Return a tree search of an agent, or guided by trajectories, which `changes` speak of."""
    changes = {name: each for name, each in changes.items() if name != "method"}
    if trained is not None and changes:
        idle = ", ".join(f"--{each}" for each in changes)
        raise UsageError(f"{idle}: an agent's tree samples no trajectories; --agent none does")
    settings = replace(guiding(domain.spec.name), **changes)
    return TreeRunner(
        domain.env, simulations, constraints, deadline, trained=trained, trajectory=settings
    )


def _check_flags(
    name: str,
    changes: Mapping[str, Any],
    sampled: bool,
    discrete: bool,
    tree: bool,
    simulations: int | None,
) -> None:
    """Raise an error where flags would change nothing: of another search than `name` has."""
    idle = [f"--{each}" for each in changes if each != "method" and not sampled]
    if discrete and changes.get("method") in ("mppi", "cem", "icem"):
        idle.append(f"--method {changes['method']}")
    if idle:
        raise UsageError(f"{', '.join(idle)}: no trajectories are sampled for {name} this way")
    if sampled and not tree and simulations is not None:
        raise UsageError(f"--sims is for tree search; {name} needs --method tree, too")
