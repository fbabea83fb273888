"""Faults that one clear line explains; the command line prints that line and no traceback."""

from __future__ import annotations


class TesujiError(Exception):
    """Something went wrong outside the code: the message says what, and what to do."""


class UsageError(TesujiError):
    """What was asked for does not exist or makes no sense: a flag, a game, a key, a move."""


class UnprovenError(TesujiError):
    """What a certificate claims does not follow from it."""


# Faults of the world, not of the code: these get one line. What is not here is a bug.
FAULTS = (TesujiError, ValueError, TypeError, OSError, MemoryError, RuntimeError, ImportError)


def one_line(error: BaseException) -> str:
    """Return what to tell of a fault."""
    match error:
        case MemoryError():
            return "out of memory; take smaller batches, fewer workers or a smaller net"
        case ModuleNotFoundError(name=str(name)):
            return f"{name} is not installed; pip install 'tesuji[all]' brings it"
        case OSError(strerror=str(reason), filename=filename):
            return f"{filename}: {reason}" if filename else reason
    return " ".join(str(error).split()) or type(error).__name__
