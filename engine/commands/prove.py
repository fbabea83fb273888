"""`tesuji prove`: won, drawn or lost, with a certificate; or whether a theorem holds."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import tyro

from tesuji.engine.commands.base import (
    Answer,
    Common,
    Count,
    File,
    Moves,
    Seconds,
    Text,
    open_domain,
)
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from tesuji.domains.base import Domain
    from tesuji.engine.proving import Method, Position
    from tesuji.search.base import Evaluator
    from tesuji.search.proof import ProofBudget, ProofResult, Tell

EXAMPLES = """
Examples:
  tesuji prove tic_tac_toe                              won, drawn or lost
  tesuji prove connect_four 4453555144 --out four.proof with a certificate
  tesuji verify four.proof                              checked by the rules alone
  tesuji prove othello_6x6 "d5 c5 c4" --seconds 60      give up after a minute
  tesuji prove tic_tac_toe --claim win                  only whether it is won
  tesuji prove problem.p --time 60                      a theorem: TPTP's FOF or CNF
  tesuji prove problem.p --out proof.json               .p .cnf .smt2: its ground instances
  tesuji verify proof.json --problem problem.p          checked by other code
  tesuji prove problem.p --out tableau.svg              a picture of the proof
  tesuji prove set.mm --theorem id --out with_it.mm     a theorem of a Metamath database

Leaves with 0 when the position is decided (with --claim: the claim is true) or the theorem is
proved, 3 when the claim or conjecture is false, 4 when the budget ended first.
"""

TRUE, FALSE, UNDECIDED = 0, 3, 4  # exit codes

Claim = Annotated[Optional[Literal["win", "draw", "loss"]], tyro.conf.arg(metavar="OUTCOME")]  # noqa: UP045


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Say whether a position is won, drawn or lost, or a theorem holds, and prove it.

    Attributes:
        game: a game of two players without chance, a TPTP file or a Metamath database.
        position: the moves from the start, or the position in the game's own notation.
        claim: what to prove of the side to move: win, draw or loss; whichever is so if not given.
        out: write the certificate to this file; `tesuji verify` checks it.
        nodes: give up after so many positions.
        seconds: give up after so many seconds.
        memory_mb: memory of the table of positions.
        agent: whose net orders the moves near the root: net, a run or a checkpoint; for a
            problem, the run of `tesuji train proving` whose policy searches, too, or
            proving/robinson, which ships.
        time: of a theorem: seconds of processor time.
        inferences: of a theorem: give up after so many.
        memory: of a theorem: MB that it may take, z3 and all.
        theorem: of a Metamath database; all whose proofs have gaps if not given.
        prover: of a theorem: ours (tableaux), z3 (proofs are made again without it), together, or
            tree (the engine's tree search of the calculus).
    """

    game: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="GAME|FILE")]
    position: Moves = ""
    claim: Claim = None
    out: File = None
    nodes: Count = None
    seconds: Seconds = None
    memory_mb: float = 256.0
    agent: Text = None
    time: float = 10.0
    inferences: Count = None
    memory: float = 2000.0
    theorem: Text = None
    prover: Literal["ours", "z3", "together", "tree"] = "together"


def run(arguments: Arguments) -> Answer:
    """Prove, write the certificate where asked, and return what is so."""
    if arguments.game.endswith(".mm"):
        from tesuji.engine.commands.prove_metamath import prove_metamath

        return prove_metamath(arguments)
    if _is_problem(arguments.game):
        from tesuji.engine.commands.prove_theorem import prove_theorem

        return prove_theorem(arguments)
    from tesuji.engine.certificates import save_certificate
    from tesuji.engine.proving import certificate_of, open_method, read_position
    from tesuji.search.proof import ProofBudget, ProofConfig

    domain = open_domain(arguments.game)
    position = read_position(domain, arguments.game, arguments.position)
    try:
        budget = ProofBudget(arguments.nodes, arguments.seconds)
        config = ProofConfig(memory_mb=arguments.memory_mb)
    except ValueError as error:
        raise UsageError(str(error)) from None
    method = open_method(domain, config, _evaluator(arguments.agent, domain))
    result = _run(method, position, budget, arguments, domain)
    facts: dict[str, Any] = {
        "game": arguments.game,
        "position": arguments.position,
        "outcome": _outcome(result),
        "lower": result.lower,
        "upper": result.upper,
        "status": result.status.value,
        "nodes": result.nodes,
        "seconds": round(result.seconds, 3),
    }
    if result.findings:
        proofs = method.proofs(position.state, result, budget)
        line = max((line for _, line in proofs), key=len)
        if result.proven:
            facts["line"] = _names(domain, position, line)
        facts["proof_nodes"] = sum(len(proof.nodes) for proof, _ in proofs)
        if arguments.out is not None:
            certificate = certificate_of(position, result, [proof for proof, _ in proofs])
            facts["bytes"] = save_certificate(arguments.out, certificate)
            facts["certificate"] = str(arguments.out)
    return Answer(_text(domain, position, facts), facts, _code(result, arguments.claim))


