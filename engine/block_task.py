"""Fetch's two blocks at the task level: which block to take and where to put it, and how.

A symbolic plan of `pick` and `place` says the order, and which place a block is put to meanwhile;
each is carried out in stages by trajectory search around a script, judged by the simulator. An
action's arguments say where both blocks are, so that what fails is forbidden in that situation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tesuji.domains.logistics.pddl.validation import Step
from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.models import Floats, make_model
from tesuji.engine.errors import UsageError
from tesuji.engine.task_level import Failure, Motion
from tesuji.search.trajectory.planner import TrajectoryPlanner
from tesuji.search.trajectory.settings import TrajectorySettings
from tesuji.search.trajectory.stages import Script, Stage, StageModel

if TYPE_CHECKING:
    from tesuji.search.trajectory.monitor import ConstraintMonitor

BLOCKS = ("object0", "object1")
_LEVEL = 0.425  # m, of a block's middle on the table
_LIFTED = 0.6  # m, where blocks are carried
_NEAR = 0.02  # m from where a block was to be put, or to stay
_OVERLAP = 0.055  # m between middles of blocks side by side, at least
_X = (1.15, 1.25, 1.35, 1.45, 1.55)  # m, of places where a block may be put meanwhile
_Y = (0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.05)
_SETTINGS = TrajectorySettings(
    samples=8, iterations=1, horizon=6, deviation=0.2, policy_samples=0.75, elites=2, replan=2,
    exponent=1.0,
)  # fmt: skip

DOMAIN = """
(define (domain two-blocks)
  (:requirements :strips :typing :negative-preconditions :action-costs)
  (:types block place)
  (:predicates (at ?b - block ?p - place) (holding ?b - block) (empty) (clear ?p - place)
    (other ?b ?o - block)
    (failed-pick ?b - block ?p - place ?o - block ?q - place)
    (failed-place ?b - block ?p - place ?o - block ?q - place))
  (:functions (total-cost) - number (far ?p - place) - number)
  (:action pick
    :parameters (?b - block ?p - place ?o - block ?q - place)
    :precondition (and (empty) (at ?b ?p) (other ?b ?o) (at ?o ?q)
      (not (failed-pick ?b ?p ?o ?q)))
    :effect (and (holding ?b) (clear ?p) (not (empty)) (not (at ?b ?p))
      (increase (total-cost) 1)))
  (:action place
    :parameters (?b - block ?p - place ?o - block ?q - place)
    :precondition (and (holding ?b) (clear ?p) (other ?b ?o) (at ?o ?q)
      (not (failed-place ?b ?p ?o ?q)))
    :effect (and (at ?b ?p) (empty) (not (holding ?b)) (not (clear ?p))
      (increase (total-cost) (far ?p)))))
"""


class BlockTask:
    """The task of a state, and its motions.

    Args:
        domain: the environment.
        constraints: over its model's quantities, which every motion must keep.

    Attributes:
        places: `[3]` by name: `start0`, `start1`, and where blocks may be put meanwhile.

    Raises:
        ConstraintError: a constraint cannot be used.
    """

    def __init__(self, domain: EnvironmentDomain, constraints: Sequence[str] = ()) -> None:
        self.domain, self.model = domain, make_model(domain)
        self.monitor: ConstraintMonitor | None = None
        if constraints:
            from tesuji.search.trajectory.monitor import ConstraintMonitor  # noqa: PLC0415 - z3

            self.monitor = ConstraintMonitor(self.model, constraints)
        self.places: dict[str, Floats] = {}
        self._places_of = [
            [self.model.names.index(f"{name}_{axis}") for axis in "xyz"] for name in BLOCKS
        ]
        spaces: Any = domain.env.observation_space
        first, starts = 0, {}
        for key, space in spaces.spaces.items():
            starts[key] = first
            first += int(np.prod(space.shape))
        self._start = {"grip": starts["observation"], "object0": starts["achieved_goal"]}
        self._start["object1"] = self._start["object0"] + 3

    def begin(self, state: Moment, seed: int) -> None:
        """Take the places from a state.

        Raises:
            UsageError: a constraint need not hold always.
        """
        self._seed = seed
        if self.monitor is not None:
            self.monitor.begin(state)
            if self.monitor.unmet:
                raise UsageError(
                    f"{', '.join(self.monitor.unmet)}: at the task level constraints hold always; "
                    "eventually and until are not supported there"
                )
        seen = self._seen(state)
        self.places = {f"start{i}": seen[name] for i, name in enumerate(BLOCKS)}
        taken = list(self.places.values())
        for x in _X:
            for y in _Y:
                place = np.array([x, y, _LEVEL])
                if all(np.linalg.norm(place - each) >= _OVERLAP for each in taken):
                    self.places[f"spare{len(self.places) - 2}"] = place

    def problem(self, clauses: Sequence[str]) -> str:
        """Return the task in PDDL, with clauses."""
        middle = (self.places["start0"] + self.places["start1"]) / 2
        far = {
            name: round(1000 * float(np.linalg.norm(place - middle)))
            for name, place in self.places.items()
        }
        costs = " ".join(f"(= (far {name}) {cost})" for name, cost in far.items())
        clear = " ".join(f"(clear {name})" for name in self.places if name.startswith("spare"))
        return f"""
