"""Unification of terms in copies of clauses (Robinson 1965; structure sharing, Boyer & Moore 1972).

A term is a number and the offset of its copy's variables. A variable of the tableau is bound by
`bound[x]`, a term, in the copy `copy[x]`; `bound[x]` is `FREE` where it is not. What is bound is on
the trail, and undone from there.
"""

from __future__ import annotations

from numba import njit

FREE = -1
FAILED = -1
OVERFLOW = -2  # the terms are larger than the stack, or take too many steps: nothing is known

# No way in from C; no arrays are made, so no references are counted.
kernel = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=False)
forced_kernel = njit(
    cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=False, forceinline=True
)

_MOST_STEPS = 100_000


@forced_kernel
def dereference(symbol, bound, copy, term, offset):  # type: ignore[no-untyped-def]
    """Return the term and copy that a term stands for; a variable is free then."""
    while symbol[term] < 0:
        variable = offset - 1 - symbol[term]
        if bound[variable] < 0:
            break
        term, offset = bound[variable], copy[variable]
    return term, offset


@kernel
def occurs(symbol, first, arguments, ground, bound, copy, variable, term, offset, stack):  # type: ignore[no-untyped-def]
    """Return whether a free variable occurs in a term: 1, 0, or OVERFLOW."""
    size, steps = 1, 0
    stack[0, 0], stack[0, 1] = term, offset
    while size:
        size -= 1
        steps += 1
        one, own = dereference(symbol, bound, copy, stack[size, 0], stack[size, 1])
        if symbol[one] < 0:
            if own - 1 - symbol[one] == variable:
                return 1
            continue
        if ground[one]:
            continue
        if size + first[one + 1] - first[one] > len(stack) or steps > _MOST_STEPS:
            return OVERFLOW
        for place in range(first[one], first[one + 1]):
            stack[size, 0], stack[size, 1] = arguments[place], own
            size += 1
    return 0


@kernel
def unify(  # type: ignore[no-untyped-def]
    symbol, first, arguments, ground, bound, copy, trail, start, one, own, two, other, stack, room
):
    """Make two terms equal; return the trail's length, or FAILED or OVERFLOW with nothing bound.

    Args:
        symbol: `[T]` of the matrix, as are `first`, `arguments` and `ground`.
        first: `[T + 1]`.
        arguments: of all terms.
        ground: `[T]`.
        bound: `[X]` of the tableau, as are `copy` and `trail`.
        copy: `[X]`.
        trail: `[X]`.
        start: the trail's length.
        one: a term.
        own: its copy.
        two: the other term.
        other: its copy.
        stack: `[S, 4]` room.
        room: `[S, 4]` room for the occurs check.
    """
    length, size, steps, fault = start, 1, 0, 0
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = one, own, two, other
    while size:
        size -= 1
        steps += 1
        a, p = dereference(symbol, bound, copy, stack[size, 0], stack[size, 1])
        b, q = dereference(symbol, bound, copy, stack[size, 2], stack[size, 3])
        if a == b and (p == q or ground[a]):
            continue
        if symbol[a] >= 0 and symbol[b] < 0:
            a, p, b, q = b, q, a, p
        if symbol[a] < 0:
            variable = p - 1 - symbol[a]
            if symbol[b] < 0:
                if q - 1 - symbol[b] == variable:
                    continue
            elif not ground[b]:
                fault = occurs(symbol, first, arguments, ground, bound, copy, variable, b, q, room)
                if fault:
                    break
            bound[variable], copy[variable] = b, q
            trail[length] = variable
            length += 1
            continue
        arity = first[a + 1] - first[a]
        if symbol[a] != symbol[b] or (ground[a] and ground[b]):
            fault = 1
            break
        if size + arity > len(stack) or steps > _MOST_STEPS:
            fault = OVERFLOW
            break
        for place in range(arity - 1, -1, -1):
            stack[size, 0], stack[size, 1] = arguments[first[a] + place], p
            stack[size, 2], stack[size, 3] = arguments[first[b] + place], q
            size += 1
    if not fault:
        return length
    undo(bound, trail, length, start)
    return OVERFLOW if fault == OVERFLOW else FAILED


@forced_kernel
def undo(bound, trail, length, start):  # type: ignore[no-untyped-def]
    """Free what was bound since the trail was `start` long."""
    for at in range(start, length):
        bound[trail[at]] = FREE


@kernel
def identical(symbol, first, arguments, ground, bound, copy, one, own, two, other, stack):  # type: ignore[no-untyped-def]
    """Return whether two terms are equal as they are; False where they are too large to tell."""
    size, steps = 1, 0
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = one, own, two, other
    while size:
        size -= 1
        steps += 1
        a, p = dereference(symbol, bound, copy, stack[size, 0], stack[size, 1])
        b, q = dereference(symbol, bound, copy, stack[size, 2], stack[size, 3])
        if a == b and (p == q or ground[a]):
            continue
        if symbol[a] < 0 or symbol[b] < 0:
            if symbol[a] < 0 and symbol[b] < 0 and p - symbol[a] == q - symbol[b]:
                continue
            return False
        if symbol[a] != symbol[b] or (ground[a] and ground[b]):
            return False
        arity = first[a + 1] - first[a]
        if size + arity > len(stack) or steps > _MOST_STEPS:
            return False
        for place in range(arity):
            stack[size, 0], stack[size, 1] = arguments[first[a] + place], p
            stack[size, 2], stack[size, 3] = arguments[first[b] + place], q
            size += 1
    return True
