"""The package as people get it: light to import, whole in a wheel, one command to set up."""

import ast
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import tesuji
from tesuji.engine.cli import VERBS

ROOT = Path(__file__).parents[1]
FLOORS = ("domains", "engine", "nets", "search")
HEAVY = {"torch", "numpy", "numba", "z3", "mujoco", "gymnasium", "networkx", "ray", "rich", "tyro"}


def run(*command: str, cwd: Path = ROOT) -> str:
    """Run a program and return what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def modules_loaded(statement: str) -> set[str]:
    """Return the top-level modules that `statement` loads in a new process."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(run(sys.executable, "-c", code).splitlines()[-1].split())


def test_import_is_light() -> None:
    assert modules_loaded("import tesuji") & HEAVY == set()


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_light(verb: str) -> None:
    show = f"from tesuji.engine.cli import main\nassert main({[*verb.split(), '--help']}) == 0"
    assert modules_loaded(show) & (HEAVY - {"rich", "tyro"}) == set()


def test_public_names_are_listed_once_and_the_same_everywhere() -> None:
    tree = ast.parse((ROOT / "src/tesuji/__init__.py").read_text())
    typed = {
        alias.asname or alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == tesuji._MODULES
    assert sorted(tesuji.__all__) == sorted(typed)
    assert set(dir(tesuji)) == {*typed, "__version__"}


@pytest.mark.parametrize("name", tesuji.__all__)
def test_a_public_name_loads(name: str) -> None:
    assert getattr(tesuji, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        tesuji.serach  # noqa: B018


def test_the_version_is_the_installed_one() -> None:
    assert version("tesuji") == tesuji.__version__


def test_both_doors_lead_to_the_command_line() -> None:
    assert run(sys.executable, "-m", "tesuji", "--version") == f"tesuji {tesuji.__version__}\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """Return what an sdist and the wheel made from it hold, built away from the checkout."""
    work = tmp_path_factory.mktemp("build")
    junk = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*", "build", "dist", "runs")
    shutil.copytree(ROOT, work / "tree", ignore=junk, symlinks=True)
    build = "import sys, setuptools.build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"
    run(sys.executable, "-c", build, "build_sdist", str(work), cwd=work / "tree")
    with tarfile.open(next(work.glob("*.tar.gz"))) as sdist:
        sdist.extractall(work / "unpacked", filter="data")
        inside = [name.partition("/")[2] for name in sdist.getnames()]
    source = next((work / "unpacked").iterdir())
    run(sys.executable, "-c", build, "build_wheel", str(work), cwd=source)
    return inside, zipfile.ZipFile(next(work.glob("*.whl"))).namelist()


def installed_files() -> list[str]:
    """Return every file of the floors that git keeps, as paths from the root."""
    return run("git", "ls-files", *FLOORS).split()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git knows what belongs to the project")
def test_sdist_and_wheel_hold_every_file(built: tuple[list[str], list[str]]) -> None:
    sdist, wheel = built
    assert [path for path in installed_files() if path not in sdist] == []
    assert [path for path in installed_files() if f"tesuji/{path}" not in wheel] == []
    assert "tesuji/py.typed" in wheel
    assert {"LICENSE", "README.md", "pyproject.toml"} <= set(sdist)


def test_the_wheel_holds_nothing_else(built: tuple[list[str], list[str]]) -> None:
    _, wheel = built
    assert {path.partition("/")[0] for path in wheel} == {
        "tesuji",
        f"tesuji-{tesuji.__version__}.dist-info",
    }
    assert [path for path in wheel if path.endswith((".pyc", ".nbi", ".nbc"))] == []


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "./run test" in (ROOT / "README.md").read_text()
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("\n./run test")


def test_run_is_plain_sh() -> None:
    assert run("sh", "-n", "./run") == ""
    assert os.access(ROOT / "run", os.X_OK)
    assert "./run demo" in run("./run", "help")
