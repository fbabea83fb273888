"""`tesuji report`: learning curves."""

from __future__ import annotations

from dataclasses import dataclass

from tesuji.engine.commands.base import Answer, Common, File, Run

EXAMPLES = """
Examples:
  tesuji report runs/a              writes runs/a/report/index.html and PNG files
  tesuji report runs/a --out page
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Draw the learning curves of a run, as one page without any request, and as PNG.

    Attributes:
        run: the run's folder.
        out: the folder to write to; RUN/report by default.
    """

    run: Run
    out: File = None


def run(arguments: Arguments) -> Answer:
    """Write the page and say where it is."""
    from tesuji.engine.report import write_report

    written = write_report(arguments.run, arguments.out)
    lines = [str(path) for path in written.files]
    if written.note:
        lines.append(written.note)
    facts = {"page": lines[0], "files": lines[: len(written.files)], "note": written.note}
    return Answer("\n".join(lines), facts)
