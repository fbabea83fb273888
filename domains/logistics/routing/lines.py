"""The lines of a routing file, with their numbers for messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tesuji.domains.logistics.routing.instance import (
    MAX_NODES,
    Floats,
    Integers,
    RoutingError,
    RoutingInstance,
    make_instance,
    rounded,
)


@dataclass
class Lines:
    """Lines that are not empty, read one after the other.

    Attributes:
        file: its name, for messages.
        text: all of it.
        number: of the line that was read last, from 1.
    """

    file: str
    text: str
    number: int = 0
    _rest: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        lines = enumerate(self.text.splitlines(), 1)
        self._rest = [(n, line.strip()) for n, line in lines if line.strip()][::-1]

    def __iter__(self) -> Iterator[str]:
        """Yield the lines that are left."""
        while self._rest:
            yield self.take("a line")

    def peek(self) -> str | None:
        """Return the next line without taking it; None at the end."""
        return self._rest[-1][1] if self._rest else None

    def take(self, wanted: str) -> str:
        """Return the next line.

        Raises:
            RoutingError: there is none; it says what was `wanted`.
        """
        if not self._rest:
            raise RoutingError(f"{self.file}:{self.number}: the file ends before {wanted}")
        self.number, line = self._rest.pop()
        return line

    def fault(self, message: str) -> RoutingError:
        """Return an error at the line that was read last."""
        return RoutingError(f"{self.file}:{self.number}: {message}")

    def customers(self, width: int, wanted: str, fewest: int) -> Iterator[list[float]]:
        """Yield the rows of numbered nodes that are left, 0 the depot.

        Raises:
            RoutingError: one has not `width` numbers or is out of turn; there are not `fewest`.
        """
        count = 0
        for line in self:
            row = self.numbers(line, width, wanted)
            if row[0] != count:
                raise self.fault(f"expected number {count} (0 is the depot), got {row[0]:g}")
            if count == MAX_NODES:
                raise self.fault(f"there are more than {MAX_NODES} nodes")
            count += 1
            yield row
        if count < fewest:
            raise self.fault(f"the file ends before a depot and {fewest - 1} customers at least")

    def fleet(self, line: str, count: int, wanted: str) -> tuple[int, int]:
        """Return how many vehicles there are and what they carry, the first of `count` numbers.

        Raises:
            RoutingError: the line says something else.
        """
        head = self.numbers(line, count, wanted)
        vehicles, capacity = (self.whole(value, "vehicles and capacity") for value in head[:2])
        return vehicles, capacity

    def numbers(self, line: str, count: int | None, wanted: str) -> list[float]:
        """Return the numbers of a line.

        Raises:
            RoutingError: there are not `count`, or it holds anything else.
        """
        words = line.split()
        if count is not None and len(words) != count:
            raise self.fault(f"expected {wanted}, got {line!r}")
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise self.fault(f"expected {wanted}, got {line!r}") from None
        if not all(abs(value) < 1e12 for value in values):
            raise self.fault(f"expected {wanted}, got {line!r}")
        return values

    def whole(self, value: float, wanted: str) -> int:
        """Return a number as an integer.

        Raises:
            RoutingError: it is none.
        """
        if value != int(value):
            raise self.fault(f"{wanted} must be an integer, got {value:g}")
        return int(value)


def windowed_instance(
    lines: Lines, name: str, fleet: tuple[int, int], table: Floats, scale: int,
    truncate: bool = False, delivery: Integers | None = None,
) -> RoutingInstance:  # fmt: skip
    """Return the instance of a table: number, x, y, demand, earliest, latest and service of each.

    Args:
        lines: where it was read.
        name: of the instance.
        fleet: how many vehicles there are and what they carry.
        table: the depot and the customers `[N, >= 7]`.
        scale: units of distance and time in one of the file.
        truncate: cut off what is below a unit rather than round to the nearest.
        delivery: of each pick-up `[N]`.

    Raises:
        RoutingError: it is no sound instance.
    """
    times = table[:, 4:7] * scale
    whole = (np.floor(times + 1e-9) if truncate else np.rint(times)).astype(np.int64)
    try:
        return make_instance(
            name, rounded(table[:, 1:3], scale, truncate), table[:, 3].astype(np.int64), fleet[1],
            coordinates=table[:, 1:3].copy(), windows=(whole[:, 0], whole[:, 1], whole[:, 2]),
            delivery=delivery, num_vehicles=fleet[0], scale=scale,
        )  # fmt: skip
    except RoutingError as error:
        raise RoutingError(f"{lines.file}: {error}") from None
