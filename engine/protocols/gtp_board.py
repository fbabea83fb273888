"""What a GTP engine plays on: a game whose size, komi and first stones may change.

GTP lets either side move at any time, and go on after the end. Where the rules do not, the stones
are arranged anew with that side to move; `undo` leads back over such seams.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.domains.registry import make, parameters
from tesuji.engine.game import Game, IllegalMoveError

MAX_HANDICAP = 9


class GtpError(ValueError):
    """A command that is answered with `?` and this message."""


class GtpBoard:
    """The position of a GTP engine.

    Args:
        name: the game; without its size where its factory takes one.
        size: lines of the board; the game's own where None.
    """

    def __init__(self, name: str, size: int | None = None) -> None:
        self.name = name
        self._takes = parameters(name)
        self.komi: float | None = None
        self.domain = self._make(size)
        self.games = [Game(self.domain)]

    def _make(self, size: int | None, komi: float | None = None) -> Domain:
        params: dict[str, object] = {}
        if size is not None:
            params["size"] = size
        if komi is not None and "komi" in self._takes:
            params["komi"] = komi
        domain = make(self.name, **params)
        if domain.spec.num_players != 2 or not domain.spec.deterministic:
            raise GtpError(f"GTP is for games of two without chance, not {domain.spec.name}")
        if domain.board(domain.reset()) is None:
            raise GtpError(f"GTP is for board games, not {domain.spec.name}")
        return domain

    @property
    def game(self) -> Game:
        """Return the game since the last seam."""
        return self.games[-1]

    @property
    def size(self) -> int:
        """Return the lines of the board."""
        return self.domain.spec.observation_shape[-1]

    def resize(self, size: int) -> None:
        """Empty a board of another size.

        Raises:
            GtpError: the game has no such board.
        """
        if "size" not in self._takes and size != self.size:
            raise GtpError("unacceptable size")
        try:
            domain = self._make(size if "size" in self._takes else None, self.komi)
        except GtpError:
            raise
        except ValueError:
            raise GtpError("unacceptable size") from None
        self.domain = domain
        self.clear()

    def clear(self) -> None:
        """Empty the board."""
        self.games = [Game(self.domain)]

    def set_komi(self, komi: float) -> None:
        """Play with another komi; nothing changes in a game without one.

        Raises:
            GtpError: komi must be whole or half.
        """
        if "komi" in self._takes:
            try:
                domain = self._make(self.size, komi)
            except ValueError as error:
                raise GtpError(str(error)) from None
            games = [_replayed(game, domain) for game in self.games]
            self.domain, self.games = domain, games
        self.komi = komi

    def load(self, game: Game) -> None:
        """Go on from the current position of a game that was read."""
        self.domain, self.games = game.domain, [game]

    def turn_to(self, side: int) -> None:
        """Make it the turn of `side`.

        Raises:
            GtpError: it is not, and the game does not let the other side be passed over.
        """
        here = self.game.current
        if here.to_play == side and not here.ended:
            return
        legal = np.flatnonzero(self.domain.legal(here.state))
        if not here.ended and len(legal) == 1 and self._is_pass(here.state, int(legal[0])):
            self.game.play(int(legal[0]))  # the other side must pass, which protocols leave out
            if self.game.current.to_play == side and not self.game.current.ended:
                return
            self.game.undo()
        self.arrange(self._cells(), side)

    def _is_pass(self, state: State, action: int) -> bool:
        return not self.domain.action_cells(state, action)

    def _cells(self) -> Sequence[Sequence[int]]:
        board = self.domain.board(self.game.current.state)
        assert board is not None
        return board.cells

    def arrange(self, cells: Sequence[Sequence[int]], side: int) -> None:
        """Go on from other stones.

        Raises:
            GtpError: the game cannot be begun so.
        """
        try:
            self.games.append(Game(self.domain, start=self.domain.arrange(cells, side)))
        except ValueError:
            here = self.game.current
            reason = self.game.outcome() or f"it is {self.game.side_name(here.to_play)}'s turn"
            raise GtpError(f"illegal move: {reason}") from None

    def play(self, side: int, vertex: str) -> None:
        """Make a move of `side`, whosever turn it is.

        Raises:
            GtpError: it is not legal; the board is as before.
        """
        before, here = len(self.games), self.game.current
        try:
            self.turn_to(side)
            self.game.play(vertex)
        except (IllegalMoveError, GtpError) as error:
            del self.games[before:]
            self.game.current = here
            text = str(error)
            raise GtpError(
                text if text.startswith("illegal move") else f"illegal move: {text}"
            ) from None
        except ValueError as error:
            del self.games[before:]
            self.game.current = here
            raise GtpError(str(error)) from None

    def undo(self) -> None:
        """Take the last move back.

        Raises:
            GtpError: there is none.
        """
        games = list(self.games)
        while games[-1].current.parent is None and len(games) > 1:
            games.pop()
        if games[-1].current.parent is None:
            raise GtpError("cannot undo")
        self.games = games
        self.game.undo()

    def handicap(self, vertices: Sequence[str]) -> None:
        """Set Black's first stones; White is to move.

        Raises:
            GtpError: the board is not empty, or a vertex is none.
        """
        cells = [list(row) for row in self._cells()]
        if any(map(any, cells)):
            raise GtpError("board not empty")
        state = self.game.current.state
        for vertex in vertices:
            try:
                action = self.domain.parse_action(state, vertex)
                row, column = self.domain.action_cells(state, action)[0]
            except (ValueError, IndexError):
                raise GtpError("bad vertex list") from None
            if cells[row][column]:
                raise GtpError("bad vertex list")
            cells[row][column] = 1
        try:
            start = Game(self.domain, start=self.domain.arrange(cells, 1))
        except ValueError:
            raise GtpError(f"no handicap in {self.name}") from None
        self.games = [start]

    def most_stars(self) -> int:
        """Return how many stones a fixed handicap may have."""
        return 0 if self.size < 7 else 4 if self.size % 2 == 0 or self.size == 7 else MAX_HANDICAP

    def star_points(self, number: int) -> list[str]:
        """Return the vertices of a fixed handicap, as GTP 2 has them.

        Raises:
            GtpError: the board has not so many.
        """
        size = self.size
        if not 2 <= number <= self.most_stars():
            raise GtpError("invalid number of stones")
        low = 2 if size < 13 else 3
        high, middle = size - 1 - low, size // 2
        corners = [(high, low), (low, high), (low, low), (high, high)]
        sides = [(middle, low), (middle, high), (high, middle), (low, middle)]
        cells = [*corners, *sides][:number]
        if number in (5, 7, 9):
            cells = [*[*corners, *sides][: number - 1], (middle, middle)]
        state = self.domain.reset()
        names = {}
        for action in range(self.domain.spec.num_actions):
            for cell in self.domain.action_cells(state, action)[:1]:
                names[cell] = self.domain.action_name(state, action)
        return [names[cell] for cell in cells]

    def score(self) -> str:
        """Return the result as GTP writes it, such as `B+3.5`.

        Raises:
            GtpError: the game is not over and has no territory to count.
        """
        owned = self.domain.ownership(self.game.current.state)
        if owned is not None:
            lead = owned[1]
            return "0" if lead == 0 else f"{'B' if lead > 0 else 'W'}+{abs(lead):g}"
        if not self.game.current.ended:
            raise GtpError("cannot score: the game is not over")
        score = self.game.current.score
        return "0" if score == 0 else f"{'B' if score > 0 else 'W'}+1"


def _replayed(game: Game, domain: Domain) -> Game:
    """Return the line of a game by other rules of the same states."""
    replayed = Game(domain, game.seed, game.positions[0].state if game.given else None)
    for position in game.line()[1 : game.current.ply + 1]:
        if position.move is not None:
            replayed.play(position.move.action)
    return replayed
