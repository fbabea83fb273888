"""Fuzz what reads other programs' text: FEN, Go positions, SGF, PGN, UCI, GTP, analysis queries.

    python benchmarks/fuzz.py pgn --seconds 300 [--seed 0]
    python benchmarks/fuzz.py pgn --seconds 300 --atheris    # guided by coverage, where installed

Whatever comes in must be read, or refused by the error that the reader names; conversations must
answer each line in their own form, and a good line after the bad ones must be answered well.
Anything else ends the run with the input that did it. Without atheris, inputs are samples changed
at random: pieces doubled, dropped, mixed, bytes put in. Searches are of two simulations.
"""

from __future__ import annotations

import argparse
import inspect
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import Any

from tesuji.domains.registry import make
from tesuji.engine.protocols.analysis import AnalysisEngine
from tesuji.engine.protocols.gtp import GtpEngine
from tesuji.engine.protocols.gtp_board import GtpBoard
from tesuji.engine.protocols.lines import read_lines
from tesuji.engine.protocols.pgn import parse_pgn
from tesuji.engine.protocols.pgn_writer import format_pgn
from tesuji.engine.protocols.sgf import format_sgf, parse_sgf
from tesuji.engine.protocols.uci import UciEngine
from tesuji.engine.protocols.uci_options import Options
from tesuji.engine.record import parse_record
from tesuji.search.base import Budget, SearchResult, UniformEvaluator
from tesuji.search.search import Search

Target = Callable[[bytes], None]
START = b"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"


class Quick:
    """An agent whose searches end at once, whatever their budget."""

    budget = Budget(simulations=2)

    def __init__(self, domain: Any) -> None:
        self.plain = Search(domain, UniformEvaluator(domain.spec.num_actions))
        self.search = self
        self.glance, self.line = self.plain.glance, self.plain.line
        self.clear_cache = self.plain.clear_cache

    def run(self, states: Sequence[Any], budget: Budget, **given: Any) -> list[SearchResult]:
        """Search with two simulations."""
        return self.plain.run(states, Budget(simulations=2, memory_mb=1), **given)


def fuzz_positions(*names: str) -> Target:
    """Return a reader of positions: what it reads must be written and read back the same."""
    domains = [make(name) for name in names]

    def target(data: bytes) -> None:
        for domain in domains:
            try:
                state = domain.parse_state(data.decode("latin-1"))
            except ValueError:
                continue
            domain.legal(state)
            written = domain.format_state(state)
            assert written is not None
            assert domain.format_state(domain.parse_state(written)) == written, written

    return target


def fuzz_sgf() -> Target:
    """Return a reader of SGF: of its text, and of a game of Go in it."""
    domain = make("go_9x9")

    def target(data: bytes) -> None:
        try:
            roots = parse_sgf(data)
        except ValueError:
            return
        assert format_sgf(parse_sgf(format_sgf(roots))) == format_sgf(roots)
        try:
            parse_record(domain, data)
        except ValueError:
            return

    return target


def fuzz_pgn() -> Target:
    """Return a reader of PGN: of its text, and of a game of chess in it."""
    domain = make("chess")

    def target(data: bytes) -> None:
        try:
            games = parse_pgn(data.decode("latin-1"))
        except ValueError:
            return
        for game in games:
            [again] = parse_pgn(format_pgn(game))
            assert format_pgn(again) == format_pgn(game)
        try:
            parse_record(domain, data)
        except ValueError:
            return

    return target


def _lines(data: bytes) -> list[str]:
    return list(read_lines(BytesIO(data)))[:40]


