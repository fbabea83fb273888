"""Go on 5 to 19 lines by area scoring: stones and what they surround count.

Both rule sets end after two passes in a row and forbid a move that makes a position which was on
the board before, whoever was to move (positional superko). By `tromp-taylor` a move may take its
own chain (suicide), by `chinese` not. Nothing is dead but what is taken. A game that has not ended
after twice as many moves as there are points is counted as it stands.

Stones, chains and the hash of positions: `go_board`, `go_tables`; the count: `go_area`; kernels:
`go_rules`.
"""

from __future__ import annotations

import math

from tesuji.domains.base import DomainSpec
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.games.go_rules import NUM_PLANES, kernels_for
from tesuji.domains.games.go_tables import make_instance
from tesuji.domains.games.go_text import GoView
from tesuji.domains.games.square import NUM_SYMMETRIES

MIN_SIZE, MAX_SIZE = 5, 19
RULES = ("chinese", "tromp-taylor")

# Fair or nearly so: Black owns the whole of 5x5, and wins 7x7 by 9, as far as is known.
_KOMI = {5: 24.5, 6: 4.5, 7: 9.5, 8: 7.5}


def go(size: int = 9, komi: float | None = None, rules: str = "chinese") -> CompiledDomain:
    """Return the domain.

    Args:
        size: lines of the board, 5 to 19.
        komi: points that White gets, whole or half ones; 7.5 from 8 lines on, and what is about
            fair on smaller boards where None.
        rules: `chinese` or `tromp-taylor`.
    """
    if isinstance(size, bool) or not isinstance(size, int) or not MIN_SIZE <= size <= MAX_SIZE:
        raise ValueError(f"go: size must be {MIN_SIZE} to {MAX_SIZE}, got {size!r}")
    komi = _KOMI.get(size, 7.5) if komi is None else komi
    if not (math.isfinite(komi) and abs(komi) <= size**2 and 2 * komi == round(2 * komi)):
        raise ValueError(f"go: komi must be whole or half and at most {size**2}, got {komi!r}")
    if rules not in RULES:
        raise ValueError(f"go: rules must be one of {', '.join(RULES)}, got {rules!r}")
    spec = DomainSpec(
        name=f"go_{size}x{size}",
        num_actions=size**2 + 1,
        observation_shape=(NUM_PLANES, size, size),
        num_players=2,
        max_steps=2 * size**2,
        num_symmetries=NUM_SYMMETRIES,
        policy_planes=1,
        num_extra_actions=1,
    )
    kernels = kernels_for(size)
    instance = make_instance(size, komi, rules == "tromp-taylor", spec.max_steps)
    view = GoView(kernels, instance, size)
    return CompiledDomain(
        spec,
        kernels,
        instance,
        render=view.render,
        action_name=view.action_name,
        board=view.board,
        action_cells=view.action_cells,
        ownership=view.ownership,
        format_state=view.format_state,
        parse_state=view.parse_state,
        refusal=view.refusal,
        arrange=view.arrange,
    )
