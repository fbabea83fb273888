"""The learned dispatching policy: schedules are checked, lessons are what was chosen, it learns."""

from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.shop import random_shop
from tesuji.engine.errors import UsageError
from tesuji.engine.scheduling import solve_shop
from tesuji.engine.shop_policy import (
    PolicyTraining,
    load_policy,
    save_policy,
    train_policy,
)
from tesuji.engine.solving import SolveBudget
from tesuji.search.scheduling.policy_search import FEATURES, PolicySearch, first_weights
from tesuji.search.scheduling.shop_bounds import shop_bound


@pytest.mark.parametrize("flexibility", [1, 3])
def test_schedules_are_feasible_and_get_shorter(flexibility: int) -> None:
    for seed in range(4):
        shop = random_shop(8, 5, seed, flexibility)
        search = PolicySearch(shop, first_weights(seed), seed)
        first = search.greedy
        for _ in range(5):
            search.advance(60)
            assert check_schedule(shop, search.schedule()) is None
        assert shop_bound(shop).value <= search.makespan <= first
        assert search.moves == 300


def test_the_same_seed_finds_the_same_schedule_however_it_is_cut() -> None:
    shop = random_shop(10, 6, 3)
    whole, parts = (PolicySearch(shop, load_policy(), 5) for _ in range(2))
    whole.advance(200)
    for count in (1, 99, 100):
        parts.advance(count)
    assert np.array_equal(whole.schedule().start, parts.schedule().start)


def test_a_lesson_replays_the_best_schedule() -> None:
    search = PolicySearch(random_shop(9, 6, 1), load_policy(), 0)
    search.advance(200)
    features, first, chosen = search.lesson()
    assert features.shape == (first[-1], FEATURES)
    assert len(chosen) == len(first) - 1
    assert ((first[:-1] <= chosen) & (chosen < first[1:])).all()
    assert (np.diff(first) > 1).all()
    assert np.isfinite(features).all()


def test_training_makes_greedy_dispatching_better() -> None:
    training = PolicyTraining(seconds=3.0, shops=4, rollouts=200, jobs=(6, 10), machines=(5, 6))
    learned = train_policy(training)
    shops = [random_shop(10, 6, seed) for seed in range(100, 130)]
    before, after = (
        np.mean([PolicySearch(shop, weights, 0).greedy for shop in shops])
        for weights in (first_weights(0), learned)
    )
    assert after < 0.95 * before


def test_the_shipped_policy_solves_shops(tmp_path: Path) -> None:
    shop = random_shop(10, 5, 7)
    answer = solve_shop(shop, SolveBudget(seconds=1.0), policy=load_policy())
    assert check_schedule(shop, answer.schedule) is None
    assert answer.bound <= answer.makespan <= 1.1 * answer.bound
    save_policy(tmp_path / "policy.json", load_policy(), {})
    again = load_policy(str(tmp_path))
    assert all(np.array_equal(a, b) for a, b in zip(again, load_policy(), strict=True))


@pytest.mark.parametrize("text", ["", "{}", '{"hidden": [[1]], "shift": [1], "out": [1]}', "[]"])
def test_what_is_no_policy_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.json").write_text(text)
    with pytest.raises(UsageError, match="holds no dispatching policy"):
        load_policy(str(tmp_path))
