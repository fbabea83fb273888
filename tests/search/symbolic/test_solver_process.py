"""z3 in a process: hints, limits, deaths and races."""

import os
import signal
import time
from itertools import combinations

import pytest
import z3

from tesuji.search.symbolic.solver_process import SolverProcess, race

X, Y = z3.Ints("x y")


@pytest.fixture
def process():
    found = SolverProcess()
    yield found
    found.close()


def hard(pigeons=14):
    """Return a question that z3 does not answer for hours: a hole less than there are pigeons."""
    sits = [[z3.Bool(f"{p} in {h}") for h in range(pigeons - 1)] for p in range(pigeons)]
    pairs = [
        z3.Or(z3.Not(a), z3.Not(b))
        for hole in zip(*sits, strict=True)
        for a, b in combinations(hole, 2)
    ]
    return [z3.Or(row) for row in sits] + pairs


def test_questions_come_and_go(process):
    process.add([X > 3, z3.Real("a b") == z3.Q(1, 3)])
    assert process.check(5, ints=["x"], reals=["a b"]) == z3.sat
    assert process.values["x"] > 3
    assert 3 * process.values["a b"] == 1
    process.push()
    process.add([X < 4])
    assert process.check(5) == z3.unsat
    process.pop()
    assert process.check(5) == z3.sat


@pytest.mark.parametrize("wanted", [123, 777])
def test_this_z3_takes_hints(wanted):
    process = SolverProcess(hints={"x": wanted})
    # Where a value is a case of its own; of x + y == 1000 it takes a hint only now and then.
    process.add([z3.Or([value == X for value in (1, 123, 777, 999)]), X + Y == 1000])
    verdict = process.check(5, ints=["x"])
    process.close()
    assert verdict == z3.sat
    assert process.values["x"] == wanted


def test_a_process_that_dies_is_replaced_and_knows_what_it_knew(process):
    process.add([X > 3])
    process.push()
    process.add([X < 6])
    assert process.check(5) == z3.sat
    assert process._process is not None
    os.kill(process._process.pid, signal.SIGKILL)
    assert process.check(5) == z3.unknown
    assert process.deaths == 1
    process.add([X != 4])
    assert process.check(5, ints=["x"]) == z3.sat
    assert process.values["x"] == 5
    process.pop()
    process.add([X > 10])
    assert process.check(5, ints=["x"]) == z3.sat


def test_too_much_memory_is_an_unknown():
    p, q = z3.BitVecs("p q", 4000)  # to multiply them takes 16 million gates
    small = SolverProcess(memory_mb=600)
    small.add([p * q == 12345678901234567890123, z3.UGT(p, 1), z3.UGT(q, 1)])
    began = time.monotonic()
    verdict = small.check(60)
    small.close()
    assert verdict == z3.unknown
    assert time.monotonic() - began < 50


def test_time_and_work_are_limited(process):
    process.add(hard())
    began = time.monotonic()
    assert process.check(0.3) == z3.unknown
    assert time.monotonic() - began < 10
    assert process.deaths == 0
    assert process.check(60, rlimit=1000) == z3.unknown


def test_the_first_answer_wins_a_race_and_the_others_go_on():
    slow, quick = SolverProcess(), SolverProcess()
    slow.add(hard())
    quick.add([X == 1])
    began = time.monotonic()
    verdict, winner = race([slow, quick], 60, 0, ["x"], [])
    assert (verdict, winner) == (z3.sat, quick)
    assert time.monotonic() - began < 20
    slow.push()
    slow.add([z3.BoolVal(False)])
    assert slow.check(5) == z3.unsat
    for runner in (slow, quick):
        runner.close()