(define (problem exchange) (:domain two-blocks)
  (:objects {" ".join(BLOCKS)} - block {" ".join(self.places)} - place)
  (:init (empty) (at object0 start0) (at object1 start1) (other object0 object1)
    (other object1 object0) (= (total-cost) 0) {clear} {costs} {" ".join(clauses)})
  (:goal (and (at object0 start1) (at object1 start0) (empty)))
  (:metric minimize (total-cost)))
"""

    def attempt(self, state: Any, step: Step) -> Motion | Failure:
        """Return the motion of a `pick` or `place`, or that there is none where blocks lie so."""
        name, block, place, other, other_place = step
        target, still = self.places[place], {other: self.places[other_place]}
        actions: list[Any] = []
        simulated = 0
        for stage in _pick(block, target, still) if name == "pick" else _put(block, target, still):
            state, taken, count, done = self._carry_out(state, stage)
            actions += taken
            simulated += count
            if not done:
                return Failure(f"(failed-{' '.join(step)})", simulated)
        seen = self._seen(state)
        stays = np.linalg.norm(seen[other] - self.places[other_place]) <= _NEAR
        wanted = target if name == "place" else np.array([*target[:2], _LIFTED])
        near = np.linalg.norm(seen[block] - wanted) <= (_NEAR if name == "place" else 2 * _NEAR)
        if not (stays and near):
            return Failure(f"(failed-{' '.join(step)})", simulated)
        return Motion(actions, state, simulated)

    def _carry_out(self, state: Moment, stage: Stage) -> tuple[Moment, list[Any], int, bool]:
        planner = TrajectoryPlanner(
            StageModel(self.model, stage), _SETTINGS, self.monitor,
            policy=Script(stage, self._start[stage.point]), seed=self._seed,
        )  # fmt: skip
        actions: list[Any] = []
        simulated = 0
        while len(actions) < stage.most:
            plan = planner.plan(state)
            simulated += plan.simulated
            if plan.violation > 0.0:
                break
            for action in plan.actions[: _SETTINGS.replan]:
                actions.append(action.astype(np.float32))
                state, _, _ = self.domain.step_by(state, actions[-1])
                if stage.is_done(self._seen(state), len(actions)):
                    return state, actions, simulated, True
        return state, actions, simulated, False

    def _seen(self, state: Moment) -> dict[str, Floats]:
        numbers = state.observation.astype(np.float64)
        return {name: numbers[first : first + 3] for name, first in self._start.items()}


def _pick(block: str, place: Floats, still: dict[str, Floats]) -> list[Stage]:
    above = np.array([*place[:2], _LEVEL + 0.12])
    untouched = {**still, block: place}
    return [
        Stage("grip", above, 1.0, untouched, tolerance=0.02, most=40),
        Stage("grip", place, 1.0, untouched),
        Stage("grip", place, -1.0, still, tolerance=0.03, least=4, most=8),
        Stage(block, np.array([*place[:2], _LIFTED]), -1.0, still, tolerance=0.02),
    ]


def _put(block: str, place: Floats, still: dict[str, Floats]) -> list[Stage]:
    above = np.array([*place[:2], _LIFTED])
    return [
        Stage(block, above, -1.0, still, tolerance=0.015, most=40),
        Stage(block, place, -1.0, still),
        Stage("grip", place, 1.0, {**still, block: place}, tolerance=0.03, least=4, most=8),
        Stage("grip", above, 1.0, {**still, block: place}, tolerance=0.03),
    ]
