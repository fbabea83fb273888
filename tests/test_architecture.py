"""The house rules that no linter knows: floors, safe loading, sizes, packages.

door    src/tesuji   everything, lazily
3       engine       everything below
2       nets         of tesuji only the contract in search/base.py
1       search       domains' contracts
0       domains      nothing above
"""

import ast
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {"domains": 0, "search": 1, "nets": 2, "engine": 3}
TOML = tomllib.loads((ROOT / "pyproject.toml").read_text())

# The libraries that each floor may import, beside the standard library and lower floors.
LIBRARIES = {
    "domains": {
        "gymnasium",
        "gymnasium_robotics",
        "llvmlite",
        "mujoco",
        "networkx",
        "numba",
        "numpy",
        "pettingzoo",
        "pyspiel",
        "z3",
    },
    "search": {"highspy", "networkx", "numba", "numpy", "ortools", "pyvrp", "z3"},
    "nets": {
        "llvmlite",
        "numba",
        "numpy",
        "onnx",
        "onnxruntime",
        "openvino",
        "safetensors",
        "torch",
    },
    "engine": {
        "imageio",
        "llvmlite",
        "mujoco",
        "matplotlib",
        "networkx",
        "numba",
        "numpy",
        "resvg_py",
        "rich",
        "safetensors",
        "starlette",
        "tensorboard",
        "torch",
        "tyro",
        "unified_planning",
        "uvicorn",
        "websockets",
        "z3",
    },
}

# What a floor may import of the floors below; a floor that is not named may import all of them.
CONTRACTS = {
    # Ground tasks, routing instances and shops are data that only searches step.
    "search": {
        "tesuji.domains.base",
        "tesuji.domains.compiled",
        "tesuji.domains.logistics.pddl.finite_domain",
        "tesuji.domains.logistics.pddl.numeric",
        "tesuji.domains.logistics.pddl.programs",
        "tesuji.domains.logistics.pddl.object_graph",
        "tesuji.domains.logistics.pddl.ragged",
        "tesuji.domains.logistics.pddl.successors",
        "tesuji.domains.logistics.pddl.syntax",
        "tesuji.domains.logistics.routing.construction",
        "tesuji.domains.logistics.routing.instance",
        "tesuji.domains.logistics.scheduling.shop",
        "tesuji.domains.proving.actions",
        "tesuji.domains.proving.connection",
        "tesuji.domains.proving.features",
        "tesuji.domains.proving.goals",
        "tesuji.domains.proving.clauses",
        "tesuji.domains.proving.equality",
        "tesuji.domains.proving.banked",
        "tesuji.domains.proving.grounding",
        "tesuji.domains.proving.formulas",
        "tesuji.domains.proving.matrix",
        "tesuji.domains.proving.tableau",
        "tesuji.domains.proving.terms",
        "tesuji.domains.proving.unification",
        "tesuji.domains.robotics.grid_rules",
        "tesuji.domains.robotics.linear_world",
        "tesuji.domains.robotics.models",
    },
    "nets": {"tesuji.search.base"},
}

UNSAFE_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_KEYWORDS = {("allow_pickle", True), ("weights_only", False), ("shell", True)}
BROAD = {"Exception", "BaseException"}

MAY_PRINT = {"engine/cli.py"}

MAX_LINES = 300
LONG = {  # file: why it is one idea
    "search/proving/sat.py": "a solver of clauses: its kernels share one state",
}


def modules() -> list[Path]:
    """Return the Python files that are installed."""
    inside = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    return sorted([*inside, *(ROOT / "src/tesuji").glob("*.py")])


TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in modules()}


def is_ours(name: str) -> bool:
    """Return whether the dotted `name` is a module or package of tesuji."""
    package, *parts = name.split(".")
    path = ROOT.joinpath(*parts)
    return package == "tesuji" and (path.is_dir() or path.with_suffix(".py").exists())


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import, wherever it stands and however it is written."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    whole = f"{module}.{alias.name}"
                    yield node.lineno, whole if module == "tesuji" or is_ours(whole) else module
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield node.lineno, module


def import_fault(floor: str, module: str) -> str | None:
    """Return why `floor` may not import `module`, or None."""
    package, other, *_ = [*module.split("."), ""]
    if package != "tesuji":
        library = package in sys.stdlib_module_names or package in LIBRARIES[floor]
        return None if library else f"{package} is not a library of this floor"
    if other == floor or module == "tesuji.__version__":
        return None
    if other not in FLOORS:
        return "the door; name the module, as tesuji.search.base"
    if FLOORS[other] > FLOORS[floor]:
        return "a floor above"
    return None if module in CONTRACTS.get(floor, {module}) else "no contract of that floor"


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_go_down(floor: str) -> None:
    assert [
        f"{path}:{line} imports {module}: {fault}"
        for path, tree in TREES.items()
        if path.startswith(f"{floor}/")
        for line, module in imports(tree)
        if (fault := import_fault(floor, module))
    ] == []


