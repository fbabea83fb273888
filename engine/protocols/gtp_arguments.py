"""Arguments of GTP commands, read with bounds."""

from __future__ import annotations

import re

from tesuji.engine.protocols.gtp_board import GtpError

MAX_SECONDS = 1e7  # longer settings are refused as absurd


def side_of(text: str) -> int:
    """Return the side that a colour names.

    Raises:
        GtpError: it names none.
    """
    side = {"b": 0, "black": 0, "w": 1, "white": 1}.get(text.lower())
    if side is None:
        raise GtpError(f"syntax error: {text[:20]!r} is no colour")
    return side


def number_of(text: str, low: float, high: float) -> float:
    """Return a number.

    Raises:
        GtpError: it is none, or out of bounds.
    """
    if not re.fullmatch(r"[+-]?\d{1,12}(\.\d{1,12})?", text) or not low <= float(text) <= high:
        raise GtpError(f"syntax error: {text[:20]!r} is not a number from {low:g} to {high:g}")
    return float(text)


def count_of(text: str, low: int, high: int) -> int:
    """Return a whole number.

    Raises:
        GtpError: it is none, or out of bounds.
    """
    value = number_of(text, low, high)
    if value != int(value):
        raise GtpError(f"syntax error: {text[:20]!r} is not a whole number")
    return int(value)


def seconds_of(text: str) -> float:
    """Return a time in seconds.

    Raises:
        GtpError: it is none, or absurd.
    """
    return number_of(text, 0, MAX_SECONDS)
