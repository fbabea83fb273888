"""How strong a network is while it learns, where a game has solved positions to say so."""

from __future__ import annotations

from typing import Any

from torch import nn

from tesuji.domains.compiled import CompiledDomain
from tesuji.engine.agent import Agent, PolicyAgent, SearchAgent
from tesuji.engine.evaluation import evaluate
from tesuji.engine.positions import shipped_sets
from tesuji.engine.selfplay_round import choose_backend
from tesuji.engine.training_config import EvaluationConfig, TrainConfig
from tesuji.nets.evaluators import make_evaluator
from tesuji.search.base import Budget
from tesuji.search.config import PUCT


class Strength:
    """Mistakes on solved positions, by the raw policy and with search."""

    def __init__(self, domain: CompiledDomain, config: EvaluationConfig) -> None:
        self._domain, self._config = domain, config
        self._sets = [part.first(config.positions) for part in shipped_sets(domain)]

    def measure(self, config: TrainConfig, network: nn.Module, exported: bytes) -> dict[str, Any]:
        """Return the share of mistakes by agent and set; nothing for a game without solutions."""
        if not self._sets:
            return {}
        backend = choose_backend(config)
        source = network if backend == "torch" else exported
        evaluator = make_evaluator(backend, source, self._domain.spec, threads=1)
        settings = PUCT(lookahead=self._config.lookahead, cache_entries=1 << 18, canonical=True)
        agents: list[Agent] = [
            PolicyAgent(evaluator, "policy"),
            SearchAgent(
                self._domain, evaluator, settings, Budget(simulations=self._config.simulations),
                "search",
            ),
        ]  # fmt: skip
        report = evaluate(self._domain, agents, self._sets)
        mistakes: dict[str, dict[str, float]] = {}
        for row in report.rows:
            mistakes.setdefault(row.agent, {})[row.positions] = row.mistake_share
        return {"mistakes": mistakes}
