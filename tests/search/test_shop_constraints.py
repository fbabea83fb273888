"""Side constraints of shops: read, kept by every schedule, refuted in the user's terms."""

import numpy as np
import pytest
import z3

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.shop import (
    ShopInstance,
    ShopSchedule,
    make_shop,
    random_shop,
)
from tesuji.search.scheduling.constrained_search import ConstrainedSearch
from tesuji.search.scheduling.constraint_programs import NEVER, compile_clauses, evaluate
from tesuji.search.scheduling.shop_constraints import ShopConstraints, ShopSymbols
from tesuji.search.scheduling.shop_refutation import refuted
from tesuji.search.scheduling.shop_search import ShopSearch
from tesuji.search.symbolic.model import ConstraintError

SHOP = random_shop(4, 3, 1, longest=9)
FLEXIBLE = random_shop(4, 3, 2, flexibility=3, longest=9)
KEPT = [
    "closed: closed(1, 5, 12)",
    "one: at_most(1, 0, 0, 1, 1, 2, 2)",
    "two: at_most(2, 0, 1, 1, 0, 2, 0, 3, 1)",
    "order: end[3, 1] <= start[0, 2]",
    "release: start[2, 0] >= 7",
    "soon: start[1, 2] <= end[1, 1] + 3",
    "if: implies(start[1, 0] > 3, start[3, 0] >= 10)",
    "spread: max(start[0, 0], start[1, 0]) - min(start[0, 0], start[1, 0]) >= 4",
    "either: (start[3, 2] > 20) != (end[2, 2] == 25)",
    "when: start[0, 1] >= 6 if start[1, 1] < 15 else start[0, 1] >= 9",
    "late: 2 * makespan - end[0, 0] >= 40",
]


def drawn(shop: ShopInstance, rng: np.random.Generator) -> tuple[ShopSchedule, np.ndarray]:
    """Return random begins and machines, a schedule or not, and the ends."""
    start = rng.integers(0, 30, shop.num_operations)
    chosen = [own[rng.integers(len(own))] for own in map(shop.choices, range(shop.num_operations))]
    machine, duration = np.array(chosen).T
    end = start + duration
    return ShopSchedule(start, machine, int(end.max())), end


@pytest.mark.parametrize("shop", [SHOP, FLEXIBLE])
def test_the_programs_say_what_z3_says(shop: ShopInstance) -> None:
    rng = np.random.default_rng(0)
    for text in [*KEPT, "machine[1, 1] == 2 or not (end[0, 0] < 9)"]:
        side = ShopConstraints(shop, [text])
        clauses = compile_clauses(side)
        verdicts = set[bool]()
        for _ in range(60):
            schedule, end = drawn(shop, rng)
            numbers = range(len(clauses.size))
            missed = [
                evaluate(clauses, k, schedule.start, end, schedule.machine, 0)[0] for k in numbers
            ]
            verdicts.add(not any(missed))
            assert (not any(missed)) == (not side.broken(schedule)), text
        assert len(verdicts) == 2 or "two" in text or "if" in text or "machine" in text, text


def test_nothing_changes_before_it_is_told_to() -> None:
    rng = np.random.default_rng(1)
    for text in KEPT[3:10]:
        side = ShopConstraints(SHOP, [text])
        clauses = compile_clauses(side)
        for _ in range(10):
            schedule, end = drawn(SHOP, rng)
            operation = int(rng.integers(SHOP.num_operations))
            start = schedule.start.copy()
            duration = int(end[operation] - start[operation])

            def kept(delay: int) -> tuple[bool, int]:
                start[operation] = schedule.start[operation] + delay  # noqa: B023
                end[operation] = start[operation] + duration  # noqa: B023
                missed, change = evaluate(clauses, 0, start, end, schedule.machine, operation)  # noqa: B023
                return missed == 0, change

            now, change = kept(0)
            assert change > 0
            for delay in range(1, min(change, 60)):
                assert kept(delay)[0] == now, text
            if change == NEVER:
                assert kept(1000)[0] == now


@pytest.mark.parametrize("shop", [SHOP, FLEXIBLE])
def test_every_schedule_keeps_the_constraints(shop: ShopInstance) -> None:
    free = ShopSearch(shop, 0)
    free.advance(2000)
    side = ShopConstraints(shop, KEPT)
    assert side.broken(free.schedule())
    search = ConstrainedSearch(shop, side, free.schedule(), 0)
    search.advance(40_000)
    assert search.is_feasible
    assert check_schedule(shop, search.schedule()) is None
    assert side.broken(search.schedule()) == ()
    again = ConstrainedSearch(shop, side, free.schedule(), 0)
    for moves in (1, 9_999, 30_000):
        again.advance(moves)
    assert np.array_equal(again.schedule().start, search.schedule().start)


def test_expressions_from_python_are_as_good_as_text() -> None:
    names = ShopSymbols(FLEXIBLE)
    side = ShopConstraints(
        FLEXIBLE,
        {
            "closed": names.closed(1, 5, 12),
            "off": names.machine(0, 0) != FLEXIBLE.choices(0)[0][0],
            "due": z3.And(names.end(1, 2) <= 60, names.makespan >= 5),
        },
    )
    search = ConstrainedSearch(FLEXIBLE, side, ShopSearch(FLEXIBLE).schedule())
    search.advance(3000)
    wanted = len(FLEXIBLE.choices(0)) > 1
    assert search.is_feasible == wanted
    assert side.broken(search.schedule()) == (() if wanted else ("off",))


def test_a_core_names_constraints_and_what_the_shop_says() -> None:
    job = sum(SHOP.shortest[:3])
    texts = [f"due: end[0, 2] <= {job + 3}", "late: start[0, 0] >= 4", "other: start[1, 0] >= 2"]
    assert refuted(ShopConstraints(SHOP, texts)) == ("due", "late", "the order of job 0")
    assert refuted(ShopConstraints(SHOP, texts[1:])) == ()
    shop = make_shop([[[(0, 3)]], [[(0, 4)]]])
    texts = ["one: end[0, 0] <= 6", "other: end[1, 0] <= 6"]
    assert refuted(ShopConstraints(shop, texts)) == ("one", "other", "machine 0 does one at a time")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start[9, 0] > 2", "the shop has no job 9"),
        ("end[0, 3] > 2", "job 0 has no operation 3"),
        ("start[0] > 2", "start"),
        ("begin[0, 0] > 2", "unknown name 'begin'"),
        ("closed(7, 0, 5)", "the shop has no machine 7"),
        ("closed(1, 0)", "closed takes 3 numbers, got 2"),
        ("closed(a, 0, 1)", "closed takes whole numbers, got a, 0, 1"),
        ("at_most(1, 0)", "at_most takes how many, then job and operation of each"),
        ("at_most(0, 0, 1)", "at_most takes at least 1"),
        ("start[0, 0] * start[1, 0] > 2", "a time can be multiplied by numbers only"),
        ("start[0, 0] / 2 > 2", "outside the language of shops"),
        ("start[0, 0]", "truth value"),
        ("x: start[0, 0] > 99999999999999", "numbers are whole, up to"),
    ],
)
def test_faults_are_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(ConstraintError, match=r"^constraint .*") as found:
        compile_clauses(ShopConstraints(SHOP, [text]))
    assert message in str(found.value)
    assert "\n" not in str(found.value)
