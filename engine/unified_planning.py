"""An engine of unified-planning: plans, better plans, repaired plans, validated plans.

    import unified_planning.shortcuts as up
    from tesuji.engine.unified_planning import register

    register()
    with up.OneshotPlanner(name="tesuji") as planner:
        print(planner.solve(problem).plan)

Problems go through the PDDL that unified-planning writes of them, and its names lead back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

import unified_planning as up
from unified_planning.engines import (
    Credits,
    Engine,
    LogLevel,
    LogMessage,
    OptimalityGuarantee,
    PlanGenerationResult,
    PlanGenerationResultStatus,
    ValidationResult,
    ValidationResultStatus,
)
from unified_planning.engines.compilers.bounded_types_remover import BoundedTypesRemover
from unified_planning.engines.compilers.usertype_fluents_remover import UsertypeFluentsRemover
from unified_planning.engines.mixins import (
    AnytimePlannerMixin,
    OneshotPlannerMixin,
    PlanRepairerMixin,
    PlanValidatorMixin,
)
from unified_planning.engines.mixins.anytime_planner import AnytimeGuarantee
from unified_planning.engines.results import FailedValidationReason
from unified_planning.exceptions import UPUsageError
from unified_planning.io import PDDLWriter
from unified_planning.model import ProblemKind
from unified_planning.plans import ActionInstance, PlanKind, SequentialPlan

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.reader import PddlError
from tesuji.domains.logistics.pddl.syntax import Task
from tesuji.domains.logistics.pddl.validation import PlanFault, Step, validate_plan
from tesuji.engine.planning import PlanAnswer, answers, load_kernels
from tesuji.engine.repair import RepairAnswer, repair_plan
from tesuji.engine.solving import SolveBudget, SolveClock

if TYPE_CHECKING:
    from unified_planning.environment import Environment
    from unified_planning.model import AbstractProblem
    from unified_planning.plans import Plan

REPAIR_SECONDS = 10.0
_FOREVER = 1e9  # seconds
_FEATURES = {
    "ACTION_BASED", "FLAT_TYPING", "HIERARCHICAL_TYPING", "NEGATIVE_CONDITIONS",
    "DISJUNCTIVE_CONDITIONS", "EQUALITIES", "EXISTENTIAL_CONDITIONS", "UNIVERSAL_CONDITIONS",
    "CONDITIONAL_EFFECTS", "FORALL_EFFECTS", "ACTIONS_COST", "PLAN_LENGTH",
    "STATIC_FLUENTS_IN_ACTIONS_COST", "INT_NUMBERS_IN_ACTIONS_COST", "REAL_NUMBERS_IN_ACTIONS_COST",
    "FLUENTS_IN_ACTIONS_COST", "FINAL_VALUE", "SIMPLE_NUMERIC_PLANNING", "GENERAL_NUMERIC_PLANNING",
    "INT_FLUENTS", "REAL_FLUENTS", "INCREASE_EFFECTS", "DECREASE_EFFECTS",
    "STATIC_FLUENTS_IN_NUMERIC_ASSIGNMENTS", "FLUENTS_IN_NUMERIC_ASSIGNMENTS",
    "UNDEFINED_INITIAL_NUMERIC", "BOUNDED_TYPES", "OBJECT_FLUENTS",
    "STATIC_FLUENTS_IN_OBJECT_ASSIGNMENTS", "FLUENTS_IN_OBJECT_ASSIGNMENTS",
    "STATIC_FLUENTS_IN_BOOLEAN_ASSIGNMENTS", "FLUENTS_IN_BOOLEAN_ASSIGNMENTS",
}  # fmt: skip
# What PDDL cannot say, and who says it otherwise.
_COMPILERS = {
    "OBJECT_FLUENTS": UsertypeFluentsRemover,
    "BOUNDED_TYPES": BoundedTypesRemover,
}
_STATUS = {
    "optimal": PlanGenerationResultStatus.SOLVED_OPTIMALLY,
    "solved": PlanGenerationResultStatus.SOLVED_SATISFICING,
    "unsolvable": PlanGenerationResultStatus.UNSOLVABLE_PROVEN,
    "unknown": PlanGenerationResultStatus.TIMEOUT,
}


def register(environment: Environment | None = None) -> None:
    """Add the engine `tesuji` to an environment of unified-planning, the global one else."""
    factory = up.environment.get_environment(environment).factory
    factory.add_engine("tesuji", __name__, "TesujiEngine")


class TesujiEngine(
    Engine, OneshotPlannerMixin, AnytimePlannerMixin, PlanRepairerMixin, PlanValidatorMixin
):
    """Plans problems of unified-planning.

    A one-shot planner answers with its first plan, with the best of its time where a timeout is
    given, and with a cheapest one where an optimality guarantee is asked for.
    """

    def __init__(self, **options: Any) -> None:
        Engine.__init__(self)
        OneshotPlannerMixin.__init__(self)
        AnytimePlannerMixin.__init__(self)
        PlanRepairerMixin.__init__(self)
        if options:
            raise UPUsageError(f"tesuji takes no parameters, got {', '.join(options)}")

    @property
    def name(self) -> str:
        """Return the engine's name."""
        return "tesuji"

    @staticmethod
    def supported_kind() -> ProblemKind:
        """Return the kind of problems that can be planned."""
        return ProblemKind(_FEATURES, version=up.model.problem_kind.LATEST_PROBLEM_KIND_VERSION)

    @staticmethod
    def supports(problem_kind: ProblemKind) -> bool:
        """Return whether a problem of this kind can be planned."""
        return bool(problem_kind <= TesujiEngine.supported_kind())

    @staticmethod
    def supports_plan(plan_kind: PlanKind) -> bool:
        """Return whether a plan of this kind can be repaired and validated."""
        return bool(plan_kind == PlanKind.SEQUENTIAL_PLAN)

    @staticmethod
    def satisfies(optimality_guarantee: OptimalityGuarantee) -> bool:
        """Return True: search that is not cut short ends with a cheapest plan."""
        return True

    @staticmethod
    def ensures(anytime_guarantee: AnytimeGuarantee) -> bool:
        """Return whether every plan is better than the one before, which holds."""
        return bool(anytime_guarantee == AnytimeGuarantee.INCREASING_QUALITY)

    @staticmethod
    def get_credits(**kwargs: Any) -> Credits:
        """Return who made the engine."""
        about = "Anytime planning with proven lower bounds"
        return Credits("tesuji", "The tesuji developers", "", "", "Apache-2.0", about, about)

    def _solve(
        self,
        problem: AbstractProblem,
        heuristic: Callable[[Any], float | None] | None = None,
        timeout: float | None = None,
        output_stream: IO[str] | None = None,
    ) -> PlanGenerationResult:
        # The mixins of planner and repairer share the attribute, which the factory sets.
        patient = timeout is not None or self.optimality_metric_required
        for answer, steps in self._answers(problem, timeout, output_stream):
            result = answer, steps
            if answer.plan is not None and not patient:
                break
        return _plan_result(*result)

    def _get_solutions(
        self,
        problem: AbstractProblem,
        timeout: float | None = None,
        output_stream: IO[str] | None = None,
    ) -> Iterator[PlanGenerationResult]:
        cost = None
        for answer, written in self._answers(problem, timeout, output_stream):
            if answer.cost is None or answer.cost != cost or answer.status == "optimal":
                cost = answer.cost
                result = _plan_result(answer, written)
                if answer.status == "solved":
                    result.status = PlanGenerationResultStatus.INTERMEDIATE
                yield result
                if answer.status == "optimal":
                    return  # the bound may have been there before the plan; the end says it again

    def _answers(
        self, problem: AbstractProblem, timeout: float | None, output: IO[str] | None
    ) -> Iterator[tuple[PlanAnswer, _Written]]:
        written = _Written(problem)
        load_kernels()
        clock = SolveClock(SolveBudget(seconds=_FOREVER if timeout is None else timeout))
        for answer in answers(written.task, clock):
            if output is not None and answer.cost is not None:
                output.write(f"cost {answer.cost:g}, at least {answer.bound:g}\n")
            yield answer, written

    def _repair(self, problem: AbstractProblem, plan: Plan) -> PlanGenerationResult:
        written = _Written(problem)
        load_kernels()
        clock = SolveClock(SolveBudget(seconds=REPAIR_SECONDS))
        *_, answer = repair_plan(written.task, written.steps_of(plan), clock)
        assert isinstance(answer, RepairAnswer)
        best = answer.best
        facts = {"lower_bound": answer.bound, "seconds": answer.seconds}
        if best is None:
            return _result(answer.status, None, facts, answer.reason)
        facts |= {"cost": best.cost, "total": best.total, "kept": len(best.steps(" "))}
        # That cost and changes are least says nothing of the cost alone.
        status = "solved" if answer.status == "optimal" else answer.status
        return _result(status, written.plan_of(best.plan), facts, answer.reason)

    def _validate(self, problem: AbstractProblem, plan: Plan) -> ValidationResult:
        written = _Written(problem)
        try:
            validate_plan(written.task, written.steps_of(plan))
        except PlanFault as fault:
            reason = FailedValidationReason.INAPPLICABLE_ACTION
            if fault.step is None:
                reason = FailedValidationReason.UNSATISFIED_GOALS
            return ValidationResult(
                ValidationResultStatus.INVALID,
                self.name,
                [LogMessage(LogLevel.INFO, str(fault))],
                reason=reason,
                inapplicable_action=None if fault.step is None else plan.actions[fault.step - 1],
            )
        return ValidationResult(ValidationResultStatus.VALID, self.name, [])


