"""Configuration files: TOML to and from frozen dataclasses.

A key of the file is a field's name; a nested dataclass is a table. Defaults stand in the
dataclasses alone: a file holds what differs, or everything (`save_toml`). None is written as
"none", since TOML has no such value.
"""

from __future__ import annotations

import difflib
import json
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tesuji.engine.errors import UsageError

Config = TypeVar("Config")

SAVED = "config.toml"  # in a run's folder
KIND = "kind"  # the key that picks one of several dataclasses: `kind = "gumbel"`
NONE = "none"


class ConfigError(UsageError):
    """A configuration file is not there, is no TOML, or has a key or value that does not fit."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of the TOML file at `path`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; --config takes a TOML file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def load_toml(cls: type[Config], path: Path) -> Config:
    """Return the configuration that the file at `path` holds, defaults where it is silent."""
    return merge(cls, read_toml(path), str(path))


def merge(
    cls: type[Config], table: Mapping[str, Any], source: str, missing: object = MISSING
) -> Config:
    """Return a `cls` of `table` over the defaults.

    Args:
        cls: a frozen dataclass.
        table: field names and values; tables for nested dataclasses.
        source: the file's name, for messages.
        missing: what stands for a field that has no default and is not in `table`; without it
            such a field is an error.
    """
    known = dict(keys(cls))
    return cast(Config, _build(cls, table, _Place(source, "", known), {}, missing))


def save_toml(path: Path, config: object) -> None:
    """Write `config` whole to the file at `path`, atomically."""
    from tesuji.engine.storage import atomic_write  # noqa: PLC0415 (loads numpy)

    atomic_write(path, to_toml(config).encode())


def to_toml(config: object) -> str:
    """Return `config` whole as TOML."""
    return "\n".join(_tables(config, "")) + "\n"


def narrow(cls: type[Config], config: object) -> Config:
    """Return the `cls` that has the fields of `config`, an instance of a subclass."""
    return cls(**{field.name: getattr(config, field.name) for field in fields(cast(Any, cls))})


def keys(cls: type[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key of `cls`, dotted where nested, with its type."""
    hints = get_type_hints(cls)
    for field in fields(cls):
        key, hint = prefix + field.name, hints[field.name]
        yield key, hint
        for nested in _dataclasses(hint):
            yield from keys(nested, f"{key}.")


def nearest(wanted: str, known: list[str]) -> str | None:
    """Return the known name that `wanted` was meant to be, if one is near."""
    matches = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    if not matches:  # a key in the wrong table, or a flag without its group
        matches = [name for name in known if name.rpartition(".")[2] == wanted.rpartition(".")[2]]
    return matches[0] if matches else None


class _Place:
    """Where in which file a value stands."""

    def __init__(self, source: str, key: str, known: dict[str, Any]) -> None:
        self.source, self.key, self.known = source, key, known

    def under(self, name: str) -> _Place:
        return _Place(self.source, f"{self.key}.{name}".lstrip("."), self.known)

    def unknown(self, name: str) -> ConfigError:
        key = self.under(name).key
        near = nearest(key, list(self.known))
        hint = f"did you mean {near!r}?" if near else f"keys: {', '.join(self.known)}"
        return ConfigError(f"{self.source}: unknown key {key!r}; {hint}")

    def expected(self, what: str, value: object) -> ConfigError:
        return ConfigError(f"{self.source}: {self.key} must be {what}, got {value!r}")


def _build(
    cls: type[Any],
    table: Mapping[str, Any],
    place: _Place,
    base: Mapping[str, Any],
    missing: object,
) -> Any:
    """Return a `cls` of `table` over `base` over the defaults."""
    hints = get_type_hints(cls)
    for name in table:
        if name not in hints:
            raise place.unknown(name)
    values = dict(base)
    for field in fields(cls):
        if field.name in table:
            under, default = place.under(field.name), base.get(field.name, _default(field))
            values[field.name] = _value(hints[field.name], table[field.name], under, default)
        elif field.name not in base and _default(field) is MISSING:
            if missing is MISSING:
                raise ConfigError(f"{place.source}: {place.under(field.name).key} is missing")
            values[field.name] = missing
    try:
        return cls(**values)
    except ValueError as error:
        where = f" [{place.key}]" if place.key else ""
        raise ConfigError(f"{place.source}:{where} {error}") from None