def fuzz_uci() -> Target:
    """Return a conversation by UCI; it must still find a move after it."""
    chess, chess960 = make("chess"), make("chess960")
    agents = {False: Quick(chess), True: Quick(chess960)}

    def load(agent: str, is_960: bool) -> Any:
        if "/" in agent or agent not in ("net", "uniform", "rollout"):
            raise ValueError("no such agent")
        return (chess960 if is_960 else chess), agents[is_960], ""

    def target(data: bytes) -> None:
        said: list[str] = []
        engine = UciEngine(load, lambda text: said.extend(text.split("\n")), Options())
        for line in _lines(data):
            if not engine.handle(line):
                break
        engine.handle("stop")
        engine._thinker.wait()
        known = ("id ", "option ", "uciok", "readyok", "info ", "bestmove ")
        assert all(line.startswith(known) for line in said), said
        said.clear()
        for line in ("ucinewgame", "position startpos", "go nodes 2"):
            engine.handle(line)
        engine.finish()
        assert any(line.startswith("bestmove ") for line in said), said

    return target


def fuzz_gtp() -> Target:
    """Return a conversation by GTP; a refused line must leave the board as it was."""
    agents: dict[int, Quick] = {}

    def make_agent(domain: Any) -> Quick:
        if domain.spec.observation_shape[-1] > 9:
            raise ValueError("too big for this")
        return agents.setdefault(id(domain), Quick(domain)) if len(agents) < 50 else Quick(domain)

    def target(data: bytes) -> None:
        said: list[str] = []
        engine = GtpEngine(GtpBoard("go", 5), make_agent, "1")
        engine._write = said.append
        for line in _lines(data):
            if "loadsgf" in line or engine.quitting:
                continue
            engine.answer("name")
            before = engine.do_showboard()
            said.clear()
            engine.answer(line)
            answer = "\n".join(said)
            assert answer == "" or answer[0] in "=?", answer
            if answer.startswith("?"):
                assert "\n" not in answer.rstrip("\n"), answer
                assert engine.do_showboard() == before, line
        engine.answer("name")
        said.clear()
        engine.answer("9 protocol_version")
        assert said == ["=9 2\n"], said

    return target


def fuzz_analysis() -> Target:
    """Return a conversation of analysis queries; a good one after it must be answered."""
    domain = make("connect_four")
    search = Quick(domain)

    def target(data: bytes) -> None:
        said: list[dict[str, Any]] = []
        engine = AnalysisEngine(
            domain, search, lambda line: said.append(json.loads(line)), "1", Budget(simulations=2)
        )
        engine.serve([*_lines(data), '{"id": "last", "action": "query_version"}'])
        assert any(answer.get("id") == "last" for answer in said), said

    return target


SGF = b"(;GM[1]FF[4]SZ[9]KM[7.5]RU[Chinese]AB[cc][gg]PL[W];W[ee]C[a \\] b](;B[dd];W[])(;B[fe]))"
PGN = b'[Event "x"]\n[FEN "' + START + b'"]\n\n1. e4 {c} e5 (1... c5 2. Nf3 $1) 2. Nf3 Nc6 1-0\n'
UCI = (
    b"uci\nisready\nsetoption name MultiPV value 3\nposition startpos moves e2e4 e7e5\ngo nodes 5\n"
)
UCI2 = b"position fen " + START + b" moves d2d4\ngo wtime 1000 btime 50 winc 5 movestogo 3\nstop\n"
UCI3 = b"go ponder movetime 5\nponderhit\ngo infinite searchmoves a2a3\nstop\nucinewgame\n"
GTP = b"boardsize 5\nkomi 0.5\nplay b C3\ngenmove w\n3 showboard\nundo\nfixed_handicap 2\nkgs-"
GTP2 = b"kgs-time_settings byoyomi 3 0.1 2\ntime_left b 1 0\nreg_genmove b\nlz-analyze 1\n"
GTP3 = b"time_settings 1 0.5 3\ntime_left w 0 2\ngenmove b\nset_free_handicap A1 B2\nplay w pass\n"
ASK = b'{"id": "a", "moves": ["4", ["Y", "3"]], "analyzeTurns": [0, 2], "priorities": [1, 2]}\n'
ASK2 = b'{"id": "b", "maxVisits": 3, "maxTime": 0.5, "includePolicy": true, "seed": 7, "x": null}\n'
ASK3 = b'{"id": "t", "action": "terminate", "terminateId": "a", "turnNumbers": [0]}\n'

