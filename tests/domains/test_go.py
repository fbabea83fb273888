"""Go beside a twin in plain Python, beside OpenSpiel, and on positions that have names."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.base import State
from tesuji.domains.check import check_domain
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.registry import make

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def go(size: int, **params: object) -> CompiledDomain:
    domain = make("go", size=size, **params)
    assert isinstance(domain, CompiledDomain)
    return domain


class SlowGo:
    """The rules as a beginner would write them: sets, flood fill, all positions kept whole."""

    def __init__(self, size: int, suicide: bool) -> None:
        self.size, self.suicide = size, suicide
        self.board = [0] * size**2
        self.seen = {tuple(self.board)}
        self.side = 1

    def neighbours(self, cell: int) -> list[int]:
        row, column = divmod(cell, self.size)
        near = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        return [r * self.size + c for r, c in near if 0 <= r < self.size and 0 <= c < self.size]

    def region(self, board: list[int], cell: int) -> tuple[set[int], set[int]]:
        """Return the cells of one value around `cell` and the values that they touch."""
        inside, touched, rest = {cell}, set(), [cell]
        while rest:
            for near in self.neighbours(rest.pop()):
                touched.add(board[near])
                if board[near] == board[cell] and near not in inside:
                    inside.add(near)
                    rest.append(near)
        return inside, touched

    def after(self, cell: int) -> list[int] | None:
        """Return the board after a stone on `cell`, None if that is forbidden."""
        if self.board[cell]:
            return None
        board = [*self.board]
        board[cell] = self.side
        for near in self.neighbours(cell):
            if board[near] == 3 - self.side:
                self._take_if_dead(board, near)
        taken = self._take_if_dead(board, cell)
        return None if (taken and not self.suicide) or tuple(board) in self.seen else board

    def _take_if_dead(self, board: list[int], cell: int) -> bool:
        chain, touched = self.region(board, cell)
        if 0 in touched:
            return False
        for stone in chain:
            board[stone] = 0
        return True

    def legal(self) -> list[int]:
        cells = range(self.size**2)
        return [cell for cell in cells if self.after(cell) is not None] + [self.size**2]

    def play(self, action: int) -> None:
        if action < self.size**2:
            board = self.after(action)
            assert board is not None
            self.board = board
            self.seen.add(tuple(board))
        self.side = 3 - self.side

    def lead(self) -> int:
        points = 0
        for cell, colour in enumerate(self.board):
            owners = {colour} if colour else self.region(self.board, cell)[1] - {0}
            points += (owners == {1}) - (owners == {2})
        return points


@pytest.mark.parametrize(
    ("size", "rules", "num_games"), [(5, "tromp-taylor", 20), (5, "chinese", 10), (9, "chinese", 1)]
)
def test_random_games_go_as_those_of_the_twin(size: int, rules: str, num_games: int) -> None:
    domain, rng = go(size, rules=rules, komi=0.0), np.random.default_rng(5)
    for _ in range(num_games):
        twin, state, discount, reward = SlowGo(size, rules != "chinese"), domain.reset(), 1.0, 0.0
        while discount != 0:
            legal = np.flatnonzero(domain.legal(state)).tolist()
            assert legal == twin.legal()
            # Few passes, so that the games are long and boards are taken again and again.
            action = int(rng.choice(legal[:-1] if len(legal) > 1 else legal))
            side = domain.to_play(state)
            state, reward, discount = domain.step(state, action)
            twin.play(action)
            assert [stone for row in domain.board(state).cells for stone in row] == twin.board
        assert reward == np.sign(twin.lead()) * (1 - 2 * side)
        assert domain.ownership(state)[1] == twin.lead()


@pytest.mark.parametrize(("size", "num_games"), [(5, 60), (9, 30)])
def test_random_games_go_as_those_of_open_spiel(size: int, num_games: int) -> None:
    compare = runpy.run_path(str(BENCHMARKS / "go_games.py"))["compare"]
    assert compare(size, num_games, seed=1).games == num_games


@pytest.mark.parametrize("rules", ["chinese", "tromp-taylor"])
def test_the_suite_finds_no_fault(rules: str) -> None:
    check_domain(go(5, rules=rules), num_episodes=3)


def position(text: str, to_play: int = 0, **params: object) -> tuple[CompiledDomain, State]:
    """Return the board drawn in `text`, `X` Black."""
    rows = text.split()
    domain = go(len(rows), **params)
    return domain, domain.arrange([[".XO".index(s) for s in row] for row in rows], to_play)


def play(domain: CompiledDomain, state: State, moves: str) -> State:
    for move in moves.split():
        state = domain.step(state, domain.parse_action(state, move))[0]
    return state


def stones(domain: CompiledDomain, state: State) -> str:
    return " ".join("".join(".XO"[stone] for stone in row) for row in domain.board(state).cells)


KO = """
    .XO..
    X.XO.
    .XO..
    .....
    .....
