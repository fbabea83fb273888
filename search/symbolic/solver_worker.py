"""The other end of `SolverProcess`: z3 in a process of its own, one JSON object a line.

    python -m tesuji.search.symbolic.solver_worker MEMORY_MB

Formulas come as SMT-LIB text. An interrupt (SIGINT) ends a check, with "unknown".
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import z3

_LOOK = 0.01  # seconds between two looks at the processor time

_SORTS = {"Int": z3.IntSort, "Real": z3.RealSort, "Bool": z3.BoolSort}


class Worker:
    """A solver, and what is needed to prove its answers again without it.

    Its context is new, so that the same questions get the same answers, whatever was asked before.
    """

    def __init__(self) -> None:
        self._context = z3.Context()
        self._solver = z3.SimpleSolver(ctx=self._context)
        self._background: list[z3.BoolRef] = []
        self._claims: dict[str, z3.BoolRef] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Do what is asked; return an answer where one is expected."""
        match request["do"]:
            case "assert":
                formulas = self._parsed(request["text"])
                self._solver.add(formulas)
                self._background += formulas
            case "claim":
                for formula in self._parsed(request["text"]):
                    self._solver.add(formula)
                    self._claims[formula.arg(0).decl().name()] = formula.arg(1)
            case "push":
                self._solver.push()
            case "pop":
                self._solver.pop()
            case "hint":
                for name, (sort, value) in request["values"].items():
                    constant = self._constant(name, sort)
                    self._solver.set_initial_value(constant, constant.sort().cast(value))
            case "check":
                return self._check(request)
            case "core":
                return self._core(request)
            case "instances":
                return self._instances(request)
            case "prove":
                return {"answer": str(self._prove(request, request["names"], request["text"]))}
        return None

    def _check(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self._ask(request, request["assumed"])
        if answer == z3.sat:
            return {"answer": "sat", "values": self._values(request["wanted"])}
        if answer == z3.unsat:
            return {"answer": "unsat", "core": self._names()}
        return {"answer": "unknown", "reason": self._solver.reason_unknown()}

    def _core(self, request: dict[str, Any]) -> dict[str, Any]:
        """Find a minimal core of the claims under facts that come and go, and prove it anew."""
        self._solver.push()
        try:
            self._solver.add(self._parsed(request["text"]))
            answer = self._ask(request, request["names"])
            if answer == z3.sat:
                return {"answer": "sat", "values": self._values(request["wanted"])}
            if answer != z3.unsat:
                return {"answer": "unknown", "reason": self._solver.reason_unknown()}
            core, minimal = self._shrink(request, self._names())
        finally:
            self._solver.pop()
        if self._prove(request, core, request["text"]) != z3.unsat:
            return {"answer": "unknown", "reason": "a core could not be proved a second time"}
        return {"answer": "unsat", "core": core, "minimal": minimal}

    def _instances(self, request: dict[str, Any]) -> dict[str, Any]:
        """Check a text of quantified formulas with names (`:qid`), and list the instances made.

        A term is the number of its symbol and of its arguments in `terms`, each once.
        """
        solver = z3.SimpleSolver(ctx=self._context)
        _limit(solver, request)
        solver.add(self._parsed(request["text"]))
        made: list[z3.ExprRef] = []

        def note(proof: z3.ExprRef, _: object, __: object) -> None:
            if z3.is_app(proof) and proof.decl().name() == "inst":
                made.append(proof)

        listener = z3.OnClause(solver, note)
        with _watched(self._context, request["cpu_seconds"]):
            answer = solver.check()
        del listener
        terms = _Terms()
        found = []
        for proof in made if answer == z3.unsat else []:
            formula = proof.arg(0)
            parts = (proof.arg(i) for i in range(1, proof.num_args()))
            bind = next((p for p in parts if z3.is_app(p) and p.decl().name() == "bind"), None)
            if bind is None or not z3.is_quantifier(formula):
                continue
            names = [formula.var_name(i) for i in range(formula.num_vars())]
            values = [terms.number(bind.arg(i)) for i in range(bind.num_args())]
            found.append([formula.qid(), dict(zip(names, values, strict=False))])
        return {"answer": str(answer), "terms": terms.rows, "instances": found}

    def _shrink(self, request: dict[str, Any], core: list[str]) -> tuple[list[str], bool]:
        """Return `core` without what can be left out, each name tried once."""
        minimal = True
        deadline = time.monotonic() + request["milliseconds"] / 1000
        for name in list(core):
            if name not in core:
                continue
            if time.monotonic() > deadline:
                return core, False
            answer = self._ask(request, [other for other in core if other != name])
            if answer == z3.unsat:
                core = self._names()
            elif answer != z3.sat:
                minimal = False
        return core, minimal

    def _prove(self, request: dict[str, Any], names: Sequence[str], text: str) -> Any:
        """Ask a new solver that sees nothing but the claims `names`, facts and background."""
        solver = z3.Solver(ctx=self._context)
        _limit(solver, request)
        solver.add(self._background)
        solver.add([self._claims[name] for name in names])
        solver.add(self._parsed(text))
        return solver.check()

    def _ask(self, request: dict[str, Any], assumed: Sequence[str]) -> Any:
        _limit(self._solver, request)
        with _watched(self._context, request["cpu_seconds"]):
            return self._solver.check([self._constant(name, "Bool") for name in assumed])

    def _parsed(self, text: str) -> list[z3.BoolRef]:
        """Return the assertions of a text."""
        return list(z3.parse_smt2_string(text, ctx=self._context)) if text else []

    def _constant(self, name: str, sort: str) -> z3.ExprRef:
        return z3.Const(name, _SORTS[sort](self._context))

    def _names(self) -> list[str]:
        """Return the core of the last check, in the order in which its names were given."""
        found = {literal.decl().name() for literal in self._solver.unsat_core()}
        return sorted(found, key=lambda name: (len(name), name))

    def _values(self, wanted: dict[str, str]) -> dict[str, str]:
        model = self._solver.model()
        values = {n: model.eval(self._constant(n, s), True) for n, s in wanted.items()}
        for name, value in values.items():
            if z3.is_algebraic_value(value):
                raise z3.Z3Exception(f"the value of {name} is irrational")
        return {n: str(int(bool(v))) if z3.is_bool(v) else str(v) for n, v in values.items()}


class _Terms:
    """Terms by number, each once: the name of its symbol, and the numbers of its arguments."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self._numbers: dict[int, int] = {}
        self._kept: list[z3.ExprRef] = []  # or the identity of one would be given to another

    def number(self, term: z3.ExprRef) -> int:
        """Return the number of a term."""
        waiting = [term]
        while waiting:
            one = waiting[-1]
            missing = [each for each in one.children() if each.get_id() not in self._numbers]
            waiting += missing
            if missing:
                continue
            waiting.pop()
            if one.get_id() not in self._numbers:
                self._kept.append(one)
                below = [self._numbers[each.get_id()] for each in one.children()]
                self._numbers[one.get_id()] = len(self.rows)
                self.rows.append([one.decl().name(), *below])
        return self._numbers[term.get_id()]


@contextmanager
def _watched(context: z3.Context, seconds: float) -> Iterator[None]:
    """Interrupt a check that takes more processor time; 0 for no limit."""
    done = threading.Event()
    began = time.process_time()

    def watch() -> None:
        while not done.wait(_LOOK):
            if time.process_time() - began > seconds:
                context.interrupt()

    thread = threading.Thread(target=watch, daemon=True)
    if seconds:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if seconds:
            thread.join()


def _limit(solver: z3.Solver, request: dict[str, Any]) -> None:
    solver.set("rlimit", request["rlimit"])
    solver.set("timeout", request["milliseconds"])
    solver.set("random_seed", request["seed"])


def serve(lines: Iterable[str]) -> None:
    """Answer each line until there are no more."""
    worker = Worker()
    for line in lines:
        request = json.loads(line)
        if request["do"] == "forget":
            worker = Worker()
            continue
        began = time.process_time()
        try:
            answer = worker.answer(request)
        except z3.Z3Exception as error:  # out of memory, or interrupted
            answer = {"answer": "unknown", "reason": str(error)}
            if request["do"] not in {"check", "core", "prove", "instances"}:
                return  # what it was told is lost: to die is to be replaced and told again
        if answer is not None:
            answer["cpu"] = time.process_time() - began
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def main() -> None:
    """Limit the memory of this process, then serve."""
    limit = int(sys.argv[1]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # while z3 works, it listens itself
    serve(sys.stdin)


if __name__ == "__main__":
    main()
