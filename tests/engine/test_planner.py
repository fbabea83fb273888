"""The planner, and the README's own example."""

import re
from pathlib import Path

import pytest

from tesuji.domains.registry import make
from tesuji.engine.planner import Planner
from tesuji.search.base import Budget, Status, UniformEvaluator
from tesuji.search.config import Gumbel

README = Path(__file__).parents[2] / "README.md"


def after(domain, *actions):
    state = domain.reset()
    for action in actions:
        state, _, _ = domain.step(state, action)
    return state


def test_a_name_and_defaults_are_enough():
    planner = Planner("tic_tac_toe", "uniform")
    state = after(planner.domain, 0, 3, 1, 4)
    result = planner.plan(state)
    assert (result.action, result.status) == (2, Status.PROVEN_WIN)
    assert planner.act(state) == 2


def test_any_domain_evaluator_and_search_will_do():
    domain = make("tic_tac_toe")
    planner = Planner(domain, UniformEvaluator(9), Gumbel(), Budget(simulations=30))
    result = planner.plan(domain.reset())
    assert planner.domain is domain
    assert result.num_simulations == 30
    assert planner.plan(domain.reset(), budget=Budget(simulations=5)).num_simulations == 5


def test_many_states_are_planned_at_once():
    planner = Planner("tic_tac_toe", "uniform")
    states = [planner.domain.reset(), after(planner.domain, 0, 3, 1, 4)]
    results = planner.plan_batch(states)
    assert [results[1].action, len(results)] == [2, 2]


def test_a_line_of_play_uses_what_was_found_before():
    planner = Planner("connect_four", "uniform", budget=Budget(simulations=200))
    state = planner.domain.reset()
    first = planner.plan(state)
    for action in first.principal_variation[:2]:
        state, _, _ = planner.domain.step(state, action)
    second = planner.plan(state)
    assert second.num_nodes > second.num_simulations + 1


def test_there_is_no_action_at_an_end():
    # X O X
    # X O O
    # O X X
    planner = Planner("tic_tac_toe", "uniform")
    end = after(planner.domain, 0, 1, 2, 4, 3, 5, 7, 6, 8)
    assert planner.plan(end).status is Status.TERMINAL
    with pytest.raises(ValueError, match="no action to take: the state is an end"):
        planner.act(end)


def test_what_does_not_exist_is_explained():
    with pytest.raises(ValueError, match="did you mean 'tic_tac_toe'"):
        Planner("tic_tac_to", "uniform")
    with pytest.raises(ValueError, match="did you mean 'uniform'"):
        Planner("tic_tac_toe", "uniforn")


@pytest.mark.parametrize("page", ["README.md", "docs/constraints.md"])
def test_the_examples_of_a_page_run_and_say_what_it_says(page, capsys):
    text = (README.parent / page).read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    names = {"__name__": "__main__"}  # a page's later examples go on from the earlier
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    shown = capsys.readouterr().out
    for said in re.findall(r"^print.*?\)  +# ([\w ]+?)(?::|$| \()", text, re.MULTILINE):
        assert said in shown
