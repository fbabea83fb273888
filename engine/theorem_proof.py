"""Proofs of theorems as JSON: formulas as they stand in the file, clauses, and their instances.

    {"format": "tesuji theorem proof", "version": 1, "problem": ..., "claim": "Theorem",
     "formulas": [{"name": ..., "text": "fof(...).", "skolems": [...], "definitions": [...]}, ...],
     "clauses": [{"name": ..., "of": ..., "text": "p(V1) | ~ q"}, ...],
     "terms": ["f(V1,c)", "g($0,$0)", ...],
     "instances": [{"clause": ..., "terms": {"V1": "$1"}}, ...]}

`tesuji.engine.theorem_verification` says what it means and checks it. Only formulas that are used
are there, and the conjecture. New names are in the order of their making. `$3` is the fourth term.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tesuji.domains.proving.clauses import ClauseSet, Instance
from tesuji.domains.proving.formulas import Problem
from tesuji.domains.proving.terms import variables_in
from tesuji.domains.proving.tptp_text import TermTexts
from tesuji.engine.storage import atomic_write, dump_json

FORMAT = "tesuji theorem proof"
VERSION = 1


def theorem_proof(
    problem: Problem, clauses: ClauseSet, instances: Sequence[Instance]
) -> dict[str, Any]:
    """Return a proof as JSON values.

    Args:
        problem: what is proved.
        clauses: of the problem.
        instances: which contradict each other.
    """
    used = {instance.clause: clauses.clauses[instance.clause] for instance in instances}
    parents = {clause.parent for clause in used.values()}
    parents |= {each.name for each in problem.formulas if each.role == "conjecture"}
    texts = TermTexts()
    clause_texts = TermTexts(inline=True)
    rows = []
    for instance in instances:
        clause = used[instance.clause]
        names = dict.fromkeys(name for lit in clause.literals for name in variables_in(lit.atom))
        terms = {name: texts.text(instance.terms[name]) for name in names & instance.terms.keys()}
        rows.append({"clause": clause.name, "terms": {n: terms[n] for n in names if n in terms}})
    return {
        "format": FORMAT,
        "version": VERSION,
        "problem": problem.name,
        "claim": "Theorem" if problem.has_conjecture else "Unsatisfiable",
        "formulas": [
            {
                "name": each.name,
                "text": each.text,
                "skolems": [one.symbol for one in clauses.skolems if one.formula == each.name],
                "definitions": [d.symbol for d in clauses.definitions if d.formula == each.name],
            }
            for each in problem.formulas
            if each.name in parents
        ],
        "clauses": [
            {"name": each.name, "of": each.parent, "text": clause_texts.clause(each.literals)}
            for each in used.values()
        ],
        "terms": texts.table,
        "instances": rows,
    }


def save_proof(path: Path, proof: dict[str, Any]) -> None:
    """Write a proof, with its hash.

    Raises:
        StorageError: it could not be written.
    """
    atomic_write(path, dump_json(proof))
