from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.check import check_domain
from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.job_shop import job_shop, random_job_shop
from tesuji.domains.logistics.scheduling.reading import ShopFileError, parse_shop, read_shop
from tesuji.domains.logistics.scheduling.shop import (
    ShopInstance,
    ShopSchedule,
    make_shop,
    random_shop,
)

# job 0: machine 0 for 3, machine 1 for 2; job 1: machine 1 for 4, machine 0 for 1
STANDARD = "# two jobs\n2 2\n0 3 1 2\n1 4 0 1\n"
TAILLARD = """Nb of jobs, Nb of Machines, Time seed, Upper bound
    2 2 840612802 7
Times
 3 2
 4 1
Machines
 1 2
 2 1
"""
FLEXIBLE = "2 2 1\n2 1 1 3 1 2 2\n2 1 2 4 1 1 1\n"
TWO = [[[(0, 3)], [(1, 2)]], [[(1, 4)], [(0, 1)]]]
#  M0  000 1          M1  1111 00
BEST = ShopSchedule(np.array([0, 4, 0, 4]), np.array([0, 1, 1, 0]), 6)


def jobs_of(shop: ShopInstance) -> list[list[list[tuple[int, int]]]]:
    starts = shop.job_start.tolist()
    return [
        [shop.choices(operation) for operation in range(first, end)]
        for first, end in pairwise(starts)
    ]


@pytest.mark.parametrize("text", [STANDARD, TAILLARD, FLEXIBLE])
def test_three_formats_tell_of_one_shop(text: str) -> None:
    shop = parse_shop(text)
    assert (jobs_of(shop), shop.num_machines, shop.is_flexible) == (TWO, 2, False)


def test_an_operation_may_choose_its_machine() -> None:
    shop = parse_shop("1 3 1.5\n2 2 1 5 3 7 1 2 9\n")
    assert jobs_of(shop) == [[[(0, 5), (2, 7)], [(1, 9)]]]
    assert (shop.is_flexible, shop.shortest.tolist(), shop.longest) == (True, [5, 9], 16)


def test_a_file_is_read_and_gives_its_name(tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text(STANDARD)
    assert read_shop(tmp_path / "two.txt").name == "two"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.txt, line 1: no number; a shop begins with how many jobs and machines it has"),
        ("7\n", "a.txt, line 1: expected how many jobs and machines, got '7'"),
        ("0 2\n", "a.txt, line 1: expected how many jobs and machines, got '0 2'"),
        ("2 2\n0 3 1 2\n", "a.txt, line 2: the file ends after 1 of 2 lines of jobs"),
        ("1 2\n0 3 1 2\n0 3 1 2\n", "a.txt, line 3: more than 1 lines of jobs"),
        ("1 2\n0 3 1 x\n", "a.txt, line 2: expected a whole number from 0, got 'x'"),
        ("1 2\n0 3 1 -2\n", "a.txt, line 2: expected a whole number from 0, got '-2'"),
        ("1 2\n0 3 2 2\n", "a.txt, line 2: machine 2 is none of 0 to 1"),
        (
            "1 2\n0 3 1\n",
            "a.txt, line 2: expected pairs of machine and duration, got 3 numbers",
        ),
        ("1 2\n0 3\n", "a.txt, line 2: 1 operations, but the header tells of 2 machines"),
        (
            "2 2 1\n1 1 1 3\n2 1 1 3 1 2\n",
            "a.txt, line 3: the line ends before its 2 operations do",
        ),
        ("2 2 1\n1 1 1 3\n1 1 1 3 7\n", "a.txt, line 3: 1 numbers after its 1 operations"),
        ("2 2 1\n1 1 1 3\n1 1 4 3\n", "a.txt, line 3: machine 4 is none of 1 to 2"),
        ("2 2 1\n1 1 1 3\n1 0\n", "a.txt, line 3: operation 0 has no machine"),
        ("9999 9999\n", "a.txt, line 1: 9999 jobs and 9999 machines are too many"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ShopFileError) as error:
        parse_shop(text, "a.txt")
    assert str(error.value) == message


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShopFileError, match=r"cannot read .*none\.txt: No such file"):
        read_shop(tmp_path / "none.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe2 2")
    with pytest.raises(ShopFileError, match=r"bytes.txt is not text \(byte 0 is not UTF-8\)"):
        read_shop(tmp_path / "bytes.txt")


def test_a_schedule_that_keeps_all_rules_passes() -> None:
    assert check_schedule(make_shop(TWO), BEST) is None


@pytest.mark.parametrize(
    ("start", "machine", "makespan", "fault"),
    [
        ([0, 2, 0, 4], [0, 1, 1, 0], 6, "operation 1 of job 0 begins at 2, before 3"),
        ([0, 3, 0, 4], [0, 1, 1, 0], 5, "machine 1 does operation 1 of job 0 at 3, before "),
        ([0, 4, 0, 4], [1, 1, 1, 0], 6, "operation 0 of job 0 cannot be done by machine 1"),
        ([0, 4, 0, 4], [0, 1, 1, 0], 5, "the last operation ends at 6, not at 5"),
        ([-1, 4, 0, 4], [0, 1, 1, 0], 6, "operation 0 of job 0 begins at -1, before 0"),
        ([0, 4, 0], [0, 1, 1], 6, "3 starts and 3 machines for 4 operations"),
    ],
)
def test_a_schedule_that_breaks_a_rule_is_refused(
    start: list[int], machine: list[int], makespan: int, fault: str
) -> None:
    found = check_schedule(
        make_shop(TWO), ShopSchedule(np.array(start), np.array(machine), makespan)
    )
    assert found is not None
    assert found.startswith(fault)


def test_random_shops_visit_every_machine_once_and_repeat() -> None:
    shop = random_shop(5, 4, seed=3)
    for job in jobs_of(shop):
        assert sorted(machine for [(machine, _)] in job) == [0, 1, 2, 3]
    again, other = random_shop(5, 4, seed=3), random_shop(5, 4, seed=4)
    assert jobs_of(again) == jobs_of(shop) != jobs_of(other)
    flexible = random_shop(5, 4, seed=3, flexibility=3)
    assert flexible.is_flexible
    assert np.diff(flexible.choice_start).max() <= 3


def test_a_shop_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="durations must be at least 0"):
        make_shop([[[(0, -1)]]])
    with pytest.raises(ValueError, match="machines must be 0 to 0"):
        make_shop([[[(1, 1)]]], 1)
    with pytest.raises(ValueError, match="less than 2\\*\\*31"):
        make_shop([[[(0, 2**31)]]])


@pytest.mark.parametrize("size", [{}, {"jobs": 1, "machines": 1}, {"flexibility": 3}])
def test_the_game_keeps_the_contract(size: dict[str, int]) -> None:
    assert check_domain(random_job_shop(**size), 3).tier == "compiled"


def test_the_game_dispatches_and_pays_for_the_makespan() -> None:
    domain = job_shop(make_shop(TWO))
    state, rewards, discount = domain.reset(), [], 1.0
    for job in (0, 1, 1, 0):
        assert discount == 1
        state, reward, discount = domain.step(state, job)
        rewards.append(reward)
    assert rewards == [-3 / 10, -1 / 10, -1 / 10, -1 / 10]
    assert (discount, int(state.makespan)) == (0, 6)
    assert domain.legal(state).tolist() == [False, False]


def test_a_shop_too_large_for_the_game_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 128 jobs and 64 machines, got 129 and 1"):
        job_shop(random_shop(129, 1))
