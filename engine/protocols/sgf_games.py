"""Games of SGF by the rules: Go, Othello, Gomoku and Hex, read and written.

The stones that a file begins with (`AB`, `AW`) are arranged where the game can be. Black is the
first side, also in Hex.
"""

from __future__ import annotations

import re

from tesuji.domains.base import Domain, State
from tesuji.domains.registry import make
from tesuji.engine.game import Game, IllegalMoveError, Position
from tesuji.engine.protocols.sgf import SgfError, SgfNode, format_sgf

CODES = {"go": 1, "othello": 2, "gomoku": 4, "hex": 11}  # GM
_SIZES = {1: 19, 2: 8, 4: 15, 11: 11}
_COLOURS = ("B", "W")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def base_name(domain: Domain) -> str:
    """Return the name of a game without the size of its board."""
    return re.sub(r"_(\d+)x\1$", "", domain.spec.name)


def code_of(domain: Domain) -> int | None:
    """Return the number that SGF gives to a game, None where it has none."""
    return CODES.get(base_name(domain).partition("_")[0])


def sgf_domain(root: SgfNode) -> Domain:
    """Return the rules that a file's root names: `GM`, `SZ`, `KM`, `RU`.

    Raises:
        SgfError: there is no such game here.
    """
    code = _number(root, "GM", 1)
    name = next((name for name, known in CODES.items() if known == code), None)
    if name is None:
        known = ", ".join(f"{number} ({name})" for name, number in CODES.items())
        raise SgfError(f"GM[{code:g}] is a game that is not known here; known: {known}")
    params: dict[str, object] = {"size": int(_number(root, "SZ", _SIZES[int(code)]))}
    if name == "go":
        rules = (root.get("RU") or "").lower()
        params["komi"] = _number(root, "KM", 0.0)
        params["rules"] = "tromp-taylor" if rules in ("tromp-taylor", "nz") else "chinese"
    try:
        return make(name, **params)
    except ValueError as error:
        raise SgfError(str(error)) from None


def _number(root: SgfNode, name: str, default: float) -> float:
    text = root.get(name)
    if text is None or not text.strip():
        return default
    if not re.fullmatch(r"\s*-?\d{1,6}(\.\d{1,6})?\s*", text):
        raise SgfError(f"{name}[{text[:20]}] is no number")
    return float(text)


def sgf_to_game(root: SgfNode, domain: Domain | None = None) -> Game:
    """Return a game with its variations; the current position is the end of the main line.

    Args:
        root: the file's root.
        domain: the rules, where they are known; those that the root names where None.

    Raises:
        SgfError: a move is not legal, or the stones at the start cannot stand so.
    """
    domain = sgf_domain(root) if domain is None else domain
    points = _points(domain)
    try:
        game = Game(domain, start=_start(root, domain))
    except ValueError as error:
        raise SgfError(f"the first position: {error}") from None
    end = game.current
    stack: list[tuple[Position, SgfNode, bool]] = [(game.current, root, True)]
    while stack:
        here, node, main = stack.pop()
        if node is not root and {"AB", "AW", "AE"} & node.properties.keys():
            raise SgfError(f"stones are set up after move {here.ply}; only a first node may")
        for side, colour in enumerate(_COLOURS):
            for text in node.properties.get(colour, []):
                game.current = here
                here = _play(game, side, text, points)
        end = here if main else end
        ways = [(here, child, main and i == 0) for i, child in enumerate(node.children)]
        stack += reversed(ways)
    game.goto(end.index)
    return game


def _points(domain: Domain) -> dict[tuple[int, int], int]:
    """Return the action of each cell."""
    state, points = domain.reset(), {}
    for action in range(domain.spec.num_actions):
        for cell in domain.action_cells(state, action)[:1]:
            points[cell] = action
    return points


