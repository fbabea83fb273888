"""The area of Go: stones, and what they surround alone."""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.games.go_board import BORDER, EMPTY
from tesuji.domains.games.go_tables import SIZE, WIDTH


@njit(cache=True)
def find_owners(state, instance):  # type: ignore[no-untyped-def]
    """Mark in `chains` which colours each empty point reaches: bit 0 Black, bit 1 White."""
    size, width = instance[SIZE], instance[WIDTH]
    board, chains = state.board, state.chains
    last, changed, forward = (size + 1) * width - 1, True, True
    while changed:
        changed = False
        for i in range(width, last):
            cell = i if forward else last + width - 1 - i
            if board[cell] != EMPTY:
                continue
            found = np.int64(chains[cell])
            for near in (cell - width, cell - 1, cell + 1, cell + width):
                if board[near] == EMPTY:
                    found |= np.int64(chains[near])
                elif board[near] != BORDER:
                    found |= np.int64(board[near])
            if found != chains[cell]:
                chains[cell] = found
                changed = True
        forward = not forward


@njit(cache=True)
def count_area(state, instance):  # type: ignore[no-untyped-def]
    """Return by how many points Black's area is larger; komi not counted."""
    size, width = instance[SIZE], instance[WIDTH]
    board, chains = state.board, state.chains
    find_owners(state, instance)
    lead = 0
    for cell in range(width, (size + 1) * width - 1):
        owner = board[cell]
        if owner == EMPTY:
            owner = chains[cell]
            chains[cell] = 0
        if owner == 1:
            lead += 1
        elif owner == 2:
            lead -= 1
    return lead
