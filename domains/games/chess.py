"""Chess, and Chess960 with its 960 starts: the rules of FIDE, where draws come by themselves.

Stalemate, dead material (as where neither side could mate), the third occurrence of a position and
fifty moves without capture or pawn move end the game, as nobody would fail to claim them.
"""

from __future__ import annotations

from tesuji.domains.base import Board, DomainSpec, State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.games.chess_fen import format_fen, parse_fen, placement
from tesuji.domains.games.chess_notation import format_uci, is_castling, parse_move, squares
from tesuji.domains.games.chess_rules import FIFTY, NUM_PLANES, kernels
from tesuji.domains.games.chess_tables import NUM_ACTIONS, STARTS, TARGETS, USUAL_START
from tesuji.domains.games.chess_tables import NUM_PLANES as POLICY_PLANES

# Every pawn moves six times, every piece but the kings is taken, each as late as fifty moves allow.
_MAX_STEPS = FIFTY * (16 * 6 + 30 + 1)

_FILES, _RANKS = tuple("abcdefgh"), tuple("87654321")
_GLYPHS = ("", *"♙♘♗♖♕♔", *"♟♞♝♜♛♚")
_TEXT = ".PNBRQKpnbrqk"


class _View:
    """Boards and moves as people see them."""

    def __init__(self, chess960: bool) -> None:
        self.chess960 = chess960

    def board(self, state: State) -> Board:
        """Return the board as it lies before White."""
        pieces = placement(state)
        values = {square: 1 + 6 * side + piece for square, (side, piece) in pieces.items()}
        cells = tuple(
            tuple(values.get(8 * rank + file, 0) for file in range(8)) for rank in range(7, -1, -1)
        )
        return Board(cells, "pieces", ("White", "Black"), _FILES, _RANKS, _GLYPHS)

    def render(self, state: State) -> str:
        """Return the board as text, White's pieces in capitals, and the position as FEN."""
        rows = zip(_RANKS, self.board(state).cells, strict=True)
        lines = [f"{rank} {' '.join(_TEXT[value] for value in row)}" for rank, row in rows]
        return "\n".join([*lines, f"  {' '.join(_FILES)}", format_fen(state)])

    def action_name(self, state: State, action: int) -> str:
        """Return the move as UCI writes it."""
        return format_uci(state, action, self.chess960)

    def parse_action(self, state: State, text: str) -> int | None:
        """Return the move that UCI or SAN names."""
        return parse_move(state, text, self.chess960)

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return where the piece goes; castling may be entered by the rook, too."""
        if TARGETS[action] < 0:
            return ()
        forms = (self.chess960, True) if is_castling(state, action) else (self.chess960,)
        targets = [squares(state, action, form)[1] for form in forms]
        return tuple(dict.fromkeys((7 - target // 8, target % 8) for target in targets))

    def action_origin(self, state: State, action: int) -> tuple[int, int] | None:
        """Return where the piece stands."""
        if TARGETS[action] < 0:
            return None
        source = squares(state, action, self.chess960)[0]
        return 7 - source // 8, source % 8

    def parse_state(self, text: str) -> State:
        """Return the position that a FEN writes."""
        return parse_fen(text, self.chess960)


def chess(chess960: bool = False, start: int | None = None) -> CompiledDomain:
    """Return the domain.

    Args:
        chess960: castle from any start; the seed draws the start where none is given.
        start: number of a start of Chess960 (Scharnagl's), 518 is the usual one.
    """
    if start is not None and not (isinstance(start, int) and 0 <= start < len(STARTS)):
        raise ValueError(f"chess: start must be between 0 and {len(STARTS) - 1}, got {start!r}")
    if start is not None and start != USUAL_START:
        chess960 = True
    spec = DomainSpec(
        name="chess960" if chess960 else "chess",
        num_actions=NUM_ACTIONS,
        observation_shape=(NUM_PLANES, 8, 8),
        num_players=2,
        max_steps=_MAX_STEPS,
        policy_planes=POLICY_PLANES,
    )
    view = _View(chess960)
    drawn = -1 if chess960 else USUAL_START
    return CompiledDomain(
        spec,
        kernels,
        [drawn if start is None else start],
        render=view.render,
        action_name=view.action_name,
        board=view.board,
        action_cells=view.action_cells,
        action_origin=view.action_origin,
        parse_action=view.parse_action,
        format_state=format_fen,
        parse_state=view.parse_state,
    )


def chess960() -> CompiledDomain:
    """Return Chess960, with a start drawn by the seed."""
    return chess(chess960=True)
