"""Kernels of theorem proving, compiled or loaded before a problem's time is taken."""

from __future__ import annotations

from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.theorem_tree import open_tree
from tesuji.search.proving.deepening import Deepening
from tesuji.search.proving.guided import Guided
from tesuji.search.proving.instantiation import Instantiation
from tesuji.search.proving.policy import Guide
from tesuji.search.proving.sat_help import load_solver

_LOADED: set[tuple[bool, bool]] = set()  # with a guide, a tree


def load_kernels(guide: Guide | None = None, tree: bool = False) -> None:
    """Have the kernels of a proof ready."""
    wanted = guide is not None, tree
    if wanted in _LOADED:
        return
    clauses = clausify(parse_problem("fof(a, axiom, p). fof(c, conjecture, p)."))
    named = make_matrix(clauses)
    if tree:
        open_tree(clauses, guide).go_on(10)
    else:
        load_solver()
        equal = "fof(a, axiom, a = b). fof(p, axiom, p(a)). fof(c, conjecture, q(b))."
        open_problem = make_matrix(clausify(parse_problem(equal)))
        Deepening(open_problem.matrix, sat_help=True).run(600)  # asks about equality
        Instantiation(open_problem.matrix).run(600)
        if guide is not None:
            Guided(named.matrix, guide(named).policy).run(10)
    _LOADED.add(wanted)