@pytest.mark.parametrize(
    ("floor", "code"),
    [
        ("domains", "import torch"),
        ("domains", "from tesuji.search.base import Budget"),
        ("domains", "from tesuji import search"),
        ("search", "def f():\n    import torch.nn"),
        ("search", "from tesuji.domains.games.othello import othello"),
        ("search", "importlib.import_module('tesuji.engine.cli')"),
        ("nets", "from tesuji.search import tree"),
        ("nets", "from tesuji.domains.base import Domain"),
        ("engine", "import search.base"),
        ("engine", "from tesuji import make"),
    ],
)
def test_an_import_that_climbs_is_seen(floor: str, code: str) -> None:
    assert [m for _, m in imports(ast.parse(code)) if import_fault(floor, m)]


def test_the_door_loads_nothing() -> None:
    tree = TREES["src/tesuji/__init__.py"]
    eager = [
        module for node in tree.body if not isinstance(node, ast.If) for _, module in imports(node)
    ]
    assert set(eager) <= {"__future__", "importlib", "typing"}


def test_imports_are_absolute() -> None:
    assert [
        f"{path}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ] == []


def unsafe(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, what is unsafe or too broad there)."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in UNSAFE_CALLS:
                yield node.lineno, f"calls {name}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load")):
                yield node.lineno, "calls torch.load; checkpoints are safetensors"
            case ast.keyword(arg=arg, value=ast.Constant(value=value)):
                if (arg, value) in UNSAFE_KEYWORDS:
                    yield node.lineno, f"{arg}={value!r}"
            case ast.ExceptHandler(body=[*_, ast.Raise(exc=None)]):
                pass  # it tidies up and passes the error on
            case ast.ExceptHandler(type=kinds):
                names = {n.id for n in ast.walk(kinds or node) if isinstance(n, ast.Name)}
                if kinds is None or names & BROAD:
                    yield node.lineno, "catches everything"
    yield from ((line, f"imports {m}") for line, m in imports(tree) if m in UNSAFE_MODULES)


def test_nothing_is_unsafe_or_too_broad() -> None:
    assert [
        f"{path}:{line} {why}" for path, tree in TREES.items() for line, why in unsafe(tree)
    ] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "eval(text)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "try: f()\nexcept: g()",
        "try: f()\nexcept (OSError, Exception) as error: g()",
    ],
)
def test_what_is_unsafe_is_seen(code: str) -> None:
    assert list(unsafe(ast.parse(code)))


def test_a_handler_that_tidies_up_and_raises_again_is_fine() -> None:
    assert list(unsafe(ast.parse("try: f()\nexcept BaseException:\n    g()\n    raise"))) == []


def test_only_the_command_line_prints() -> None:
    assert [
        f"{path}:{node.lineno}"
        for path, tree in TREES.items()
        if path not in MAY_PRINT
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ] == []


def test_modules_are_short() -> None:
    sizes = {path: len((ROOT / path).read_text().splitlines()) for path in TREES}
    assert {path: n for path, n in sizes.items() if n > MAX_LINES and path not in LONG} == {}
    assert {path: why for path, why in LONG.items() if sizes.get(path, 0) <= MAX_LINES} == {}


def test_every_folder_is_a_listed_package() -> None:
    folders = {path.parent.relative_to(ROOT) for path in modules()} - {Path("src/tesuji")}
    expected = {"tesuji", *(".".join(["tesuji", *folder.parts]) for folder in folders)}
    assert set(TOML["tool"]["setuptools"]["packages"]) == expected
    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").exists()] == []


def test_every_floor_is_mapped_and_linked() -> None:
    mapped = TOML["tool"]["setuptools"]["package-dir"]
    assert mapped == {"tesuji": "src/tesuji", **{f"tesuji.{floor}": floor for floor in FLOORS}}
    for floor in FLOORS:
        assert (ROOT / "src/tesuji" / floor).resolve() == ROOT / floor


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_refuses_its_bare_name(floor: str) -> None:
    spec = importlib.util.spec_from_file_location(floor, ROOT / floor / "__init__.py")
    assert spec
    assert spec.loader
    with pytest.raises(ImportError, match=re.escape(f"tesuji.{floor}")):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
