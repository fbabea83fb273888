"""z3's stages of a proof, in a process of its own whose time and memory count."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tesuji.domains.proving.clauses import ClauseSet, Instance
from tesuji.domains.proving.matrix import NamedMatrix

if TYPE_CHECKING:
    from tesuji.search.proving.models import FiniteModel

MODELS = "models"
SEEDS = {"z3": 1, "z3 again": 0}  # of the stages that look for a proof

_MOST_MB, _LEAST_MB = 2048, 512  # of which 300 are for its start
_STEP_MB = 256  # so that a process can serve for another problem


class Z3Found(NamedTuple):
    """What a stage has found.

    Attributes:
        instances: that contradict each other, without z3.
        model: of the clauses.
        seconds: of processor time of z3's process, its start left out.
    """

    instances: tuple[Instance, ...] | None = None
    model: FiniteModel | None = None
    seconds: float = 0.0


def run_stage(
    stage: str, clauses: ClauseSet, named: NamedMatrix, seconds: float, memory_mb: float | None
) -> Z3Found:
    """Look for a proof, or for a finite model.

    Args:
        stage: of `SEEDS`, or `MODELS`.
        clauses: of a problem.
        named: their matrix.
        seconds: of processor time, this process's and z3's together.
        memory_mb: that is left for z3; with too little, nothing is found.
    """
    from tesuji.search.proving.models import find_model  # noqa: PLC0415 - z3 is heavy
    from tesuji.search.proving.quantifiers import ask_z3  # noqa: PLC0415
    from tesuji.search.symbolic.solver_pool import borrow, give_back  # noqa: PLC0415

    memory = _MOST_MB if memory_mb is None else min(_MOST_MB, int(memory_mb))
    memory -= memory % _STEP_MB
    if seconds <= 0.0 or memory < _LEAST_MB:
        return Z3Found()
    process = borrow(memory)
    before = process.cpu_seconds
    instances, model = None, None
    try:
        if stage == MODELS:
            model = find_model(clauses, process, seconds)
        else:
            instances = ask_z3(clauses, named, process, seconds, SEEDS[stage]).instances
        return Z3Found(instances, model, process.cpu_seconds - before)
    finally:
        give_back(process)
