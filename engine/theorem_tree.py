"""Tree search of the calculus, as a search that takes turns with others."""

from __future__ import annotations

from collections.abc import Callable

from tesuji.domains.proving.clauses import ClauseSet
from tesuji.domains.proving.connection import ConnectionDomain
from tesuji.domains.proving.matrix import NamedMatrix
from tesuji.engine.theorem_schedule import Search, Strategy
from tesuji.search.base import Evaluator, UniformEvaluator
from tesuji.search.proving.policy import Guidance, Policy
from tesuji.search.proving.tree_search import GoalEvaluator, TreeSearch

TREE = Strategy("tree search", False, True, 1.0)

Guide = Callable[[NamedMatrix], Guidance]


def open_tree(clauses: ClauseSet, guide: Guide | None) -> Search:
    """Return a tree search for a proof, guided or with equal priors."""
    domain = ConnectionDomain(clauses, goals=guide is not None)
    evaluator: Evaluator = UniformEvaluator(domain.spec.num_actions)
    policy: Policy | None = None
    if guide is not None:
        guidance = guide(domain.named)
        policy = guidance.policy
        domain.names = policy.names  # what is seen is what the policy reads
        evaluator = GoalEvaluator(*guidance)
    return Search(domain.named, TREE, policy, TreeSearch(domain, evaluator))
