"""What a match says: points, Elo and where its sequential test stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tesuji.engine.match_file import GameRecord
from tesuji.engine.statistics import SPRT, Decision, Elo, SPRTState, elo_estimate

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class MatchResult:
    """What a match says so far, seen by agent `a`; only whole pairs count.

    Attributes:
        a: the first agent's name.
        b: the second agent's.
        pentanomial: pairs by points of `a`: 0, 1/2, 1, 3/2 and 2 of 2.
        trinomial: games lost, drawn and won by `a`.
        first_wins: games that the side with the first move won.
        sprt: where the sequential test stands, if there is one.
    """

    a: str
    b: str
    pentanomial: tuple[int, ...]
    trinomial: tuple[int, ...]
    first_wins: int
    sprt: SPRTState | None = None

    @property
    def num_games(self) -> int:
        """Return the number of games that count."""
        return sum(self.trinomial)

    @property
    def score(self) -> float:
        """Return the share of the points that `a` made."""
        losses, draws, wins = self.trinomial
        return (wins + draws / 2) / max(losses + draws + wins, 1)

    @property
    def elo(self) -> Elo:
        """Return by how much `a` is the stronger."""
        return elo_estimate(self.pentanomial)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; an infinite bound becomes None."""
        elo = self.elo
        plain = {name: x if np.isfinite(x) else None for name, x in elo._asdict().items()}
        sprt = None if self.sprt is None else self.sprt._asdict()
        losses, draws, wins = self.trinomial
        return {
            "a": self.a,
            "b": self.b,
            "games": self.num_games,
            "wins": wins,
            "draws": draws,
            "losses": losses,
            "pentanomial": list(self.pentanomial),
            "score": self.score,
            **plain,
            "first_wins": self.first_wins,
            "sprt": sprt and {**sprt, "decision": sprt["decision"].value},
        }

    def table(self) -> Table:
        """Return the result as a table for a console."""
        from rich.table import Table  # noqa: PLC0415

        losses, draws, wins = self.trinomial
        table = Table(title=f"{self.a} against {self.b}", show_header=False)
        table.add_row("games", str(self.num_games))
        table.add_row("won, drawn, lost", f"{wins}, {draws}, {losses} ({self.score:.1%})")
        table.add_row("pairs by points (0 to 2)", " ".join(map(str, self.pentanomial)))
        elo = self.elo
        table.add_row("Elo (95 % interval)", f"{elo} ({elo.low:.0f} to {elo.high:.0f})")
        table.add_row("likelihood of superiority", f"{elo.los:.1%}")
        table.add_row("won by the first move", str(self.first_wins))
        if self.sprt is not None:
            state = self.sprt
            bounds = f"LLR {state.llr:.2f} of {state.lower:.2f} to {state.upper:.2f}"
            table.add_row("SPRT", f"{state.decision.value}; {bounds}")
        return table


class Tally:
    """Counts games as they end, in any order.

    The sequential test looks at pairs in the order of their openings, one by one, so that its
    verdict is the same however many games run at once; pairs after the verdict do not count.
    """

    def __init__(self, a: str, b: str, num_pairs: int, sprt: SPRT | None = None) -> None:
        self._names = (a, b)
        self._num_pairs = num_pairs
        self._sprt = sprt
        self._state = None if sprt is None else sprt.state((0, 0, 0, 0, 0))
        self._games: dict[int, list[GameRecord]] = {}
        self._prefix = [0, 0, 0, 0, 0]

    def add(self, games: Iterable[GameRecord]) -> None:
        """Count finished games."""
        for game in games:
            if game.pair < self._num_pairs:
                self._games.setdefault(game.pair, []).append(game)
        while self._sprt is not None and not self.decided:
            pair = self._games.get(sum(self._prefix), [])
            if len(pair) < 2:
                break
            self._prefix[_points(pair)] += 1
            self._state = self._sprt.state(self._prefix)

    @property
    def decided(self) -> bool:
        """Return whether the sequential test has ended the match."""
        return self._state is not None and self._state.decision is not Decision.CONTINUE

    def result(self) -> MatchResult:
        """Return what the games counted so far say."""
        pairs = [pair for _, pair in sorted(self._games.items()) if len(pair) == 2]
        if self.decided:
            pairs = pairs[: sum(self._prefix)]
        games = [game for pair in pairs for game in pair]
        return MatchResult(
            *self._names,
            pentanomial=tuple(np.bincount([_points(pair) for pair in pairs], minlength=5).tolist()),
            trinomial=tuple(np.bincount([g.score + 1 for g in games], minlength=3).tolist()),
            first_wins=sum(game.score == (1 if game.a_first else -1) for game in games),
            sprt=self._state,
        )


def _points(pair: Sequence[GameRecord]) -> int:
    """Return the half points of `a` in a pair of games."""
    return sum(game.score + 1 for game in pair)
