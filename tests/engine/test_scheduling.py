import copy
import random
import re
from pathlib import Path
from threading import Event
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.shop import (
    ShopInstance,
    ShopSchedule,
    make_shop,
    random_shop,
)
from tesuji.engine.commands.base import Answer
from tesuji.engine.commands.solve import Arguments as Solve
from tesuji.engine.commands.solve import run as solve
from tesuji.engine.commands.verify import Arguments, run
from tesuji.engine.errors import UsageError
from tesuji.engine.gantt import draw_gantt
from tesuji.engine.scheduling import NoScheduleError, solve_shop
from tesuji.engine.shop_verification import ShopFault, verify_shop, verify_shop_file
from tesuji.engine.solving import SolveBudget, SolveProgress
from tesuji.engine.storage import DamagedFileError
from tesuji.search.scheduling.shop_constraints import ShopConstraints

EASY = random_shop(12, 3, seed=1)  # one machine decides
FLEXIBLE = random_shop(5, 4, seed=2, flexibility=3)


def test_a_shop_is_solved_until_its_gap_is_closed() -> None:
    told: list[SolveProgress] = []
    answer = solve_shop(EASY, SolveBudget(20), told.append)
    assert (answer.gap, answer.makespan) == (0, answer.bound)
    assert answer.seconds < 20
    assert answer.cp_sat_bound is None
    assert [progress.bound for progress in told] == [answer.bound] * len(told)
    costs = [progress.cost for progress in told if progress.cost is not None]
    assert costs == sorted(costs, reverse=True)
    assert check_schedule(EASY, answer.schedule) is None


def test_who_says_stop_gets_the_best_so_far() -> None:
    stop = Event()
    stop.set()
    answer = solve_shop(random_shop(15, 10), SolveBudget(60), stop=stop)
    assert answer.seconds < 20
    assert check_schedule(answer.instance, answer.schedule) is None


def test_the_time_is_kept() -> None:
    solve_shop(random_shop(4, 3), SolveBudget(0.1))  # loads the kernels
    answer = solve_shop(random_shop(20, 15, seed=1), SolveBudget(0.6))
    assert answer.makespan > answer.bound
    assert 0.6 <= answer.seconds < 3


def test_cp_sat_closes_the_gap_that_the_bound_leaves() -> None:
    pytest.importorskip("ortools", reason="the extra cpsat")
    shop = random_shop(5, 5, seed=3)
    answer = solve_shop(shop, SolveBudget(6), use_cp_sat=True)
    assert answer.bound < answer.makespan == answer.cp_sat_bound
    assert answer.gap == 0


def test_cp_sat_improves_a_bad_schedule() -> None:
    pytest.importorskip("ortools", reason="the extra cpsat")
    from tesuji.search.scheduling.cp_sat import solve_by_cp_sat

    # Two jobs one after the other, where both could run at once on two machines.
    both = [(0, 4), (1, 5)]
    shop = make_shop([[both], [both]])
    found = solve_by_cp_sat(shop, ShopSchedule(np.array([0, 4]), np.array([0, 0]), 8), 5)
    assert found.schedule is not None
    assert (found.schedule.makespan, found.bound) == (5, 5)
    assert check_schedule(shop, found.schedule) is None


