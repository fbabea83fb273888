"""Words of the command line to a verb's arguments: defaults < preset or `--config` < flags."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any, TypeVar, cast

import tyro

from tesuji.engine.config import SAVED, keys, merge, nearest, read_toml
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
    presets = getattr(cls, "preset", None)  # what is named has defaults of its own
    if file := _config(words) or (presets and presets(words)):
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
        if hint is tuple:  # given once for each: the flag is in the singular
            name = name.removesuffix("s")
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
    """Return the file of `--config`; a run's folder, also that of `--resume`, has one."""
    for word, following in zip(words, [*words[1:], ""], strict=False):
        flag, equals, value = word.partition("=")
        path = Path(value if equals else following)
        if flag == "--config" and path.name:
            return path / SAVED if path.is_dir() else path
        if flag == "--resume" and (path / SAVED).is_file():
            return path / SAVED
    return None


def _unboxed(text: str) -> str:
    """Return what tyro's box says, on one line: what stands under the title, above the advice."""
    lines = [line.strip("│ ") for line in text.splitlines()]
    parts: list[list[str]] = [[]]
    for line in filter(None, lines):
        if line.startswith("╭") or not line.strip("─-╰╯"):  # the title's border, or a rule
            parts.append([])
        else:
            parts[-1].append(line)
    # Without UTF-8 the title stands on a line of its own, over a rule.
    said = parts[1] if len(parts) > 1 else parts[0]
    return " ".join(said).rstrip(".") or "these arguments cannot be read"
