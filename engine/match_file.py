"""A match on disk: a header, then one JSON line a game, so that it goes on after a kill."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tesuji.engine.storage import StorageError, atomic_write, explained

FORMAT = "tesuji match 1"

_logger = logging.getLogger(__name__)


class GameRecord(NamedTuple):
    """A finished game, seen by agent `a`."""

    pair: int  # games of a pair share an opening
    a_first: bool  # whether `a` had the side that moves first
    score: int  # 1 won, 0 drawn, -1 lost
    actions: tuple[int, ...]  # the opening's included


class MatchFile:
    """The games of a match in a file; `read` once, then `append`.

    Args:
        path: the file; made where there is none.
        header: what the match is; a file of another match is refused.
    """

    def __init__(self, path: Path, header: Mapping[str, str | int]) -> None:
        self.path = path
        self.header = {"format": FORMAT, **header}

    def read(self) -> list[GameRecord]:
        """Return the games that are there, having cut off what a kill left torn.

        Raises:
            StorageError: the file is another match's, or no match's at all.
        """
        content = b""
        if self.path.exists():
            with explained("read", self.path):
                content = self.path.read_bytes()
        lines = content.splitlines(keepends=True)
        if not lines or (len(lines) == 1 and not lines[0].endswith(b"\n")):
            atomic_write(self.path, _dump(self.header))
            return []
        self._check_header(lines[0])
        games: dict[tuple[int, bool], GameRecord] = {}
        sound = [lines[0]]
        for number, line in enumerate(lines[1:], 2):
            record = _parse(line)
            if record is None or (record.pair, record.a_first) in games:
                _logger.warning(
                    "%s: line %d is damaged; its game is played again", self.path, number
                )
                continue
            games[record.pair, record.a_first] = record
            sound.append(line)
        if len(sound) < len(lines):
            atomic_write(self.path, b"".join(sound))
        return list(games.values())

    def append(self, games: Sequence[GameRecord]) -> None:
        """Add finished games; they are on the disk when this returns.

        Raises:
            StorageError: they could not be written.
        """
        content = b"".join(_dump(game._asdict()) for game in games)
        with explained("write", self.path), self.path.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _check_header(self, line: bytes) -> None:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise StorageError(f"{self.path} is no file of a match; give another to resume from")
        for name, value in self.header.items():
            if found.get(name) != value:
                raise StorageError(
                    f"{self.path} holds another match: its {name} is {found.get(name)!r}, not "
                    f"{value!r}; give another file"
                )


def _dump(values: Mapping[str, object]) -> bytes:
    return (json.dumps(values, separators=(",", ":")) + "\n").encode()


def _parse(line: bytes) -> GameRecord | None:
    """Return a line's game, None where it is torn or damaged."""
    try:
        values = json.loads(line)
        record = GameRecord(
            values["pair"], values["a_first"], values["score"], tuple(values["actions"])
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    whole = line.endswith(b"\n") and type(record.a_first) is bool and record.score in (-1, 0, 1)
    numbers = (record.pair, *record.actions)
    return record if whole and all(type(n) is int and n >= 0 for n in numbers) else None
