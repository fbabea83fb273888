"""Files of shops, recognised by what is in them.

    standard     jobs machines / a line a job: machine duration, machine duration, ...
    Taillard     jobs machines ... / a matrix of durations / a matrix of machines, from 1;
                 words such as `Times` and `Machines` may stand before each
    flexible     jobs machines [choices an operation] / a line a job: how many operations; for each
                 how many machines, then machine duration, ..., machines from 1

Lines that begin with # or + and lines without a number are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tesuji.domains.logistics.scheduling.shop import Choices, ShopInstance, make_shop
from tesuji.domains.logistics.text_files import read_text

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_LARGEST = 1_000_000  # operations; a header that asks for more is a slip

Job = list[Choices]


class ShopFileError(ValueError):
    """A file is no shop: the message names file and line."""


@dataclass(frozen=True)
class _Line:
    number: int
    values: tuple[int, ...]


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.name = Path(source).stem
        lines = [
            (number, line.split())
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip() and line.strip()[0] not in "#+" and re.search(r"\d", line)
        ]
        lines = [(number, words) for number, words in lines if _NUMBER.fullmatch(words[0])]
        if not lines:
            self.fail(1, "no number; a shop begins with how many jobs and machines it has")
        number, words = lines[0]
        self.header = _Line(number, tuple(self.whole(number, word) for word in words[:2]))
        if len(words) < 2 or min(self.header.values) < 1:
            self.fail(number, f"expected how many jobs and machines, got {' '.join(words)!r}")
        self.jobs, self.machines = self.header.values
        self.has_average = len(words) == 3  # choices an operation, as flexible shops tell
        if self.jobs * self.machines > _LARGEST:
            self.fail(number, f"{self.jobs} jobs and {self.machines} machines are too many")
        self.lines = [
            _Line(number, tuple(self.whole(number, word) for word in words))
            for number, words in lines[1:]
        ]

    def fail(self, line: int, what: str) -> NoReturn:
        raise ShopFileError(f"{self.source}, line {line}: {what}")

    def whole(self, line: int, word: str) -> int:
        if not re.fullmatch(r"\+?\d{1,10}", word):
            self.fail(line, f"expected a whole number from 0, got {word!r}")
        return int(word)

    def expect_lines(self, number: int, what: str) -> None:
        if len(self.lines) < number:
            last = self.lines[-1].number if self.lines else self.header.number
            self.fail(last, f"the file ends after {len(self.lines)} of {number} lines of {what}")
        if len(self.lines) > number:
            self.fail(self.lines[number].number, f"more than {number} lines of {what}")

    def machine(self, line: int, value: int, first: int) -> int:
        if not first <= value < self.machines + first:
            self.fail(line, f"machine {value} is none of {first} to {self.machines + first - 1}")
        return value - first


def parse_shop(text: str, source: str = "shop") -> ShopInstance:
    """Return the shop that the text tells of; `source` names it in messages.

    Raises:
        ShopFileError: it tells of none.
    """
    reader = _Reader(text, source)
    widths = [len(line.values) for line in reader.lines]
    if len(widths) == 2 * reader.jobs and set(widths) == {reader.machines}:
        jobs = _taillard(reader)
    elif _looks_flexible(reader):
        jobs = _flexible(reader)
    else:
        jobs = _standard(reader)
    try:
        return make_shop(jobs, reader.machines, reader.name)
    except ValueError as error:
        raise ShopFileError(f"{source}: {error}") from None


def read_shop(path: Path | str) -> ShopInstance:
    """Return the shop of a file, in whichever format it is.

    Raises:
        ShopFileError: it is none, or it cannot be read.
    """
    return parse_shop(read_text(path, ShopFileError), str(path))


def _standard(reader: _Reader) -> list[Job]:
    reader.expect_lines(reader.jobs, "jobs")
    jobs: list[Job] = []
    for line in reader.lines:
        if len(line.values) % 2:
            what = f"expected pairs of machine and duration, got {len(line.values)} numbers"
            reader.fail(line.number, what)
        pairs = zip(line.values[::2], line.values[1::2], strict=True)
        jobs.append([[(reader.machine(line.number, m, 0), d)] for m, d in pairs])
    _fail_unless_whole(reader, jobs)
    return jobs


def _fail_unless_whole(reader: _Reader, jobs: list[Job]) -> None:
    """Ask that each job has as many operations as the header has machines."""
    for line, job in zip(reader.lines, jobs, strict=True):
        if len(job) != reader.machines:
            what = f"{len(job)} operations, but the header tells of {reader.machines} machines"
            reader.fail(line.number, what)


def _taillard(reader: _Reader) -> list[Job]:
    times, machines = reader.lines[: reader.jobs], reader.lines[reader.jobs :]
    return [
        [
            [(reader.machine(order.number, machine, 1), duration)]
            for machine, duration in zip(order.values, time.values, strict=True)
        ]
        for time, order in zip(times, machines, strict=True)
    ]


def _flexible_end(values: Sequence[int]) -> int | None:
    """Return how many numbers a flexible job takes from the line; None where it ends too soon."""
    place = 1
    for _ in range(values[0]):
        if place >= len(values):
            return None
        place += 1 + 2 * values[place]
    return place if place <= len(values) else None


def _looks_flexible(reader: _Reader) -> bool:
    """Return whether more lines read as flexible jobs than as pairs for every machine."""
    flexible = sum(_flexible_end(line.values) == len(line.values) for line in reader.lines)
    standard = sum(len(line.values) == 2 * reader.machines for line in reader.lines)
    return flexible + reader.has_average > standard


def _flexible(reader: _Reader) -> list[Job]:
    reader.expect_lines(reader.jobs, "jobs")
    jobs = []
    for line in reader.lines:
        values = line.values
        end = _flexible_end(values)
        if end is None:
            reader.fail(line.number, f"the line ends before its {values[0]} operations do")
        if end != len(values):
            extra = len(values) - end
            reader.fail(line.number, f"{extra} numbers after its {values[0]} operations")
        if not values[0]:
            reader.fail(line.number, "a job without operations")
        job: Job = []
        place = 1
        for _ in range(values[0]):
            number = values[place]
            if not number:
                reader.fail(line.number, f"operation {len(job)} has no machine")
            pairs = values[place + 1 : place + 1 + 2 * number]
            machines = [reader.machine(line.number, machine, 1) for machine in pairs[::2]]
            job.append(list(zip(machines, pairs[1::2], strict=True)))
            place += 1 + 2 * number
        jobs.append(job)
    return jobs
