from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.base import Domain, State
from tesuji.domains.check import DomainFault, check_domain
from tesuji.domains.registry import make

FILE = Path(__file__).with_name("example_game.py")
DOCS = Path(__file__).parents[2] / "docs" / "adding_a_game.md"


@pytest.fixture
def game() -> Domain:
    return make(f"{FILE}:dots_and_boxes")


def test_the_docs_show_the_file_word_for_word() -> None:
    assert f"```python\n{FILE.read_text()}```" in DOCS.read_text()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_it_passes_the_conformance_suite(size: int) -> None:
    check_domain(make(f"{FILE}:dots_and_boxes", size=size), num_episodes=10)


def test_closing_a_box_moves_on(game: Domain) -> None:
    state = game.reset()
    #  +--+  +
    #  |  |      lines 0, 6, 7 are drawn, 2 closes the box for the second side
    #  +  +  +
    for action in (0, 6, 7):
        state, _, discount = game.step(state, action)
        assert discount == -1
    state, _, discount = game.step(state, 2)
    assert discount == 1
    assert list(state.boxes) == [0, 1]
    assert game.to_play(state) == 1


def test_the_value_is_that_of_an_independent_solver(game: Domain) -> None:
    def value(state: State) -> float:
        key = game.key(state)
        if key not in known:
            known[key] = max(
                reward + (discount and discount * value(following))
                for action in np.flatnonzero(game.legal(state))
                for following, reward, discount in [game.step(state, int(action))]
            )
        return known[key]

    known: dict[bytes | None, float] = {}
    assert value(game.reset()) == np.sign(best_lead(0))


BOXES = [{0, 2, 6, 7}, {1, 3, 7, 8}, {2, 4, 9, 10}, {3, 5, 10, 11}]


@cache
def best_lead(drawn: int) -> int:
    """Return by how many boxes the side to move gets ahead from here, on 2 x 2 boxes."""
    best = None
    for line in range(12):
        if not drawn >> line & 1:
            after = drawn | 1 << line
            closed = sum(line in box and all(after >> k & 1 for k in box) for box in BOXES)
            lead = closed + best_lead(after) if closed else -best_lead(after)
            best = lead if best is None else max(best, lead)
    return best or 0


def test_the_docs_show_the_fault_of_a_forgotten_discount(tmp_path: Path) -> None:
    broken = tmp_path / "broken_game.py"
    broken.write_text(FILE.read_text().replace("return 0.0, 1.0 ", "return 0.0, -1.0 "))
    with pytest.raises(DomainFault, match="to-play") as fault:
        check_domain(make(f"{broken}:dots_and_boxes"))
    assert f"```text\n{fault.value}\n```" in DOCS.read_text()
