import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numba.core import config

from tesuji.domains.base import Domain
from tesuji.domains.check import FAULTS, DomainFault, check_domain
from tesuji.domains.faults import arrays, fingerprint
from tesuji.domains.registry import make, names


def load(name: str) -> ModuleType:
    """Return a module beside this one; kernels need it to have a name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BROKEN = load("broken_domains")
PARAMS = load("make_traces").PARAMS  # boards on which a game is short
OBJECT = [(code, game) for code, games in BROKEN.OBJECT_FAULTS.items() for game in games]
COMPILED = [(code, make) for code, makers in BROKEN.COMPILED_FAULTS.items() for make in makers]
ONLY_COMPILED = {"kernel-compile", "kernel-twin"}


@pytest.mark.parametrize("name", names())
def test_a_shipped_domain_has_no_fault(name: str) -> None:
    # Each state of chess is hundreds of lines of plain Python, and a random game has hundreds.
    num_episodes = 1 if name.startswith("chess") else 4
    domain = make(name)
    report = check_domain(domain, num_episodes)
    full = domain.spec.name  # with the size that the name alone stands for
    assert (report.domain, report.tier, report.num_episodes) == (full, "compiled", num_episodes)
    assert str(report).startswith(f"{full} (compiled): no fault in {report.num_states} states")


def check_names(game: Domain, code: str) -> None:
    with pytest.raises(DomainFault) as fault:
        check_domain(game)
    assert fault.value.code == code, str(fault.value)
    assert FAULTS[code] in str(fault.value)


@pytest.mark.parametrize(("code", "game"), OBJECT)
def test_a_fault_is_named(code: str, game: Domain) -> None:
    check_names(game, code)


@pytest.mark.parametrize(("code", "maker"), COMPILED)
def test_a_fault_of_a_kernel_is_named(code, maker) -> None:
    if config.DISABLE_JIT and code in ONLY_COMPILED:
        pytest.skip("nothing is compiled")
    check_names(maker(), code)


def test_every_fault_has_its_broken_domain() -> None:
    assert {code for code, _ in OBJECT + COMPILED} == set(FAULTS)


@pytest.mark.parametrize("game", [BROKEN.Nim(), BROKEN.ListNim(), BROKEN.compiled()])
def test_the_same_game_without_its_fault_passes(game: Domain) -> None:
    assert check_domain(game).num_transpositions > 0


def test_a_fault_gives_the_way_to_its_state() -> None:
    game = BROKEN.with_spec(max_steps=3)
    with pytest.raises(DomainFault) as fault:
        check_domain(game, seed=4)
    state = game.reset(fault.value.seed)
    for action in fault.value.actions:
        state = game.step(state, action)[0]
    assert fault.value.state == str(state)


class Slots:
    __slots__ = ("board", "friend")

    def __init__(self) -> None:
        self.board, self.friend = [np.zeros(3)], self


def test_a_fingerprint_reaches_into_any_object() -> None:
    first, second = Slots(), Slots()
    assert fingerprint(first) == fingerprint(second)
    second.board[0][2] = 1
    assert fingerprint(first) != fingerprint(second)
    assert next(arrays(second)) is second.board[0]


def test_no_episodes_are_refused() -> None:
    with pytest.raises(ValueError, match="num_episodes must be at least 1, got 0"):
        check_domain(make("tic_tac_toe"), num_episodes=0)
