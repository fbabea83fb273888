"""The kernels that keep colours up to date; see `colours.py` for what they are."""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.search.planning.colour_tables import (
    OBJECTS,
    PLACE,
    SLOTS,
    TABLE,
    TERMS,
    link,
    mix,
    slot_of,
    table_key,
    unlink,
    weight_of,
)


@njit(cache=True, nogil=True)
def _recolour(old, around, turn):  # type: ignore[no-untyped-def]
    return mix(mix(old + np.uint64(turn)) + around)


@njit(cache=True)
def empty(colours):  # type: ignore[no-untyped-def]
    """Colour the state in which only fixed atoms hold; what the goal speaks of counts as false."""
    colours.object[0] = colours.graph.colour
    for turn in range(1, len(colours.object)):
        for item in range(len(colours.head) if 2 * turn <= colours.depth else 0):
            colours.object[turn, item] = _recolour(
                colours.object[turn - 1, item], np.uint64(0), turn
            )
            colours.value[0] += weight_of(colours.model, colours.object[turn, item])
    wanted = np.flatnonzero(colours.graph.wanted).astype(np.int32)
    shift(colours, wanted, np.zeros(len(wanted), np.uint8), len(wanted), False)
    fixed = colours.graph.fixed
    shift(colours, fixed, np.ones(len(fixed), np.uint8), len(fixed), False)


@njit(cache=True, nogil=True)
def _touch(colours, turn, item, count):  # type: ignore[no-untyped-def]
    # Remember how an object was before this round changed it.
    if colours.object_mark[item] == colours.clock[0]:
        return count
    colours.object_mark[item] = colours.clock[0]
    colours.touched[count] = item
    at = colours.size[OBJECTS]
    colours.old_object[at] = turn * len(colours.head) + item
    colours.old_colour[at] = colours.object[turn, item]
    colours.old_around[at] = colours.around[turn, item]
    colours.size[OBJECTS] += 1
    return count + 1


@njit(cache=True, nogil=True)
def _count_term(colours, turn, atom, term, more, count, keep):  # type: ignore[no-untyped-def]
    # Take an atom's colour into what is around its objects, or out of it; return `count` of the
    # objects touched.
    first = colours.graph.start[atom]
    for place in range(first, colours.graph.start[atom + 1]):
        item = np.int64(colours.graph.argument[place])
        count = _touch(colours, turn, item, count)
        seen = mix(term + np.uint64(place - first + 1) * PLACE)
        times = np.int64(0)
        if colours.most:
            at = slot_of(colours, table_key(colours, turn, item, seen))
            times = np.int64(colours.often[at])
            if more:
                colours.often[at] = times + 1
            else:
                times -= 1
                colours.often[at] = times
            if keep:
                colours.slot[colours.size[SLOTS]] = at + 1 if more else -at - 1
                colours.size[SLOTS] += 1
            if times >= colours.most:
                continue
        part = mix(seen + np.uint64(times))
        if more:
            colours.around[turn, item] += part
        else:
            colours.around[turn, item] -= part
    return count


@njit(cache=True, nogil=True)
def _term(colours, turn, atom):  # type: ignore[no-untyped-def]
    bits = mix(colours.graph.kind[atom] + np.uint64(2 * turn + colours.holds[atom]))
    for place in range(colours.graph.start[atom], colours.graph.start[atom + 1]):
        bits = mix(bits + colours.object[turn - 1, colours.graph.argument[place]])
    return bits


@njit(cache=True, nogil=True)
def _enqueue(colours, num_changed, filled):  # type: ignore[no-untyped-def]
    # Add to the queue the atoms of the objects that the last round changed.
    for i in range(num_changed):
        place = colours.head[colours.changed[i]]
        while place >= 0:
            atom = colours.owner[place]
            if colours.atom_mark[atom] != colours.clock[0]:
                colours.atom_mark[atom] = colours.clock[0]
                colours.queue[filled] = atom
                filled += 1
            place = colours.after[place]
    return filled


@njit(cache=True, nogil=True)
def _set_truths(colours, atoms, truths, num):  # type: ignore[no-untyped-def]
    for i in range(num):
        atom = atoms[i]
        colours.holds[atom] = truths[i]
        if truths[i] or colours.graph.wanted[atom]:
            if not colours.counted[atom]:
                link(colours, atom)
                colours.counted[atom] = 1
        elif colours.counted[atom]:
            unlink(colours, atom)
            colours.counted[atom] = 0


@njit(cache=True, nogil=True)
def _colour_atoms(colours, turn, filled, count, keep):  # type: ignore[no-untyped-def]
    # Colour the atoms in the queue; return `count` of the objects touched, and what it is worth.
    surrounds = 2 * turn <= colours.depth  # whether objects are coloured in this round
    gain = np.int64(0)
    for i in range(filled):
        atom = np.int64(colours.queue[i])
        old = colours.term[turn, atom]
        new = _term(colours, turn, atom) if colours.counted[atom] else np.uint64(0)
        if old == new:
            continue
        if keep:
            at = colours.size[TERMS]
            colours.old_atom[at] = turn * len(colours.counted) + atom
            colours.old_term[at] = old
            colours.size[TERMS] += 1
        colours.term[turn, atom] = new
        gain += weight_of(colours.model, new) - weight_of(colours.model, old)
        if old and surrounds:
            count = _count_term(colours, turn, atom, old, False, count, keep)
        if new and surrounds:
            count = _count_term(colours, turn, atom, new, True, count, keep)
    return count, gain


