"""Faults that one clear line explains; the command line prints that line and no traceback."""

from __future__ import annotations


class TesujiError(Exception):
    """Something went wrong outside the code: the message says what, and what to do."""


class UsageError(TesujiError):
    """What was asked for does not exist or makes no sense: a flag, a game, a key, a move."""


class UnprovenError(TesujiError):
    """What a certificate claims does not follow from it."""
