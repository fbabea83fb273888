"""How often an agent errs on solved positions.

A *mistake* is a move where another legal move keeps a strictly better outcome (win, draw, loss);
a *non-optimal* move is one where another has a strictly better exact score, such as a faster win.
Both are shares of all positions of a set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tesuji.domains.base import Domain
from tesuji.engine.agent import Agent
from tesuji.engine.positions import ILLEGAL, SolvedSet
from tesuji.engine.statistics import Interval, wilson

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class EvaluationRow:
    """What one agent did on one set."""

    agent: str
    positions: str
    num_positions: int
    mistakes: int
    non_optimal: int
    seconds: float

    @property
    def mistake_share(self) -> float:
        """Return the share of mistakes."""
        return self.mistakes / max(self.num_positions, 1)

    @property
    def non_optimal_share(self) -> float:
        """Return the share of non-optimal moves."""
        return self.non_optimal / max(self.num_positions, 1)

    @property
    def mistake_interval(self) -> Interval:
        """Return the 95 % interval of the share of mistakes."""
        return wilson(self.mistakes, self.num_positions)

    @property
    def non_optimal_interval(self) -> Interval:
        """Return the 95 % interval of the share of non-optimal moves."""
        return wilson(self.non_optimal, self.num_positions)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, shares and intervals included."""
        return {
            **asdict(self),
            "seconds": round(self.seconds, 3),
            "mistake_share": self.mistake_share,
            "mistake_interval": list(self.mistake_interval),
            "non_optimal_share": self.non_optimal_share,
            "non_optimal_interval": list(self.non_optimal_interval),
        }


@dataclass(frozen=True)
class EvaluationReport:
    """What agents did on solved sets, a row for each agent and set."""

    game: str
    rows: tuple[EvaluationRow, ...]

    def totals(self) -> dict[str, EvaluationRow]:
        """Return each agent's sum over all sets."""
        sums: dict[str, EvaluationRow] = {}
        for row in self.rows:
            last = sums.get(row.agent, EvaluationRow(row.agent, "all", 0, 0, 0, 0.0))
            sums[row.agent] = EvaluationRow(
                row.agent,
                "all",
                last.num_positions + row.num_positions,
                last.mistakes + row.mistakes,
                last.non_optimal + row.non_optimal,
                last.seconds + row.seconds,
            )
        return sums

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "game": self.game,
            "rows": [row.to_json() for row in self.rows],
            "totals": {name: row.to_json() for name, row in self.totals().items()},
        }

    def table(self) -> Table:
        """Return the report as a table for a console."""
        from rich.table import Table  # noqa: PLC0415

        table = Table(title=f"{self.game}: moves against exact play (95 % intervals)")
        table.add_column("positions")
        table.add_column("agent")
        for heading in ("number", "mistakes", "non-optimal", "seconds"):
            table.add_column(heading, justify="right")
        several = len({row.positions for row in self.rows}) > 1
        for row in (*self.rows, *(self.totals().values() if several else ())):
            table.add_row(
                row.positions,
                row.agent,
                str(row.num_positions),
                _percent(row.mistake_share, row.mistake_interval),
                _percent(row.non_optimal_share, row.non_optimal_interval),
                f"{row.seconds:.1f}",
            )
        return table


def _percent(share: float, interval: Interval) -> str:
    return f"{share:.2%} [{100 * interval.low:.2f}, {100 * interval.high:.2f}]"


def judge(solved: SolvedSet, actions: Sequence[int]) -> tuple[int, int]:
    """Return `(mistakes, non-optimal moves)` of one action a position.

    Raises:
        ValueError: an action is illegal.
    """
    scores = solved.scores
    chosen = scores[np.arange(len(scores)), np.asarray(actions, np.intp)]
    if (chosen == ILLEGAL).any():
        index = int(np.argmax(chosen == ILLEGAL))
        raise ValueError(f"{solved.name}: illegal action {actions[index]} at position {index + 1}")
    best = scores.max(axis=1)
    # The best outcome is that of the best score: any win is above any draw.
    mistakes = np.sign(best) > np.sign(chosen)
    return int(mistakes.sum()), int((best > chosen).sum())


def evaluate(
    domain: Domain,
    agents: Sequence[Agent],
    sets: Sequence[SolvedSet],
    *,
    seed: int = 0,
    progress: Callable[[EvaluationRow], None] | None = None,
) -> EvaluationReport:
    """Return how often each agent errs on each set; a set is one batch."""
    rows = []
    for solved in sets:
        seeds = [seed + index for index in range(len(solved.states))]
        for agent in agents:
            agent.reset()
            start = time.perf_counter()
            moves = agent.act(domain, list(solved.states), seeds) if seeds else []
            seconds = time.perf_counter() - start
            mistakes, non_optimal = judge(solved, [move.action for move in moves])
            row = EvaluationRow(agent.name, solved.name, len(seeds), mistakes, non_optimal, seconds)
            rows.append(row)
            if progress is not None:
                progress(row)
    return EvaluationReport(domain.spec.name, tuple(rows))
