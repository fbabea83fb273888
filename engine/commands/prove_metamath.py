"""`tesuji prove FILE.mm`: proofs of Metamath theorems, with SZS lines as for TPTP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tesuji.engine.commands.base import Answer
from tesuji.engine.commands.prove_theorem import terminable
from tesuji.engine.commands.solver_run import TIME_UP
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from tesuji.engine.commands.prove import Arguments
    from tesuji.engine.metamath import MetamathAnswer, MetamathProver
    from tesuji.engine.progress import Progress
    from tesuji.engine.theorems import TheoremBudget

_INPUT_ERROR, _STOPPED = 2, 130
_SILENT = 1.0  # seconds before progress is shown


def prove_metamath(arguments: Arguments) -> Answer:
    """Prove one theorem of a database, or all whose proofs have gaps."""
    from tesuji.domains.proving.metamath import MetamathError
    from tesuji.engine.metamath import MetamathProver
    from tesuji.engine.progress import open_progress
    from tesuji.engine.theorems import TheoremBudget

    path, label = Path(arguments.game), arguments.theorem
    _check(arguments)
    try:
        budget = TheoremBudget(arguments.time, arguments.inferences, arguments.memory)
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    try:
        prover = MetamathProver(path, label)
    except (MetamathError, OSError) as error:
        what = str(error) if isinstance(error, MetamathError) else f"{path}: {error.strerror}"
        sys.stderr.write(f"tesuji: error: {what}\n")
        status = f"% SZS status InputError for {path.stem}"
        return Answer(status, {"status": "InputError", "error": what}, _INPUT_ERROR)
    if label is not None and label not in prover.library.theorems():
        raise UsageError(f"{path} has no theorem {label}")
    labels = [label] if label is not None else prover.open_theorems()
    if not labels:
        raise UsageError(f"{path} has no theorem without a proof; --theorem NAME proves one anew")
    with open_progress(arguments.json, sys.stdout if arguments.json else sys.stderr) as progress:
        answers, stopped = _prove_all(prover, labels, budget, progress)
    proofs = {each.label: each.proof for each in answers if each.proof}
    if arguments.out is not None:
        from tesuji.engine.storage import atomic_write

        atomic_write(arguments.out, prover.library.database.with_proofs(proofs).encode())
    return _told(prover, labels, answers, stopped)


def _check(arguments: Arguments) -> None:
    if arguments.position or arguments.claim:
        raise UsageError(f"{arguments.game} is a database; positions and --claim are for games")
    if arguments.agent is not None or arguments.prover == "z3":
        raise UsageError("--agent and --prover z3 are not for Metamath")
    if arguments.out is not None and arguments.out.suffix != ".mm":
        raise UsageError(f"--out {arguments.out}: expected .mm, the database with the proofs in it")


def _prove_all(
    prover: MetamathProver, labels: list[str], budget: TheoremBudget, progress: Progress
) -> tuple[list[MetamathAnswer], bool]:
    answers: list[MetamathAnswer] = []

    def listen(seconds: float, inferences: int) -> None:
        if seconds > _SILENT:
            row = {"kind": "live", "seconds": round(seconds, 2), "inferences": inferences}
            progress.update({"theorem": labels[len(answers)], **row})

    try:
        with terminable():
            for number, label in enumerate(labels, 1):
                answers.append(prover.prove(label, budget, listen))
                if len(labels) > 1:
                    progress.update({
                        "kind": "theorem", "done": f"{number}/{len(labels)}", **_row(answers[-1]),
                    })  # fmt: skip
    except KeyboardInterrupt:
        return answers, True
    return answers, False


def _row(answer: MetamathAnswer) -> dict[str, Any]:
    return {
        "theorem": answer.label, "status": answer.status, "prover": answer.prover,
        "inferences": answer.inferences, "seconds": round(answer.seconds, 4),
    }  # fmt: skip


def _told(
    prover: MetamathProver, labels: list[str], answers: list[MetamathAnswer], stopped: bool
) -> Answer:
    assertions, teacher = prover.library.database.assertions, prover.teacher
    lines = []
    for answer in answers:
        lines.append(f"% SZS status {answer.status} for {answer.label}")
        if answer.proof:
            stated = " ".join(assertions[answer.label].expression)
            name = f"Proof for {answer.label}"
            lines += [
                f"% SZS output start {name}",
                f"{answer.label} $p {stated} $={answer.proof}$.", f"% SZS output end {name}",
            ]  # fmt: skip
    proved = [answer for answer in answers if answer.proof]
    inferences = sum(answer.inferences for answer in answers)
    seconds = sum(answer.seconds for answer in answers)
    if not answers:
        lines.append(f"% SZS status Unknown for {labels[0]}")
    end = "stopped; " if stopped else ""
    end += f"{len(proved)} of {len(labels)} proved; {inferences:,} inferences, {seconds:.2f} CPU s"
    if teacher is not None and teacher.taught:
        end += (
            f"; policy of {teacher.taught} earlier proofs, learned in {teacher.seconds:.1f} CPU s"
        )
    facts: dict[str, Any] = {
        "proved": len(proved), "of": len(labels), "stopped": stopped,
        "theorems": [{**_row(answer), "proof": answer.proof} for answer in answers],
    }  # fmt: skip
    code = _STOPPED if stopped else (0 if len(proved) == len(labels) else TIME_UP)
    return Answer("\n".join([*lines, f"% {end}"]), facts, code)
