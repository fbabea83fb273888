"""Time management: no game is lost on time, whatever its moves cost beside their thinking."""

import random
import time

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.engine.protocols.clock import Clock, Lag, in_haste, think_time, think_time_of_move
from tesuji.engine.protocols.gtp_clock import SideClock, TimeSettings
from tesuji.engine.protocols.gtp_time import GtpTime
from tesuji.engine.protocols.uci_pace import Pace
from tesuji.engine.protocols.uci_text import Go
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.driver import RolloutEvaluator
from tesuji.search.search import Search


@pytest.mark.parametrize("left", [-1.0, 0.0, 0.01, 0.1, 1.0, 60.0, 5400.0])
@pytest.mark.parametrize("moves", [None, 0, 1, 2, 40])
def test_no_move_takes_the_whole_clock(left: float, moves: int | None) -> None:
    seconds = think_time(Clock(left, 10.0, moves), 0.05, Lag())
    assert seconds <= max(0.4 * (left - 0.05), 0.0)


def play_out(
    main: float, cost: float, moves: int, increment: float = 0.0, hiccup: float = 0.0
) -> tuple[float, float]:
    """Return what is left after a game whose moves cost `cost` more, and what was thought."""
    rng, lag, left, thought = random.Random(1), Lag(), main, 0.0
    for number in range(moves):
        given = think_time(Clock(left, increment), 0.05, lag)
        extra = cost * rng.uniform(0.5, 1.5) + (hiccup if number % 20 == 19 else 0.0)
        lag.observe(given + extra, given)
        left -= given + extra
        assert left > 0, number
        left += increment
        thought += given
    return left, thought


@pytest.mark.parametrize(
    ("main", "cost", "moves"),
    [(1.0, 0.002, 80), (1.0, 0.012, 60), (2.0, 0.02, 80), (60.0, 0.05, 150), (1.0, 0.0, 400)],
)
def test_a_long_game_is_not_lost_to_the_lag_of_its_moves(
    main: float, cost: float, moves: int
) -> None:
    left, thought = play_out(main, cost, moves)
    assert left > 0
    assert thought > 0 or cost == 0.012


def test_increments_are_spent_and_hiccups_survived() -> None:
    left, thought = play_out(1.0, 0.004, 200, increment=0.02, hiccup=0.08)
    assert left > 0.05
    assert thought > 1.0  # of the four seconds that came in


def test_a_machine_that_recovers_is_thought_on_again() -> None:
    lag = Lag()
    for _ in range(20):
        lag.observe(0.5, 0.1)
    assert think_time(Clock(1.0), 0.05, lag) == 0
    for _ in range(100):
        lag.observe(0.001, 0.0)
    assert think_time(Clock(1.0), 0.05, lag) > 0.01


def test_a_search_that_ended_early_says_nothing_of_lag() -> None:
    lag = Lag(0.03)
    lag.observe(0.2, 1.0)
    assert lag.usual == 0.03


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1.0, 0.95), (0.1, 0.05), (0.04, 0.02), (0.02, 0.005), (0.016, 0.0), (0.0, 0.0), (-1.0, 0.0)],
)
def test_a_move_with_a_time_of_its_own_keeps_the_overhead(seconds: float, expected: float) -> None:
    assert think_time_of_move(seconds, 0.05, Lag(0.005)) == pytest.approx(expected)


def test_what_the_gui_clock_lost_is_learnt_as_lag() -> None:
    pace, line = Pace(), ("e2e4", "e7e5")
    given = pace.seconds(Go(wtime=60_000, btime=60_000), 0, line, 0.05)
    assert given is not None
    assert given > 1
    pace.spend(given + 0.01)
    before = pace.lag.usual
    left = round(1000 * (60 - given - 0.1))
    pace.seconds(Go(wtime=left, btime=60_000), 0, (*line, "g1f3", "b8c6"), 0.05)
    assert pace.lag.usual == pytest.approx(before + (0.1 - before) / 8, abs=1e-4)


