"""Durable files: whole or absent, hashed when written and checked when read.

A file or folder is written under a temporary name in the same folder, synced, and renamed, so that
a process killed at any instant leaves the old one or the new one, never a part. Whatever is read
back is compared with the SHA-256 of what was written. Nothing here unpickles.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tesuji.engine.errors import TesujiError

_TEMPORARY = ".tmp"

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EFBIG: "the file would be larger than allowed; raise the file size limit (ulimit -f)",
    errno.EACCES: "permission denied; choose another folder or change its owner or mode",
    errno.EPERM: "permission denied; choose another folder or change its owner or mode",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOTDIR: "a part of this path is a file; choose another folder",
    errno.EEXIST: "something of that name is in the way; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n)",
}


class StorageError(TesujiError):
    """A file could not be written or read; the message says which, why and what to do."""


class DamagedFileError(StorageError):
    """A file is not what was written: truncated, changed, missing or of another kind.

    Attributes:
        path: the file.
        reason: what is wrong with it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged: {reason}")
        self.path = path
        self.reason = reason


@contextmanager
def explained(action: str, path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `StorageError` such as `cannot write X: the disk is full; ...`."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0) or error.strerror or str(error)
        raise StorageError(f"cannot {action} {path}: {advice}") from error


def sha256(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def atomic_write(path: Path, content: bytes) -> str:
    """Write a file so that it is there whole or not at all; return its SHA-256.

    Raises:
        StorageError: it could not be written; what was there before is untouched.
    """
    temporary = _temporary(path)
    with explained("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(temporary, content)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    return sha256(content)


def atomic_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files so that it is there whole or not at all, in place of an older one.

    Raises:
        StorageError: it could not be written.
    """
    temporary = _temporary(path)
    with explained("write", path):
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            for name, content in files.items():
                _write_synced(temporary / name, content)
            _sync_folder(temporary)
            remove_folder(path)
            os.replace(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync_folder(path.parent)


def remove_folder(path: Path) -> None:
    """Remove a folder, if there is one, so that a half-removed one is never seen."""
    doomed = _temporary(path.with_name(path.name + ".old"))
    with explained("remove", path):
        if path.exists():
            shutil.rmtree(doomed, ignore_errors=True)
            os.replace(path, doomed)
            shutil.rmtree(doomed)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes left below `folder`."""
    with explained("clear", folder):
        for path in sorted(folder.rglob(f".*{_TEMPORARY}")):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def quarantine(path: Path) -> Path:
    """Set a damaged file or folder aside as `NAME.damaged-N`; return its new path."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    with explained("set aside", path):
        os.rename(path, aside)
        _sync_folder(path.parent)
    return aside


def read_checked(
    path: Path, digest: str | None = None, *, size: int | None = None, limit: int = 1 << 34
) -> bytes:
    """Return the content of a file that is as it was written.

    Args:
        path: the file.
        digest: its SHA-256, where known.
        size: its size in bytes, where known.
        limit: bytes above which it is refused unread.

    Raises:
        DamagedFileError: it is missing, unreadable or not what was written.
        StorageError: it cannot be opened for a reason that is not its own fault.
    """
    with explained("read", path):
        if not path.is_file():
            raise DamagedFileError(path, "it is not a file" if path.exists() else "no such file")
        found = path.stat().st_size
        if size is not None and found != size:
            raise DamagedFileError(path, f"it has {found} bytes, written were {size}")
        if found > limit:
            raise DamagedFileError(path, f"it has {found} bytes, expected at most {limit}")
        try:
            content = path.read_bytes()
        except OSError as error:
            if error.errno == errno.EIO:
                raise DamagedFileError(path, "the disk cannot read it") from error
            raise
    if digest is not None and sha256(content) != digest:
        raise DamagedFileError(path, "its SHA-256 is not that of what was written")
    return content


def dump_json(content: Mapping[str, Any]) -> bytes:
    """Return `content` as JSON that carries its own SHA-256 in a last entry `sha256`."""
    body = _json(content)
    if not content:
        return _json({"sha256": sha256(body)})
    return b"%s,%s" % (body[: -len("\n}\n")], _json({"sha256": sha256(body)})[1:])


def load_json(path: Path, limit: int = 64 << 20) -> dict[str, Any]:
    """Return the content of a file of `dump_json`, checked to the byte.

    Args:
        path: the file.
        limit: bytes above which it is refused unread.

    Raises:
        DamagedFileError: it is no JSON, or not byte for byte what was written.
    """
    text = read_checked(path, limit=limit)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise DamagedFileError(path, "it is not valid JSON") from None
    if not isinstance(content, dict) or not isinstance(content.get("sha256"), str):
        raise DamagedFileError(path, "it has no SHA-256 of its own")
    del content["sha256"]
    # The bytes, not the values: `1e5` and `1E5` are one bit apart and mean the same.
    if _plain_json(content) != text:
        raise DamagedFileError(path, "its SHA-256 is not that of what was written")
    return content


def _plain_json(content: dict[str, Any]) -> bytes | None:
    """Return `dump_json(content)`, or None for what it never wrote, such as NaN."""
    try:
        return dump_json(content)
    except (ValueError, RecursionError):
        return None


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the hold ends with the process, however it ends.

    Raises:
        StorageError: another process holds it.
    """
    path = folder / "lock"
    with explained("lock", folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    with file:
        try:
            # Record locks are not inherited: workers that outlive a killed parent hold nothing.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageError(
                f"{folder} is in use by another tesuji process; wait for it or stop it"
            ) from error
        yield