def _default(field: Any) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _value(hint: Any, value: Any, place: _Place, default: Any) -> Any:
    options = _options(hint)
    if type(None) in options and value == NONE:
        return None
    nested = _dataclasses(hint)
    if nested:
        return _nested(nested, value, place, default)
    for option in options:
        converted = _convert(option, value, place)
        if converted is not MISSING:
            return converted
    raise place.expected(" or ".join(_describe(option) for option in options), value)


def _nested(classes: list[type[Any]], value: Any, place: _Place, default: Any) -> Any:
    if not isinstance(value, dict):
        raise place.expected("a table", value)
    table = dict(value)
    kinds = {cls.__name__.lower(): cls for cls in classes}
    kind = table.pop(KIND, type(default).__name__.lower()) if len(kinds) > 1 else next(iter(kinds))
    if kind not in kinds:
        raise place.under(KIND).expected(" or ".join(map(repr, kinds)), kind)
    base = {}
    if type(default) is kinds[kind]:  # it may differ from the class's own defaults
        base = {field.name: getattr(default, field.name) for field in fields(default)}
    return _build(kinds[kind], table, place, base, MISSING)


def _convert(option: Any, value: Any, place: _Place) -> Any:
    """Return `value` as an `option`, or MISSING where it is none."""
    origin = get_origin(option)
    if origin is Literal:
        return value if value in get_args(option) else MISSING
    if tuple in (option, origin):  # a bare one is of strings, as on the command line
        return _sequence(get_args(option) or (str, ...), value, place)
    if origin is dict:
        return value if isinstance(value, dict) else MISSING
    if option is float and type(value) is int:
        return float(value)
    if option is Path and type(value) is str:
        return Path(value)
    return value if option is type(value) else MISSING


def _sequence(items: tuple[Any, ...], value: Any, place: _Place) -> Any:
    if not isinstance(value, list):
        return MISSING
    if items[-1] is not Ellipsis and len(items) != len(value):
        return MISSING
    each = [items[0]] * len(value) if items[-1] is Ellipsis else list(items)
    return tuple(_value(item, entry, place, None) for item, entry in zip(each, value, strict=True))


def _options(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return list(get_args(hint))
    return [hint]


def _dataclasses(hint: Any) -> list[type[Any]]:
    return [option for option in _options(hint) if is_dataclass(option)]  # type: ignore[misc]


def _describe(option: Any) -> str:
    if get_origin(option) is Literal:
        return " or ".join(repr(choice) for choice in get_args(option))
    if option is type(None):
        return f'"{NONE}"'
    if option is tuple:
        return "an array of strings"
    if get_origin(option) is tuple:
        return "an array"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
    return words.get(option, "a path" if option is Path else str(option))


def _tables(config: object, name: str) -> Iterator[str]:
    hints = get_type_hints(type(config))
    values = {field.name: getattr(config, field.name) for field in fields(cast(Any, config))}
    if name:
        yield f"\n[{name}]"
    for key, value in values.items():
        if not is_dataclass(value):
            yield f"{key} = {_literal(value)}"
    for key, value in values.items():
        if is_dataclass(value):
            table = list(_tables(value, f"{name}.{key}".lstrip(".")))
            if len(_dataclasses(hints[key])) > 1:
                table.insert(1, f"{KIND} = {_literal(type(value).__name__.lower())}")
            yield from table


def _literal(value: object) -> str:
    match value:
        case None:
            return _literal(NONE)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
        case tuple() | list():
            return f"[{', '.join(map(_literal, value))}]"
        case dict():
            pairs = (f"{_literal(str(key))} = {_literal(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
    raise TypeError(f"a configuration cannot hold a {type(value).__name__}: {value!r}")
