"""Constraints through training, play and the command line, and the documented example."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from starlette.testclient import TestClient

from tesuji.domains.environment import DomainEnv
from tesuji.domains.registry import make
from tesuji.engine import cli
from tesuji.engine.agent import load_agent
from tesuji.engine.errors import UsageError
from tesuji.engine.game import Game, IllegalMoveError
from tesuji.engine.moves import read_game
from tesuji.engine.planner import Planner
from tesuji.engine.positions import shipped_sets
from tesuji.engine.progress import Silent
from tesuji.engine.rules import make_domain
from tesuji.engine.run_folder import RunFolder
from tesuji.engine.shards import decode, read_shard, record_dtype
from tesuji.engine.terminal import PlayOptions, play
from tesuji.engine.train import train
from tesuji.engine.training_config import (
    LearningConfig,
    NetSettings,
    SelfPlayConfig,
    TrainConfig,
)
from tesuji.engine.web.server import make_app
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.search import Search
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel
from tesuji.search.symbolic.symbols import symbols

KEEP = "keep centre: implies(to_play == 0, action != 4)"
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "forbidden_pattern.md"


def config(**changes):
    small = NetSettings(channels=4, blocks=1, hidden=16, layers=1)
    play = SelfPlayConfig(games=8, moves=10, simulations=8, lanes=1, cache_entries=1024)
    base = TrainConfig(
        "tic_tac_toe", 0.0, 1, workers=1, constraints=(KEEP,), net=small, selfplay=play,
        learning=LearningConfig(batch_size=16),
    )  # fmt: skip
    return TrainConfig(**{**vars(base), **changes})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(config(), folder, Silent())
    return folder


def policies_keep_to(domain, run):
    """Return in how many positions of a run something was forbidden; policies give it nothing."""
    shards = RunFolder.shards(run)
    assert shards
    seen = 0
    plain = domain.base
    for info in shards:
        dtype = record_dtype(domain.row_size, domain.spec.num_actions)
        positions = decode(read_shard(run, info, dtype))
        for row, policy in zip(positions.states, positions.policy, strict=True):
            state = domain.state(row.copy())
            allowed = domain.legal(state)
            assert (policy[~allowed] == 0).all()
            seen += bool((plain.legal(state) & ~allowed).any())
    return seen


def test_what_is_learned_never_holds_a_forbidden_action(run):
    assert policies_keep_to(make_domain("tic_tac_toe", (KEEP,)), run) > 10


def test_a_run_keeps_its_constraints(run):
    assert KEEP in (run / "config.toml").read_text()
    before = (run / "config.toml").read_bytes()
    with pytest.raises(UsageError, match=r"is trained under 'keep centre.*not under no constr"):
        train(config(constraints=()), run, Silent(), resume=True)
    assert (run / "config.toml").read_bytes() == before
    assert train(config(iterations=1), run, Silent(), resume=True).iteration == 1


def test_the_trained_net_plays_under_them(run, capsys):
    words = ["analyze", "tic_tac_toe", "--constraint", KEEP, "--agent", str(run), "--sims", "20"]
    assert cli.main(words) == 0
    assert "b2" not in capsys.readouterr().out.partition("proven")[2]


def test_a_planner_keeps_constraints_of_either_kind():
    names = symbols(make("tic_tac_toe"))
    model = SymbolicModel(names, {"keep centre": names.action != 4})
    for constraints in ([KEEP], model):
        planner = Planner("tic_tac_toe", "uniform", constraints=constraints)
        assert not planner.plan(planner.domain.reset()).legal[4]
    with pytest.raises(ConstraintError, match="two constraints"):
        Planner("tic_tac_toe", "uniform", constraints=[KEEP, KEEP])


def test_a_move_that_is_refused_names_the_constraint():
    domain = make_domain("tic_tac_toe", (KEEP,))
    game = Game(domain)
    name = domain.action_name(domain.reset(), 4)
    for move in (4, name):
        with pytest.raises(IllegalMoveError, match=f"{name} is refused by: keep centre"):
            game.play(move)
    game.play(0)
    game.play(4)
    with pytest.raises(UsageError, match=f"{name} is refused by: keep centre"):
        read_game(domain, name)


def test_the_ecosystems_masks_keep_constraints_and_a_refusal_names_them():
    env = DomainEnv(make_domain("tic_tac_toe", (KEEP,)))
    _, info = env.reset(seed=0)
    assert info["action_mask"].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1]
    assert env.legal_actions_mask() == env.action_masks().tolist() == info["action_mask"].tolist()
    with pytest.raises(ValueError, match=r"action 4 is refused by: keep centre .*; legal: \[0, 1"):
        env.step(4)
    assert env.step(0)[-1]["action_mask"].tolist() == [0] + [1] * 8  # only side 0 is bound


@pytest.mark.parametrize("settings", [PUCT(), Gumbel()])
def test_many_states_are_searched_at_once_and_none_breaks_a_constraint(settings):
    domain = make_domain("tic_tac_toe", (KEEP, "no edge: action % 2 == 0"))
    start = domain.reset()
    states = [start, *(domain.step(start, a)[0] for a in (0, 2, 6, 8))]
    results = Search(domain, UniformEvaluator(9), settings).run(states, Budget(simulations=60))
    for state, result in zip(states, results, strict=True):
        forbidden = ~domain.allowed(state)
        assert result.visits[forbidden].sum() == 0
        assert result.policy[forbidden].sum() == 0
        assert not forbidden[result.action]


def test_the_terminal_explains_a_refused_move(plain_search):
    domain = make_domain("tic_tac_toe", (KEEP,))
    shown, typed = io.StringIO(), iter(["b2", "a1", "quit"])

    def ask(prompt):
        return next(typed)

    console = Console(file=shown, width=200, highlight=False)
    play(domain, plain_search(domain), PlayOptions(person=None), console=console, ask=ask)
    assert "b2 is refused by: keep centre (to_play = 0, action = 4)" in shown.getvalue()


def test_the_page_explains_a_refused_move(plain_search):
    domain = make_domain("tic_tac_toe", (KEEP,))
    app = make_app(domain, lambda: plain_search(domain), frozenset({"127.0.0.1:8000"}), person=None)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        headers = {"origin": "http://127.0.0.1:8000"}
        with client.websocket_connect("ws://127.0.0.1:8000/play", headers=headers) as page:
            page.send_json({"type": "click", "row": 1, "column": 1})
            messages = (page.receive_json() for _ in range(200))
            error = next(m for m in messages if m["type"] == "error")
    assert error["error"] == "b2 is refused by: keep centre (to_play = 0, action = 4)"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a: acton == 1"], "'a', column 4: unknown name 'acton'; did you mean 'action'?"),
        (["a: action > 9"], "constraint 'a': it allows no action in the first state"),
        (["a: action > 4", "b: action >= 0", "c: action < 4"], "a + c: together"),
        (["a: action > 1", "a: action > 2"], "two constraints are called 'a'"),
        (["a: action + 1"], "'a', column 4: action + 1 is Int, a truth value is needed"),
        (["a: board == 1"], "'a', column 4: == takes both sides alike"),
        (["a: action ** 2 == 4"], "'a', column 4: ** does not take Int"),
        (
            ["a: all(board)"],
            "'a', column 4: all: quantifiers are outside the fragment",
        ),
        (["a: action * 4611686018427387904 * 4 > 3"], "constraint 'a': action*46"),
    ],
)
def test_a_bad_constraint_is_a_usage_error(words, message, tmp_path, capsys):
    flags = [flag for text in words for flag in ("--constraint", text)]
    assert cli.main(["analyze", "tic_tac_toe", "--agent", "uniform", *flags]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    file = tmp_path / "analyze.toml"
    listed = ", ".join(f'"{text}"' for text in words)
    file.write_text(f"constraints = [{listed}]\n")
    words = ["analyze", "tic_tac_toe", "--agent", "uniform", "--config", str(file)]
    assert cli.main(words) == 2
    assert capsys.readouterr().err == said  # the same words by TOML


def test_a_match_is_played_under_constraints_of_a_file(tmp_path, capsys):
    file = tmp_path / "match.toml"
    file.write_text('game = "tic_tac_toe"\nconstraints = ["first: action != 0"]\n')
    words = ["match", "uniform", "random", "--config", str(file), "--games", "4", "--sims", "4"]
    assert cli.main([*words, "--opening", "1", "--constraint", KEEP]) == 0
    assert "4" in capsys.readouterr().out


def test_the_plain_games_solutions_do_not_apply():
    domain = make_domain("connect_four", ("no edge: action != 6",))
    assert shipped_sets(domain) == []
    with pytest.raises(UsageError, match="plain rules"):
        load_agent("solver", domain)


def test_the_documented_example_runs(tmp_path):
    code, *_ = re.findall(r"```python\n(.*?)```", EXAMPLE.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
    file = tmp_path / "squareless.py"
    file.write_text(code)
    domain = make_domain(f"{file}:squareless")
    # X stands at 1 and 2 in the lowest row, and 1 above: 2 would complete the square
    with pytest.raises(UsageError, match=r"move 7 .* 2 is refused by: no square of side 0"):
        read_game(domain, "1723172")
    texts = re.findall(r'--constraint "(.*?)"', EXAMPLE.read_text())
    written = make_domain("connect_four", texts)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(20):
        state, discount = domain.reset(), 1.0
        while discount != 0:
            mask = domain.legal(state)
            assert mask.tolist() == written.legal(state).tolist()
            refused += int((domain.base.legal(state) & ~mask).sum())
            state, _, discount = domain.step(state, int(rng.choice(np.flatnonzero(mask))))
    assert refused > 10


def test_the_documented_example_trains_from_the_command_line(tmp_path, capsys):
    texts = re.findall(r'--constraint "(.*?)"', EXAMPLE.read_text())
    words = [word for text in texts for word in ("--constraint", text)]
    small = "--minutes 0 --iterations 1 --workers 1 --evaluation.every-minutes 0 --net.channels 8"
    small += " --net.blocks 1 --selfplay.lanes 1 --selfplay.games 8 --selfplay.simulations 8"
    run = tmp_path / "run"
    assert cli.main(["train", "connect_four", *words, "--run-dir", str(run), *small.split()]) == 0
    assert policies_keep_to(make_domain("connect_four", texts), run) > 0
