"""The registry: domains by name.

Four kinds of name:

- a built-in one, from the table below;
- one that an installed package offers as an entry point of the group `tesuji.domains`;
- a user's own file, `path/to/file.py:factory`;
- a game of another library, `openspiel:breakthrough` or `pettingzoo:connect_four_v3`.

Where a factory takes a `size`, the name may end with it: `hex_7x7` is `make("hex", size=7)`.

Nothing is imported before `make` asks for it.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from tesuji.domains.base import Domain

ENTRY_POINT_GROUP = "tesuji.domains"

# A new domain is one new file and one line here: name -> module:factory.
_BUILT_IN = {
    "tic_tac_toe": "tesuji.domains.games.tic_tac_toe:tic_tac_toe",
    "connect_four": "tesuji.domains.games.connect_four:connect_four",
    "othello": "tesuji.domains.games.othello:othello",
    "othello_6x6": "tesuji.domains.games.othello:othello_6x6",
    "chess": "tesuji.domains.games.chess:chess",
    "chess960": "tesuji.domains.games.chess:chess960",
    "hex": "tesuji.domains.games.hex:hex_board",
    "hex_swap": "tesuji.domains.games.hex:hex_swap",
    "gomoku": "tesuji.domains.games.gomoku:gomoku",
    "gomoku_standard": "tesuji.domains.games.gomoku:gomoku_standard",
    "breakthrough": "tesuji.domains.games.breakthrough:breakthrough",
    "sokoban": "tesuji.domains.games.sokoban:sokoban",
    "2048": "tesuji.domains.games.twenty_forty_eight:twenty_forty_eight",
    "go": "tesuji.domains.games.go:go",
    "double_integrator": "tesuji.domains.robotics.double_integrator:double_integrator",
    "delivery": "tesuji.domains.logistics.delivery:random_delivery",
    "job_shop": "tesuji.domains.logistics.scheduling.job_shop:random_job_shop",
}

# Other libraries' games, named PREFIX:GAME.
_ADAPTERS = {
    "openspiel": "tesuji.domains.adapters.openspiel:OpenSpielDomain",
    "pettingzoo": "tesuji.domains.adapters.pettingzoo:PettingZooDomain",
}


class UnknownDomainError(ValueError):
    """No domain has that name, or it cannot be loaded."""


def names() -> list[str]:
    """Return the names of all domains, the built-in ones first."""
    return [*_BUILT_IN, *sorted(set(_offered()) - set(_BUILT_IN))]


def make(name: str, **params: Any) -> Domain:
    """Return the domain `name`.

    Args:
        name: a registered name, or `path/to/file.py:factory` for a file of the user's own.
        **params: what the domain's factory takes, such as a board size.

    Raises:
        UnknownDomainError: no such name, file or factory; the message suggests a near one.
        ValueError: the factory does not take `params`.
    """
    known = name in _BUILT_IN or name in _offered()
    sized = None if known else re.fullmatch(r"(\w+)_(\d+)x\2", name)
    if sized and sized[1] in _BUILT_IN:
        return make(sized[1], size=int(sized[2]), **params)
    factory = _factory(name)
    try:
        inspect.signature(factory).bind(**params)
    except TypeError as error:
        takes = ", ".join(inspect.signature(factory).parameters) or "none"
        raise ValueError(f"{name}: {error}; its parameters: {takes}") from None
    domain = factory(**params)
    if not isinstance(domain, Domain):
        raise UnknownDomainError(
            f"{name} must return a tesuji Domain, it returned a {type(domain).__name__}"
        )
    return domain


def parameters(name: str) -> tuple[str, ...]:
    """Return what the factory of domain `name` takes.

    Raises:
        UnknownDomainError: no such domain.
    """
    return tuple(inspect.signature(_factory(name)).parameters)


def _factory(name: str) -> Callable[..., Any]:
    if name in _BUILT_IN:
        factory = _load(_BUILT_IN[name])
    elif ".py:" in name:
        factory = _from_file(name)
    elif name.partition(":")[0] in _ADAPTERS:
        prefix, _, game = name.partition(":")
        factory = partial(_load(_ADAPTERS[prefix]), game)
    else:
        factory = _from_package(name)
    if not callable(factory):
        raise UnknownDomainError(f"{name} must be a function that returns a Domain")
    return factory


def _load(entry: str) -> Callable[..., Any]:
    module, _, attribute = entry.partition(":")
    factory: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return factory


def _offered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _from_package(name: str) -> Any:
    offered = _offered()
    if name not in offered:
        raise UnknownDomainError(_unknown(name))
    try:
        return offered[name].load()
    except (ImportError, AttributeError) as error:
        raise UnknownDomainError(f"{name}: {offered[name].value} does not load: {error}") from error


def _unknown(name: str) -> str:
    known = names()
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown game {name!r}; {hint}known: {', '.join(known)}, or FILE.py:FACTORY"


def _from_file(name: str) -> Any:
    text, _, attribute = name.rpartition(":")
    path = Path(text).expanduser()
    if not path.is_file():
        raise UnknownDomainError(f"no file {text!r}; give a game's own file as FILE.py:FACTORY")
    module = _import_file(path.resolve())
    if not hasattr(module, attribute):
        near = difflib.get_close_matches(attribute, vars(module), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownDomainError(f"{text} has no {attribute!r}{hint}")
    return getattr(module, attribute)


def _import_file(path: Path) -> ModuleType:
    name = _module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UnknownDomainError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loaded = False
    try:
        spec.loader.exec_module(module)
        loaded = True
    except (SyntaxError, ImportError, NameError) as error:
        raise UnknownDomainError(f"{path} does not load: {error}") from error
    finally:
        if not loaded:
            del sys.modules[name]
    return module


def _module_name(path: Path) -> str:
    """Return the name that `import` would give the file, or one of its own where that is taken.

    Numba's cache on disk remembers a kernel's module by name, so the name must neither depend on
    who loads the file nor on where it lies.
    """
    name = path.stem
    if name in sys.modules:
        taken = getattr(sys.modules[name], "__file__", None) != str(path)
    else:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
        taken = not name.isidentifier() or (spec is not None and spec.origin != str(path))
    if not taken:
        return name
    return f"_tesuji_{name}_{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
