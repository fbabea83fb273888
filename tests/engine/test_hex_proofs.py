"""Hex by its own solver: exact on small boards, and certificates that only true ones pass."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.games.hex_proof import turn_proof, write_proof
from tesuji.domains.games.hex_solver import HexSolver
from tesuji.domains.registry import make
from tesuji.engine import cli
from tesuji.engine.certificates import Proof, load_certificate, save_certificate
from tesuji.engine.hex_derivation import Points
from tesuji.engine.hex_verification import HexFault, check_hex
from tesuji.engine.verification import verify
from tesuji.search.proof import ProofConfig, ProofSearch

ROOT = Path(__file__).parents[2]

# Who wins after each first stone: `X` red, who placed it.
FOUR = """
. . . X
 . . X .
  . X . .
   X . . .
"""
FIVE = """
. . . . X
 . X X X X
  . X X X .
   X X X X .
    X . . . .
"""


def stones(state, size):
    board = [int(value) & 3 for value in state["board"][: size**2]]
    return tuple(sum(1 << c for c, s in enumerate(board) if s == side) for side in (1, 2))


def random_states(size, number, seed=0):
    domain = make(f"hex_{size}x{size}")
    rng = np.random.default_rng(seed)
    states = []
    while len(states) < number:
        state, discount = domain.reset(), 1.0
        for _ in range(int(rng.integers(0, size * size - 3))):
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action)
            if discount == 0:
                break
        if discount:
            states.append(state)
    return domain, states


def minimax(domain, state, values):
    key = domain.key(state)
    if key not in values:
        values[key] = False
        for action in np.flatnonzero(domain.legal(state)):
            following, _, discount = domain.step(state, int(action))
            if discount == 0 or not minimax(domain, following, values):
                values[key] = True
                break
    return values[key]


def test_both_searches_agree_with_minimax_on_small_boards():
    values: dict[bytes, bool] = {}
    domain, states = random_states(3, 150)
    general, solver = ProofSearch(domain, ProofConfig(memory_mb=1)), HexSolver(3)
    for state in states:
        won = minimax(domain, state, values)
        assert general.run(state).lower == (1 if won else -1)
        node = solver.solve(*stones(state, 3), int(state["to_play"]))
        assert (node.proof == 0) == won


def test_the_solver_agrees_with_the_general_search_and_its_proofs_hold():
    domain, states = random_states(4, 100, seed=1)
    general = ProofSearch(domain, ProofConfig(memory_mb=16))
    solver = HexSolver(4)
    for state in states:
        node = solver.solve(*stones(state, 4), int(state["to_play"]))
        won = node.proof == 0
        assert general.run(state).lower == (1 if won else -1)
        prover = int(state["to_play"]) ^ (not won)
        check_hex(domain, state, Proof(prover, True, "hex", write_proof(solver, node)[0]))


@pytest.mark.parametrize("board", [FOUR, FIVE])
def test_all_openings_are_proven_and_checked(board):
    rows = board.split("\n")[1:-1]
    size = len(rows)
    cells = "".join(rows).replace(" ", "")
    domain, solver = make(f"hex_{size}x{size}"), HexSolver(size)
    for action, winner in enumerate(cells):
        state, _, _ = domain.step(domain.reset(), action)
        node = solver.solve(1 << action, 0, 1)
        assert (node.disproof == 0) == (winner == "X")
        proof = Proof(0 if winner == "X" else 1, True, "hex", write_proof(solver, node)[0])
        check_hex(domain, state, proof)
        turned, _, _ = domain.step(domain.reset(), size * size - 1 - action)
        check_hex(domain, turned, replace(proof, nodes=turn_proof(proof.nodes, size)))
        with pytest.raises(HexFault):
            check_hex(domain, state, replace(proof, prover=1 - proof.prover))


def test_the_checker_shares_no_code_with_the_solver():
    modules = set()
    for name in ("hex_verification", "hex_derivation"):
        tree = ast.parse((ROOT / f"engine/{name}.py").read_text())
        modules |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert modules == {
        "__future__",
        "collections.abc",
        "functools",
        "typing",
        "tesuji.domains.base",
        "tesuji.domains.compiled",
        "tesuji.domains.games",
        "tesuji.engine.certificates",
        "tesuji.engine.errors",
        "tesuji.engine.hex_derivation",
    }


@pytest.mark.parametrize("size", [3, 5])
def test_the_checker_knows_the_boards_geometry(size):
    """The side that the rules say has won is the one whose stones the checker sees joined."""
    domain, rng = make(f"hex_{size}x{size}"), np.random.default_rng(0)
    for _ in range(50):
        state, discount = domain.reset(), 1.0
        while discount:
            mover = int(state["to_play"])
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action)
            won = []
            for side, held in enumerate(stones(state, size)):
                points = Points(held, side, size)
                won.append(points.touch(points.top, points.top + 1))
            assert won == [discount == 0 and side == mover for side in (0, 1)]


def fault_of(lines, held, prover=0, size=5):
    """Return why a proof of a position with the prover's stones and his move is refused."""
    domain = make(f"hex_{size}x{size}")
    state = domain.reset()
    for cell in held:
        state["board"][cell] = prover + 1
    state["to_play"] = prover
    with pytest.raises(HexFault) as caught:
        check_hex(domain, state, Proof(prover, True, "hex", lines))
    return str(caught.value)


