"""Words of the command line to a verb's arguments: defaults < `--config` file < flags."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any, TypeVar, cast

import tyro

from tesuji.engine.config import keys, merge, nearest, read_toml
from tesuji.engine.errors import UsageError

Arguments = TypeVar("Arguments")

_MARKERS = (tyro.conf.FlagCreatePairsOff,)


def parse(cls: type[Arguments], verb: str, words: list[str]) -> Arguments | None:
    """Return the arguments that `words` spell, or None after help was shown.

    Raises:
        UsageError: a flag or value does not fit, here or in the file.
    """
    if not {"-h", "--help"} & set(words):
        _check_flags(cls, verb, words)
    over: dict[str, Any] = {}
    if file := _config(words):
        over["default"] = merge(cls, read_toml(file), str(file), missing=tyro.MISSING)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parsed = tyro.cli(cls, args=words, prog=f"tesuji {verb}", config=_MARKERS, **over)
            return cast(Arguments, parsed)
    except SystemExit as leave:
        if leave.code == 0:
            return None
        raise UsageError(f"{_unboxed(said.getvalue())}; see tesuji {verb} --help") from None


def _check_flags(cls: type[Any], verb: str, words: list[str]) -> None:
    flags = ["--help"]
    for key, hint in keys(cls):
        name = key.replace("_", "-")
        group, _, last = name.rpartition(".")
        flags.append(f"--{name}")
        if hint is bool:
            flags.append(f"--{group}{'.' * bool(group)}no-{last}")
    for word in words:
        flag = word.partition("=")[0].replace("_", "-")
        if flag.startswith("--") and flag not in flags:
            near = nearest(flag, flags)
            hint = f"did you mean {near}?" if near else f"tesuji {verb} --help lists the flags"
            raise UsageError(f"unknown flag {flag}; {hint}")


def _config(words: list[str]) -> Path | None:
    for word, following in zip(words, [*words[1:], ""], strict=False):
        flag, equals, value = word.partition("=")
        if flag == "--config" and (value or (following and not equals)):
            return Path(value or following)
    return None


def _unboxed(text: str) -> str:
    """Return what tyro's box says, on one line."""
    lines: list[str] = []
    for line in text.splitlines():
        inside = line.strip("│╭╮╰╯─ ")
        if not inside and lines:
            break  # a rule: after it comes advice
        if inside and not line.startswith("╭"):
            lines.append(inside)
    return " ".join(lines) or "these arguments cannot be read"
