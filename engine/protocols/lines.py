"""Lines of a protocol: read with a bound, so that no peer can fill the memory; written whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import BinaryIO

MAX_LINE = 1 << 20  # bytes; a game of chess of the greatest length has about 60,000


class TooLong(str):
    """Stands for a line that was too long; holds why, for the other side."""


def read_lines(stream: BinaryIO, max_line: int = MAX_LINE) -> Iterator[str]:
    """Yield the lines of a stream without their ends; a longer one as `TooLong`.

    What is no UTF-8 reads as replacement characters: it is for the protocol to refuse them.
    """
    while line := stream.readline(max_line + 1):
        if len(line) <= max_line:
            yield line.decode("utf-8", "replace").rstrip("\r\n")
            continue
        while not line.endswith(b"\n") and (line := stream.readline(max_line)):
            pass
        yield TooLong(f"a line has at most {max_line} bytes")


class Writer:
    """Writes lines from any thread, each whole and at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.gone = False  # whether the other side has stopped reading

    def __call__(self, text: str) -> None:
        """Write the lines of `text`, unless nobody reads any more."""
        line = text.encode("utf-8", "replace") + b"\n"  # half a surrogate pair is no text
        with self._lock:
            if self.gone:
                return
            try:
                self._stream.write(line)
                self._stream.flush()
            except (BrokenPipeError, ValueError):  # closed by them, or by us
                self.gone = True