def test_another_game_says_nothing_of_what_the_clock_lost() -> None:
    pace = Pace()
    given = pace.seconds(Go(wtime=60_000), 0, ("e2e4", "e7e5"), 0.05)
    assert given is not None
    pace.spend(given + 0.01)
    pace.seconds(Go(wtime=5_000), 0, (), 0.05)
    assert pace.lag.usual == pytest.approx(0.01)


def test_a_gtp_controller_that_rounds_is_not_believed_against_our_own_watch() -> None:
    clock = SideClock.begin(TimeSettings(10.0)).spend(8.6)
    assert clock.told(2.0, 0, whole=True).main == pytest.approx(1.4)
    assert clock.told(2.0, 0).main == 2.0
    assert clock.told(0.0, 0, whole=True).main == 0.0


def test_the_stones_of_japanese_byo_yomi_are_periods() -> None:
    clock = SideClock.begin(TimeSettings(10.0, 30.0, 1, 5)).told(30.0, 3)
    assert (clock.main, clock.period, clock.moves, clock.periods) == (0.0, 30.0, 1, 3)
    assert clock.seconds(Lag()) > 5  # of the whole period, not of a third


def test_gtp_learns_from_time_left_what_the_pipes_cost() -> None:
    times = GtpTime()
    times.do_time_settings("60", "0", "0")
    with times.timed(0, counts=True) as (given, haste):
        assert not haste
        assert given is not None
        assert given > 1
        time.sleep(0.001)
    before = times._lag.usual
    times.do_time_left("b", f"{60 - given - 0.1:.4f}", "0")
    assert times._lag.usual == pytest.approx(before + (0.1 - before) / 8, abs=1e-3)


def test_a_timed_search_ends_in_time_however_slow_its_leaves_are() -> None:
    domain = make("connect_four")
    search = Search(domain, RolloutEvaluator(2000))
    search.run([domain.reset()], Budget(simulations=20))
    search.driver.quota = 1024
    search.driver.pace(0.02)  # as if calls had been quick
    search.driver.hurry(0.001)
    assert search.driver.quota < 100


def test_a_glance_finds_what_the_last_search_liked_and_else_the_policy() -> None:
    domain = make("connect_four")
    search = Search(domain, UniformEvaluator(7))
    [result] = search.run([domain.reset()], Budget(simulations=200))
    assert search.glance(domain.reset()) == int(result.visits.argmax())
    strange = domain.step(domain.step(domain.step(domain.reset(), 0)[0], 0)[0], 0)[0]
    assert domain.legal(strange)[search.glance(strange, seed=3)]
    mask = domain.legal(domain.reset()) & False
    mask[6] = True
    assert search.glance(domain.reset(), allowed=mask) == 6


def test_a_glance_without_a_tree_is_the_first_choice_of_the_net() -> None:
    domain = make("connect_four")

    class Leftmost:
        def evaluate(self, observations):  # type: ignore[no-untyped-def]
            return (
                UniformEvaluator(7)
                .evaluate(observations)
                ._replace(logits=-domain_range(len(observations)))
            )

    assert Search(domain, Leftmost()).glance(domain.reset()) == 0


def domain_range(size: int):  # type: ignore[no-untyped-def]
    return np.tile(np.arange(7, dtype=np.float32), (size, 1))


def test_what_is_left_of_a_clock_is_not_spent_on_looking() -> None:
    lag = Lag()
    for _ in range(40):
        lag.observe(0.02, 0.0)
    assert in_haste(Clock(0.4), 0.05, lag)
    assert not in_haste(Clock(2.0), 0.05, lag)
    assert not in_haste(Clock(0.4, increment=0.1), 0.05, lag)


def test_in_haste_the_policy_is_not_asked_again() -> None:
    domain, asked = make("connect_four"), []

    class Counting:
        def evaluate(self, observations):  # type: ignore[no-untyped-def]
            asked.append(len(observations))
            return (
                UniformEvaluator(7)
                .evaluate(observations)
                ._replace(logits=domain_range(len(observations)))
            )

    search = Search(domain, Counting())
    assert search.glance(domain.reset(), haste=True) in range(7)
    assert search.glance(domain.reset()) == 6
    full = domain.reset()
    for _ in range(6):
        full = domain.step(full, 6)[0]
    assert search.glance(full, haste=True) == 5
    assert asked == [1]
