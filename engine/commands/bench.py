"""`tesuji bench`: our benchmarks, each comparing with its peer, and folders of instances."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

import tesuji.engine
from tesuji.engine.commands.base import Answer, Common, File
from tesuji.engine.config import nearest
from tesuji.engine.errors import TesujiError, UsageError

EXAMPLES = """
Examples:
  tesuji bench                                     lists them
  tesuji bench evaluators
  tesuji bench evaluators --options "--nets 32x4"  what the benchmark itself takes
  tesuji bench problems/ --time 30 --out p.json    PDDL problems, routes, shops; goes on later
  tesuji bench theorems/ --time 2 --json           TPTP problems, each row a line of JSON
  tesuji bench problems/ --best best_known.json    quality against best known costs
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Measure the speed of this machine with one of the benchmarks, or solve a folder of instances.

    Attributes:
        name: the benchmark, or a folder; lists the benchmarks where left out.
        options: flags of the benchmark itself, in quotes.
        time: of a folder: seconds of processor time for each instance.
        out: of a folder: the table is kept in this file; what it holds is not solved again.
        best: of a folder: best known costs by name, as JSON; the quality score compares with them.
        prover: of theorems: tableaux alone, z3 alone, or both.
    """

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")] = ""
    options: Annotated[str, tyro.conf.arg(metavar="TEXT")] = ""
    time: float = 10.0
    out: File = None
    best: File = None
    prover: Literal["ours", "z3", "together"] = "together"


def run(arguments: Arguments) -> Answer:
    """Run the benchmark, or list all."""
    if Path(arguments.name).is_dir() and arguments.name:
        return _run_folder(arguments)
    scripts = find_benchmarks()
    if not arguments.name:
        about = {name: _about(path) for name, path in scripts.items()}
        width = max(map(len, about), default=0)
        lines = [f"  {name:<{width}}  {line}" for name, line in about.items()]
        return Answer("\n".join(lines), {"benchmarks": about})
    if arguments.name not in scripts:
        near = nearest(arguments.name, list(scripts))
        hint = f"did you mean {near!r}?" if near else "tesuji bench lists them"
        raise UsageError(f"unknown benchmark {arguments.name!r}; {hint}")
    return measure(arguments.name, scripts[arguments.name], arguments.options, arguments.json)


def _run_folder(arguments: Arguments) -> Answer:
    """Solve all instances of a folder, one after the other."""
    from tesuji.engine import folder_bench
    from tesuji.engine.progress import open_progress

    folder = Path(arguments.name).resolve()
    if not arguments.time > 0:
        raise UsageError(f"--time must be above 0, got {arguments.time}")
    references = folder_bench.read_references(arguments.best) if arguments.best else {}
    rows = (
        folder_bench.read_rows(arguments.out, arguments.time, arguments.prover)
        if arguments.out
        else {}
    )
    instances = list(folder_bench.instances_of(folder))
    if not instances:
        raise UsageError(f"{folder} holds no PDDL problems, routing instances, shops or theorems")
    theorems = {folder_bench.is_theorem(path) for _, path, _ in instances}
    if len(theorems) > 1:
        raise UsageError(f"{folder} holds theorems and other instances; name folders of one kind")
    stopped = False
    with open_progress(arguments.json) as progress:
        try:
            folder_bench.load_kernels_for(folder)
            for number, (name, path, domain) in enumerate(instances, 1):
                if name not in rows:
                    rows[name] = folder_bench.solve_instance(
                        path, domain, arguments.time, arguments.prover
                    )
                    if arguments.out is not None:
                        folder_bench.write_rows(
                            arguments.out, rows, arguments.time, arguments.prover
                        )
                row = {"instance": name, "done": f"{number}/{len(instances)}", **rows[name]}
                progress.update({"kind": "instance", **row})
        except KeyboardInterrupt:
            stopped = True
    wanted = {name for name, _, _ in instances}
    found = {name: row for name, row in rows.items() if name in wanted}
    if theorems == {True}:
        from tesuji.engine import theorem_bench

        lines = theorem_bench.summary(found)
    else:
        lines = folder_bench.summary(
            found, arguments.time, lambda name: folder_bench.reference_of(name, references)
        )
    facts = {"folder": str(folder), "seconds": arguments.time, "stopped": stopped}
    return Answer(_table(lines), {**facts, "families": lines, "instances": rows}, 130 * stopped)


def _table(lines: Sequence[Mapping[str, object]]) -> str:
    from rich.table import Table

    from tesuji.engine.commands.base import as_text

    table = Table()
    for name in lines[0]:
        table.add_column(name)
    for line in lines:
        table.add_row(*("-" if value is None else _cell(value) for value in line.values()))
    return as_text(table)


def _cell(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def find_benchmarks() -> dict[str, Path]:
    """Return the benchmarks of this checkout by name."""
    folder = Path(tesuji.engine.__file__).resolve().parents[1] / "benchmarks"
    scripts = {path.stem: path for path in sorted(folder.glob("*.py")) if path.stem[0] != "_"}
    if not scripts:
        raise TesujiError("benchmarks come with the source, not with the installed package")
    return scripts


def measure(name: str, script: Path, options: str, as_json: bool) -> Answer:
    """Run a benchmark in a process of its own; its table goes where this one's text would."""
    import shlex

    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        command = [sys.executable, str(script), *shlex.split(options), "--json", str(figures)]
        table = sys.stderr if as_json else None
        done = subprocess.run(command, stdout=table, check=False)
        if done.returncode:
            raise TesujiError(f"benchmark {name} left with {done.returncode}; see above")
        facts = json.loads(figures.read_text()) if figures.exists() else {}
    return Answer("", {"name": name, "figures": facts})


def _about(script: Path) -> str:
    """Return the first line of a script's docstring, without running it."""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
