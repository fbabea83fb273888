"""`compile_predicate`: constraints as one call that masks the actions of a state.

The kernel's source is written from the program's instructions into the user's cache, one file for
each content, so that numba's own cache serves every later start. What goes into it are numbers and
names of operations and fields, nothing of the user's text.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import z3

from tesuji.domains.compiled import CompiledDomain
from tesuji.search.symbolic import vector
from tesuji.search.symbolic.kernel_source import OPERATION_MODULES, Tables, Writer
from tesuji.search.symbolic.lower import Lowering
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.symbols import Symbols
from tesuji.search.symbolic.terms import MAIN

REFUSED, ALLOWED, UNDECIDED = 0, 1, 2

_ANSWERS = np.array([REFUSED, UNDECIDED, ALLOWED], np.int8)


class Predicate:
    """A conjunction of constraints, compiled.

    Attributes:
        symbols: what they speak of.
    """

    def __init__(self, symbols: Symbols, expressions: Sequence[z3.BoolRef]) -> None:
        with MAIN:
            lowering = Lowering(symbols)
            self._slot = lowering.conjunction(expressions)
        self._program, self._data = lowering.program, lowering.parameters
        self.symbols = symbols

    @cached_property
    def _tables(self) -> Tables:
        domain = self._compiled_domain()
        actions = domain.spec.num_actions
        states = np.zeros(actions, domain.state_dtype)
        return Tables(self._program, actions, states, self._data)

    @property
    def parameters(self) -> npt.NDArray[np.int64]:
        """Return the data that the kernel expects at the end of the domain's instance `[P]`."""
        return np.concatenate([self._data, self._tables.data])

    def check(
        self, states: npt.NDArray[Any], actions: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int8]:
        """Return REFUSED, ALLOWED or UNDECIDED for each of `states` and `actions` `[B]`."""
        found = vector.run(self._program, states, np.asarray(actions, np.int64), self._data)
        return _ANSWERS[found[self._slot]]

    @property
    def may_doubt(self) -> bool:
        """Return whether there may be states for which the check is undecided."""
        return any(
            instruction.operation == "guard" or instruction.type == "float"
            for instruction in self._program.instructions
        )

    @property
    def source(self) -> str:
        """Return the kernel's source."""
        return self._source(certain=True)

    @cached_property
    def kernel(self) -> Any:
        """Return the numba function that clears what is not allowed; it is a `restrict`."""
        return self._compiled(certain=True)

    @cached_property
    def possible(self) -> Any:
        """Return the numba function that clears what is refused for certain, not the undecided."""
        return self._compiled(certain=False)

    def _source(self, certain: bool) -> str:
        offset = len(self._compiled_domain().instance)
        return Writer(self._program, self._tables, offset).write(self._slot, certain)

    def _compiled_domain(self) -> CompiledDomain:
        domain = self.symbols.domain
        if not isinstance(domain, CompiledDomain):
            raise ConstraintError(f"{domain.spec.name} is an object domain: it has no kernels")
        return domain

    def _compiled(self, certain: bool) -> Any:
        source = self._source(certain)
        # The layout of rows and the operations are part of what numba's cache must tell apart.
        layout = repr(self._compiled_domain().state_dtype)
        code = b"".join(Path(str(module.__file__)).read_bytes() for module in OPERATION_MODULES)
        digest = hashlib.sha256(source.encode() + layout.encode() + code).hexdigest()
        return _load_module(source, f"constraint_{digest[:32]}").mask_actions


def compile_predicate(symbols: Symbols, expressions: Sequence[z3.BoolRef]) -> Predicate:
    """Return the conjunction of `expressions`, compiled.

    Raises:
        ConstraintError: a term is outside the fragment or may leave 64 bits.
    """
    return Predicate(symbols, expressions)


def compile_named(symbols: Symbols, named: Mapping[str, z3.BoolRef]) -> Predicate:
    """Return the conjunction of constraints, compiled.

    Raises:
        ConstraintError: as `compile_predicate`; the message begins with the name of one at fault.
    """
    try:
        return compile_predicate(symbols, list(named.values()))
    except ConstraintError:
        for name, expression in named.items():
            try:
                compile_predicate(symbols, [expression])
            except ConstraintError as error:
                raise ConstraintError(f"constraint {name!r}: {error}") from error
        raise


def _load_module(source: str, name: str) -> Any:
    if name in sys.modules:
        return sys.modules[name]
    path = _written(source, name)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module
    return module


@cache
def _temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="tesuji-"))


def _cache_folder() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "tesuji" / "constraints"


def _written(source: str, name: str) -> Path:
    """Return the file of this source, written if it is not there or is not what it should be."""
    for make_folder in (_cache_folder, _temporary_folder):
        try:
            folder = make_folder()
            path = folder / f"{name}.py"
            folder.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.read_text() != source:
                handle, draft = tempfile.mkstemp(dir=folder, suffix=".tmp")
                with os.fdopen(handle, "w") as file:
                    file.write(source)
                    file.flush()
                    os.fsync(file.fileno())
                Path(draft).replace(path)
        except OSError:
            continue
        return path
    raise OSError(f"neither {_cache_folder()} nor the temporary folder can be written")