@njit(cache=True, nogil=True)
def _colour_objects(colours, turn, count):  # type: ignore[no-untyped-def]
    # Colour the objects touched; return how many changed, and what it is worth.
    changed = 0
    gain = np.int64(0)
    for i in range(count):
        item = colours.touched[i]
        old = colours.object[turn, item]
        new = _recolour(colours.object[turn - 1, item], colours.around[turn, item], turn)
        if new != old:
            colours.object[turn, item] = new
            gain += weight_of(colours.model, new) - weight_of(colours.model, old)
            colours.changed[changed] = item
            changed += 1
    return changed, gain


@njit(cache=True, nogil=True)
def shift(colours, atoms, truths, num, keep):  # type: ignore[no-untyped-def]
    """Make `num` atoms true or false; with `keep`, `restore` takes it back.

    Args:
        colours: of the state before; of the state after when this returns.
        atoms: different ones.
        truths: 1 for those that hold now.
        num: of `atoms` that count.
        keep: whether to remember what was before.
    """
    if 2 * colours.size[TABLE] > len(colours.key):
        _rebuild(colours)
    colours.size[SLOTS] = colours.size[OBJECTS] = colours.size[TERMS] = 0
    _set_truths(colours, atoms, truths, num)
    num_changed = 0
    for turn in range(1, len(colours.object)):
        colours.clock[0] += 1
        for i in range(num):
            colours.queue[i] = atoms[i]
            colours.atom_mark[atoms[i]] = colours.clock[0]
        filled = _enqueue(colours, num_changed, num)
        count = 0
        for i in range(num_changed if 2 * turn <= colours.depth else 0):
            count = _touch(colours, turn, np.int64(colours.changed[i]), count)
        count, gain = _colour_atoms(colours, turn, filled, count, keep)
        colours.value[0] += gain
        num_changed, gain = _colour_objects(colours, turn, count)
        colours.value[0] += gain


@njit(cache=True, nogil=True)
def restore(colours, atoms, truths, num, value):  # type: ignore[no-untyped-def]
    """Take back what the last `shift` with `keep` did.

    Args:
        colours: as that left them.
        atoms: that it was given.
        truths: that it was given.
        num: that it was given; each of the atoms had the other truth before.
        value: of the state before.
    """
    objects, atoms_in_all = len(colours.head), len(colours.counted)
    for i in range(num):
        atom = atoms[i]
        colours.holds[atom] = 1 - truths[i]
        if colours.graph.wanted[atom]:
            continue
        if truths[i]:
            unlink(colours, atom)
            colours.counted[atom] = 0
        else:
            link(colours, atom)
            colours.counted[atom] = 1
    for i in range(colours.size[SLOTS]):
        at = colours.slot[i]
        if at > 0:
            colours.often[at - 1] -= 1
        else:
            colours.often[-at - 1] += 1
    for i in range(colours.size[OBJECTS]):
        number = colours.old_object[i]
        turn, item = number // objects, number % objects
        colours.object[turn, item] = colours.old_colour[i]
        colours.around[turn, item] = colours.old_around[i]
    for i in range(colours.size[TERMS]):
        number = colours.old_atom[i]
        colours.term[number // atoms_in_all, number % atoms_in_all] = colours.old_term[i]
    colours.value[0] = value


@njit(cache=True, nogil=True)
def _rebuild(colours):  # type: ignore[no-untyped-def]
    # Forget what no object has any more: only counts of what is there are entered again.
    colours.key[:] = 0
    colours.often[:] = 0
    colours.size[TABLE] = 0
    for turn in range(1, colours.depth // 2 + 1):
        for atom in range(len(colours.counted)):
            term = colours.term[turn, atom]
            if not term:
                continue
            first = colours.graph.start[atom]
            for place in range(first, colours.graph.start[atom + 1]):
                seen = mix(term + np.uint64(place - first + 1) * PLACE)
                item = np.int64(colours.graph.argument[place])
                colours.often[slot_of(colours, table_key(colours, turn, item, seen))] += 1


@njit(cache=True, nogil=True)
def write_difference(colours, colour, sign, at):  # type: ignore[no-untyped-def]
    """Write which colours the last `shift` with `keep` took away (-1) and brought (1).

    Returns:
        Where the next goes: `at` and how many there are; more than fit are counted only.
    """
    objects, atoms = len(colours.head), len(colours.counted)
    room = len(colour) - 1
    for i in range(colours.size[OBJECTS]):
        number = colours.old_object[i]
        old, new = colours.old_colour[i], colours.object[number // objects, number % objects]
        if old != new:
            colour[min(at, room)], sign[min(at, room)] = old, -1
            colour[min(at + 1, room)], sign[min(at + 1, room)] = new, 1
            at += 2
    for i in range(colours.size[TERMS]):
        number = colours.old_atom[i]
        old, new = colours.old_term[i], colours.term[number // atoms, number % atoms]
        for term, mark in ((old, -1), (new, 1)):
            if term:
                colour[min(at, room)], sign[min(at, room)] = term, mark
                at += 1
    return at
