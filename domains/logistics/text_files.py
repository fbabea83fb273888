"""Reading a file of text that a user names."""

from __future__ import annotations

from pathlib import Path

MOST_BYTES = 256 << 20


def read_text(path: str | Path, fault: type[ValueError]) -> str:
    """Return what a file holds.

    Raises:
        ValueError: of the kind `fault`: it cannot be read, is too large, or is not text.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise fault(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > MOST_BYTES:
        raise fault(f"{path} has more than {MOST_BYTES >> 20} MiB")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise fault(f"{path} is not text (byte {error.start} is not UTF-8)") from None
