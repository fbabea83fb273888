"""Tree search of the calculus, as a search that takes turns with others."""

from __future__ import annotations

from tesuji.domains.proving.clauses import ClauseSet
from tesuji.domains.proving.connection import ConnectionDomain
from tesuji.engine.theorem_schedule import Search, Strategy
from tesuji.search.base import Evaluator, UniformEvaluator
from tesuji.search.proving.policy import Guidance, Guide
from tesuji.search.proving.tree_search import GoalEvaluator, TreeSearch

TREE = Strategy("tree search", False, True, 1.0)


def open_tree(clauses: ClauseSet, guide: Guide | None) -> Search:
    """Return a tree search for a proof, guided or with equal priors."""
    domain = ConnectionDomain(clauses, goals=guide is not None)
    evaluator: Evaluator = UniformEvaluator(domain.spec.num_actions)
    guidance: Guidance | None = None
    if guide is not None:
        guidance = guide(domain.named)
        domain.names = guidance.policy.names  # what is seen is what the policy reads
        evaluator = GoalEvaluator(guidance.policy, guidance.chances)
    return Search(domain.named, TREE, guidance, TreeSearch(domain, evaluator))
