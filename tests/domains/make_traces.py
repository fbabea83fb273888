"""Write the golden traces: `python tests/domains/make_traces.py`, then read the difference."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tesuji.domains.base import Domain
from tesuji.domains.registry import make, names

FOLDER = Path(__file__).parent / "traces"
NUM_GAMES = 3

# On these boards a game is short and still meets every rule; without a line here, the default.
PARAMS = {
    "hex": {"size": 5},
    "hex_swap": {"size": 4},
    "gomoku": {"size": 7},
    "gomoku_standard": {"size": 6},
    "sokoban": {"levels": 3, "max_steps": 40},
    "2048": {"size": 3, "max_tile": 64},
}
# A long game is shown whole at first, then as its moves, and every so often its position.
SHOWN, INTERVAL = 100, 50


def trace(name: str) -> str:
    """Return a few games of a domain as text for people: boards, moves, rewards."""
    domain = make(name, **PARAMS.get(name, {}))
    games = [_trace_game(domain, game) for game in range(NUM_GAMES)]
    return f"{domain.spec}\n\n" + "\n".join(games)


def _trace_game(domain: Domain, game: int) -> str:
    state, discount = domain.reset(game), 1.0
    lines = [f"game {game}", ""]
    steps = 0
    while discount != 0:
        legal = np.flatnonzero(domain.legal(state))
        if steps < SHOWN or steps % INTERVAL == 0:
            lines += _describe(domain, state)
            lines.append("legal  " + " ".join(domain.action_name(state, int(a)) for a in legal))
        action = int(legal[_choice(game, steps) % len(legal)])
        name = domain.action_name(state, action)
        state, reward, discount = domain.step(state, action, key=_choice(game, steps))
        lines.append(f"move   {name} = action {action}: reward {reward:g}, discount {discount:g}")
        lines += [""] if steps < SHOWN else []
        steps += 1
    return "\n".join([*lines, *_describe(domain, state), f"over after {steps} steps", ""])


def _describe(domain: Domain, state: object) -> list[str]:
    seen = hashlib.sha256(domain.observe(state).tobytes()).hexdigest()[:12]
    return [domain.render(state), f"side   {domain.to_play(state)}, observation {seen}"]


def _choice(game: int, steps: int) -> int:
    # A hash, so that no library's generator decides what a trace holds.
    return int(hashlib.sha256(f"{game} {steps}".encode()).hexdigest()[:15], 16)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in names():
        (FOLDER / f"{name}.txt").write_text(trace(name), encoding="utf-8")