class _Written:
    """A problem as PDDL, and the way back from its names."""

    def __init__(self, problem: AbstractProblem) -> None:
        if not TesujiEngine.supports(problem.kind):
            more = sorted(problem.kind.features - _FEATURES)
            raise UPUsageError(f"tesuji does not support {', '.join(more)}")
        self._plain, self._back = _compiled(problem)
        self._writer = PDDLWriter(self._plain, rewrite_bool_assignments=True)
        self.task: Task
        try:
            self.task = parse_task(self._writer.get_domain(), self._writer.get_problem())
        except PddlError as error:
            raise UPUsageError(f"tesuji cannot plan this problem: {error}") from error

    def steps_of(self, plan: Plan) -> list[Step]:
        """Return a plan in the names of the PDDL."""
        return [
            tuple(
                self._writer.get_pddl_name(item)
                for item in (
                    self._plain.action(one.action.name),
                    *(p.object() for p in one.actual_parameters),
                )
            )
            for one in plan.actions
        ]

    def plan_of(self, steps: tuple[Step, ...]) -> SequentialPlan:
        """Return a plan in the problem's names."""
        manager = self._plain.environment.expression_manager
        named = [[self._writer.get_item_named(word) for word in step] for step in steps]
        actions = [
            ActionInstance(action, tuple(manager.ObjectExp(item) for item in objects))
            for action, *objects in named
        ]
        plan = SequentialPlan(actions, self._plain.environment)
        for back in reversed(self._back):
            plan = plan.replace_action_instances(back)
        return plan


def _compiled(problem: AbstractProblem) -> tuple[AbstractProblem, list[Callable[[Any], Any]]]:
    """Return a problem of what PDDL can say, and what leads its plans back, the last first."""
    backs = []
    for feature, compiler in _COMPILERS.items():
        if feature in problem.kind.features:
            done = compiler().compile(problem)
            problem = done.problem
            backs.append(done.map_back_action_instance)
    return problem, backs


def _plan_result(answer: PlanAnswer, written: _Written) -> PlanGenerationResult:
    plan = None if answer.plan is None else written.plan_of(answer.plan)
    facts = {"lower_bound": answer.bound, "cost": answer.cost, "seconds": answer.seconds}
    return _result(answer.status, plan, facts, answer.reason)


def _result(
    status: str, plan: SequentialPlan | None, facts: Mapping[str, float | None], reason: str
) -> PlanGenerationResult:
    metrics = {name: f"{value:g}" for name, value in facts.items() if value is not None}
    logs = [LogMessage(LogLevel.INFO, reason)] if reason else []
    return PlanGenerationResult(_STATUS[status], plan, "tesuji", metrics, logs)
