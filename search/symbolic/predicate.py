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
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import z3

from tesuji.domains.compiled import CompiledDomain
from tesuji.search.symbolic import scalar, scalar_reals, vector
from tesuji.search.symbolic.lower import Lowering
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.program import FALSE, TRUE, Instruction
from tesuji.search.symbolic.symbols import Symbols
from tesuji.search.symbolic.terms import MAIN

REFUSED, ALLOWED, UNDECIDED = 0, 1, 2

_OPERATIONS = (scalar, scalar_reals)
_ANSWERS = np.array([REFUSED, UNDECIDED, ALLOWED], np.int8)
_HEADER = '''"""Written by tesuji from a user's constraints; made anew when it is missing."""

import numpy as np
from numba import njit

{imports}


@njit(cache=True, nogil=True, error_model="numpy")
def mask_actions(state, instance, mask, first):
'''


class Predicate:
    """A conjunction of constraints, compiled.

    Attributes:
        symbols: what they speak of.
        parameters: the data that the kernel expects at the end of the domain's instance `[P]`.
    """

    def __init__(self, symbols: Symbols, expressions: Sequence[z3.BoolRef]) -> None:
        with MAIN:
            lowering = Lowering(symbols)
            self._slot = lowering.conjunction(expressions)
        self._program = lowering.program
        self.symbols = symbols
        self.parameters: npt.NDArray[np.int64] = lowering.parameters

    def check(
        self, states: npt.NDArray[Any], actions: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int8]:
        """Return REFUSED, ALLOWED or UNDECIDED for each of `states` and `actions` `[B]`."""
        found = vector.run(self._program, states, np.asarray(actions, np.int64), self.parameters)
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
        return self._source(f"== {TRUE}")

    def _source(self, keep: str) -> str:
        """Return the source of a kernel that keeps the actions whose truth is `keep`."""
        domain = self.symbols.domain
        if not isinstance(domain, CompiledDomain):
            raise ConstraintError(f"{domain.spec.name} is an object domain: it has no kernels")
        used, before, inside = set[str](), list[str](), list[str]()
        for slot, instruction in enumerate(self._program.instructions):
            line = f"x{slot} = {_expression(instruction, len(domain.instance))}"
            (inside if instruction.per_action else before).append(line)
            used.add(instruction.operation)
        body = [f"    {line}" for line in before]
        body += ["    for i in range(mask.shape[0]):", "        if mask[i]:"]
        body += [f"            {line}" for line in inside]
        body += [f"            mask[i] = x{self._slot} {keep}", ""]
        return _HEADER.format(imports="\n".join(_imports(used))) + "\n".join(body)

    @cached_property
    def kernel(self) -> Any:
        """Return the numba function that clears what is not allowed; it is a `restrict`."""
        return self._compiled(f"== {TRUE}")

    @cached_property
    def possible(self) -> Any:
        """Return the numba function that clears what is refused for certain, not the undecided."""
        return self._compiled(f"!= {FALSE}")

    def _compiled(self, keep: str) -> Any:
        domain = self.symbols.domain
        source = self._source(keep)
        # The layout of rows and the operations are part of what numba's cache must tell apart.
        layout = repr(domain.state_dtype) if isinstance(domain, CompiledDomain) else ""
        code = b"".join(Path(str(module.__file__)).read_bytes() for module in _OPERATIONS)
        digest = hashlib.sha256(source.encode() + layout.encode() + code).hexdigest()
        return _load_module(source, f"constraint_{digest[:32]}").mask_actions


def compile_predicate(symbols: Symbols, expressions: Sequence[z3.BoolRef]) -> Predicate:
    """Return the conjunction of `expressions`, compiled.

    Raises:
        ConstraintError: a term is outside the fragment or may leave 64 bits.
    """
    return Predicate(symbols, expressions)


def _imports(used: set[str]) -> list[str]:
    """Return an import for each module that has some of the operations."""
    homes = {module: sorted(used & set(vars(module))) for module in _OPERATIONS}
    return [f"from {m.__name__} import {', '.join(names)}" for m, names in homes.items() if names]


def _expression(instruction: Instruction, offset: int) -> str:
    arguments = [f"x{slot}" for slot in instruction.arguments]
    if instruction.operation == "const":
        return _literal(instruction)
    if instruction.operation == "action":
        return "np.int64(first + i)"
    if instruction.operation == "state":
        return _wrapped(instruction, _field(str(instruction.source), arguments))
    if instruction.operation == "parameter":
        assert isinstance(instruction.source, int)
        place = "0"
        for index, length in zip(arguments, instruction.shape, strict=True):
            place = index if place == "0" else f"({place}) * {length} + {index}"
        element = f"instance[{offset + instruction.source} + {place}]"
        if instruction.type == "float":
            return f"instance[{offset + instruction.source} + {place} :].view(np.float64)[0]"
        return f"{element} != 0" if instruction.type == "bool" else element
    return f"{instruction.operation}({', '.join(arguments)})"


def _field(name: str, index: list[str]) -> str:
    if not name.isidentifier():
        raise ConstraintError(f"the field {name!r} needs a name that is an identifier")
    return f"state.{name}[{', '.join(index)}]" if index else f"state.{name}"


def _wrapped(instruction: Instruction, text: str) -> str:
    wrappers = {"int": "np.int64", "bits": "np.uint64", "float": "np.float64", "bool": "np.bool_"}
    return f"{wrappers[instruction.type]}({text})"


def _literal(instruction: Instruction) -> str:
    value = instruction.constant
    if instruction.type == "bits":
        return f"np.uint64({int(value)})"
    if instruction.type == "float":
        return repr(float(value))
    if instruction.type == "bool":
        return repr(bool(value))
    return f"np.int64({int(value)})"


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
