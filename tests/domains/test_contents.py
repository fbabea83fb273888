"""Contents of Python objects, saved and put back."""

import collections
import random
import threading
from typing import Any

import numpy as np
import pytest

from tesuji.domains.robotics.contents import Keeper


class Thing:
    """Holds what it is given."""

    def __init__(self, **held: Any) -> None:
        self.__dict__.update(held)

    def act(self) -> None:
        """Do nothing."""


class Slotted:
    """Keeps what it holds where it cannot be seen."""

    __slots__ = ("held",)


def make_keeper() -> Keeper:
    """Return one for which nothing is fixed."""
    return Keeper(lambda kind: False)


def test_all_that_is_reached_is_put_back() -> None:
    """However deep it lies, in the same objects, which share what they shared."""
    shared = Thing(count=1)
    array = np.arange(3)
    inner: dict[str, Any] = {
        "set": {1, 2},
        "deque": collections.deque([shared]),
        "pair": (array, 1),
    }
    top = Thing(items=[shared, inner], call=shared.act, many=np.array([Thing(n=7)], object))
    top.itself = top
    keeper = make_keeper()
    saved = keeper.save([top])
    shared.count, shared.new = 2, True
    array += 10
    inner["set"].clear()
    inner["deque"].append(4)
    inner["more"] = 5
    top.items.pop()
    top.many[0].n = 8
    del top.itself
    for _ in range(2):
        keeper.restore(saved)
        assert shared.__dict__ == {"count": 1}
        assert array.tolist() == [0, 1, 2]
        assert list(inner) == ["set", "deque", "pair"]
        assert inner["set"] == {1, 2}
        assert list(inner["deque"]) == [shared]
        assert top.items[1] is inner
        assert top.many[0].n == 7
        assert top.itself is top
        shared.count, array[0], inner["more"] = 9, 9, 9


def test_long_lists_are_looked_through_when_they_change() -> None:
    """Not else; what they hold is saved in any case."""
    cells: list[Any] = [None] * 99 + [Thing(n=1)]
    keeper = make_keeper()
    first = keeper.save([cells])
    cells[0], cells[99].n = Thing(n=2), 3
    second = keeper.save([cells])
    cells[0].n = cells[99].n = 4
    keeper.restore(second)
    assert (cells[0].n, cells[99].n) == (2, 3)
    keeper.restore(first)
    assert cells[0] is None
    assert cells[99].n == 1
    cells[1] = np.zeros(2)  # which compares by its elements
    third = keeper.save([cells])
    cells[1] += 1
    keeper.restore(third)
    assert cells[1].tolist() == [0, 0]


def test_equal_is_not_the_same() -> None:
    """Of pairs in a long list, which may differ in a sign."""
    pairs: list[Any] = [(0.0, each) for each in range(40)]
    labels: list[Any] = [("left", each) for each in range(40)]
    keeper = make_keeper()
    keeper.save([pairs, labels])
    pairs[3], labels[3] = (-0.0, 3), ("right", 3)
    saved = keeper.save([pairs, labels])
    pairs[3] = labels[3] = None
    keeper.restore(saved)
    assert np.signbit(pairs[3][0])
    assert labels[3] == ("right", 3)


@pytest.mark.parametrize(
    "generator", [np.random.default_rng(0), np.random.RandomState(0), random.Random(0)]
)
def test_generators_draw_the_same_again(generator: Any) -> None:
    """Where they lie deep."""
    keeper = make_keeper()
    saved = keeper.save([[generator]])
    first = generator.normal() if hasattr(generator, "normal") else generator.random()
    keeper.restore(saved)
    assert first == (generator.normal() if hasattr(generator, "normal") else generator.random())


@pytest.mark.parametrize("hidden", [Slotted(), (each for each in "ab"), threading.Lock()])
def test_what_cannot_be_seen_is_refused(hidden: Any) -> None:
    """By the name of its type."""
    with pytest.raises(TypeError, match=f"cannot save what a .*{type(hidden).__name__} holds"):
        make_keeper().save([Thing(hidden=hidden)])


def test_what_is_fixed_or_known_is_left_alone() -> None:
    """And what lies behind it."""
    known, fixed = Thing(lock=threading.Lock()), Slotted()
    keeper = Keeper(lambda kind: kind is Slotted, [known])
    assert keeper.save([known, fixed, 3, "three", None]) == []
