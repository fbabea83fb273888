"""Boards as SVG and as text: every style is drawn, whole and well formed."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from tesuji.domains import registry
from tesuji.domains.base import Board
from tesuji.engine.board_ground import frame_of
from tesuji.engine.board_svg import Candidate, board_svg, marks, skeleton
from tesuji.engine.board_text import draw
from tesuji.engine.glyphs import name_of, side_of

SVG = "{http://www.w3.org/2000/svg}"
CHESS = ("", *"♙♘♗♖♕♔♟♞♝♜♛♚")
MAZE = ("", "#", "@", "$", ".", "*", "+")

BOARDS = {
    "discs": Board(((0, 1), (2, 1)), "discs", ("Red", "Yellow"), ("1", "2")),
    "stones": Board(((0, 1), (2, 0)), "stones"),
    "points": Board(((0,) * 9,) * 8 + ((1, 2) + (0,) * 7,), "points", note="komi 7"),
    "hexagons": Board(((1, 0, 0), (0, 2, 0), (0, 0, 1)), "hexagons", ("Red", "Blue")),
    "marks": Board(((1, 2, 0),) * 3, "marks"),
    "men": Board(((2, 2), (0, 0), (1, 1)), "pieces", ("White", "Black")),
    "pieces": Board(((10, 12), (0, 7), (1, 6)), "pieces", ("White", "Black"), glyphs=CHESS),
    "numbers": Board(((0, 1), (11, 16)), "tiles", glyphs=("", *(str(2**i) for i in range(1, 17)))),
    "maze": Board(((1, 1, 1), (2, 3, 4), (5, 6, 1)), "tiles", glyphs=MAZE),
}


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def uses(svg: ElementTree.Element) -> list[ElementTree.Element]:
    return svg.findall(f".//{SVG}g[@class='stones']/{SVG}use")


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_stone_is_drawn_once_with_a_shape_of_its_value(board: Board) -> None:
    svg = parsed(board_svg(board, last=[(0, 0)], caption="a < b"))
    shapes = {shape.get("id") for shape in svg.findall(f"{SVG}defs/{SVG}g")}
    drawn = sorted(use.get("href", "") for use in uses(svg))
    assert drawn == sorted(f"#value-{value}" for row in board.cells for value in row if value)
    assert {href.removeprefix("#") for href in drawn} <= shapes
    assert svg.find(f".//{SVG}text[@class='caption']") is not None


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_file_needs_neither_variables_nor_anything_from_elsewhere(board: Board) -> None:
    text = board_svg(board)
    assert "var(" not in text
    assert "url(" not in text
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_the_skeleton_has_every_cell_and_no_stone(board: Board) -> None:
    svg = parsed(skeleton(board))
    empty = board._replace(cells=tuple((0,) * len(row) for row in board.cells))
    assert skeleton(board) == skeleton(empty)
    cells = svg.findall(f".//{SVG}*[@class='cell']")
    places = [
        f"{row},{column}" for row, cells in enumerate(board.cells) for column in range(len(cells))
    ]
    assert [cell.get("data-cell") for cell in cells] == places
    assert uses(svg) == []


def test_the_skeleton_carries_no_style_that_a_strict_policy_refuses() -> None:
    for board in BOARDS.values():
        assert " style=" not in skeleton(board)
        assert "<style" not in skeleton(board)


def test_a_row_of_hexagons_is_half_a_cell_further_right() -> None:
    frame = frame_of(BOARDS["hexagons"])
    (x, y), (below, lower) = frame.centre(0, 0), frame.centre(1, 0)
    assert (below - x, round(lower - y, 3)) == (50, 86.603)


def test_the_first_side_owns_top_and_bottom_of_a_board_of_hexagons() -> None:
    edges = parsed(skeleton(BOARDS["hexagons"])).findall(f".//{SVG}polyline")
    tops = [edge for edge in edges if edge.get("class") == "edge side-0"]
    heights = [[float(p.split(",")[1]) for p in edge.get("points", "").split()] for edge in tops]
    assert max(heights[0]) < min(heights[1])


def test_a_flipped_board_is_seen_from_the_other_side() -> None:
    board = BOARDS["pieces"]
    frame, flipped = frame_of(board), frame_of(board, flipped=True)
    assert flipped.centre(0, 0) == frame.centre(2, 1)
    assert 'data-flipped="true"' in skeleton(board, flipped=True)


@pytest.mark.parametrize(
    ("size", "stars"), [(4, 0), (5, 1), (7, 1), (9, 5), (13, 5), (15, 5), (19, 9), (8, 0)]
)
def test_star_points(size: int, stars: int) -> None:
    svg = parsed(skeleton(Board(((0,) * size,) * size, "points")))
    assert len(svg.findall(f".//{SVG}circle[@class='star']")) == stars


def test_candidates_show_chances_and_visits_the_best_on_top() -> None:
    found = [Candidate(str(i), (0, i), None, 100 - i, 0.5) for i in range(9)]
    found += [Candidate("pass", None, None, 50, 0.5), Candidate("x", (1, 0), None, 0, None)]
    svg = parsed(f'<svg xmlns="http://www.w3.org/2000/svg">{marks(BOARDS["points"], found)}</svg>')
    groups = svg.findall(f"{SVG}g")
    assert len(groups) == 9
    assert [group.get("class") for group in groups][-1] == "candidate best"
    assert [text.text for text in groups[-1].findall(f"{SVG}text")] == ["50", "100"]


def test_candidates_that_move_are_arrows() -> None:
    found = [Candidate("a2a3", (0, 0), (2, 0), 10, 0.4)]
    assert marks(BOARDS["men"], found).startswith('<polygon class="arrow best"')


def test_sides_and_names_follow_from_glyphs() -> None:
    chess, maze, men = BOARDS["pieces"], BOARDS["maze"], BOARDS["men"]
    assert [side_of(chess, value) for value in (0, 1, 6, 7, 12)] == [None, 0, 0, 1, 1]
    assert (name_of(chess, 6), name_of(chess, 8), name_of(chess, 0)) == (
        "White king", "Black knight", ""
    )  # fmt: skip
    assert (name_of(maze, 5), side_of(maze, 5)) == ("box on goal", None)
    assert (name_of(men, 2), side_of(men, 2)) == ("Black", 1)
    letters = Board(((1, 2),), "pieces", glyphs=("", "K", "k"))
    assert [side_of(letters, value) for value in (1, 2)] == [0, 1]


def test_strange_glyphs_and_labels_are_escaped() -> None:
    board = Board(((1,),), "tiles", columns=("<",), rows=("&",), glyphs=("", "<b>"), note="<i>")
    assert parsed(board_svg(board)) is not None


TEXTS = {
    "hexagons": ["● · ·", "  ╲ · ○ ·", "   ╲ · · ●"],
    "pieces": ["│ ♜ ♚ │", "│ · ♟ │", "│ ♙ ♔ │"],
    "numbers": ["│           2 │", "│  2048 65536 │"],
    "maze": ["│ # # # │", "│ @ $ . │", "│ * + # │"],
    "men": ["│ ♟ ♟ │", "│ ♙ ♙ │", "♙ White   ♟ Black"],
    "points": ["● ○ · · ·", "komi 7"],
}


@pytest.mark.parametrize("style", TEXTS)
def test_every_style_is_drawn_as_text(style: str) -> None:
    shown = draw(BOARDS[style], last=(0, 0)).plain
    for line in TEXTS[style]:
        assert line in shown


def boarded() -> list[str]:
    return [name for name in registry.names() if name not in ("delivery", "double_integrator")]


@pytest.mark.parametrize("name", boarded())
def test_every_game_is_drawn_and_its_moves_lie_on_its_board(name: str) -> None:
    domain: Any = registry.make(name)
    state = domain.reset()
    board = domain.board(state)
    if board is None:
        return
    assert len(uses(parsed(board_svg(board)))) == sum(bool(v) for row in board.cells for v in row)
    assert draw(board).plain
    values = len(board.glyphs) or 3
    assert all(0 <= value < values for row in board.cells for value in row)
    for action in domain.legal(state).nonzero()[0]:
        origin = domain.action_origin(state, int(action))
        places = [*domain.action_cells(state, int(action)), *([origin] if origin else [])]
        assert all(
            r in range(len(board.cells)) and c in range(len(board.cells[0])) for r, c in places
        )
