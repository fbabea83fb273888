"""Exported networks kept between commands, so that only the first start loads torch.

A file is the SHA-256 of what follows, then the export; its name tells all that the export depends
on. What is damaged or cannot be kept is made anew: a cache never fails.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from tesuji.engine.storage import StorageError, atomic_write

_KEPT = 32  # exports, the latest used
_DIGEST = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """Return where exports are kept, `$XDG_CACHE_HOME/tesuji` or `~/.cache/tesuji`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tesuji" / "exports"


def cached(key: str, make: Callable[[], bytes]) -> bytes:
    """Return the export of that key, from the cache or else from `make`."""
    path = cache_folder() / f"{key}.onnx"
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
            os.utime(path)
            return content[_DIGEST:]
    except OSError:
        pass  # not there yet, or not readable
    export = make()
    try:
        atomic_write(path, hashlib.sha256(export).digest() + export)
        _prune(path.parent)
    except (OSError, StorageError):
        pass  # a full or read-only disk costs time only
    return export


def _prune(folder: Path) -> None:
    """Remove all but the exports used last."""
    exports = sorted(folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime)
    for path in exports[:-_KEPT]:
        path.unlink(missing_ok=True)