@pytest.mark.parametrize("shop", [EASY, FLEXIBLE, make_shop([[[(0, 5)], [(1, 6)]], [[(0, 1)]]])])
def test_a_certificate_is_verified_from_its_file(shop: ShopInstance, tmp_path: Path) -> None:
    answer = solve_shop(shop, SolveBudget(0.3))
    path = tmp_path / "shop.json"
    answer.save_certificate(path)
    found = verify_shop_file(path)
    assert (found.makespan, found.bound) == (answer.makespan, answer.bound)
    assert found.jobs == shop.num_jobs
    told = run(Arguments(file=path))
    assert told.code == 0
    assert f"none ends before {answer.bound}, a gap of" in told.text
    path.write_bytes(path.read_bytes().replace(b'"bound": ', b'"bound": 1'))
    with pytest.raises(DamagedFileError, match="SHA-256"):
        verify_shop_file(path)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every number in nested lists and dicts."""
    pairs = enumerate(value) if isinstance(value, list) else value.items()
    found = []
    for key, inner in pairs:
        if isinstance(inner, list | dict):
            found += spots(inner)
        elif isinstance(inner, int) and not isinstance(inner, bool):
            found.append((value, key))
    return found


def test_no_false_claim_passes() -> None:
    content = solve_shop(FLEXIBLE, SolveBudget(0.3)).certificate()
    chance = random.Random(0)
    refused = 0
    for _ in range(2000):
        changed = copy.deepcopy(content)
        container, key = chance.choice(spots(changed))
        container[key] += chance.choice([-1, 1, 7])
        try:
            found = verify_shop(changed)
        except ShopFault:
            refused += 1
            continue
        # What still passes is true of the changed shop.
        jobs = [[[tuple(choice) for choice in op] for op in job] for job in changed["jobs"]]
        starts, machines = (np.concatenate(changed[name]) for name in ("start", "machine"))
        schedule = ShopSchedule(starts, machines, found.makespan)
        assert check_schedule(make_shop(jobs, changed["machines"]), schedule) is None
        assert found.bound <= found.makespan
    assert refused > 1000


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"format": "other"}, "expected 'tesuji shop certificate', version 1"),
    ({"version": 2}, "expected 'tesuji shop certificate', version 1"),
    ({"chain": 1}, "'name' must be text and 'chain' true or false"),
    ({"machines": True}, "machines: expected a whole number from 0, got True"),
    ({"machines": 1}, "machine 1 is none of 1"),
    ({"jobs": []}, "jobs: expected a list of some entries"),
    ({"start": [[0, 4]]}, "start: expected a list of 2 entries"),
    ({"start": [[0, 2], [0, 4]]}, "job 0 goes on at 2, before 3"),
    ({"start": [[0, 3], [0, 4]]}, "machine 1 does two things at 3"),
    ({"machine": [[1, 1], [1, 0]]}, "machine 1 cannot do what job 0 has it do"),
    ({"makespan": 5}, "the schedule ends at 6, not at 5"),
    ({"bound": 7}, "the operations show a bound of 6, not of 7"),
    ({"operations": [[0, 1], [0, 1]]}, "an operation counts twice"),
    ({"operations": [[0, 2]]}, "job 0 has no operation 2"),
    ({"chain": True}, "a chain is of one job"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_each_lie_is_named(change: dict[str, Any], message: str) -> None:
    content = {
        "format": "tesuji shop certificate",
        "version": 1,
        "name": "two",
        "machines": 2,
        "jobs": [[[[0, 3]], [[1, 2]]], [[[1, 4]], [[0, 1]]]],
        "start": [[0, 4], [0, 4]],
        "machine": [[0, 1], [1, 0]],
        "makespan": 6,
        "bound": 6,
        "chain": False,
        "operations": [[0, 1], [1, 0]],
    }
    assert verify_shop(content).gap == 0
    with pytest.raises(ShopFault, match=f"^{re.escape(message)}$"):
        verify_shop({**content, **change})


def test_a_gantt_chart_shows_every_operation() -> None:
    answer = solve_shop(FLEXIBLE, SolveBudget(0.2))
    svg = ElementTree.fromstring(draw_gantt(FLEXIBLE, answer.schedule))
    bars = [e for e in svg.iter() if e.get("class") == "bar"]
    assert len(bars) == FLEXIBLE.num_operations
    assert len({bar.get("fill") for bar in bars}) == FLEXIBLE.num_jobs
    assert max(float(bar.get("x", 0)) + float(bar.get("width", 0)) for bar in bars) <= 982.1
    texts = [e.text for e in svg.iter() if e.tag.endswith("}text")]
    assert {"M0", "M1", "M2", "M3", "time"} <= set(texts)


def test_side_constraints_are_kept_and_the_bound_holds() -> None:
    texts = ["closed: closed(1, 60, 90)", "order: end[0, 0] <= start[1, 0]"]
    answer = solve_shop(FLEXIBLE, SolveBudget(0.5), constraints=texts)
    assert answer.constraints == ("closed", "order")
    assert check_schedule(FLEXIBLE, answer.schedule) is None
    assert ShopConstraints(FLEXIBLE, texts).broken(answer.schedule) == ()
    assert answer.bound == solve_shop(FLEXIBLE, SolveBudget(0.1)).bound <= answer.makespan


def test_constraints_that_no_schedule_keeps_are_refuted() -> None:
    text = f"due: end[0, 3] <= {FLEXIBLE.shortest[:4].sum() - 1}"
    with pytest.raises(NoScheduleError, match=r"proved: due \+ the order of job 0$") as found:
        solve_shop(FLEXIBLE, SolveBudget(0.5), constraints=[text])
    assert found.value.refuted == ("due", "the order of job 0")


def test_the_command_line_keeps_constraints(tmp_path: Path) -> None:
    (tmp_path / "shop.txt").write_text("2 2\n0 3 1 2\n1 4 0 1\n")

    def solved(constraint: str) -> Answer:
        return solve(Solve(what=str(tmp_path / "shop.txt"), time=0.3, constraints=(constraint,)))

    told = solved("late: start[1, 0] >= 5")
    assert told.facts["start"][1][0] == 5
    assert told.facts["constraints"] == ("late",)
    assert "1 constraints kept" in told.text
    told = solved("never: end[0, 1] < 5")
    assert (told.code, told.facts["status"]) == (3, "infeasible")
    with pytest.raises(UsageError, match="the shop has no job 2"):
        solved("x: start[2, 0] > 0")