FEN = [START, b"4k3/8/8/3pP3/8/8/8/R3K2R w HA d6 0", b"8/8/8/8/8/1k6/8/1K6 b - -"]
GO = [b"9/9/3X5/9/4X4/9/2O6/9/9 b 0 3", b"X8/9/9/9/9/9/9/9/8O w"]

TARGETS: dict[str, tuple[Callable[[], Target], list[bytes]]] = {
    "fen": (partial(fuzz_positions, "chess", "chess960"), FEN),
    "go": (partial(fuzz_positions, "go_9x9"), GO),
    "sgf": (fuzz_sgf, [SGF, b"(;CA[UTF-8]GM[1];B[tt])", b"(;GM[1]SZ[9:9]AB[aa:cc])"]),
    "pgn": (fuzz_pgn, [PGN, b"1. O-O-O e8=Q# *", b"; c\n% x\n1. d4 ! ?! -- 1/2-1/2"]),
    "uci": (fuzz_uci, [UCI, UCI2, UCI3]),
    "gtp": (fuzz_gtp, [GTP, GTP2, GTP3]),
    "analysis": (fuzz_analysis, [ASK, ASK2, ASK3]),
}  # fmt: skip
READERS = ("tesuji.engine.protocols", "tesuji.engine.record", "tesuji.domains.games.")
NOISE = [b"\x00", b"\xff", b"-1", b"99999999999999999999", b"1e400", b"(" * 40, b"[" * 40, b"\r\n"]


def mutate(rng: random.Random, samples: list[bytes]) -> bytes:
    """Return a sample, or two run together, changed in a few places."""
    data = b"".join(rng.choices(samples, k=rng.choice((1, 1, 2))))
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        a, b = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        b = min(b, a + rng.choice((1, 2, 8, 40)))
        piece = data[a:b]
        kind = rng.randrange(5)
        if kind == 0:
            piece = b""
        elif kind == 1:
            piece = piece * rng.choice((2, 3, 30))
        elif kind == 2:
            piece = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4))))
        elif kind == 3:
            piece = rng.choice(NOISE)
        else:
            other = rng.choice(samples)
            start = rng.randrange(len(other))
            piece = other[start : start + rng.choice((1, 5, 30))]
        data = data[:a] + piece + data[b:]
    return data[:4000]


def run_plain(name: str, seconds: float, seed: int) -> None:
    """Fuzz by changed samples."""
    build, samples = TARGETS[name]
    target, rng = build(), random.Random(seed)
    for sample in samples:
        target(sample)
    began, done, slowest = time.monotonic(), 0, 0.0
    while time.monotonic() - began < seconds:
        data = mutate(rng, samples)
        start = time.process_time()
        try:
            target(data)
        except Exception:
            sys.stdout.write(f"{name}: after {done} inputs, this one failed: {data!r}\n")
            raise
        slowest = max(slowest, time.process_time() - start)
        done += 1
    sys.stdout.write(f"{name}: {done} inputs, nothing found, slowest {slowest:.3f} CPU-s\n")


def run_atheris(name: str, seconds: float, seed: int) -> None:
    """Fuzz guided by coverage of the reader's own code."""
    import atheris  # noqa: PLC0415

    target = TARGETS[name][0]()
    # The readers alone: to watch numba and all it loads would take minutes.
    for module in [module for at, module in sys.modules.items() if at.startswith(READERS)]:
        for owner in [module, *filter(inspect.isclass, vars(module).values())]:
            for function in filter(inspect.isfunction, list(vars(owner).values())):
                if function.__module__ == module.__name__:
                    atheris.instrument_func(function)
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds:g}", f"-seed={seed + 1}"], target)
    atheris.Fuzz()


def main() -> None:
    """Fuzz one reader."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("target", choices=[*TARGETS])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", action="store_true")
    options = parser.parse_args()
    fuzz = run_atheris if options.atheris else run_plain
    fuzz(options.target, options.seconds, options.seed)


if __name__ == "__main__":
    main()
