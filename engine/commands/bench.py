"""`tesuji bench`: our benchmarks, each comparing with its peer."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import tesuji.engine
from tesuji.engine.commands.base import Answer, Common
from tesuji.engine.config import nearest
from tesuji.engine.errors import TesujiError, UsageError

EXAMPLES = """
Examples:
  tesuji bench                                     lists them
  tesuji bench evaluators
  tesuji bench evaluators --options "--nets 32x4"  what the benchmark itself takes
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Measure the speed of this machine with one of the benchmarks, or list them.

    Attributes:
        name: the benchmark; lists all where left out.
        options: flags of the benchmark itself, in quotes.
    """

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")] = ""
    options: Annotated[str, tyro.conf.arg(metavar="TEXT")] = ""


def run(arguments: Arguments) -> Answer:
    """Run the benchmark, or list all."""
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
