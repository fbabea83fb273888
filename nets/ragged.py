"""Rows of different lengths, one after the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


def pick_rows(values: Numbers, first: Numbers, rows: Places) -> tuple[Places, Places, Places]:
    """Return the values of some rows, where each begins, and the row of each value.

    Args:
        values: of all rows.
        first: `[R + 1]` where each row begins.
        rows: which ones.
    """
    lengths = (first[1:] - first[:-1])[rows].astype(np.int64)
    ends = np.concatenate(([0], np.cumsum(lengths)))
    row = np.repeat(np.arange(len(rows)), lengths)
    places = np.arange(ends[-1]) - ends[row] + first[rows][row]
    return values[places].astype(np.int64), ends, row
