"""A whole game under analysis, for the command line: a table, facts and a value graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tesuji.domains.base import Domain
from tesuji.engine.game import Game, Position
from tesuji.engine.review import GRADES, Review, review, search_positions
from tesuji.engine.session import Searcher, Session
from tesuji.engine.value_graph import Point, write_graph
from tesuji.search.base import Budget

Json = dict[str, Any]


class GameReport:
    """The main line of a game, every position of it searched.

    Args:
        domain: the rules.
        search: thinks.
        game: the game; its line through the current position is looked at.
        budget: of each position.
        progress: told how many of how many positions are done.
    """

    def __init__(
        self,
        domain: Domain,
        search: Searcher,
        game: Game,
        budget: Budget,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.session = Session(domain, search, person=None, seed=game.seed)
        self.session.start(game)
        self.line = game.line()
        total = len(self.line)
        tell = None if progress is None else lambda done: progress(done, total)
        search_positions(self.session, self.line, budget, progress=tell)

    def text(self) -> str:
        """Return a row for every move, and how many faults each side made."""
        game = self.session.game
        side = game.side_name(0)
        head = f"{'':>4} {'move':<10}{side:>14}{'lost':>9}  {'best':<10}"
        rows = [head.rstrip(), self._row(self.line[0])]
        rows += [self._row(position) for position in self.line[1:]]
        rows += ["", *self._summary()]
        return "\n".join(rows)

    def _row(self, position: Position) -> str:
        chance = self.session.win_rate(position)
        shown = "-" if chance is None else f"{chance:.1%}"
        result = self.session.results.get(position.index)
        proven = " proven" if result is not None and result.status.proven else ""
        if position.move is None:
            return f"{'':>4} {'start':<10}{shown:>14}{'':>21}{proven}".rstrip()
        found = review(self.session, position)
        loss = f"{found.loss:.1%}" if found is not None and found.loss else ""
        best = self._best(position, found) if found and found.best != position.move.action else ""
        grade = found.grade if found is not None else ""
        name = f"{position.ply:>4} {position.move.name:<10}"
        return f"{name}{shown:>14}{loss:>9}  {best:<10}{grade}{proven}".rstrip()

    def _summary(self) -> list[str]:
        game = self.session.game
        lines = []
        for side in range(game.domain.spec.num_players):
            made = [p for p in self.line[1:] if p.move is not None and p.move.side == side]
            found = [one for one in (review(self.session, p) for p in made) if one is not None]
            mean = sum(one.loss for one in found) / max(len(found), 1)
            counts = [(sum(one.grade == name for one in found), name) for name, _ in GRADES]
            told = ", ".join(f"{count} {_plural(name, count)}" for count, name in counts)
            lines.append(f"{game.side_name(side)}: {told}; {mean:.1%} lost a move")
        last = self.line[-1]
        if last.ended:
            game.goto(last.index)
            lines.append(f"{game.outcome()}")
        return lines

    def facts(self) -> list[Json]:
        """Return what is known of the start and of every move, as JSON values."""
        return [self._fact(position) for position in self.line]

    def _fact(self, position: Position) -> Json:
        chance, found = self.session.win_rate(position), review(self.session, position)
        result = self.session.results.get(position.index)
        return {
            "ply": position.ply,
            "move": position.move.name if position.move is not None else None,
            "side": position.move.side if position.move is not None else None,
            "chance": chance,
            "lost": found.loss if found is not None else None,
            "grade": found.grade if found is not None else None,
            "best": self._best(position, found) if found is not None else None,
            "status": result.status.value if result is not None else None,
            "simulations": result.num_simulations if result is not None else 0,
        }

    def _best(self, position: Position, found: Review) -> str | None:
        before = position.parent
        if before is None:
            return None
        return self.session.game.domain.action_name(before.state, found.best)

    def write_graph(self, path: Path, title: str) -> None:
        """Write the value graph, as SVG or PNG by the name of the file."""
        points = []
        for position in self.line:
            found = review(self.session, position)
            name = position.move.name if position.move is not None else "start"
            label = f"{position.ply}. {name}" if position.ply else name
            grade = found.grade if found is not None else ""
            points.append(Point(label, self.session.win_rate(position), grade))
        write_graph(path, title, self.session.game.side_name(0), points)


def _plural(name: str, count: int) -> str:
    if count == 1:
        return name
    return name.removesuffix("y") + "ies" if name.endswith("y") else name + "s"
