"""What the page may say: one frozen dataclass a message, checked field by field."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeAlias, get_args

from tesuji.engine.game import MAX_POSITIONS
from tesuji.engine.session import LEVELS

MAX_BYTES = 16 * 1024
MAX_FILE_BYTES = 512 * 1024  # of an `open` or a `load`, which carry a whole game
MAX_PATH = 256
FORMATS = ("sgf", "pgn", "json")
_MAX_ACTION = 2**31


class FieldError(ValueError):
    """A message that is refused; `field` says where it is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class New:
    """Start another game."""

    person: int | None = 0
    level: int = 5

    def __post_init__(self) -> None:
        _check_person(self.person)
        _check_int("level", self.level, 1, len(LEVELS))


@dataclass(frozen=True)
class Load:
    """Go on with a saved game."""

    game: dict[str, Any]
    person: int | None = 0
    level: int = 5

    def __post_init__(self) -> None:
        New(self.person, self.level)
        if not isinstance(self.game, dict):
            raise FieldError("game", "game must be an object, as the page saved it")


@dataclass(frozen=True)
class Open:
    """Go on with the game in a file, and review it."""

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise FieldError("text", "text must be what the file holds")


@dataclass(frozen=True)
class Save:
    """Ask for the game as a file."""

    format: str

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise FieldError("format", f"format must be one of {', '.join(FORMATS)}")


@dataclass(frozen=True)
class Review:
    """Search every position of the line, or no longer."""

    on: bool

    def __post_init__(self) -> None:
        _check_switch(self.on)


@dataclass(frozen=True)
class Play:
    """Make a move."""

    action: int

    def __post_init__(self) -> None:
        _check_int("action", self.action, 0, _MAX_ACTION)


@dataclass(frozen=True)
class Click:
    """Make the move that a cell stands for, of the piece on `origin` where one moves."""

    row: int
    column: int
    origin: list[int] | None = None

    def __post_init__(self) -> None:
        _check_int("row", self.row, 0, 1000)
        _check_int("column", self.column, 0, 1000)
        if self.origin is not None:
            if not isinstance(self.origin, list) or len(self.origin) != 2:
                raise FieldError("origin", "origin must be a row and a column")
            for value in self.origin:
                _check_int("origin", value, 0, 1000)


@dataclass(frozen=True)
class Undo:
    """Go back to the person's last move."""


@dataclass(frozen=True)
class Redo:
    """Go forward to the person's next move."""


@dataclass(frozen=True)
class Goto:
    """Show a position of the game."""

    position: int

    def __post_init__(self) -> None:
        _check_int("position", self.position, 0, MAX_POSITIONS)


@dataclass(frozen=True)
class Go:
    """Let the engine move for the side to play."""


@dataclass(frozen=True)
class Auto:
    """Let the engine make all moves from now on, or no longer."""

    on: bool

    def __post_init__(self) -> None:
        _check_switch(self.on)


@dataclass(frozen=True)
class Flip:
    """See the board from the other side."""


@dataclass(frozen=True)
class Seat:
    """Take a side, or both."""

    person: int | None

    def __post_init__(self) -> None:
        _check_person(self.person)


@dataclass(frozen=True)
class Level:
    """Set the engine's strength."""

    level: int

    def __post_init__(self) -> None:
        _check_int("level", self.level, 1, len(LEVELS))


@dataclass(frozen=True)
class Hint:
    """Ask for the best move."""


@dataclass(frozen=True)
class Analyse:
    """Watch every position, or no longer."""

    on: bool

    def __post_init__(self) -> None:
        _check_switch(self.on)


@dataclass(frozen=True)
class Explore:
    """Look into the search tree of a position, after the actions of a path."""

    position: int
    path: list[int]

    def __post_init__(self) -> None:
        _check_int("position", self.position, 0, MAX_POSITIONS)
        if not isinstance(self.path, list) or len(self.path) > MAX_PATH:
            raise FieldError("path", f"path must be a list of at most {MAX_PATH} actions")
        for action in self.path:
            _check_int("path", action, 0, _MAX_ACTION)


Message: TypeAlias = (
    New | Load | Open | Save | Review | Play | Click | Undo | Redo | Goto | Go | Auto | Flip
    | Seat | Level | Hint | Analyse | Explore
)  # fmt: skip
_KINDS: dict[str, type[Message]] = {kind.__name__.lower(): kind for kind in get_args(Message)}

# JSON may write a character of a file with two.
_LARGEST: dict[type, int] = dict.fromkeys((Load, Open), 2 * MAX_FILE_BYTES)


def parse(text: str) -> Message:
    """Return the message that `text` holds.

    Raises:
        FieldError: it is too large, no JSON, of no known type, or a field is wrong.
    """
    if len(text) > _LARGEST[Open]:
        raise FieldError("message", f"a file has at most {MAX_FILE_BYTES} bytes, got {len(text)}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise FieldError("message", "a message must be JSON") from None
    if not isinstance(content, dict):
        raise FieldError("message", "a message must be a JSON object")
    name = content.pop("type", None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FieldError("type", f"type must be one of {', '.join(_KINDS)}; got {name!r:.40}")
    most = _LARGEST.get(kind, MAX_BYTES)
    if len(text) > most:
        raise FieldError("message", f"a message has at most {most} bytes, got {len(text)}")
    known = {field.name: field for field in fields(kind)}
    for key in content:
        if key not in known:
            raise FieldError(key[:40], f"{name} has no field {key!r:.40}")
    for key, field in known.items():
        if key not in content and field.default is MISSING:
            raise FieldError(key, f"{name} needs a field {key!r}")
    return kind(**content)


def _check_switch(on: object) -> None:
    if not isinstance(on, bool):
        raise FieldError("on", f"on must be true or false, got {on!r:.40}")


def _check_person(person: object) -> None:
    if person is not None:
        _check_int("person", person, 0, 1)


def _check_int(field: str, value: object, smallest: int, largest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
        raise FieldError(
            field, f"{field} must be a whole number from {smallest} to {largest}, got {value!r:.40}"
        )
