"""Neural-guided search and planning over any domain.

The public names load on first use, so that `import tesuji` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tesuji.domains.adapters.pettingzoo import DomainAECEnv
    from tesuji.domains.base import Domain, DomainSpec
    from tesuji.domains.check import check_domain
    from tesuji.domains.compiled import CompiledDomain, Kernels
    from tesuji.domains.environment import DomainEnv
    from tesuji.domains.registry import make
    from tesuji.engine.agent import load_agent
    from tesuji.engine.planner import Planner
    from tesuji.search.base import Budget, SearchResult, Status, UniformEvaluator
    from tesuji.search.config import PUCT, Gumbel
    from tesuji.search.driver import RolloutEvaluator
    from tesuji.search.search import Search
    from tesuji.search.symbolic.certified import CertifiedPlayer
    from tesuji.search.symbolic.constrained import constrain
    from tesuji.search.symbolic.explain import explain
    from tesuji.search.symbolic.model import ConstraintError, Relaxation, SymbolicModel
    from tesuji.search.symbolic.planning import SMTPlanner
    from tesuji.search.symbolic.sequencing import Sequencing
    from tesuji.search.symbolic.shield import Shield
    from tesuji.search.symbolic.symbols import Variable, symbols
    from tesuji.search.symbolic.text import parse_constraint

__version__ = "0.1.0"

# Where each public name lives. Type checkers read the imports above; a test holds the two equal.
_MODULES = {
    "Budget": "tesuji.search.base",
    "CertifiedPlayer": "tesuji.search.symbolic.certified",
    "CompiledDomain": "tesuji.domains.compiled",
    "ConstraintError": "tesuji.search.symbolic.model",
    "Domain": "tesuji.domains.base",
    "DomainAECEnv": "tesuji.domains.adapters.pettingzoo",
    "DomainEnv": "tesuji.domains.environment",
    "DomainSpec": "tesuji.domains.base",
    "Gumbel": "tesuji.search.config",
    "Kernels": "tesuji.domains.compiled",
    "PUCT": "tesuji.search.config",
    "Planner": "tesuji.engine.planner",
    "Relaxation": "tesuji.search.symbolic.model",
    "RolloutEvaluator": "tesuji.search.driver",
    "SMTPlanner": "tesuji.search.symbolic.planning",
    "Search": "tesuji.search.search",
    "SearchResult": "tesuji.search.base",
    "Sequencing": "tesuji.search.symbolic.sequencing",
    "Shield": "tesuji.search.symbolic.shield",
    "Status": "tesuji.search.base",
    "SymbolicModel": "tesuji.search.symbolic.model",
    "UniformEvaluator": "tesuji.search.base",
    "Variable": "tesuji.search.symbolic.symbols",
    "check_domain": "tesuji.domains.check",
    "constrain": "tesuji.search.symbolic.constrained",
    "explain": "tesuji.search.symbolic.explain",
    "load_agent": "tesuji.engine.agent",
    "make": "tesuji.domains.registry",
    "parse_constraint": "tesuji.search.symbolic.text",
    "symbols": "tesuji.search.symbolic.symbols",
}

__all__ = [
    "PUCT",
    "Budget",
    "CertifiedPlayer",
    "CompiledDomain",
    "ConstraintError",
    "Domain",
    "DomainAECEnv",
    "DomainEnv",
    "DomainSpec",
    "Gumbel",
    "Kernels",
    "Planner",
    "Relaxation",
    "RolloutEvaluator",
    "SMTPlanner",
    "Search",
    "SearchResult",
    "Sequencing",
    "Shield",
    "Status",
    "SymbolicModel",
    "UniformEvaluator",
    "Variable",
    "check_domain",
    "constrain",
    "explain",
    "load_agent",
    "make",
    "parse_constraint",
    "symbols",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'tesuji' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
