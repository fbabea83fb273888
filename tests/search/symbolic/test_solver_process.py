"""z3 in a process: hints, limits, deaths and races."""

import os
import signal
import time
from itertools import combinations

import pytest
import z3

from tesuji.search.symbolic.contest import Ask, Contender, Ledger, contest
from tesuji.search.symbolic.hints import heeds, takes_hints
from tesuji.search.symbolic.solver_pool import borrow, give_back
from tesuji.search.symbolic.solver_process import Check, SolverProcess

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
    assert process.check(Check(5, wanted={"x": "Int", "a b": "Real"})) == z3.sat
    assert process.values["x"] > 3
    assert 3 * process.values["a b"] == 1
    process.push()
    process.add([X < 4])
    assert process.check(Check(5)) == z3.unsat
    process.pop()
    assert process.check(Check(5)) == z3.sat


@pytest.mark.parametrize("wish", [1, 123, 777, 999])
def test_the_probe_says_whether_this_z3_takes_hints(process, wish):
    # Where a value is a case of its own; of x + y == 1000 it takes a hint only now and then.
    process.add([z3.Or([value == X for value in (1, 123, 777, 999)]), X + Y == 1000])
    process.hint({"x": ("Int", wish)})
    assert process.check(Check(5, wanted={"x": "Int"})) == z3.sat
    if takes_hints():
        assert process.values["x"] == wish


class Deaf(z3.Solver):
    """A solver that has the method and does nothing by it."""

    def set_initial_value(self, variable, value):
        pass


class Old:
    """A solver of a z3 that has no hints."""


def test_a_solver_that_does_not_heed_hints_is_found_out():
    assert heeds(z3.SimpleSolver()) is takes_hints()
    assert not heeds(Deaf())
    assert not heeds(Old())


def test_a_process_that_dies_is_replaced_and_knows_what_it_knew(process):
    process.add([X > 3])
    process.push()
    process.add([X < 6])
    assert process.check(Check(5)) == z3.sat
    assert process._process is not None
    os.kill(process._process.pid, signal.SIGKILL)
    assert process.check(Check(5)) == z3.unknown
    assert process.deaths == 1
    process.add([X != 4])
    assert process.check(Check(5, wanted={"x": "Int"})) == z3.sat
    assert process.values["x"] == 5
    process.pop()
    process.add([X > 10])
    assert process.check(Check(5, wanted={"x": "Int"})) == z3.sat


def test_too_much_memory_is_an_unknown():
    p, q = z3.BitVecs("p q", 4000)  # to multiply them takes 16 million gates
    small = SolverProcess(memory_mb=600)
    small.add([p * q == 12345678901234567890123, z3.UGT(p, 1), z3.UGT(q, 1)])
    began = time.monotonic()
    verdict = small.check(Check(60))
    small.close()
    assert verdict == z3.unknown
    assert time.monotonic() - began < 50


def test_time_and_work_are_limited(process):
    process.add(hard())
    began = time.monotonic()
    assert process.check(Check(0.3)) == z3.unknown
    assert time.monotonic() - began < 10
    assert process.deaths == 0
    assert process.check(Check(60, rlimit=1000)) == z3.unknown


def test_a_core_is_of_what_was_assumed(process):
    process.add([z3.Implies(z3.Bool("a"), X > 3), z3.Implies(z3.Bool("b"), X < 2)])
    assert process.check(Check(5, assumed=["a"])) == z3.sat
    assert process.check(Check(5, assumed=["a", "b"])) == z3.unsat
    assert set(process.core) == {"a", "b"}


def test_a_process_that_is_given_back_knows_nothing():
    others = [borrow() for _ in range(3)]  # as many as are kept
    first = borrow()
    first.add([X > 3])
    first.hint({"x": ("Int", 5)})
    assert first.check(Check(5)) == z3.sat
    give_back(first)
    again = borrow()
    assert again is first
    again.add([X < 3])
    assert again.check(Check(5)) == z3.sat
    for process in (again, *others):
        give_back(process)


def tell(ledger, name, verdicts, process, questions):
    """Ask `questions`; whoever gets an answer closes the ledger."""
    process.add(questions)
    verdicts[name] = yield Ask(Check(60), stale=lambda: ledger.closed)
    if verdicts[name] != z3.unknown:
        ledger.end(name, 0)


@pytest.fixture
def two():
    found = SolverProcess(), SolverProcess()
    yield found
    for process in found:
        process.close()


def test_the_first_answer_wins_a_race_and_the_others_go_on(two):
    slow, quick = two
    ledger, verdicts = Ledger(3, by_steps=True), {}
    began = time.monotonic()
    contenders = [
        Contender("slow", slow, tell(ledger, "slow", verdicts, slow, hard())),
        Contender("quick", quick, tell(ledger, "quick", verdicts, quick, [X == 1])),
    ]
    assert list(contest(ledger, contenders, began + 60)) == []
    assert (verdicts, ledger.proved_by) == ({"quick": z3.sat}, "quick")
    contenders[0].stop()
    assert time.monotonic() - began < 50
    slow.push()
    slow.add([z3.BoolVal(False)])
    assert slow.check(Check(5)) == z3.unsat
