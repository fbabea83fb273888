"""The families of planning problems that ship: a domain's text, a generator, sizes by level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tesuji.domains.logistics.tasks.exploring import rovers, satellite
from tesuji.domains.logistics.tasks.puzzles import blocksworld, floortile, sokoban, spanner
from tesuji.domains.logistics.tasks.transporting import (
    childsnack,
    ferry,
    logistics,
    miconic,
    transport,
)

_DOMAINS = Path(__file__).parent / "domains"


@dataclass(frozen=True)
class Family:
    """Random problems of one domain.

    Attributes:
        generate: writes a problem of these sizes; takes the random generator first.
        least: each size at level 0.
        growth: what a level adds to it.
    """

    generate: Callable[..., str]
    least: Mapping[str, int]
    growth: Mapping[str, float]

    @property
    def name(self) -> str:
        """Return the domain's name."""
        return self.generate.__name__

    def domain(self) -> str:
        """Return the domain's text."""
        return (_DOMAINS / f"{self.name}.pddl").read_text(encoding="utf-8")

    def sizes(self, level: float) -> dict[str, int]:
        """Return the sizes of a level: 0 is tiny, 10 takes a planner some thought."""
        return {
            name: least + int(level * self.growth.get(name, 0.0))
            for name, least in self.least.items()
        }

    def problem(self, seed: int, level: float = 3.0, **sizes: int) -> str:
        """Return a random problem; the same seed gives the same text.

        Args:
            seed: decides what is random.
            level: how large, where `sizes` are silent.
            sizes: of what there is, by the names in `least`.

        Raises:
            ValueError: a size that the family does not have, or one below 1.
        """
        for name, size in sizes.items():
            if name not in self.least:
                known = ", ".join(self.least)
                raise ValueError(f"{self.name} has no size {name!r}; it has {known}")
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        rng = np.random.default_rng(seed)
        return self.generate(rng, **{**self.sizes(level), **sizes})


_ALL = (
    Family(blocksworld, {"blocks": 2}, {"blocks": 1.0}),
    Family(
        childsnack,
        {"children": 1, "allergic": 1, "trays": 1, "tables": 1},
        {"children": 0.7, "allergic": 0.3, "trays": 0.25, "tables": 0.3},
    ),
    Family(ferry, {"cars": 1, "locations": 2}, {"cars": 1.0, "locations": 0.7}),
    Family(
        floortile,
        {"rows": 1, "columns": 2, "robots": 1},
        {"rows": 0.4, "columns": 0.25, "robots": 0.2},
    ),
    Family(
        logistics,
        {"cities": 1, "places": 1, "airplanes": 1, "packages": 1},
        {"cities": 0.5, "places": 0.25, "airplanes": 0.1, "packages": 0.7},
    ),
    Family(miconic, {"passengers": 1, "floors": 2}, {"passengers": 1.0, "floors": 1.0}),
    Family(
        rovers,
        {"rovers": 1, "waypoints": 2, "objectives": 1, "samples": 1},
        {"rovers": 0.2, "waypoints": 0.7, "objectives": 0.4, "samples": 0.8},
    ),
    Family(
        satellite,
        {"satellites": 1, "instruments": 1, "modes": 1, "directions": 2, "images": 1},
        {"satellites": 0.3, "instruments": 0.5, "modes": 0.3, "directions": 0.7, "images": 0.8},
    ),
    Family(
        sokoban,
        {"rows": 3, "columns": 3, "boxes": 1, "walls": 1},
        {"rows": 0.5, "columns": 0.5, "boxes": 0.2, "walls": 0.8},
    ),
    Family(
        spanner,
        {"spanners": 1, "nuts": 1, "locations": 1},
        {"spanners": 1.2, "nuts": 0.8, "locations": 1.0},
    ),
    Family(
        transport,
        {"vehicles": 1, "packages": 1, "locations": 2, "capacity": 1},
        {"vehicles": 0.3, "packages": 0.7, "locations": 0.8, "capacity": 0.3},
    ),
)
FAMILIES: dict[str, Family] = {f"logistics/{family.name}": family for family in _ALL}
