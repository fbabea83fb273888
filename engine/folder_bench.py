"""A folder of instances, solved one after the other, and how well that went.

PDDL problems beside or below their `domain.pddl`, routing instances, job shops and, in a folder of
their own, theorems (TPTP). The table is written after each, so that a run that was stopped goes on
where it was.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.solving import Listener, SolveBudget, SolveProgress
from tesuji.engine.storage import atomic_write, dump_json, load_json

if TYPE_CHECKING:
    from tesuji.engine.theorems import Prover

Row = dict[str, Any]
_WALL = 20.0  # wall seconds for each second of processor time, where others use the machine
_SUFFIXES = {".vrp", ".txt", ".pddl", ".p"}


def instances_of(folder: Path) -> Iterator[tuple[str, Path, Path | None]]:
    """Yield the name of each instance below a folder, its file, and its domain's if it is PDDL."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _SUFFIXES or path.name.startswith("domain"):
            continue
        name = f"{folder.name}/{path.relative_to(folder).with_suffix('')}"
        domain = None
        if path.suffix == ".pddl":
            homes = (parent / "domain.pddl" for parent in path.parents)
            domain = next((home for home in homes if home.is_file()), None)
            if domain is None:
                continue
        yield name, path, domain


def solve_instance(
    path: Path, domain: Path | None, seconds: float, prover: Prover = "together"
) -> Row:
    """Solve one instance within `seconds` of this process's processor time."""
    if is_theorem(path):
        return _prove(path, seconds, prover)
    stop = Event()
    began = time.process_time()
    first: list[float] = []

    def listen(row: SolveProgress) -> None:
        if row.cost is not None and not first:
            first.append(time.process_time() - began)

    def watch() -> None:
        while time.process_time() - began < seconds and not stop.wait(0.02):
            pass
        stop.set()

    Thread(target=watch, daemon=True).start()
    budget = SolveBudget(seconds=_WALL * seconds)
    try:
        status, cost, bound = _solve(path, domain, budget, listen, stop)
    except (ValueError, OSError, MemoryError, TesujiError) as error:
        return {"status": "error", "reason": str(error) or type(error).__name__}
    finally:
        stop.set()
    spent = time.process_time() - began
    return {
        "status": status, "cost": cost, "bound": bound if math.isfinite(bound) else None,
        "first": round(first[0] if first else spent, 3) if cost is not None else None,
        "cpu_seconds": round(spent, 2),
    }  # fmt: skip


def is_theorem(path: Path) -> bool:
    """Return whether a file is a TPTP problem."""
    return path.suffix == ".p"


def _prove(path: Path, seconds: float, prover: Prover) -> Row:
    from tesuji.engine.theorem_bench import prove_instance  # noqa: PLC0415

    try:
        return prove_instance(path, seconds, prover)
    except (ValueError, OSError, TesujiError) as error:
        return {"status": "error", "reason": str(error) or type(error).__name__}


def _solve(
    path: Path, domain: Path | None, budget: SolveBudget, listen: Listener, stop: Event
) -> tuple[str, float | None, float]:
    if domain is not None:
        from tesuji.engine.planning import solve_task  # noqa: PLC0415

        plan = solve_task(domain, path, budget, listen, stop)
        return plan.status, plan.cost, plan.bound
    from tesuji.domains.logistics.routing.files import recognised  # noqa: PLC0415

    if recognised(path.read_text(errors="replace")):
        from tesuji.engine.routing import read_routing, solve_routing  # noqa: PLC0415

        routes = solve_routing(read_routing(path), budget, listen, stop)
        found = "unknown" if routes.routes is None else "optimal" if routes.optimal else "solved"
        return found, routes.cost, routes.bound
    from tesuji.domains.logistics.scheduling.reading import read_shop  # noqa: PLC0415
    from tesuji.engine.scheduling import solve_shop  # noqa: PLC0415

    shop = solve_shop(read_shop(path), budget, listen, stop)
    status = "optimal" if shop.makespan <= shop.bound else "solved"
    return status, float(shop.makespan), float(shop.bound)


