"""The table of a proof search: proof and disproof numbers by position, in bounded memory.

Buckets of four entries; a new position takes the place of the one that cost the least work. An
entry's key is a whole 64-bit hash, so two positions are taken for one about once in 2^64 over the
number of entries; what a certificate claims is checked without this table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.search.tree import inner, kernel

INFINITE = 1 << 30  # number of what cannot be proven, or disproven
BUCKET = 4

entry_dtype = np.dtype(
    [
        ("key", np.uint64),
        ("proof", np.int32),
        ("disproof", np.int32),
        ("work", np.int64),  # positions opened below, all visits together
    ],
    align=True,
)


def allocate_table(memory_mb: float) -> npt.NDArray[Any]:
    """Return an empty table of at most `memory_mb`, touched only as positions come."""
    entries = int(memory_mb * (1 << 20)) // entry_dtype.itemsize
    size = 1 << max(entries.bit_length() - 1, 4)
    return np.zeros(size, entry_dtype).view(np.recarray)


@kernel
def find(table, key):  # type: ignore[no-untyped-def]
    """Return where `key` stands in the table, or -1."""
    first = np.int64(key & np.uint64(table.shape[0] - BUCKET))
    for index in range(first, first + BUCKET):
        if table[index].key == key:
            return np.int64(index)
    return np.int64(-1)


@inner
def store(table, key, proof, disproof, work):  # type: ignore[no-untyped-def]
    """Write the numbers of `key`, over its old ones or those of the cheapest position there."""
    first = np.int64(key & np.uint64(table.shape[0] - BUCKET))
    victim = first
    for i in range(BUCKET):
        index = np.int64(first + i)
        if table[index].key == key:
            victim = index
            break
        if table[index].work < table[victim].work:
            victim = index
    entry = table[victim]
    if entry.key != key:
        entry.key = key
        entry.work = 0
    entry.proof = proof
    entry.disproof = disproof
    entry.work += work
