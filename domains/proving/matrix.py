"""Clauses as arrays, for kernels: a matrix of literals with an index of what may connect.

A term is a number. Its symbol is `symbol[t]`, or `-1 - v` for the clause's variable `v`; its
arguments are `arguments[first[t]:first[t + 1]]`. An atom is a term whose symbol is its predicate.
A copy of a clause is an offset: its variable `v` is the variable `offset + v` of the tableau.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.clauses import Clause, ClauseSet
from tesuji.domains.proving.equality import EQUALITY_AXIOMS
from tesuji.domains.proving.formulas import EQUALITY, Function, Term
from tesuji.domains.proving.terms import fold

Small = npt.NDArray[np.int32]


class Apart(NamedTuple):
    """Which variables of clauses must not share anything in the end; `S` symbols, `N` constants.

    Two terms share a variable, or constants unless `kept` says that those are kept apart.
    """

    first: Small  # [C + 1]
    pair: Small  # [P, 2] variables of a clause
    number: Small  # [S] of a constant that counts, -1 for other symbols
    kept: Small  # [N, N]


class Matrix(NamedTuple):
    """A set of clauses; `T` terms, `L` literals, `C` clauses, `K` predicates with a sign."""

    symbol: Small  # [T]
    first: Small  # [T + 1] of its arguments
    arguments: Small
    atom: Small  # [L] a term
    key: Small  # [L] 2 * predicate, and 1 where it is negated
    clause: Small  # [L]
    clause_first: Small  # [C + 1] of its literals
    num_variables: Small  # [C]
    goal: Small  # [C] whether it is of the negated conjecture
    partner_first: Small  # [K + 1]
    partner: Small  # [L] literals by key; those of key `k ^ 1` may connect with one of key `k`
    ground: Small  # [T] whether a term has no variables
    apart: Apart  # without pairs, but for Metamath
    equality: Small  # [4] its symbol, and its clauses of AXIOMS; all NONE where it does not occur
    congruence: Small  # [S] the clause of equality for a symbol, or NONE
    normal: Normal  # of steps by axioms of equality


AXIOMS = "reflexivity", "symmetry", "transitivity"
NONE = -1


class Normal(NamedTuple):
    """Which steps by axioms of equality are left out, since others do the same.

    Proofs have a normal form: transitivity chains lean to the right and hold no reflexivity, and
    nothing is turned round twice. A premise that is a goal because its axiom was entered by `whole`
    is not closed by literals of a kind that it `bars`. That is for searches by a policy, which has
    to choose; with a limit of depth alone, chains that lean both ways are found sooner.
    """

    whole: Small  # [L] the axiom's conclusion, or NONE
    bars: Small  # [L] bits of kinds
    kind: Small  # [L] a bit, for conclusions


def all_steps(literals: int) -> Normal:
    """Return that no step is left out, for clauses without axioms of equality."""
    zeros = np.zeros(literals, np.int32)
    return Normal(np.full(literals, NONE, np.int32), zeros, zeros)


_REFLEXIVITY, _SYMMETRY, _TRANSITIVITY = 1, 2, 4  # in the order of AXIOMS


class NamedMatrix(NamedTuple):
    """A matrix with the names of its parts."""

    matrix: Matrix
    symbols: tuple[str, ...]
    variables: tuple[tuple[str, ...], ...]  # of each clause


Wide = npt.NDArray[np.int64]

NOTHING_APART = Apart(
    np.zeros(0, np.int32), np.zeros((0, 2), np.int32), np.zeros(0, np.int32),
    np.zeros((0, 0), np.int32),
)  # fmt: skip


class _Terms:
    """Terms as numbers, each once in a clause."""

    def __init__(self) -> None:
        self.symbols: dict[tuple[str, int], int] = {}
        self.symbol: list[int] = []
        self.arguments: list[tuple[int, ...]] = []
        self.ground: list[int] = []
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}

    def number(self, symbol: int, arguments: tuple[int, ...] = ()) -> int:
        """Return the number of a term."""
        key = (symbol, arguments)
        if key not in self._known:
            self._known[key] = len(self.symbol)
            self.symbol.append(symbol)
            self.arguments.append(arguments)
            self.ground.append(int(symbol >= 0 and all(self.ground[a] for a in arguments)))
        return self._known[key]

    def read(self, term: Term, variables: dict[str, int]) -> int:
        """Return the number of a term of a clause with these variables; new ones are added."""
        return fold(
            term,
            lambda name: self.number(-1 - variables.setdefault(name, len(variables))),
            lambda symbol, below: self.number(self.symbol_of((symbol, len(below))), below),
        )

    def symbol_of(self, named: tuple[str, int]) -> int:
        """Return the number of a symbol."""
        return self.symbols.setdefault(named, len(self.symbols))


def make_matrix(clauses: ClauseSet) -> NamedMatrix:
    """Return the matrix of a set of clauses."""
    terms = _Terms()
    atoms, keys, clause_of, firsts, counts, names = [], [], [], [0], [], []
    for number, clause in enumerate(clauses.clauses):
        variables: dict[str, int] = {}
        for literal in clause.literals:
            atom = literal.atom
            atoms.append(terms.read(Function(atom.predicate, atom.arguments), variables))
            keys.append(2 * terms.symbol[atoms[-1]] + (not literal.positive))
            clause_of.append(number)
        firsts.append(len(atoms))
        counts.append(len(variables))
        names.append(tuple(variables))
    # Of each clause the literal with the fewest partners comes first: to fail early, if at all.
    key = np.array(keys, np.int64)
    partners = np.bincount(key, minlength=2 * len(terms.symbols))[key ^ 1]
    fewest = np.lexsort((np.arange(len(key)), partners, np.array(clause_of)))
    key = key[fewest]
    order = np.argsort(key, kind="stable").astype(np.int32)
    spans = np.searchsorted(key[order], np.arange(2 * len(terms.symbols) + 1))
    lengths = [len(arguments) for arguments in terms.arguments]
    flat = [argument for arguments in terms.arguments for argument in arguments]
    matrix = Matrix(
        _small(terms.symbol), _small([0, *np.cumsum(lengths)]), _small(flat),
        _small(np.array(atoms, np.int64)[fewest]), _small(key), _small(clause_of),
        _small(firsts), _small(counts), _small(_goals(clauses.clauses)),
        _small(spans), order, _small(terms.ground), NOTHING_APART,
        *_equality(clauses.clauses, terms.symbols),
        _normal(clauses.clauses, key, np.array(firsts)),
    )  # fmt: skip
    return NamedMatrix(matrix, tuple(name for name, _ in terms.symbols), tuple(names))


def _goals(clauses: Sequence[Clause]) -> list[bool]:
    # Where nothing is claimed, a refutation needs a clause of negative literals only.
    if any(clause.goal for clause in clauses):
        return [clause.goal for clause in clauses]
    return [not any(literal.positive for literal in clause.literals) for clause in clauses]


def _equality(
    clauses: Sequence[Clause], symbols: Mapping[tuple[str, int], int]
) -> tuple[Small, Small]:
    equality, congruence = [NONE] * 4, [NONE] * len(symbols)
    for number, clause in enumerate(clauses):
        if clause.parent != EQUALITY_AXIOMS:
            continue
        atom = clause.literals[-1].atom
        if clause.name in AXIOMS:
            equality[0] = symbols[EQUALITY, 2]
            equality[1 + AXIOMS.index(clause.name)] = number
        elif atom.predicate == EQUALITY:
            whole = atom.arguments[0]
            assert isinstance(whole, Function)
            congruence[symbols[whole.symbol, len(whole.arguments)]] = number
        else:
            congruence[symbols[atom.predicate, len(atom.arguments)]] = number
    return _small(equality), _small(congruence)


def _normal(clauses: Sequence[Clause], key: Wide, firsts: Wide) -> Normal:
    whole = np.full(len(key), NONE)
    bars, kind = np.zeros(len(key), int), np.zeros(len(key), int)
    for number, clause in enumerate(clauses):
        if clause.parent != EQUALITY_AXIOMS or clause.literals[-1].atom.predicate != EQUALITY:
            continue
        literals = range(firsts[number], firsts[number + 1])
        end = next(each for each in literals if not key[each] & 1)
        premises = [each for each in literals if each != end]
        if clause.name in AXIOMS:
            kind[end] = 1 << AXIOMS.index(clause.name)
        if clause.name == "symmetry":
            whole[premises], bars[premises] = end, _REFLEXIVITY | _SYMMETRY
        if clause.name == "transitivity":
            whole[premises], bars[premises] = end, _REFLEXIVITY
            bars[premises[0]] |= _TRANSITIVITY
    return Normal(_small(whole), _small(bars), _small(kind))


def _small(values: object) -> Small:
    return np.ascontiguousarray(values, np.int32)