def load_kernels_for(folder: Path) -> None:
    """Have kernels compiled, or loaded, before the first instance is timed."""
    if any(domain is not None for _, _, domain in instances_of(folder)):
        from tesuji.engine.planning import load_kernels  # noqa: PLC0415

        load_kernels()


def read_rows(path: Path, seconds: float, prover: Prover) -> dict[str, Row]:
    """Return the rows of an earlier run of that kind; none where there is no file."""
    if not path.is_file():
        return {}
    table = load_json(path)
    if table.get("seconds") != seconds:
        raise UsageError(f"{path} is of {table.get('seconds')} s an instance; name another file")
    if table.get("prover", prover) != prover:
        raise UsageError(f"{path} is by --prover {table['prover']}; name another file")
    rows: dict[str, Row] = table["instances"]
    return rows


def write_rows(path: Path, rows: Mapping[str, Row], seconds: float, prover: Prover) -> None:
    """Write the table."""
    atomic_write(path, dump_json({"seconds": seconds, "prover": prover, "instances": rows}))


def read_references(path: Path) -> dict[str, float]:
    """Return best known costs by name, from `{name: cost}` or `{name: {"best": cost, ...}}`."""
    found: dict[str, float] = {}
    try:
        table = json.loads(path.read_text())
        for name, entry in table.items():
            cost = entry
            if isinstance(entry, Mapping):
                cost = entry.get("best", entry.get("upper_bound"))
            if cost is not None:
                found[name.removesuffix(".pddl")] = float(cost)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} holds no costs by name: {error}") from None
    return found


def reference_of(name: str, references: Mapping[str, float]) -> float | None:
    """Return the best known cost of an instance: that of the longest name that ends its own."""
    parts = name.split("/")
    for start in range(len(parts)):
        known = references.get("/".join(parts[start:]))
        if known is not None:
            return known
    longer = [cost for key, cost in references.items() if key.endswith(f"/{name}")]
    return longer[0] if len(longer) == 1 else None


def scores(row: Row, seconds: float, best: float | None) -> tuple[float, float]:
    """Return the agile and the quality score of the International Planning Competition.

    Agile is 1 for a first answer within a second of processor time, and falls with its logarithm to
    0 at the limit; quality is the best known cost over the cost.
    """
    if row.get("cost") is None:
        return 0.0, 0.0
    first = row["first"]
    agile = 1.0 if first <= 1.0 else max(0.0, 1.0 - math.log(first) / math.log(max(seconds, 1.001)))
    best = row["cost"] if best is None else min(best, row["cost"])
    return agile, (best / row["cost"] if row["cost"] > 0 else 1.0)


def summary(
    rows: Mapping[str, Row], seconds: float, best: Callable[[str], float | None]
) -> list[Row]:
    """Return a line for each family of instances, and one for all."""
    families: dict[str, list[str]] = {}
    for name in rows:
        families.setdefault(name.rsplit("/", 1)[0], []).append(name)
    lines = []
    for family, names in [*families.items(), ("all", list(rows))]:
        own = [rows[name] for name in names]
        solved = [row for row in own if row.get("cost") is not None]
        gaps = [
            1.0 - min(row["bound"], row["cost"]) / row["cost"]
            for row in solved
            if row["bound"] is not None and row["cost"] > 0
        ]
        both = [scores(rows[name], seconds, best(name)) for name in names]
        lines.append({
            "family": family, "instances": len(own), "solved": len(solved),
            "optimal": sum(row["status"] == "optimal" for row in solved),
            "errors": sum(row["status"] == "error" for row in own),
            "cost": sum(row["cost"] for row in solved),
            "gap": round(sum(gaps) / len(gaps), 4) if gaps else None,
            "agile": round(sum(agile for agile, _ in both), 2),
            "quality": round(sum(quality for _, quality in both), 2),
        })  # fmt: skip
    return lines
