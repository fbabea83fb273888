"""A binary heap of whole numbers in an array."""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True)
def push(heap, size, key):  # type: ignore[no-untyped-def]
    """Put a key into a binary heap of `size` keys."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= key:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = key


@njit(cache=True, nogil=True)
def pop(heap, size):  # type: ignore[no-untyped-def]
    """Take the least key off a binary heap of `size` keys."""
    least = heap[0]
    key = heap[size - 1]
    size -= 1
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= key:
            break
        heap[at] = heap[below]
        at = below
    heap[at] = key
    return least
