"""`tesuji doctor`: is everything there?"""

from __future__ import annotations

from dataclasses import dataclass

from tesuji.engine.commands.base import Answer, Common, File

EXAMPLES = """
Examples:
  tesuji doctor
  tesuji doctor --run-dir /data/runs    look at that disk
  tesuji doctor --json
"""

_MARKS = {"ok": " ok ", "warn": "warn", "fail": "FAIL"}


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Look whether everything is there that tesuji needs, and say what to do where not.

    Attributes:
        run_dir: where runs are to be written.
    """

    run_dir: File = None


def run(arguments: Arguments) -> Answer:
    """Return what was found; a fault where tesuji cannot run."""
    from tesuji.engine.doctor import examine, to_json, worst

    checks = examine(arguments.run_dir)
    lines = []
    for check in checks:
        lines.append(f"[{_MARKS[check.status]}] {check.name:<13} {check.found}")
        if check.advice:
            lines.append(f"{'':21}{check.advice}")
    return Answer("\n".join(lines), to_json(checks), code=int(worst(checks) == "fail"))
