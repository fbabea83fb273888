"""Contents of Python objects: saved beside the objects, and put back into the very same ones.

What is reached is not copied but remembered, each list, dictionary, set, array and object of a
class with what it holds at the time; putting that back restores all of them, however they refer to
each other. Things of other kinds have contents that Python cannot see, and are refused.
"""

from __future__ import annotations

import collections
import enum
import numbers
import random
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Contents = list[tuple[Any, Any]]  # things, and what they held

_IMMUTABLE = (
    numbers.Number, str, bytes, range, slice, type(None), type(Ellipsis), enum.Enum, np.generic,
    np.dtype, type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType,
)  # fmt: skip
_FIXED, _ARRAY, _LIST, _DICT, _SET, _DEQUE, _TUPLE, _OBJECT, _RANDOM, _METHOD = range(10)
_LONG = 32  # a list; what it holds is not looked through again while it stays the same
_MOST_LISTS = 64  # that are remembered


# Random generators: how their states are read and set.
_DRAWING: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    np.random.Generator: (
        lambda generator: generator.bit_generator.state,
        lambda generator, state: setattr(generator.bit_generator, "state", state),
    ),
    np.random.RandomState: (np.random.RandomState.get_state, np.random.RandomState.set_state),
    random.Random: (random.Random.getstate, random.Random.setstate),
}


_SIMPLE: dict[type, int] = {
    np.ndarray: _ARRAY, list: _LIST, dict: _DICT, set: _SET, collections.deque: _DEQUE,
    frozenset: _TUPLE, types.MethodType: _METHOD, collections.OrderedDict: _DICT,
    collections.defaultdict: _DICT, **dict.fromkeys(_DRAWING, _RANDOM),
}  # fmt: skip


class _Plain:
    pass


def _is_label(value: tuple[Any, ...]) -> bool:
    """Return whether equal ones are the same: not so of 0.0 and -0.0."""
    return all(type(each) is int or type(each) is str for each in value)


class _Kinds(dict[type, int]):
    """How values of a type are saved."""

    def __init__(self, is_fixed: Callable[[type], bool]) -> None:
        super().__init__(_SIMPLE)
        self._is_fixed = is_fixed

    def __missing__(self, kind: type) -> int:
        if issubclass(kind, _IMMUTABLE) or self._is_fixed(kind):
            self[kind] = _FIXED
        elif issubclass(kind, tuple):
            self[kind] = _TUPLE
        elif kind.__dictoffset__ != 0 and kind.__basicsize__ == _Plain.__basicsize__:
            self[kind] = _OBJECT
        else:
            raise TypeError(f"cannot save what a {kind.__module__}.{kind.__qualname__} holds")
        return self[kind]


class Keeper:
    """Saves and restores the contents of what is reached from some values.

    Args:
        is_fixed: whether nothing changes the objects of a type.
        known: objects that are looked after elsewhere.
    """

    def __init__(self, is_fixed: Callable[[type], bool], known: Iterable[Any] = ()) -> None:
        self._known = {id(each) for each in known}
        self._kinds = _Kinds(is_fixed)
        # What lists held, and what of that must be looked at.
        self._lists: dict[int, tuple[list[Any], list[Any], list[Any]]] = {}

    def save(self, values: Iterable[Any]) -> Contents:
        """Return what is reached, with its contents.

        Raises:
            TypeError: it holds what cannot be saved.
        """
        found: Contents = []
        kinds, waiting = self._kinds, list(values)
        seen: set[int] = set()
        for value in waiting:
            kind = kinds[type(value)]
            if kind == _FIXED:
                continue
            if kind == _ARRAY and not value.dtype.hasobject:  # twice does no harm
                found.append((value, value.copy()))
            elif kind == _TUPLE:  # it holds the same for ever
                waiting += value
            elif kind == _METHOD:
                waiting.append(value.__self__)
            else:
                seen = seen or self._known.copy()
                if id(value) not in seen:
                    seen.add(id(value))
                    held, inside = self._look(value, kind)
                    waiting += inside
                    found.append((value, held))
        return found

    def restore(self, contents: Contents) -> None:
        """Put contents back."""
        kinds = self._kinds
        for value, held in contents:
            kind = kinds[type(value)]
            if kind == _ARRAY:
                value[...] = held
            elif kind == _OBJECT:
                object.__setattr__(value, "__dict__", held.copy())
            elif kind == _LIST:
                value[:] = held
            elif kind == _RANDOM:
                _DRAWING[type(value)][1](value, held)
            else:
                value.clear()
                (value.extend if kind == _DEQUE else value.update)(held)

    def _look(self, value: Any, kind: int) -> tuple[Any, Iterable[Any]]:
        """Return what a value holds, and what of that must be looked at."""
        if kind == _OBJECT:
            held = value.__dict__.copy()
            return held, held.values()
        if kind == _LIST:
            return self._look_through(value)
        if kind == _RANDOM:
            return _DRAWING[type(value)][0](value), ()
        held = value.copy()
        if kind == _ARRAY:
            return held, held.ravel().tolist()
        return held, [*held, *held.values()] if kind == _DICT else held

    def _look_through(self, value: list[Any]) -> tuple[list[Any], list[Any]]:
        if len(value) < _LONG:
            held = value.copy()
            return held, held
        known = self._lists.get(id(value))
        if known is not None and known[1] == value:  # the same objects, or labels, one by one
            return known[1:]
        held, kinds = value.copy(), self._kinds
        types_of: set[Any] = set(map(type, held))
        inside = [each for each in held if kinds[type(each)] != _FIXED]
        if tuple in types_of and all(_is_label(each) for each in inside if type(each) is tuple):
            inside = [each for each in inside if type(each) is not tuple]
            types_of.remove(tuple)
        if all(each is type(None) or each.__eq__ is object.__eq__ for each in types_of):
            if len(self._lists) >= _MOST_LISTS:
                self._lists.clear()
            self._lists[id(value)] = value, held, inside
        return held, inside
