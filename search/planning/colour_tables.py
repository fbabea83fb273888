"""The tables behind colours: weights, what neighbours each object has, and its atoms."""

from __future__ import annotations

import numpy as np
from numba import njit

TABLE, SLOTS, OBJECTS, TERMS = range(4)  # what `Colours.size` counts
PLACE = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True, inline="always")
def mix(bits):  # type: ignore[no-untyped-def]
    """Return a hash of 64 bits (splitmix64's finaliser)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@njit(cache=True)
def fill_model(model, colour, weight):  # type: ignore[no-untyped-def]
    """Enter the weights of colours into an empty hash table."""
    mask = np.uint64(len(model.colour) - 1)
    for i in range(len(colour)):
        at = colour[i] & mask
        while model.colour[at]:
            at = (at + np.uint64(1)) & mask
        model.colour[at] = colour[i]
        model.weight[at] = weight[i]


@njit(cache=True, nogil=True)
def weight_of(model, colour):  # type: ignore[no-untyped-def]
    """Return the weight of a colour, 0 for one that the model does not know."""
    mask = np.uint64(len(model.colour) - 1)
    at = colour & mask
    while model.colour[at]:
        if model.colour[at] == colour:
            return model.weight[at]
        at = (at + np.uint64(1)) & mask
    return np.int64(0)


@njit(cache=True, nogil=True)
def link(colours, atom):  # type: ignore[no-untyped-def]
    """Enter a counted atom into the lists of its objects."""
    for place in range(colours.graph.start[atom], colours.graph.start[atom + 1]):
        item = colours.graph.argument[place]
        head = colours.head[item]
        colours.after[place] = head
        colours.before[place] = -1
        if head >= 0:
            colours.before[head] = place
        colours.head[item] = place


@njit(cache=True, nogil=True)
def unlink(colours, atom):  # type: ignore[no-untyped-def]
    """Take an atom out of the lists of its objects."""
    for place in range(colours.graph.start[atom], colours.graph.start[atom + 1]):
        after, before = colours.after[place], colours.before[place]
        if after >= 0:
            colours.before[after] = before
        if before >= 0:
            colours.after[before] = after
        else:
            colours.head[colours.graph.argument[place]] = after


@njit(cache=True, nogil=True)
def slot_of(colours, key):  # type: ignore[no-untyped-def]
    """Return the place of a key in the table of neighbours, a new one where it has none."""
    mask = np.uint64(len(colours.key) - 1)
    at = key & mask
    while colours.key[at]:
        if colours.key[at] == key:
            return np.int64(at)
        at = (at + np.uint64(1)) & mask
    colours.key[at] = key
    colours.size[TABLE] += 1
    return np.int64(at)


@njit(cache=True, nogil=True)
def table_key(colours, turn, item, seen):  # type: ignore[no-untyped-def]
    """Return the key of: object `item` has in round `turn` a neighbour that it sees as `seen`."""
    number = np.uint64(turn * len(colours.head) + item + 1)
    return mix(seen ^ (number * PLACE)) | np.uint64(1)
