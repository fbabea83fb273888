"""Matches under time control through the protocols: losses on time and protocol errors.

    python benchmarks/protocols.py gtp --games 1000 --main 2 [--size 9] [--seconds 400]

`gtp`: `tesuji gtp --game go` as a process against GNU Go, which plays black and white in turns,
with absolute time for the whole game. The controller keeps our clock by its own watch and tells
it with `time_left`; a game is lost on time when a `genmove` answers after it has run out. The
other program is given no clock. Every answer that is not `=` is a protocol error. `--seconds`
ends the run early.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field


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


@dataclass
class Record:
    """What happened in the games."""

    games: int = 0
    wins: int = 0
    moves: int = 0
    lost_on_time: int = 0
    least_left: float = float("inf")
    errors: list[str] = field(default_factory=list)


def play(
    ours: GtpProcess, theirs: GtpProcess, our_colour: str, main: float, record: Record
) -> None:
    """Play one game and add it to the record."""
    left, passes, colour = main, 0, "b"
    for player in (ours, theirs):
        player("clear_board")
    ours(f"time_settings {main:g} 0 0")
    for _ in range(160):
        mover, other = (ours, theirs) if colour == our_colour else (theirs, ours)
        if mover is ours:
            ours(f"time_left {colour} {left:.3f} 0")
        began = time.monotonic()
        move = mover(f"genmove {colour}")
        if mover is ours:
            left -= time.monotonic() - began
            record.moves += 1
            record.least_left = min(record.least_left, left)
            if left < 0:
                record.lost_on_time += 1
                break
        if move.lower() == "resign":
            break
        other(f"play {colour} {move}")
        passes = passes + 1 if move.lower() == "pass" else 0
        if passes == 2:
            break
        colour = "w" if colour == "b" else "b"
    record.games += 1
    record.wins += ours("final_score")[:1].lower() == our_colour


def match(options: argparse.Namespace) -> Record:
    """Play the games."""
    ours = GtpProcess([sys.executable, "-m", "tesuji", "gtp", "--game", "go"])
    theirs = GtpProcess([options.gnugo, "--mode", "gtp", "--chinese-rules", "--level", "1"])
    record, began = Record(), time.monotonic()
    for player in (ours, theirs):
        player(f"boardsize {options.size}")
        player("komi 7.5")
    while record.games < options.games and time.monotonic() - began < options.seconds:
        play(ours, theirs, "bw"[record.games % 2], options.main, record)
        if record.games % 20 == 0:
            say(record, time.monotonic() - began)
    for player in (ours, theirs):
        player("quit")
        player.process.wait(timeout=20)
    record.errors = [*ours.errors, *theirs.errors]
    return record


def say(record: Record, seconds: float) -> None:
    """Print how it goes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stdout.write(
        f"{record.games} games, {record.wins} by area for us, {record.moves} moves of ours, "
        f"{record.lost_on_time} lost on time (least time left {record.least_left:.3f} s), "
        f"{len(record.errors)} protocol errors, {seconds:.0f} s, "
        f"{used.ru_utime + used.ru_stime:.0f} CPU-s\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("protocol", choices=["gtp"])
    parser.add_argument("--games", type=int, default=1000)
    parser.add_argument("--size", type=int, default=9)
    parser.add_argument("--main", type=float, default=2.0, help="our seconds for a whole game")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no game after so long")
    parser.add_argument("--gnugo", default="/usr/games/gnugo")
    options = parser.parse_args()
    began = time.monotonic()
    record = match(options)
    say(record, time.monotonic() - began)
    for error in record.errors[:20]:
        sys.stdout.write(f"error: {error}\n")


if __name__ == "__main__":
    main()