def _is_problem(name: str) -> bool:
    from pathlib import Path

    path = Path(name)
    return path.suffix in {".p", ".tptp", ".ax"} or (path.is_file() and path.suffix != ".py")


def _evaluator(agent: str | None, domain: Domain) -> Evaluator | None:
    if agent is None:
        return None
    from tesuji.engine.trained import load_evaluator
    from tesuji.search.driver import RolloutEvaluator

    evaluator = load_evaluator(agent, domain, known=("net",))
    if isinstance(evaluator, RolloutEvaluator):
        raise UsageError(f"agent {agent!r} has no policy; take net, a run or a checkpoint")
    return evaluator


def _run(
    method: Method,
    position: Position,
    budget: ProofBudget,
    arguments: Arguments,
    domain: Domain,
) -> ProofResult:
    from tesuji.engine.errors import TesujiError
    from tesuji.search.proof import ProofError

    try:
        return method.run(position.state, budget, arguments.claim, _teller(arguments.json))
    except ProofError as error:
        raise TesujiError(f"{domain.spec.name}: {error}") from None


def _teller(json_lines: bool) -> Tell | None:
    """Return what shows progress on standard error, where somebody looks at it."""
    if json_lines or not sys.stderr.isatty():
        return None
    import time

    from tesuji.search.proof import Progress

    last = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= 0.5:
            last = time.monotonic()
            goal = "wins" if progress.question.strict else "holds a draw"
            side = "first" if progress.question.prover == 0 else "second"
            sys.stderr.write(
                f"\r{progress.seconds:6.1f} s  {progress.nodes:,} positions: {side} side {goal}?  "
            )
            sys.stderr.flush()

    return tell


def _outcome(result: ProofResult) -> str:
    return {1: "win", 0: "draw", -1: "loss"}[result.lower] if result.proven else "unknown"


def _code(result: ProofResult, claim: str | None) -> int:
    if claim is None or result.proven:
        if not result.proven:
            return UNDECIDED
        return TRUE if claim in (None, _outcome(result)) else FALSE
    value = {"win": 1, "draw": 0, "loss": -1}[claim]
    return UNDECIDED if result.lower <= value <= result.upper else FALSE


def _names(domain: Domain, position: Position, line: tuple[int, ...]) -> list[str]:
    state, names = position.state, []
    for action in line:
        names.append(domain.action_name(state, action))
        state, _, _ = domain.step(state, action)
    return names


def _text(domain: Domain, position: Position, facts: dict[str, Any]) -> str:
    words = {"win": "won", "draw": "drawn", "loss": "lost"}
    board = domain.board(position.state)
    names = board.sides if board is not None else ("first side", "second side")
    side = names[domain.to_play(position.state)]
    if facts["outcome"] in words:
        verdict = f"{words[facts['outcome']]} for {side} to move"
    else:
        known = {(0, 1): "not lost", (-1, 0): "not won"}
        bounds = known.get((facts["lower"], facts["upper"]), f"undecided ({facts['status']})")
        verdict = f"{bounds} for {side} to move"
    lines = [domain.render(position.state), "", verdict]
    if facts.get("line"):
        lines.append(f"line {' '.join(facts['line'])}")
    lines.append(f"{facts['nodes']:,} positions, {facts['seconds']:.2f} s")
    if "proof_nodes" in facts:
        lines[-1] += f", proof of {facts['proof_nodes']:,} nodes"
    if "certificate" in facts:
        lines.append(f"certificate {facts['certificate']}, {facts['bytes']:,} bytes")
    return "\n".join(lines)
