"""Linear programs by HiGHS (Huangfu & Hall 2018), set up alike. Needs highspy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class LinearProgram(highspy.Highs):  # type: ignore[misc]
    """HiGHS without its own callbacks, whose setting up prints a banner."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()

    def end_when(self, is_over: Callable[[], bool]) -> None:
        """Have the solver ask again and again whether to give up."""

        def ask(_: Any, message: str, out: Any, answer: Any, data: Any) -> None:
            answer.user_interrupt = is_over()

        self.setCallback(ask, None)
        kinds = highspy.cb.HighsCallbackType
        for kind in (kinds.kCallbackSimplexInterrupt, kinds.kCallbackIpmInterrupt):
            self.startCallback(kind)

    def add_rows(self, count: int, least: float, most: float) -> None:
        """Add rows without columns, each of a sum between `least` and `most`."""
        for _ in range(count):
            self.addRow(least, most, 0, np.zeros(0, np.int32), np.zeros(0))

    def solve(self, seconds: float) -> bool:
        """Go on for so many seconds at most; return whether there is an optimal solution."""
        self.setOptionValue("time_limit", self.getRunTime() + max(seconds, 0.01))
        self.run()
        return bool(self.getModelStatus() == highspy.HighsModelStatus.kOptimal)


def make_program(method: str = "simplex") -> LinearProgram:
    """Return an empty program, solved by `method` in one thread without a word."""
    program = LinearProgram()
    for option, value in (("output_flag", False), ("threads", 1), ("solver", method)):
        program.setOptionValue(option, value)
    return program


class Solution(NamedTuple):
    """The best point that was found, and a multiplier of each row."""

    value: Floats  # [columns]
    dual: Floats  # [rows] at least 0


def maximise(
    objective: Floats,
    entries: tuple[Integers, Integers, Integers],
    most: Floats,
    highest: float,
    is_over: Callable[[], bool],
    method: str,
) -> Solution | None:
    """Return a solution of `max objective x, A x <= most, 0 <= x <= highest`; None if given up.

    It may break rows by a little, and be a little below the highest.

    Args:
        objective: `[columns]`.
        entries: row, column and value of each entry of A; none twice.
        most: `[rows]`.
        highest: of every column.
        is_over: says when to give up.
        method: `simplex`, or `ipm` (an interior point, not a corner).
    """
    row, column, value = entries
    order = np.lexsort((row, column))
    program, model = make_program(method), highspy.HighsLp()
    model.num_col_, model.num_row_ = len(objective), len(most)
    model.col_cost_ = -objective
    model.col_lower_ = np.zeros(len(objective))
    model.col_upper_ = np.full(len(objective), highest)
    model.row_lower_ = np.full(len(most), -highspy.kHighsInf)
    model.row_upper_ = most
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.searchsorted(column[order], np.arange(len(objective) + 1))
    model.a_matrix_.index_ = row[order]
    model.a_matrix_.value_ = value[order].astype(np.float64)
    program.passModel(model)
    program.end_when(is_over)
    program.setOptionValue("run_crossover", "off")
    program.run()
    # "Unknown" is what an interior point without its last digits is called.
    found = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kUnknown)
    if program.getModelStatus() not in found or not program.getSolution().value_valid:
        return None
    solution = program.getSolution()
    return Solution(np.array(solution.col_value), np.maximum(-np.array(solution.row_dual), 0.0))
