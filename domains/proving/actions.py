"""What can close a goal of a connection tableau: the legal actions of the calculus."""

from __future__ import annotations

from tesuji.domains.proving.tableau import ABOVE, CLOSED_BY, LITERAL, NONE, OFFSET, TRAIL, VARIABLES
from tesuji.domains.proving.unification import FREE, forced_kernel, kernel, undo, unify


@kernel
def alternatives(matrix, tableau, goal, option, at):  # type: ignore[no-untyped-def]
    """Write the steps that can close a goal; return where they end, or NONE without room."""
    cells, counts = tableau.cells, tableau.counts
    literal, offset = cells[goal, LITERAL], cells[goal, OFFSET]
    key, atom, fresh = matrix.key[literal], matrix.atom[literal], counts[VARIABLES]
    above = cells[goal, ABOVE]
    while above != NONE:
        other = cells[above, LITERAL]
        if matrix.key[other] == key ^ 1 and _unifiable(
            matrix, tableau, matrix.atom[other], cells[above, OFFSET], atom, offset
        ):
            if at == len(option):
                return NONE
            option[at] = -1 - above
            at += 1
        above = cells[above, ABOVE]
    for place in range(matrix.partner_first[key ^ 1], matrix.partner_first[(key ^ 1) + 1]):
        other = matrix.partner[place]
        end = fresh + matrix.num_variables[matrix.clause[other]]
        if end > len(tableau.bound) or _is_barred(matrix, tableau, goal, other):
            continue
        tableau.bound[fresh:end] = FREE
        if _unifiable(matrix, tableau, matrix.atom[other], fresh, atom, offset):
            if at == len(option):
                return NONE
            option[at] = other
            at += 1
    return at


@forced_kernel
def _is_barred(matrix, tableau, goal, literal):  # type: ignore[no-untyped-def]
    # Whether a proof in normal form has another step there.
    cells, normal = tableau.cells, matrix.normal
    whole, above = normal.whole[cells[goal, LITERAL]], cells[goal, ABOVE]
    return (
        whole != NONE
        and normal.bars[cells[goal, LITERAL]] & normal.kind[literal]
        and above != NONE
        and cells[above, CLOSED_BY] == whole
    )


@kernel
def _unifiable(matrix, tableau, one, own, two, other):  # type: ignore[no-untyped-def]
    start = tableau.counts[TRAIL]
    length = unify(
        matrix.symbol, matrix.first, matrix.arguments, matrix.ground,
        tableau.bound, tableau.copy, tableau.trail, start, one, own, two, other,
        tableau.stack, tableau.room,
    )  # fmt: skip
    if length < 0:
        return False
    undo(tableau.bound, tableau.trail, length, start)
    return True
