"""Arrays come back as they went, and nothing a file declares is believed."""

import contextlib
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tesuji.engine.arrays import load_arrays, save_arrays
from tesuji.engine.storage import DamagedFileError


def npz(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def npy(header: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header.encode() + content


def header(shape: object, dtype: str = "<f4") -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n"


def test_arrays_of_every_kind_and_shape_come_back(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6, dtype=np.uint16).reshape(2, 3),
        "b": np.asfortranarray(np.random.default_rng(1).random((3, 4))),
        "c": np.array(True),
        "d": np.zeros((0, 7), np.float16),
    }
    digest = save_arrays(tmp_path / "a.npz", arrays)
    loaded = load_arrays(tmp_path / "a.npz", digest)
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].flags.writeable
        np.testing.assert_array_equal(loaded[name], array)


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    arrays = {"a": np.arange(1000), "b": np.ones(3, np.bool_)}
    assert save_arrays(tmp_path / "a.npz", arrays) == save_arrays(tmp_path / "b.npz", arrays)


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="'a' has type object, expected numbers"):
        save_arrays(tmp_path / "a.npz", {"a": np.array([None])})
    assert not list(tmp_path.iterdir())


def test_a_changed_file_is_damaged_whatever_changed(tmp_path: Path) -> None:
    digest = save_arrays(tmp_path / "a.npz", {"a": np.arange(50)})
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[-5] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DamagedFileError, match="SHA-256"):
        load_arrays(tmp_path / "a.npz", digest)


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", {"a.npy": npy(header((1 << 28,)), bytes(1 << 28))})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(DamagedFileError, match="unpacks to 268435"):
        load_arrays(path, max_bytes=1 << 26)


def test_a_bomb_that_lies_about_its_size_is_cut_short(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", {"a.npy": npy(header((1 << 24,)), bytes(4 << 24))})
    true_size = (4 << 24) + len(npy(header((1 << 24,))))
    lie = path.read_bytes().replace(true_size.to_bytes(4, "little"), (200).to_bytes(4, "little"))
    path.write_bytes(lie)
    with pytest.raises(DamagedFileError):
        load_arrays(path, max_bytes=1 << 20)


@pytest.mark.parametrize(
    "entries",
    [
        {"a.npy": npy(header((2,), "|O"), pickle.dumps([1, 2]))},
        {"a.npy": npy(header((1,), "<U4"), bytes(16))},
        {"a.npy": npy(header((1,), ">f4"), bytes(4))},
        {"a.npy": npy(header((1 << 40,)), bytes(4))},
        {"a.npy": npy(header((-1,)), bytes(4))},
        {"a.npy": npy(header((3,)), bytes(16))},
        {"a.npy": npy(header((1 << 62, 1 << 62)), bytes(4))},
        {"a.npy": npy(header("__import__('os')"), bytes(4))},
        {"a.npy": npy("{" * 3000)},
        {"a.npy": npy(" " * 60_000 + header((1,)))},
        {"a.npy": npy(header((1,)), bytes(4), b"\x02\x00")},
        {"a.npy": b""},
        {"a.npy": pickle.dumps([1])},
        {"a.pkl": pickle.dumps([1])},
        {f"{i}.npy": npy(header((1,)), bytes(4)) for i in range(100)},
    ],
    ids=lambda entries: None,
)
def test_what_is_no_plain_array_is_refused(entries: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError, match="not an npz file of plain arrays"):
        load_arrays(npz(tmp_path / "a.npz", entries))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_foreign_compression_is_refused(compression: int, tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", {"a.npy": npy(header((1,)), bytes(4))}, compression)
    with pytest.raises(DamagedFileError, match="unknown compression"):
        load_arrays(path)


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    entry = npy(header((1,)), bytes(4))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", entry)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", entry)
    with pytest.raises(DamagedFileError, match="different"):
        load_arrays(tmp_path / "a.npz")


def test_garbage_and_random_flips_never_raise_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.arange(100), b=np.zeros((3, 3)))
    path = tmp_path / "a.npz"
    for _ in range(300):
        content = bytearray(buffer.getvalue())
        for position in rng.integers(0, len(content), 3):
            content[position] = rng.integers(256)
        path.write_bytes(content[: rng.integers(1, len(content) + 1)])
        with contextlib.suppress(DamagedFileError):
            load_arrays(path)
