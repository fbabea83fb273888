"""Neural-guided search and planning over any domain.

The public names load on first use, so that `import tesuji` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tesuji.domains.base import Domain, DomainSpec
    from tesuji.domains.check import check_domain
    from tesuji.domains.compiled import CompiledDomain, Kernels
    from tesuji.domains.registry import make
    from tesuji.engine.agent import load_agent
    from tesuji.engine.planner import Planner
    from tesuji.search.base import Budget, SearchResult, Status
    from tesuji.search.config import PUCT, Gumbel
    from tesuji.search.search import Search

__version__ = "0.1.0"

# Where each public name lives. Type checkers read the imports above; a test holds the two equal.
_MODULES = {
    "Budget": "tesuji.search.base",
    "CompiledDomain": "tesuji.domains.compiled",
    "Domain": "tesuji.domains.base",
    "DomainSpec": "tesuji.domains.base",
    "Gumbel": "tesuji.search.config",
    "Kernels": "tesuji.domains.compiled",
    "PUCT": "tesuji.search.config",
    "Planner": "tesuji.engine.planner",
    "Search": "tesuji.search.search",
    "SearchResult": "tesuji.search.base",
    "Status": "tesuji.search.base",
    "check_domain": "tesuji.domains.check",
    "load_agent": "tesuji.engine.agent",
    "make": "tesuji.domains.registry",
}

__all__ = [
    "PUCT",
    "Budget",
    "CompiledDomain",
    "Domain",
    "DomainSpec",
    "Gumbel",
    "Kernels",
    "Planner",
    "Search",
    "SearchResult",
    "Status",
    "check_domain",
    "load_agent",
    "make",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'tesuji' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