def test_cells_that_are_neither_dead_nor_captured_are_not_filled_in():
    column, joined = [2, 12, 17], [0, 0, 25, 26]
    assert "cell 7 is not dead" in fault_of([[1, 22, 1, 1, 7, 7], joined], column)
    assert "cells 7 and 8 are not captured" in fault_of([[1, 22, 1, 1, 7, 8], joined], column)


def mutate(nodes, rng):
    """Change one or two numbers or lines of a proof."""
    nodes = [list(node) for node in nodes]
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(len(nodes)))
        node = nodes[at]
        place = int(rng.integers(len(node)))
        match int(rng.integers(5)):
            case 0:
                node[place] = int(rng.integers(max(node) + 2))
            case 1:
                node[place] = max(node[place] + int(rng.choice([-1, 1])), 0)
            case 2 if len(node) > 1:
                del node[place]
            case 3:
                node.insert(place, int(rng.integers(max(node) + 2)))
            case _:
                other = int(rng.integers(len(nodes)))
                nodes[at], nodes[other] = nodes[other], nodes[at]
    return tuple(map(tuple, nodes))


def test_no_changed_proof_proves_what_is_false():
    """Forge proofs of true positions, and set true ones under positions they do not fit."""
    domain, solver = make("hex_5x5"), HexSolver(5)
    rng = np.random.default_rng(0)
    rejected = believed = 0
    for _ in range(800):
        if (rejected + believed) % 100 == 0:
            state = domain.reset()
            for action in rng.choice(25, 3, replace=False):
                state, _, _ = domain.step(state, int(action))
            node = solver.solve(*stones(state, 5), 1)
            prover = 1 if node.proof == 0 else 0
            nodes, _ = write_proof(solver, node)
        shown, winner = state, prover
        forged = Proof(prover, True, "hex", mutate(nodes, rng))
        if rng.integers(3) == 0:
            shown = domain.reset()
            for action in rng.choice(25, 3, replace=False):
                shown, _, _ = domain.step(shown, int(action))
            winner = 1 if solver.solve(*stones(shown, 5), 1).proof == 0 else 0
        try:
            check_hex(domain, shown, forged)
        except HexFault:
            rejected += 1
            continue
        believed += 1
        assert winner == prover
    assert rejected > 500
    assert believed > 10  # such as a connection more that nobody needs


def test_a_board_with_the_swap_rule_is_proven_by_the_general_search(capsys, tmp_path):
    path = tmp_path / "swap.proof"
    assert cli.main(["prove", "hex_swap_3x3", "--out", str(path)]) == 0
    [proof] = load_certificate(path).proofs
    assert proof.method == "tree"
    assert cli.main(["verify", str(path)]) == 0
    assert "proven" in capsys.readouterr().out
    forged = tmp_path / "forged.proof"
    save_certificate(
        forged, replace(load_certificate(path), proofs=(replace(proof, method="hex"),))
    )
    with pytest.raises(HexFault, match="not plain Hex"):
        verify(forged)