def _start(root: SgfNode, domain: Domain) -> State | None:
    """Return the first position that a root sets up, None where it is the game's own."""
    stones = [root.properties.get(name, []) for name in ("AB", "AW")]
    to_play = {"b": 0, "w": 1}.get((root.get("PL") or "").strip().lower()[:1])
    board = domain.board(domain.reset())
    if not any(stones) and to_play in (None, 0):
        return None
    if board is None:
        raise SgfError(f"{domain.spec.name} has no board to set stones up on")
    cells = [[0] * len(row) for row in board.cells]
    for value, texts in enumerate(stones, start=1):
        for text in texts:
            for row, column in _rectangle(text, len(cells), len(cells[0])):
                cells[row][column] = value
    if to_play is None:  # after a handicap White begins
        to_play = int(bool(stones[0]) and not stones[1])
    try:
        return domain.arrange(cells, to_play)
    except ValueError as error:
        raise SgfError(f"the stones of the first node: {error}") from None


def _rectangle(text: str, height: int, width: int) -> list[tuple[int, int]]:
    """Return the cells of a point, or of a rectangle `aa:cc`."""
    first, _, last = text.partition(":")
    (top, left), (bottom, right) = _cell(first), _cell(last or first)
    if not (0 <= top <= bottom < height and 0 <= left <= right < width):
        raise SgfError(f"the point {text[:20]!r} lies off the board")
    return [(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)]


def _cell(text: str) -> tuple[int, int]:
    """Return the `(row, column)` of `cd`, or of `c4` as Hex has it."""
    text = text.strip().lower()
    if re.fullmatch(r"[a-z]{2}", text):
        return _LETTERS.index(text[1]), _LETTERS.index(text[0])
    if re.fullmatch(r"[a-z][0-9]{1,2}", text):
        return int(text[1:]) - 1, _LETTERS.index(text[0])
    raise SgfError(f"{text[:20]!r} is no point of a board")


def _play(game: Game, side: int, text: str, points: dict[tuple[int, int], int]) -> Position:
    """Play one move of the file, after a pass where the other side would be to move."""
    here = game.current
    try:
        if here.to_play != side:
            game.play("pass")
        is_pass = not text.strip() or (text == "tt" and (19, 19) not in points)
        if is_pass or text.startswith(("swap", "resign")):
            return game.play("pass" if is_pass else text)
        return game.play(points.get(_cell(text), -1))
    except IllegalMoveError as error:
        colour = f"{_COLOURS[side]}[{text[:20]}]"
        raise SgfError(f"{colour} after move {here.ply}: {error}") from None
    except ValueError as error:
        raise SgfError(f"after move {here.ply}: {error}") from None


def game_to_sgf(game: Game, tags: dict[str, str] | None = None) -> str:
    """Return a game with its variations as SGF.

    Args:
        game: one of those in `CODES`.
        tags: further properties of the root, such as `PB`, `PW`, `KM`.

    Raises:
        SgfError: SGF has no number for the game.
    """
    domain, first = game.domain, game.positions[0]
    code, board = code_of(domain), domain.board(first.state)
    if code is None or board is None:
        raise SgfError(f"{domain.spec.name} is not written as SGF; {', '.join(CODES)} are")
    root = SgfNode({"FF": ["4"], "GM": [str(code)], "CA": ["UTF-8"], "AP": ["tesuji"]})
    root.properties["SZ"] = [str(len(board.cells))]
    root.properties |= {name: [text] for name, text in (tags or {}).items()}
    if game.given:
        for stone, name in ((1, "AB"), (2, "AW")):
            cells = [
                _LETTERS[c] + _LETTERS[r]
                for r, row in enumerate(board.cells)
                for c, value in enumerate(row)
                if value == stone
            ]
            root.properties |= {name: cells} if cells else {}
        root.properties["PL"] = [_COLOURS[first.to_play]]
    _write_moves(first, root, game)
    return format_sgf([root])


def _write_moves(first: Position, root: SgfNode, game: Game) -> None:
    stack, last = [(first, root)], first
    while stack:
        here, node = stack.pop()
        for child in here.children:
            assert child.move is not None
            cell = child.move.cell
            point = "" if cell is None else _LETTERS[cell[1]] + _LETTERS[cell[0]]
            after = SgfNode({_COLOURS[here.to_play]: [point]})
            node.children.append(after)
            stack.append((child, after))
    while last.children:
        last = last.children[0]
    if last.ended:
        owned = game.domain.ownership(last.state)
        margin = f"{abs(owned[1]):g}" if owned is not None else ""
        winner = "B" if last.score > 0 else "W"
        root.properties["RE"] = ["0" if last.score == 0 else f"{winner}+{margin}"]
