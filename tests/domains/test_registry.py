import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tesuji.domains import registry
from tesuji.domains.base import Domain
from tesuji.domains.registry import UnknownDomainError, make, names

EXAMPLE = Path(__file__).with_name("example_game.py")
FILE = Path(__file__).with_name("object_connect_four.py")


@pytest.mark.parametrize("name", names())
def test_a_domain_knows_its_registered_name(name: str) -> None:
    domain = make(name)
    assert isinstance(domain, Domain)
    assert domain.spec.name == name or domain.spec.name.startswith(f"{name}_")  # with its size
    assert make(domain.spec.name).spec == domain.spec


def test_params_reach_the_factory() -> None:
    assert make("othello", size=6).spec == make("othello_6x6").spec


def test_a_wrong_param_is_named() -> None:
    with pytest.raises(ValueError, match=r"othello: .*'siz'; its parameters: size"):
        make("othello", siz=6)


@pytest.mark.parametrize("size", [0, 5, 7, 10, "8"])
def test_a_wrong_board_size_is_refused(size: object) -> None:
    with pytest.raises(ValueError, match="size must be 4, 6 or 8"):
        make("othello", size=size)


@pytest.mark.parametrize("name", ["conect_four", "Connect-Four", "connect4"])
def test_an_unknown_name_gets_a_suggestion(name: str) -> None:
    with pytest.raises(UnknownDomainError, match="did you mean 'connect_four'"):
        make(name)


def test_a_file_is_loaded_once() -> None:
    first, second = (make(f"{FILE}:object_connect_four") for _ in range(2))
    assert type(first) is type(second)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.py:game", "no file"),
        (f"{FILE}:object_connect_for", "did you mean 'object_connect_four'"),
        (f"{FILE}:WIDTH", "must be a function"),
        (f"{FILE}:NamedTuple", "NamedTuple"),
    ],
)
def test_a_wrong_file_is_named(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(name)


@pytest.mark.parametrize("text", ["def game(:", "import nowhere_to_be_found", "x = y"])
def test_a_file_that_does_not_load_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "game.py"
    path.write_text(text)
    with pytest.raises(UnknownDomainError, match="does not load"):
        make(f"{path}:game")


def test_other_packages_offer_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    group = registry.ENTRY_POINT_GROUP
    points = [
        EntryPoint("quick", "tesuji.domains.games.tic_tac_toe:tic_tac_toe", group),
        EntryPoint("gone", "tesuji.nowhere:game", group),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert names()[-2:] == ["gone", "quick"]
    assert make("quick").spec.num_actions == 9
    with pytest.raises(UnknownDomainError, match=r"tesuji\.nowhere:game does not load"):
        make("gone")


def test_names_need_no_numba() -> None:
    code = "import sys, tesuji.domains.registry as r; r.names(); sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_machine_code_is_found_again_however_a_file_is_loaded(
    tmp_path: Path, needs_jit: None
) -> None:
    """Numba's cache names a kernel's module, which need not be importable the next time."""
    play = "from tesuji.domains.playout import random_playouts as p; p({}, 1)"
    by_name = "import my_game as g; " + play.format("g.dots_and_boxes()")
    by_path = "from tesuji import make; " + play.format("make('{}:dots_and_boxes')")
    folder, moved = tmp_path / "games", tmp_path / "moved"
    folder.mkdir()
    (folder / "my_game.py").write_text(EXAMPLE.read_text())
    for code, where in (
        (by_name, folder),
        (by_path.format(folder / "my_game.py"), tmp_path),
        (by_path.format(moved / "my_game.py"), tmp_path),
    ):
        if "moved" in code:
            folder.rename(moved)
        subprocess.run([sys.executable, "-c", code], check=True, cwd=where)
