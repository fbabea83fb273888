"""What a search that a policy guides pays for a step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prices:
    """What a step costs, and how the limit rises.

    Attributes:
        step: of any step.
        weight: of the surprise, in nats.
        rise: of the limit, each time.
    """

    step: float = 1.0
    weight: float = 2.0
    rise: float = 3.0


USUAL = Prices()
