"""The two kinds of games of `protocols.py`: by UCI through python-chess, and by GTP."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

import chess
import chess.engine

from tesuji.domains.registry import make
from tesuji.engine.game import Game

if TYPE_CHECKING:
    from protocols import Control, GameRecord, Watch

MAX_PLIES = 400


class Match(ABC):
    """Two programs that stay open from game to game."""

    name: str

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, *fault: object) -> None:
        """Close the programs."""

    @abstractmethod
    def play(
        self, record: GameRecord, number: int, control: Control, watches: tuple[Watch, Watch]
    ) -> None:
        """Play a game; `watches` are of the first side and of the second."""


class _Complaints(logging.Handler):
    """Keeps what python-chess says of an engine's lines."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


class UciMatch(Match):
    """`tesuji uci` against Stockfish at 300 nodes a move, from openings of four random plies."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.name = "uci chess"
        self._complaints = _Complaints()
        logger = logging.getLogger("chess.engine")
        logger.addHandler(self._complaints)
        logger.propagate = False
        ours = [sys.executable, "-m", "tesuji", "uci", "--agent", options.agent]
        self._ours = chess.engine.SimpleEngine.popen_uci(ours, timeout=300)
        self._theirs = chess.engine.SimpleEngine.popen_uci(options.stockfish)
        self._ours.configure({"Move Overhead": options.overhead})
        self._ours.ping()
        self._complaints.said.clear()  # which net there is

    def __exit__(self, *fault: object) -> None:
        for engine in (self._ours, self._theirs):
            engine.quit()

    def play(
        self, record: GameRecord, number: int, control: Control, watches: tuple[Watch, Watch]
    ) -> None:
        """Play a game; only our clock runs."""
        board, mine = _opening(number), number % 2 == 0  # White where it is even
        while not board.is_game_over(claim_draw=True) and board.ply() < MAX_PLIES:
            if board.turn == mine:
                limit = _limit(control, watches, white=mine)
                answer = record.move(
                    watches[0 if mine else 1], lambda limit=limit: self._ask(board, limit, record)
                )
                if not answer:
                    record.outcome = "lost on time or by error"
                    break
                board.push_uci(answer)
            else:
                board.push(self._theirs.play(board, chess.engine.Limit(nodes=300)).move)
        record.outcome = record.outcome or _outcome(board.outcome(claim_draw=True), mine)
        record.errors += [line for line in self._complaints.said if "no time to think" not in line]
        self._complaints.said.clear()

    def _ask(self, board: chess.Board, limit: chess.engine.Limit, record: GameRecord) -> str:
        try:
            played = self._ours.play(board, limit, info=chess.engine.INFO_ALL, game=record.number)
        except chess.engine.EngineError as error:
            record.errors.append(str(error))
            return ""
        said = str(played.info.get("string", ""))
        if said.startswith("error"):
            record.errors.append(said)
        return played.move.uci() if played.move else ""


def _opening(number: int) -> chess.Board:
    board, seed = chess.Board(), number // 2
    for _ in range(4):
        moves = sorted(move.uci() for move in board.legal_moves)
        seed, chosen = divmod(seed * 7919 + 13, len(moves))
        board.push_uci(moves[chosen])
    return board


def _limit(control: Control, watches: tuple[Watch, Watch], *, white: bool) -> chess.engine.Limit:
    if control.each:
        return chess.engine.Limit(time=control.each)
    ours = watches[0 if white else 1]
    return chess.engine.Limit(
        white_clock=watches[0].left, black_clock=watches[1].left, white_inc=control.increment,
        black_inc=control.increment, remaining_moves=ours.moves or None,
    )  # fmt: skip


def _outcome(outcome: chess.Outcome | None, mine: bool) -> str:
    if outcome is None or outcome.winner is None:
        return "drawn"
    return "won" if outcome.winner == mine else "lost"


class GtpProcess:
    """A GTP program as a process."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.errors: list[str] = []

    def __call__(self, line: str) -> str:
        """Send a command and return the answer; note errors."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = []
        while (text := self.process.stdout.readline()).strip():
            answer.append(text.rstrip())
        whole = "\n".join(answer)
        if not whole.startswith("="):
            self.errors.append(f"{line}: {whole or 'no answer'}")
        return whole[1:].strip()


class GtpMatch(Match):
    """`tesuji gtp` against GNU Go, which has no clock, or against itself, where both have."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._self_match = options.peer == "self"
        self.name = f"gtp {options.game}" + (" (self)" if self._self_match else "")
        ours = [sys.executable, "-m", "tesuji", "gtp", "--game", options.game]
        ours += ["--agent", options.agent]
        gnugo = [options.gnugo, "--mode", "gtp", "--chinese-rules", "--level", "1"]
        self._domain = make(options.game)
        self._programs = [GtpProcess(ours), GtpProcess(ours if self._self_match else gnugo)]
        self._set_up()

    def _set_up(self) -> None:
        size = self._domain.spec.observation_shape[-1]
        for program in self._programs:
            program(f"boardsize {size}")
            if not self._self_match:
                program("komi 7.5")

    def __exit__(self, *fault: object) -> None:
        for program in self._programs:
            program("quit")
            program.process.wait(timeout=20)

    def play(
        self, record: GameRecord, number: int, control: Control, watches: tuple[Watch, Watch]
    ) -> None:
        """Play a game."""
        sides = self._programs if number % 2 == 0 else self._programs[::-1]
        for program in sides:
            program("clear_board")
            if program is self._programs[0] or self._self_match:
                program(_settings(control))
        referee, passes = Game(self._domain), 0
        while not referee.current.ended and passes < 2 and referee.current.ply < MAX_PLIES:
            side = referee.current.ply % 2 if not self._self_match else referee.current.to_play
            move = self._move(record, sides[side], "bw"[side], watches[side])
            if move in ("", "resign"):
                record.outcome = "lost" if sides[side] is self._programs[0] else "won"
                break
            passes = passes + 1 if move == "pass" else 0
            try:
                referee.play(move)
            except ValueError as error:
                record.errors.append(f"{move}: {error}")
                break
            sides[1 - side](f"play {'bw'[side]} {move}")
        record.outcome = record.outcome or self._judge(sides)
        for program in self._programs:
            record.errors += program.errors
            program.errors.clear()

    def _move(self, record: GameRecord, program: GtpProcess, colour: str, watch: Watch) -> str:
        if program is not self._programs[0] and not self._self_match:
            return program(f"genmove {colour}").lower()
        stones = watch.periods if watch.control.periods > 1 and watch.moves else watch.moves
        program(f"time_left {colour} {watch.left:.3f} {stones}")
        return record.move(watch, lambda: program(f"genmove {colour}").lower())

    def _judge(self, sides: list[GtpProcess]) -> str:
        score = self._programs[0]("final_score")[:1].lower()
        return (
            "drawn"
            if score == "0"
            else "won"
            if "bw".find(score) == sides.index(self._programs[0])
            else "lost"
        )


def _settings(control: Control) -> str:
    if control.periods > 1:
        return f"kgs-time_settings byoyomi {control.main:g} {control.period:g} {control.periods}"
    return f"time_settings {control.main:g} {control.period:g} {control.moves}"
