"""Files are whole or absent, and what was changed is found out."""

import errno
import multiprocessing
import os
import random
import resource
import signal
from pathlib import Path

import pytest

from tesuji.engine.storage import (
    DamagedFileError,
    StorageError,
    atomic_folder,
    atomic_write,
    dump_json,
    exclusive,
    load_json,
    quarantine,
    read_checked,
    remove_folder,
    remove_leftovers,
    sha256,
)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def fail(monkeypatch: pytest.MonkeyPatch, name: str, number: int = errno.ENOSPC) -> None:
    def broken(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, broken)


def test_a_written_file_reads_back_with_its_hash(tmp_path: Path) -> None:
    digest = atomic_write(tmp_path / "new" / "a.bin", b"abc")
    assert digest == sha256(b"abc")
    assert read_checked(tmp_path / "new" / "a.bin", digest, size=3) == b"abc"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    atomic_write(tmp_path / "a.bin", b"old")
    fail(monkeypatch, call)
    with pytest.raises(StorageError, match=r"cannot write .*a\.bin: the disk is full; free"):
        atomic_write(tmp_path / "a.bin", b"new")
    assert contents(tmp_path) == {"a.bin": b"old"}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_folder_leaves_nothing(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, call)
    with pytest.raises(StorageError, match="the disk is full"):
        atomic_folder(tmp_path / "c", {"a.bin": b"new"})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_replaces_an_older_one_whole(tmp_path: Path) -> None:
    atomic_folder(tmp_path / "c", {"a.bin": b"1", "b.bin": b"2"})
    atomic_folder(tmp_path / "c", {"a.bin": b"3"})
    assert contents(tmp_path) == {"c/a.bin": b"3"}
    remove_folder(tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_a_file_above_the_size_limit_is_refused_in_one_line(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a.bin", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(StorageError, match="larger than allowed"):
            atomic_write(tmp_path / "a.bin", bytes(1 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == {"a.bin": b"old"}


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot write .*run/a\.bin: .*choose another folder"):
        atomic_write(tmp_path / "run" / "a.bin", b"x")


def test_an_unwritable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, "replace", errno.EACCES)  # root may write anywhere
    with pytest.raises(StorageError, match="permission denied; choose another folder"):
        atomic_write(tmp_path / "a.bin", b"x")


@pytest.mark.parametrize("change", ["truncate", "flip", "remove", "folder"])
def test_a_changed_file_is_damaged(change: str, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    digest = atomic_write(path, b"abc")
    path.unlink()
    if change == "folder":
        path.mkdir()
    elif change != "remove":
        path.write_bytes(b"ab" if change == "truncate" else b"abb")
    with pytest.raises(DamagedFileError, match=r"a\.bin is damaged: "):
        read_checked(path, digest, size=3)


def test_an_unreadable_disk_is_damage_and_a_refusal_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    atomic_write(tmp_path / "a.bin", b"x")
    number = errno.EIO

    def broken(path: Path) -> bytes:
        raise OSError(number, "")

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(DamagedFileError, match="the disk cannot read it"):
        read_checked(tmp_path / "a.bin")
    number = errno.EACCES
    with pytest.raises(StorageError, match="permission denied") as caught:
        read_checked(tmp_path / "a.bin")
    assert not isinstance(caught.value, DamagedFileError)


def test_json_keeps_its_values(tmp_path: Path) -> None:
    content = {"a": [1, 2.5, None, "ü"], "b": {"c": True}, "d": 1e300}
    atomic_write(tmp_path / "a.json", dump_json(content))
    assert load_json(tmp_path / "a.json") == content


def test_every_bit_flip_in_json_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    text = dump_json({"rate": 1e-05, "name": "x", "list": [1, 2], "deep": {"on": True}})
    for bit in range(8 * len(text)):
        flipped = bytearray(text)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedFileError):
            load_json(path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"sha256": 3}',
        b'{"a": NaN, "sha256": ""}',
        b'{"a": ' + b"9" * 10_000 + b', "sha256": ""}',
    ],
    ids=range(8),
)
def test_foreign_json_is_damaged(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(DamagedFileError):
        load_json(tmp_path / "a.json")


def test_json_above_its_limit_is_not_read(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a.json", dump_json({"a": "x" * 100}))
    with pytest.raises(DamagedFileError, match="expected at most 50"):
        load_json(tmp_path / "a.json", limit=50)


def test_damaged_files_are_set_aside_under_new_names(tmp_path: Path) -> None:
    for number in (1, 2):
        atomic_write(tmp_path / "a.bin", b"x")
        assert quarantine(tmp_path / "a.bin").name == f"a.bin.damaged-{number}"
    assert not (tmp_path / "a.bin").exists()


def _write_for_ever(folder: Path) -> None:
    number = 0
    while True:
        number += 1
        atomic_write(folder / "a.json", dump_json({"number": number, "rest": "x" * 10_000}))
        atomic_folder(folder / "c", {"a.json": dump_json({"number": number})})


def test_a_writer_killed_at_any_instant_leaves_whole_files(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    rng = random.Random(1)
    for _ in range(20):
        process = context.Process(target=_write_for_ever, args=(tmp_path,))
        process.start()
        process.join(rng.uniform(0.01, 0.06))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        for path in tmp_path.rglob("a.json"):
            if not path.parent.name.startswith("."):
                load_json(path)
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"a.json", "c"}


def _hold(folder: Path, ready: object) -> None:
    with exclusive(folder):
        ready.set()  # type: ignore[attr-defined]
        signal.pause()


def test_a_folder_has_one_owner_until_it_dies(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready))
    process.start()
    ready.wait()
    with pytest.raises(StorageError, match="in use by another tesuji process"), exclusive(tmp_path):
        pass
    process.kill()
    process.join()
    with exclusive(tmp_path):
        pass
