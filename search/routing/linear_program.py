"""Linear programs by HiGHS (Huangfu & Hall 2018), set up alike. Needs highspy."""

from __future__ import annotations

import highspy


class LinearProgram(highspy.Highs):  # type: ignore[misc]
    """HiGHS without callbacks, whose setting up prints a banner."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()


def make_program() -> LinearProgram:
    """Return an empty program, solved by the simplex method in one thread without a word."""
    program = LinearProgram()
    for option, value in (("output_flag", False), ("threads", 1), ("solver", "simplex")):
        program.setOptionValue(option, value)
    return program
