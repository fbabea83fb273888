"""Lines of code that a verdict on a plan or a bound relies on: no blanks, comments, docstrings.

    python benchmarks/code_lines.py [FILE ...]

Without files: the verifier of plans. Beyond these files it uses Python's standard library, one
exception class (`errors.py`) and, for whether a file is as it was written, the hash of
`storage.py`. It asks the planner's parser whether a text is PDDL at all, which can make it refuse
more, never accept more.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

ENGINE = Path(__file__).parents[1] / "engine"
VERIFIER = ("plan_verification", "plan_charges", "plan_operators", "plan_reading")
_WITHOUT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(text: str) -> int:
    """Return how many lines of a Python text hold code."""
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        is_block = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if is_block and ast.get_docstring(node) is not None:
            prose.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _WITHOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - prose)


def main() -> None:
    """Print the lines of each file, and of all."""
    named = [Path(name) for name in sys.argv[1:]]
    files = named or [ENGINE / f"{name}.py" for name in VERIFIER]
    counts = [code_lines(path.read_text()) for path in files]
    for path, count in zip(files, counts, strict=True):
        print(f"{count:5} {path.name}")
    print(f"{sum(counts):5} in all")


if __name__ == "__main__":
    main()
