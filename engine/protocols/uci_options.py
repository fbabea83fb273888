"""The options of the UCI engine: what GUIs show and set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Options:
    """What a GUI may set.

    Attributes:
        agent: who thinks, as `load_agent` reads it.
        multipv: best moves that are shown.
        hash: megabytes of a search's tree.
        overhead: milliseconds that a move loses on its way.
        chess960: castle from any start, and write castling as the king taking its rook.
    """

    agent: str = "net"
    multipv: int = 1
    hash: int = 256
    overhead: int = 50
    chess960: bool = False


class _Spin(NamedTuple):
    """A number and its bounds."""

    field: str
    low: int
    high: int


_SPINS = {
    "MultiPV": _Spin("multipv", 1, 64),
    "Hash": _Spin("hash", 16, 4096),
    "Move Overhead": _Spin("overhead", 0, 5000),
    "Threads": _Spin("", 1, 1),  # a search is one thread; GUIs ask for it all the same
}


def describe_options(options: Options) -> list[str]:
    """Return the `option` lines."""
    lines = [
        f"option name {name} type spin default {getattr(options, spin.field, 1)} "
        f"min {spin.low} max {spin.high}"
        for name, spin in _SPINS.items()
    ]
    chess960 = str(options.chess960).lower()
    return [
        *lines,
        "option name Ponder type check default false",
        f"option name UCI_Chess960 type check default {chess960}",
        f"option name Agent type string default {options.agent}",
    ]


def read_option(options: Options, name: str, value: str) -> Options:
    """Return the options with one of them set; names go by any case.

    Raises:
        ValueError: there is no such option, or the value does not suit it.
    """
    folded = name.lower()
    for known, spin in _SPINS.items():
        if known.lower() == folded:
            number = _read_number(known, value, spin)
            fields: dict[str, Any] = {spin.field: number} if spin.field else {}
            return replace(options, **fields)
    if folded in ("ponder", "uci_chess960"):
        if value not in ("true", "false"):
            raise ValueError(f"{name} must be true or false, got {value[:40]!r}")
        return replace(options, chess960=value == "true") if folded != "ponder" else options
    if folded == "agent":
        if not value:
            raise ValueError("Agent needs a value such as rollout or net:search=gumbel")
        return replace(options, agent=value)
    known_names = ", ".join([*_SPINS, "Ponder", "UCI_Chess960", "Agent"])
    raise ValueError(f"there is no option {name[:40]!r}; known: {known_names}")


def _read_number(name: str, text: str, spin: _Spin) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError(f"{name} must be a number, got {text[:40]!r}")
    number = int(text)
    if not spin.low <= number <= spin.high:
        raise ValueError(f"{name} must be between {spin.low} and {spin.high}, got {number}")
    return number
