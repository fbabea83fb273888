"""`tesuji prove FILE`: SZS lines (Sutcliffe 2008), and the proof."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from tesuji.engine.commands.base import Answer
from tesuji.engine.commands.solver_run import NO_ANSWER, TIME_UP, write_answer
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from tesuji.engine.commands.prove import Arguments
    from tesuji.engine.theorems import Listener, TheoremAnswer, TheoremProgress
    from tesuji.search.proving.policy import Guide

FORMS = (".json", ".tstp", ".p", ".cnf", ".smt2", ".svg", ".png")
_INPUT_ERROR, _STOPPED = 2, 130
_SILENT = 1.0  # seconds before progress is shown


def prove_theorem(arguments: Arguments) -> Answer:
    """Prove what a file claims, and say so."""
    from tesuji.domains.proving.tptp_lexer import TptpError
    from tesuji.engine.pictures import check_picture
    from tesuji.engine.theorems import TheoremBudget, prove_file

    path, out = Path(arguments.game), arguments.out
    if out is not None and out.suffix.lower() not in FORMS:
        raise UsageError(f"--out {out}: expected one of {' '.join(FORMS)}")
    if out is not None:
        check_picture(out)
    if arguments.position or arguments.claim:
        raise UsageError(f"{path} is a problem; positions and --claim are for games")
    try:
        budget = TheoremBudget(arguments.time, arguments.inferences, arguments.memory)
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    try:
        with _listening(arguments.json) as listen, terminable():
            answer = prove_file(path, budget, listen, arguments.prover, _guide(arguments.agent))
    except (TptpError, OSError) as error:
        what = str(error) if isinstance(error, TptpError) else f"{path}: {error.strerror}"
        sys.stderr.write(f"tesuji: error: {what}\n")
        status = f"% SZS status InputError for {path.stem}"
        return Answer(status, {"status": "InputError", "error": what}, _INPUT_ERROR)
    return _told(path, answer, out)


def _guide(source: str | None) -> Guide | None:
    if source is None:
        return None
    from tesuji.engine.theorem_policy import guide_of, load_prover

    return guide_of(load_prover(source))


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _listening(as_json: bool) -> Iterator[Listener]:
    from tesuji.engine.progress import open_progress

    with open_progress(as_json, sys.stdout if as_json else sys.stderr) as progress:

        def listen(row: TheoremProgress) -> None:
            if row.seconds > _SILENT:
                progress.update({
                    "kind": "live", "seconds": round(row.seconds, 2),
                    "inferences": row.inferences, "depth": row.limit,
                })  # fmt: skip

        yield listen


def _told(path: Path, answer: TheoremAnswer, out: Path | None) -> Answer:
    from tesuji.engine.theorem_words import explanation
    from tesuji.engine.theorems import REFUTED, SOLVED

    facts: dict[str, Any] = {
        "problem": path.stem, "status": answer.status, "reason": answer.reason,
        "inferences": answer.inferences, "seconds": round(answer.seconds, 4),
    }  # fmt: skip
    lines = [f"% SZS status {answer.status} for {path.stem}"]
    if answer.status not in SOLVED:
        found = f"{answer.reason}; {answer.inferences:,} inferences, {answer.seconds:.2f} CPU s"
        if answer.reason == "stopped":
            code = _STOPPED
        else:
            code = NO_ANSWER if answer.status in REFUTED else TIME_UP
        if answer.model is not None:
            facts["model"] = answer.model.lines()
            name = f"FiniteModel for {path.stem}"
            model = [f"% {line}" for line in answer.model.lines()]
            lines += [f"% SZS output start {name}", *model, f"% SZS output end {name}"]
        return Answer("\n".join([*lines, f"% {found}"]), facts, code)
    words = explanation(answer)
    forms = _forms(answer)
    facts |= {
        "prover": answer.prover, "instances": len(answer.instances),
        "check_seconds": round(answer.check_seconds, 4), "explanation": words,
        "axioms": [each["name"] for each in answer.proof["formulas"]],
    }  # fmt: skip
    write_answer(out, forms)
    name = f"Proof for {path.stem}"
    lines += [f"% SZS output start {name}", _listing(forms), f"% SZS output end {name}"]
    return Answer("\n".join([*lines, *(f"% {line}" for line in words)]), facts)


def _listing(forms: dict[str, Callable[[], str]]) -> str:
    from tesuji.domains.proving.clausify import TooLargeError

    try:
        return forms[".tstp"]().rstrip()
    except TooLargeError as error:
        return f"% not listed: {error}; --out proof.json holds it in short"


def _forms(answer: TheoremAnswer) -> dict[str, Callable[[], str]]:
    from tesuji.engine.storage import dump_json
    from tesuji.engine.tableau_chart import tableau_svg
    from tesuji.engine.theorem_export import dimacs, ground_instances, smt_lib, tptp_cnf, tstp

    problem, clauses, instances = answer.problem, answer.clauses, answer.instances
    assert problem is not None
    assert clauses is not None

    def ground(export: Callable[[Any], str]) -> Callable[[], str]:
        return lambda: export(ground_instances(problem, clauses, instances))

    return {
        ".json": lambda: dump_json(answer.proof).decode(),
        ".tstp": lambda: tstp(problem, clauses, instances),
        ".p": ground(tptp_cnf),
        ".cnf": ground(dimacs),
        ".smt2": ground(smt_lib),
        ".svg": lambda: tableau_svg(problem.name, clauses, answer.goals()),
    }
