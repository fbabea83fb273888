"""Writes a constraint's program out as the source of a numba kernel.

A truth value has three states; the kernel asks of each only whether it is certain, or whether its
contrary is, and what nothing asks for is left out. What depends on the state alone stands before
the loop over actions; what depends on the action alone is looked up in tables. The loop has no
branches, so that several actions are checked at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.search.symbolic import scalar, scalar_reals, vector
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.program import FALSE, TRUE, Instruction, Program, Slot

OPERATION_MODULES = (scalar, scalar_reals)

_HEADER = '''"""Written by tesuji from a user's constraints; made anew when it is missing."""

import numpy as np
from numba import njit

{imports}


@njit(cache=True, nogil=True, error_model="numpy")
def mask_actions(state, instance, mask, first):
    floats = instance.view(np.float64)
'''
_VALUE = -1  # what is asked of a slot that is no truth value
_WRAPPERS = {"int": "np.int64", "bits": "np.uint64", "float": "np.float64", "bool": "np.bool_"}


class Tables:
    """The values of what depends on the action alone, one table of `A` each.

    Attributes:
        data: the tables, one after another, floats as their bits.
    """

    def __init__(
        self, program: Program, num_actions: int, states: Any, parameters: npt.NDArray[np.int64]
    ) -> None:
        """Make the tables; `states` are any records `[A]`."""
        alone = _action_alone(program)
        wanted = {
            slot
            for place, instruction in enumerate(program.instructions)
            if place not in alone
            for slot in instruction.arguments
            if slot in alone
        } | (alone & {len(program.instructions) - 1})
        self._places: dict[Slot, int] = {}
        values = vector.run(program, states, np.arange(num_actions), parameters) if wanted else []
        tables = [np.zeros(0, np.int64)]
        for place, slot in enumerate(sorted(wanted)):
            self._places[slot] = len(parameters) + place * num_actions
            table = np.ascontiguousarray(values[slot])
            wide = table.dtype.itemsize == 8
            tables.append(table.view(np.int64) if wide else table.astype(np.int64))
        self.data: npt.NDArray[np.int64] = np.concatenate(tables)

    def place(self, slot: Slot) -> int | None:
        """Return where the table of `slot` begins among the parameters, None without one."""
        return self._places.get(slot)


def _action_alone(program: Program) -> set[Slot]:
    """Return the slots that depend on the action and not on the state, but for its number."""
    alone, constant = set[Slot](), set[Slot]()
    for slot, instruction in enumerate(program.instructions):
        if instruction.operation == "state" or not constant.issuperset(instruction.arguments):
            continue
        constant.add(slot)
        if instruction.per_action and instruction.operation != "action":
            alone.add(slot)
    return alone


class Writer:
    """Writes the kernels of one program.

    Args:
        program: the instructions.
        tables: of what depends on the action alone.
        offset: where the parameters begin in the instance.
    """

    def __init__(self, program: Program, tables: Tables, offset: int) -> None:
        self._program, self._tables, self._offset = program, tables, offset
        self._wanted: dict[Slot, set[int]] = {}  # TRUE, FALSE or _VALUE
        self._used: set[str] = set()

    def write(self, root: Slot, certain: bool) -> str:
        """Return a kernel that keeps the actions for which `root` holds.

        Args:
            root: a truth value.
            certain: whether it must hold for certain, or must not fail for certain.
        """
        self._wanted, self._used = {}, set()
        found = self.truth(root, TRUE) if certain else f"not {self.truth(root, FALSE)}"
        before, inside = list[str](), list[str]()
        for slot in range(root, -1, -1):  # what a line needs stands before it
            lines = inside if self._program.instructions[slot].per_action else before
            lines += [self._line(slot, what) for what in sorted(self._wanted.get(slot, ()))]
        homes = {module: sorted(self._used & set(vars(module))) for module in OPERATION_MODULES}
        imports = [f"from {m.__name__} import {', '.join(n)}" for m, n in homes.items() if n]
        body = [f"    {line}" for line in reversed(before)]
        body += ["    for i in range(mask.shape[0]):", "        action = first + i"]
        body += [f"        {line}" for line in reversed(inside)]
        body += [f"        mask[i] = mask[i] & ({found})", ""]
        return _HEADER.format(imports="\n".join(imports)) + "\n".join(body)

    def truth(self, slot: Slot, wanted: int) -> str:
        """Return the name of whether a truth value is certainly `wanted`."""
        self._wanted.setdefault(slot, set()).add(wanted)
        return f"{'t' if wanted == TRUE else 'f'}{slot}"

    def value(self, slot: Slot) -> str:
        """Return the name of a value that is no truth value."""
        self._wanted.setdefault(slot, set()).add(_VALUE)
        return f"x{slot}"

    def _line(self, slot: Slot, what: int) -> str:
        if what == _VALUE:
            return f"{self.value(slot)} = {self._value_text(slot)}"
        return f"{self.truth(slot, what)} = {self._truth_text(slot, what)}"

    def _value_text(self, slot: Slot) -> str:
        instruction = self._program.instructions[slot]
        place = self._tables.place(slot)
        if place is not None:
            return self._table(instruction, place)
        if instruction.operation in _FROM_TRUTHS:
            return _FROM_TRUTHS[instruction.operation](self, instruction.arguments)
        return self._expression(instruction, [self.value(a) for a in instruction.arguments])

    def _truth_text(self, slot: Slot, wanted: int) -> str:
        instruction = self._program.instructions[slot]
        place = self._tables.place(slot)
        if place is not None:
            return f"{self._table(instruction, place)} == {wanted}"
        if instruction.operation == "const":
            return repr(instruction.constant == wanted)
        return _TRUTHS[instruction.operation](self, instruction.arguments, wanted)

    def _table(self, instruction: Instruction, place: int) -> str:
        return _element(instruction, f"{self._offset + place} + action")

    def _expression(self, instruction: Instruction, arguments: list[str]) -> str:
        if instruction.operation == "const":
            return _literal(instruction)
        if instruction.operation == "action":
            return "np.int64(action)"
        if instruction.operation == "state":
            text = _field(str(instruction.source), arguments)
            return f"{_WRAPPERS[instruction.type]}({text})"
        if instruction.operation == "parameter":
            assert isinstance(instruction.source, int)
            place = "0"
            for index, length in zip(arguments, instruction.shape, strict=True):
                place = index if place == "0" else f"({place}) * {length} + {index}"
            return _element(instruction, f"{self._offset + instruction.source} + {place}")
        self._used.add(instruction.operation)
        return f"{instruction.operation}({', '.join(arguments)})"


_Arguments = tuple[Slot, ...]


def _chosen(writer: Writer, arguments: _Arguments) -> str:
    condition, then, other = arguments
    return f"{writer.value(then)} if {writer.truth(condition, TRUE)} else {writer.value(other)}"


def _counted(writer: Writer, arguments: _Arguments) -> str:
    condition, weight = arguments
    return f"{writer.value(weight)} if {writer.truth(condition, TRUE)} else 0"


def _decided(writer: Writer, arguments: _Arguments) -> str:
    return f"{writer.truth(arguments[0], TRUE)} | {writer.truth(arguments[0], FALSE)}"


# Values that are made of truth values.
_FROM_TRUTHS: dict[str, Callable[[Writer, _Arguments], str]] = {
    "choose": _chosen,
    "count": _counted,
    "decided": _decided,
}

_TruthWriter = Callable[[Writer, _Arguments, int], str]


def _all_or_any(all_if: int) -> _TruthWriter:
    """Return what writes a value that is `all_if` where all arguments are, else where one is."""

    def write(writer: Writer, arguments: _Arguments, wanted: int) -> str:
        joint = " & " if wanted == all_if else " | "
        return joint.join(writer.truth(slot, wanted) for slot in arguments)

    return write


def _compared(yes: str, no: str) -> _TruthWriter:
    def write(writer: Writer, arguments: _Arguments, wanted: int) -> str:
        names = _Names(writer, arguments)
        return (yes if wanted == TRUE else no).format(names)

    return write


class _Names:
    """The names of values by their place, each asked for only if it is used."""

    def __init__(self, writer: Writer, arguments: _Arguments) -> None:
        self._writer, self._arguments = writer, arguments

    def __getitem__(self, place: int) -> str:
        return self._writer.value(self._arguments[place])


def _guarded(writer: Writer, arguments: _Arguments, wanted: int) -> str:
    return f"{writer.truth(arguments[0], wanted)} & {writer.value(arguments[1])}"


def _negated(writer: Writer, arguments: _Arguments, wanted: int) -> str:
    return writer.truth(arguments[0], TRUE + FALSE - wanted)


def _same(writer: Writer, arguments: _Arguments, wanted: int) -> str:
    a, b = arguments
    other = TRUE + FALSE - wanted
    pairs = [(TRUE, wanted), (FALSE, other)]
    return " | ".join(f"({writer.truth(a, x)} & {writer.truth(b, y)})" for x, y in pairs)


def _chosen_truth(writer: Writer, arguments: _Arguments, wanted: int) -> str:
    condition, then, other = arguments
    a, b = writer.truth(then, wanted), writer.truth(other, wanted)
    yes, no = writer.truth(condition, TRUE), writer.truth(condition, FALSE)
    return f"({yes} & {a}) | ({no} & {b}) | ({a} & {b})"


_TRUTHS: dict[str, _TruthWriter] = {
    "truth": _compared("{0[0]}", "not {0[0]}"),
    "guard": _guarded,
    "negation": _negated,
    "conjunction": _all_or_any(TRUE),
    "disjunction": _all_or_any(FALSE),
    "same_truth": _same,
    "choose_truth": _chosen_truth,
    "equal": _compared("{0[0]} == {0[1]}", "{0[0]} != {0[1]}"),
    "less": _compared("{0[0]} < {0[1]}", "{0[0]} >= {0[1]}"),
    "at_most": _compared("{0[0]} <= {0[1]}", "{0[0]} > {0[1]}"),
    "interval_less": _compared("{0[1]} < {0[2]}", "{0[0]} >= {0[3]}"),
    "interval_at_most": _compared("{0[1]} <= {0[2]}", "{0[0]} > {0[3]}"),
    "interval_equal": _compared(
        "({0[0]} == {0[1]}) & ({0[2]} == {0[3]}) & ({0[0]} == {0[2]})",
        "({0[1]} < {0[2]}) | ({0[3]} < {0[0]})",
    ),
}


def _element(instruction: Instruction, place: str) -> str:
    """Return an element of the instance; the index is not negative, which spares a check."""
    array = "floats" if instruction.type == "float" else "instance"
    element = f"{array}[np.uint64({place})]"
    if instruction.type == "bits":
        return f"np.uint64({element})"
    return f"{element} != 0" if instruction.type == "bool" else element


def _field(name: str, index: list[str]) -> str:
    if not name.isidentifier():
        raise ConstraintError(f"the field {name!r} needs a name that is an identifier")
    places = ", ".join(f"np.uint64({i})" for i in index)
    return f"state.{name}[{places}]" if index else f"state.{name}"


def _literal(instruction: Instruction) -> str:
    value = instruction.constant
    if instruction.type == "bits":
        return f"np.uint64({int(value)})"
    if instruction.type == "float":
        return repr(float(value))
    if instruction.type == "bool":
        return repr(bool(value))
    return f"np.int64({int(value)})"
