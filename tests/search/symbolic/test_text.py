"""Constraints as text: what they mean, and how bad ones are refused."""

import numpy as np
import pytest
import z3

from tesuji.domains.registry import make
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.symbols import symbols
from tesuji.search.symbolic.text import MAX_LENGTH, parse_constraint


@pytest.fixture(scope="module")
def names():
    parts = {"row": np.arange(7) // 3, "edge": np.arange(7) % 6 == 0, "width": np.ones(7) * 0.5}
    parameters = {"travel": np.arange(12).reshape(3, 4), "due": np.array([5, 3, 9])}
    return symbols(
        make("connect_four"), bounds={"to_play": (0, 1)}, parts=parts, parameters=parameters
    )


def holds(text, names, action=0, stones=(0, 0), to_play=0):
    state = make("connect_four").reset()
    state.stones[:] = stones
    state.to_play = to_play
    return decide(names, parse_constraint(text, names)[1], state, action)


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("action != 3", {0, 1, 2, 4, 5, 6}),
        ("1 < action <= 4", {2, 3, 4}),
        ("implies(action > 2, action % 2 == 0)", {0, 1, 2, 4, 6}),
        ("abs(action - 3) <= 1", {2, 3, 4}),
        ("min(action, 4, 5) == max(4, action - 2)", {4, 5, 6}),
        ("(1 if action < 3 else 2) == 2", {3, 4, 5, 6}),
        ("not (action == 1 or action == 2) and edge", {0, 6}),
        ("edge", {0, 6}),
        ("row == 1 and travel[row][2] == 6", {3, 4, 5}),
        ("travel[row, 1] >= due[row]", {3, 4, 5, 6}),
        ("(action - 6) // 4 == -2", {0, 1}),  # the remainder is never negative
        ("(action - 6) % 4 == 2", {0, 4}),
        ("action * 0.1 <= 0.3", {0, 1, 2, 3}),  # exactly: 3 * 0.1 is 0.3 here
        ("width * action == 1.5", {3}),
    ],
)
def test_a_text_means_what_python_would_read(text, actions, names):
    assert {a for a in range(7) if holds(text, names, action=a)} == actions


def test_bit_vectors_shift_and_compare_as_unsigned(names):
    top = 1 << 63
    assert holds("stones[0] > 1", names, stones=(top, 0))
    assert holds("stones[0] >> 63 == 1", names, stones=(top, 0))
    assert holds("stones[0] & ~stones[1] == 4 and (stones[0] | 1) ^ 1 == 6", names, stones=(6, 2))
    assert holds("stones[to_play] << 1 == stones[1 - to_play]", names, stones=(2, 4))


def test_a_name_stands_before_the_colon(names):
    name, expression = parse_constraint(" keep centre : implies(to_play == 0, action != 3)", names)
    assert name == "keep centre"
    assert z3.is_bool(expression)
    assert parse_constraint("  action != 3 ", names)[0] == "action != 3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: acton != 3", "constraint 'a', column 4: unknown name 'acton'; did you mean 'action'"),
        ("a:  1 == minn(1, 2)", "column 10: unknown function 'minn'; did you mean 'min'"),
        ("a: action + ", "constraint 'a', column"),
        ("a: action + 1", "constraint 'a', column 4: .* a truth value is needed"),
        ("a: ", "constraint 'a' is empty"),
        ("a: stones[0] == stones", "both sides alike"),
        ("a: stones[0] < 0.5", "both sides alike"),
        ("a: stones[0] == 1 << 64", "does not fit into 64 bits"),
        ("a: to_play[0] == 1", "has no elements"),
        ("a: stones[edge] == 1", "an index must be a whole number"),
        ("a: action ** 2 == 4", r"\*\* does not take Int"),
        ("a: action.real == 4", "not part of the language"),
        ("a: (lambda x: x)(1)", "not part of the language|unknown function|invalid"),
        ("a: __import__('os').system('x')", "unknown function"),
        ("a: action == 'x'", "neither a number nor a truth value"),
        ("a: action in (1, 2)", "not part of the language"),
        ("a: action / 0 == 1 / 0", "division by zero"),
        ("a: action == 1e999", "out of range"),
        ("a: implies(edge)", "implies takes 2 arguments, got 1"),
        ("a: " + "(" * 5000 + "1", "a', column"),
        ("a: " + "-" * 5000 + "1 == 1", "a', column"),
        ("a: " + "+".join(["action"] * 300) + " == 1", "nested more than"),
        ("a: 1 << 9999999 == action", "shifted by 0 to 64"),
        ("a: " + "1" * 5000 + " == action", "a', column"),
        ("x" * (MAX_LENGTH + 1), "is longer than"),
    ],
)
def test_a_bad_text_is_refused_with_name_and_column(text, message, names):
    with pytest.raises(ConstraintError, match=message):
        parse_constraint(text, names)