"""


def test_a_ko_may_not_be_retaken_at_once_but_after_a_threat() -> None:
    domain, state = position(KO, to_play=1)
    state = play(domain, state, "B4")  # takes C4
    assert stones(domain, state).split()[1] == "XO.O."
    retake = domain.parse_action(play(domain, state, "E1 D1"), "C4")
    assert not domain.legal(state)[retake]
    assert domain.refusal(state, retake) == "a repetition of an earlier position (ko)"
    assert stones(domain, play(domain, state, "E1 D1 C4")).split()[1] == "X.XO."


def test_a_snapback_takes_two_stones_after_one_was_thrown_in() -> None:
    domain, state = position(
        """
        XXX..
        OOX..
        O.OX.
        OO.X.
        XXX..
        """
    )
    state = play(domain, state, "C2")
    assert stones(domain, state).split()[2:4] == ["O.OX.", "OOXX."]
    state = play(domain, state, "E5")
    assert stones(domain, play(domain, state, "B3")).split()[1:4] == ["..X..", ".X.X.", "..XX."]


def test_a_ladder_runs_to_the_edge_and_is_taken() -> None:
    domain, state = position(
        """
        .........
        .........
        ...XX....
        ..XO.....
        .........
        .........
        .........
        .........
        .........
        """
    )
    chase = "D5 E6 F6 E5 E4 F5 G5 F4 F3 G4 H4 G3 G2 H3 J3 H2 H1 J2"
    state = play(domain, state, chase)
    assert sum(row.count("O") for row in stones(domain, state).split()) == 10
    state = play(domain, state, "J1")
    assert "O" not in stones(domain, state)


def test_sending_two_and_returning_one_is_forbidden() -> None:
    domain, state = position(
        """
        .X.X.
        OOX..
        .....
        .....
        .....
        """
    )
    state = play(domain, state, "A5 C5")  # White takes two stones with one
    assert stones(domain, state).split()[0] == "..OX."
    assert domain.action_name(state, 1) == "B5"
    assert not domain.legal(state)[1]  # it would make the first position again
    assert domain.legal(play(domain, state, "E1 E2"))[1]


def test_suicide_is_forbidden_by_chinese_rules_and_takes_by_tromp_taylor() -> None:
    board = """
        .XO..
        XXO..
        OO...
        .....
        .....
    """
    for rules, allowed in (("chinese", False), ("tromp-taylor", True)):
        domain, state = position(board, rules=rules)
        corner = 0
        assert domain.legal(state)[corner] == allowed
    state = domain.step(state, corner)[0]
    assert stones(domain, state) == "..O.. ..O.. OO... ..... ....."
    # A single stone that is taken at once leaves the position as it was.
    domain, state = position(".O... O.... ..... ..... .....", rules="tromp-taylor")
    assert not domain.legal(state)[0]


def test_in_a_seki_nobody_owns_the_shared_liberties() -> None:
    domain, state = position(
        """
        .XO.O
        XXOOO
        OOXXX
        .OX.X
        .OXXX
        """,
        komi=0.0,
    )
    owners, _ = domain.ownership(state)
    assert owners[0].tolist() == [1, 1, -1, -1, -1]


def test_two_passes_end_the_game_and_area_with_komi_decides() -> None:
    domain, state = position(" ....." * 5, komi=24.5)
    state, reward, discount = domain.step(state, 25)
    assert (reward, discount, state.passes) == (0.0, -1.0, 1)
    assert domain.step(state, 25)[1:] == (1.0, 0.0)  # White wins the empty board by komi


def test_a_position_in_one_line_reads_back() -> None:
    domain, state = position(KO, to_play=1)
    text = domain.format_state(state)
    assert text == "1XO2/X1XO1/1XO2/5/5 w 0 0"
    assert domain.parse_state(text) == state
    for wrong in ("", "5/5/5/5/5", "5/5/5/5 b", "9/5/5/5/5 b", "5/5/5/5/5 b 0 999", "XXXXX/" * 5):
        with pytest.raises(ValueError, match="not a position of Go"):
            domain.parse_state(wrong)


@pytest.mark.parametrize(
    "params", [{"size": 4}, {"size": 20}, {"size": "9"}, {"komi": 6.3}, {"rules": "japanese"}]
)
def test_wrong_parameters_are_told(params: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="go: "):
        make("go", **params)


def test_the_name_tells_the_size() -> None:
    assert make("go_13x13").spec.name == "go_13x13"
    assert make("go").spec.name == "go_9x9"


def test_planes_show_stones_liberties_and_what_is_forbidden() -> None:
    domain, state = position(KO, to_play=1)
    seen = domain.observe(play(domain, state, "B4"))
    assert seen[0, 0].tolist() == [0, 1, 0, 0, 0]  # own: Black is to move
    assert seen[1, 1].tolist() == [0, 1, 0, 1, 0]
    assert seen[5, 1].tolist() == [0, 1, 0, 0, 0]  # the taker has one liberty
    assert seen[8, 1].tolist() == [0, 0, 1, 0, 0]
    assert seen[9].all()
    assert seen[11, 0, 0] == pytest.approx(-2.45)
