"""The eight symmetries of a square board.

Symmetry `s` first transposes (bit 2 of `s`), then mirrors rows (bit 1) and columns (bit 0).
"""

from __future__ import annotations

from numba import njit

NUM_SYMMETRIES = 8


@njit(cache=True)
def transform_cell(cell, symmetry, size):  # type: ignore[no-untyped-def]
    """Return where `symmetry` sends cell `row * size + column`."""
    row, column = cell // size, cell % size
    if symmetry & 4:
        row, column = column, row
    if symmetry & 2:
        row = size - 1 - row
    if symmetry & 1:
        column = size - 1 - column
    return row * size + column
