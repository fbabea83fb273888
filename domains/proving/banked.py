"""Instances of a bank as terms with names, and back."""

from __future__ import annotations

from collections.abc import Iterable

from tesuji.domains.proving.clauses import Instance
from tesuji.domains.proving.formulas import Function, Term, Variable
from tesuji.domains.proving.grounding import INSTANCES, LEFT_OVER, Bank, add_instance, put_term
from tesuji.domains.proving.matrix import NONE, NamedMatrix
from tesuji.domains.proving.terms import fold

OPEN = Variable("X")  # stands for all variables of instances


def banked_instances(named: NamedMatrix, bank: Bank, numbers: list[int]) -> tuple[Instance, ...]:
    """Return instances of the bank by their numbers."""
    known: dict[int, Term] = {LEFT_OVER: OPEN}

    def read(number: int) -> Term:
        waiting = [number]
        while waiting:
            one = waiting[-1]
            below = bank.arguments[bank.first[one] : bank.first[one + 1]].tolist()
            missing = [each for each in below if each not in known]
            if one in known or not missing:
                waiting.pop()
                if one not in known:
                    arguments = tuple(known[each] for each in below)
                    known[one] = Function(named.symbols[bank.symbol[one]], arguments)
            waiting += missing if one not in known else []
        return known[number]

    found = []
    for number in numbers:
        clause = int(bank.clause[number])
        values = bank.value[bank.value_first[number] : bank.value_first[number + 1]].tolist()
        terms = zip(named.variables[clause], map(read, values), strict=True)
        found.append(Instance(clause, dict(terms)))
    return tuple(found)


def put_instances(named: NamedMatrix, bank: Bank, instances: Iterable[Instance]) -> None:
    """Put instances into a bank, as far as there is room; their variables become one constant."""
    matrix = named.matrix
    arities = (matrix.first[1:] - matrix.first[:-1]).tolist()
    symbols = {
        (named.symbols[symbol], arity): symbol
        for symbol, arity in zip(matrix.symbol.tolist(), arities, strict=True)
        if symbol >= 0
    }
    known: dict[tuple[str, tuple[int, ...]], int] = {}

    def number(symbol: str, below: tuple[int, ...]) -> int:
        if (symbol, below) not in known:
            bank.values[: len(below)] = below
            known[symbol, below] = (
                NONE
                if NONE in below
                else put_term(bank, symbols[symbol, len(below)], 0, len(below))
            )
        return known[symbol, below]

    for each in instances:
        names = named.variables[each.clause]
        values = [fold(each.terms[name], lambda _: LEFT_OVER, number) for name in names]
        at = bank.value_first[bank.counts[INSTANCES]]
        if NONE not in values and at + len(values) <= len(bank.value):
            bank.value[at : at + len(values)] = values
            add_instance(matrix, bank.first, bank.first, bank, each.clause)
