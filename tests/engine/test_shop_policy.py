"""The learned dispatching policy: schedules are checked, lessons are what was chosen, it learns."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.shop import random_shop
from tesuji.engine.commands.solve import Arguments as Solve
from tesuji.engine.commands.solve import run as solve
from tesuji.engine.commands.train import Arguments as Train
from tesuji.engine.commands.train import run as train
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.metrics import read_metrics
from tesuji.engine.scheduling import solve_shop
from tesuji.engine.shop_config import SHOPS, ShopLearningConfig, ShopTrainConfig
from tesuji.engine.shop_policy import load_policy, save_policy
from tesuji.engine.shop_training import train_shops
from tesuji.engine.solving import SolveBudget
from tesuji.search.scheduling.policy_search import FEATURES, PolicySearch, first_weights
from tesuji.search.scheduling.shop_bounds import shop_bound


class _Silent:
    def update(self, row: Mapping[str, object]) -> None:
        """Say nothing."""


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


SMALL = ShopLearningConfig(
    shops=4, rollouts=200, fewest_jobs=6, most_jobs=10, fewest_machines=5, most_machines=6
)


def test_training_makes_greedy_dispatching_better(tmp_path: Path) -> None:
    config = ShopTrainConfig(iterations=8, minutes=0, scheduling=SMALL)
    assert train_shops(config, tmp_path / "run", _Silent()).iteration == 8
    learned = load_policy(str(tmp_path / "run"))
    shops = [random_shop(10, 6, seed) for seed in range(100, 130)]
    before, after = (
        np.mean([PolicySearch(shop, weights, 0).greedy for shop in shops])
        for weights in (first_weights(0), learned)
    )
    assert after < 0.95 * before


def test_the_command_trains_goes_on_and_solves(tmp_path: Path) -> None:
    run = tmp_path / "run"
    few = replace(SMALL, shops=1, rollouts=5)
    limits: dict[str, Any] = {"minutes": 0, "scheduling": few}
    told = train(Train(game=SHOPS, run_dir=run, iterations=1, **limits))
    assert told.facts["iteration"] == 1
    with pytest.raises(TesujiError, match="holds a run already"):
        train(Train(game=SHOPS, run_dir=run, iterations=2, **limits))
    told = train(Train(game=SHOPS, resume=run, iterations=3, **limits))
    assert (told.facts["iteration"], told.facts["shops"]) == (3, 3)
    assert [row["iteration"] for row in read_metrics(run)] == [1, 2, 3]
    (tmp_path / "shop.txt").write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    solved = solve(Solve(what=str(tmp_path / "shop.txt"), agent=str(run), time=0.5))
    assert solved.facts["cost"] == 6


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
