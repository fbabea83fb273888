"""Matches under time control through the protocols: losses on time and protocol errors.

    python benchmarks/protocols.py uci --games 500 --out FOLDER
    python benchmarks/protocols.py gtp --games 500 --out FOLDER
    python benchmarks/protocols.py gtp --game hex_7x7 --peer self --games 50 --out FOLDER
    python benchmarks/protocols.py --report --out FOLDER

`uci`: `tesuji uci` as a process against Stockfish, driven by python-chess. `gtp`: `tesuji gtp` as a
process against GNU Go (`--peer self`: against another of its own, both on the clock), driven from
here. Colours change with each game, time controls go round.

The clock is the driver's own: it runs from before a command is written until after its answer was
read, so that pipes, a busy machine and the driver's own delays are at the engine's expense. A game
is lost on time when an answer comes after the flag has fallen. Every refusal, warning or illegal
move is a protocol error. A line of JSON a game goes to FOLDER/games.jsonl; games that are there are
not played again, so that a match goes on after Ctrl-C. `--seconds` begins no game after so long.

Time controls: `1+0.02` (a second, and 20 ms more a move), `20/1` (a second for every 20 moves),
`m0.1` (UCI: 0.1 s a move), `b0.3,3x0.2` (GTP: 0.3 s, then Japanese periods of 0.2 s).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from protocol_games import GtpMatch, UciMatch

CONTROLS = {
    "uci": ["1+0", "0.5+0.02", "20/1", "m0.4"],
    "gtp": ["1+0", "2+0", "15/1", "b0.3,3x0.4"],
}


@dataclass(frozen=True)
class Control:
    """A time control, in seconds.

    Attributes:
        main: for the game, or before periods begin.
        increment: more after each move.
        moves: that `main` or `period` is for; 0 where it is for the game.
        period: of byo-yomi; 0 without.
        periods: of Japanese byo-yomi.
        each: for every move alone; 0 without.
    """

    main: float = 0.0
    increment: float = 0.0
    moves: int = 0
    period: float = 0.0
    periods: int = 0
    each: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Control:
        """Return the control that `text` writes."""
        if text.startswith("m"):
            return cls(each=float(text[1:]))
        if text.startswith("b"):
            main, periods = text[1:].split(",")
            number, period = periods.split("x")
            return cls(float(main), moves=1, period=float(period), periods=int(number))
        if "/" in text:
            moves, period = text.split("/")
            return cls(moves=int(moves), period=float(period), periods=1)
        main, increment = text.split("+")
        return cls(float(main), float(increment))


@dataclass
class Watch:
    """One side's clock, kept by the driver."""

    control: Control
    left: float = 0.0
    moves: int = 0  # to the next period; 0 in main time
    periods: int = 0
    least: float = float("inf")

    def __post_init__(self) -> None:
        self.left, self.periods = self.control.main, self.control.periods
        if self.control.each:
            self.left = self.control.each
        elif self.control.moves and not self.left:
            self._enter()

    def _enter(self) -> None:
        self.left, self.moves = self.control.period, self.control.moves

    def spend(self, seconds: float) -> bool:
        """Take a move's time away; return whether the flag has fallen."""
        left = self.left - seconds
        while left < 0 and self.control.period and (self.moves == 0 or self.periods > 1):
            self.periods -= self.moves > 0
            self._enter()
            left += self.control.period
        self.least = min(self.least, left)
        self.left = left + self.control.increment
        if self.moves:
            self.moves -= 1
            if self.moves == 0:
                self._enter()
        if self.control.each:
            self.left = self.control.each
        return left < 0


@dataclass
class GameRecord:
    """What happened in one game; `moves` and times are of the sides on the clock."""

    match: str
    control: str
    number: int
    moves: int = 0
    lost_on_time: int = 0
    least_left: float = float("inf")
    longest: float = 0.0  # seconds of a move
    outcome: str = ""
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)

    def move(self, watch: Watch, ask: Callable[[], str]) -> str:
        """Return the answer of `ask`, whose time `watch` pays; '' where the flag has fallen."""
        began = time.monotonic()
        answer = ask()
        spent = time.monotonic() - began
        fallen = watch.spend(spent)
        self.moves += 1
        self.lost_on_time += fallen
        self.least_left = round(min(self.least_left, watch.least), 4)
        self.longest = round(max(self.longest, spent), 4)
        return "" if fallen else answer


def run(options: argparse.Namespace, path: Path) -> None:
    """Play what is missing."""
    controls = options.controls or CONTROLS[options.protocol]
    done = {(record.match, record.control, record.number) for record in read(path)}
    began = time.monotonic()
    match = UciMatch(options) if options.protocol == "uci" else GtpMatch(options)
    with match:
        for number in range(options.games):
            control = controls[number % len(controls)]
            if time.monotonic() - began > options.seconds or (match.name, control, number) in done:
                continue
            record = GameRecord(match.name, control, number)
            started = time.monotonic()
            parsed = Control.parse(control)
            match.play(record, number, parsed, (Watch(parsed), Watch(parsed)))
            record = replace(record, seconds=round(time.monotonic() - started, 2))
            with path.open("a") as file:
                file.write(json.dumps(asdict(record)) + "\n")
            if (number + 1) % options.every == 0:
                sys.stdout.write(report(read(path)) + "\n\n")
                sys.stdout.flush()


def read(path: Path) -> list[GameRecord]:
    """Return the games that were played; a last line that was cut off is none."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [GameRecord(**json.loads(line)) for line in lines]


def report(records: list[GameRecord]) -> str:
    """Return the table of all games."""
    lines = [
        "| match | control | games | moves | lost on time | protocol errors | least time left | "
        "longest move | won |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for match, control in sorted({(r.match, r.control) for r in records}):
        some = [r for r in records if (r.match, r.control) == (match, control)]
        lines.append(_row(match, control, some))
    return "\n".join([*lines, _row("all", "", records)]) if records else "no game"


def _row(match: str, control: str, some: list[GameRecord]) -> str:
    won = sum(r.outcome == "won" for r in some)
    return (
        f"| {match} | {control} | {len(some)} | {sum(r.moves for r in some)} | "
        f"{sum(r.lost_on_time for r in some)} | {sum(len(r.errors) for r in some)} | "
        f"{min(r.least_left for r in some):.3f} s | {max(r.longest for r in some):.3f} s | {won} |"
    )


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("protocol", choices=["gtp", "uci"], nargs="?", default="gtp")
    parser.add_argument("--games", type=int, default=500)
    parser.add_argument("--controls", nargs="*", help="instead of the four of the protocol")
    parser.add_argument("--game", default="go_9x9", help="of gtp")
    parser.add_argument("--agent", default="net", help="of ours")
    parser.add_argument("--overhead", type=int, default=200, help="ms, of uci")
    parser.add_argument("--peer", default="other", choices=["other", "self"], help="of gtp")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no game after so long")
    parser.add_argument("--every", type=int, default=25, help="games between two reports")
    parser.add_argument("--out", type=Path, default=Path("runs/protocols"))
    parser.add_argument("--report", action="store_true", help="print the table alone")
    parser.add_argument("--gnugo", default="/usr/games/gnugo")
    parser.add_argument("--stockfish", default="/usr/games/stockfish")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "games.jsonl"
    if not options.report:
        run(options, path)
    records = read(path)
    sys.stdout.write(report(records) + "\n")
    for record in records:
        for error in record.errors[:5]:
            sys.stdout.write(f"{record.match} {record.number}: {error}\n")


if __name__ == "__main__":
    main()
