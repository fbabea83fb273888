"""Arrays on disk: npz files that are read without trust.

`numpy.load` believes what a file says of itself. Here the sizes, types and shapes that a file
declares are held against limits before a byte is decompressed, and no object array is read.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tesuji.engine.storage import DamagedFileError, atomic_write, read_checked

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

_KINDS = "biuf"  # booleans, integers, floats
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<|>]\w\d)', 'fortran_order': (True|False), 'shape': (\([\d, ]*\)), \} *\n"
)
_SIZE = re.compile(r"\d{1,18}")
_MAX_ARRAYS = 64
_MAX_HEADER = 4096
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> str:
    """Write arrays as a compressed npz file, atomically; return its SHA-256.

    The same arrays give the same bytes.

    Raises:
        StorageError: it could not be written.
        TypeError: an array is neither of numbers nor of booleans.
    """
    for name, array in arrays.items():
        if not _is_plain(array.dtype):
            raise TypeError(f"array {name!r} has type {array.dtype}, expected numbers or booleans")
    buffer = io.BytesIO()
    columns: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **columns)
    return atomic_write(path, buffer.getvalue())


def load_arrays(path: Path, digest: str | None = None, max_bytes: int = 1 << 30) -> Arrays:
    """Return the arrays of an npz file.

    Args:
        path: the file.
        digest: its SHA-256, where known.
        max_bytes: what all arrays together may take in memory.

    Raises:
        DamagedFileError: it is no npz file, was changed, or declares more than the limits.
        StorageError: it cannot be opened.
    """
    content = read_checked(path, digest, limit=max_bytes + _MAX_ARRAYS * _MAX_HEADER)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_entries(archive.infolist(), max_bytes)
            return {
                entry.filename.removesuffix(".npy"): _read_entry(archive, entry)
                for entry in archive.infolist()
            }
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0]
        raise DamagedFileError(path, f"not an npz file of plain arrays ({reason})") from error


def _is_plain(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in _KINDS and dtype.itemsize <= 8 and dtype.isnative


def _check_entries(entries: list[zipfile.ZipInfo], max_bytes: int) -> None:
    """Hold what an archive declares against the limits; zipfile never reads past it."""
    names = {entry.filename for entry in entries}
    if len(entries) > _MAX_ARRAYS or len(names) != len(entries):
        raise ValueError(f"{len(entries)} entries, expected at most {_MAX_ARRAYS} different ones")
    for entry in entries:
        if not entry.filename.endswith(".npy") or entry.flag_bits & 1:
            raise ValueError(f"entry {entry.filename!r} is not an array")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"entry {entry.filename!r} has an unknown compression")
    total = sum(entry.file_size for entry in entries)
    if total > max_bytes + len(entries) * _MAX_HEADER:
        raise ValueError(f"it unpacks to {total} bytes, expected at most {max_bytes}")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    with archive.open(entry) as file:
        shape, fortran, dtype = _read_header(file)
        if not _is_plain(dtype):
            raise ValueError(f"array {entry.filename!r} has type {dtype}, expected numbers")
        size = math.prod(shape) * dtype.itemsize
        # One byte more than declared: reaching the end makes zipfile compare its checksum.
        content = file.read(entry.file_size)
        file.read(1)
    if len(content) != size:
        raise ValueError(f"array {entry.filename!r} has a wrong shape {shape}")
    order: Any = "F" if fortran else "C"
    return np.frombuffer(bytearray(content), dtype).reshape(shape, order=order)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, Fortran order and type; only what `numpy.save` writes for such is a header."""
    start = file.read(10)
    if start[:8] != _MAGIC or len(start) != 10:
        raise ValueError("an entry is not an array of npy version 1.0")
    header = file.read(min(int.from_bytes(start[8:], "little"), _MAX_HEADER))
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ValueError("an array's header is not one of numbers")
    kind, fortran, shape = (group.decode() for group in match.groups())
    return tuple(int(size) for size in _SIZE.findall(shape)), fortran == "True", np.dtype(kind)
