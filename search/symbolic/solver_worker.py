"""The other end of `SolverProcess`: z3 in a process of its own, one JSON object a line.

    python -m tesuji.search.symbolic.solver_worker MEMORY_MB

Formulas come as SMT-LIB text. An interrupt (SIGINT) ends a check, with "unknown".
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterable
from typing import Any

import z3


def serve(lines: Iterable[str]) -> None:
    """Answer each line until there are no more."""
    solver = z3.SimpleSolver()
    for line in lines:
        request = json.loads(line)
        match request["do"]:
            case "assert":
                solver.add(list(z3.parse_smt2_string(request["text"])))
            case "push":
                solver.push()
            case "pop":
                solver.pop()
            case "hint":
                for name, value in request["values"].items():
                    solver.set_initial_value(z3.Int(name), z3.IntVal(value))
            case "check":
                sys.stdout.write(json.dumps(_check(solver, request)) + "\n")
                sys.stdout.flush()


def _check(solver: z3.Solver, request: dict[str, Any]) -> dict[str, Any]:
    solver.set("rlimit", request["rlimit"])
    solver.set("timeout", request["milliseconds"])
    try:
        answer = solver.check()
    except z3.Z3Exception as error:  # out of memory, or interrupted
        return {"answer": "unknown", "reason": str(error)}
    if answer != z3.sat:
        reason = solver.reason_unknown() if answer == z3.unknown else ""
        return {"answer": str(answer), "reason": reason}
    model = solver.model()
    terms = [z3.Int(name) for name in request["ints"]] + [z3.Real(n) for n in request["reals"]]
    return {"answer": "sat", "values": {str(t): str(model.eval(t, True)) for t in terms}}


def main() -> None:
    """Limit the memory of this process, then serve."""
    limit = int(sys.argv[1]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # while z3 works, it listens itself
    serve(sys.stdin)


if __name__ == "__main__":
    main()
