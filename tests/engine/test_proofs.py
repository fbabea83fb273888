"""`prove` and `verify`: certificates that hold, and none that is changed and still believed."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.engine import cli
from tesuji.engine.certificates import Certificate, Proof, load_certificate, save_certificate
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.storage import DamagedFileError
from tesuji.engine.verification import verify

ROOT = Path(__file__).parents[2]
MOVES = "445354444161"  # drawn after these


def prove(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    code = cli.main(["prove", *words, "--json", "--memory-mb", "4"])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.fixture(scope="module")
def tic_tac_toe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that tic-tac-toe is drawn after X a1, O b2, X c3."""
    path = tmp_path_factory.mktemp("proofs") / "draw.proof"
    assert cli.main(["prove", "tic_tac_toe", "a1 b2 c3", "--out", str(path)]) == 0
    return path


def test_a_proof_is_written_and_verified(capsys, tmp_path):
    path = tmp_path / "othello.proof"
    code, facts = prove(capsys, "othello_4x4", "--out", str(path))
    assert (code, facts["outcome"]) == (0, "loss")
    assert cli.main(["verify", str(path), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert checked["claim"] == "loss"
    assert checked["nodes"] == facts["proof_nodes"]


@pytest.mark.parametrize(
    ("claim", "code", "written"),
    [("win", 3, "not win"), ("draw", 0, "draw"), ("loss", 3, "not loss")],
)
def test_exit_codes_and_certificates_of_a_claim(capsys, tmp_path, claim, code, written):
    path = tmp_path / "claim.proof"
    words = ["tic_tac_toe", "a1 b2", "--claim", claim, "--out", str(path)]
    assert prove(capsys, *words)[0] == code
    assert verify(path).certificate.claim == written


def test_a_budget_leaves_the_position_undecided(capsys):
    code, facts = prove(capsys, "connect_four", "--nodes", "100")
    assert (code, facts["outcome"], facts["status"]) == (4, "unknown", "tree full")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tic_tac_toe", "a1 a1"], "move 2"),
        (["tic_tac_toe", "a1 b1 a2 b2 a3"], "the game is over"),
        (["double_integrator"], "no deterministic game of two players"),
        (["tic_tac_toe", "--nodes", "0"], "nodes must be above 0"),
        (["tic_tac_toe", "--memory-mb", "-1"], "memory_mb must be above 0"),
        (["tic_tac_toe", "--agent", "rollout"], "rollout"),
    ],
)
def test_wrong_usage_is_one_line(capsys, words, message):
    assert cli.main(["prove", *words]) in (1, 2)
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"no certificate", b'{"format": "tesuji certificate"}'])
def test_what_is_no_certificate_is_refused(capsys, tmp_path, content):
    path = tmp_path / "bad.proof"
    path.write_bytes(content)
    assert cli.main(["verify", str(path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_of_rules_is_loaded_only_where_asked_for(tmp_path):
    game = f"{ROOT / 'tests/domains/object_connect_four.py'}:object_connect_four"
    path = tmp_path / "own.proof"
    moves = "663316116213177765352177625742"
    assert cli.main(["prove", game, moves, "--out", str(path)]) == 0
    with pytest.raises(UsageError, match="--game"):
        verify(path)
    assert verify(path, game).nodes > 0


def test_the_verifier_imports_nothing_of_the_search():
    for name in ("verification", "certificates"):
        tree = ast.parse((ROOT / "engine" / f"{name}.py").read_text())
        modules = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not [module for module in modules if module.startswith("tesuji.search")]


def test_any_changed_byte_is_noticed(tic_tac_toe, tmp_path):
    content = tic_tac_toe.read_bytes()
    path = tmp_path / "changed.proof"
    rng = np.random.default_rng(0)
    for _ in range(1500):
        changed = bytearray(content)
        at = int(rng.integers(len(content)))
        match int(rng.integers(3)):
            case 0:
                changed[at] ^= 1 << int(rng.integers(8))
            case 1:
                del changed[at : at + int(rng.integers(1, 20))]
            case 2:
                changed[at:at] = bytes(rng.integers(32, 127, 3, np.uint8))
        path.write_bytes(bytes(changed))
        with pytest.raises(DamagedFileError):
            load_certificate(path)


def mutate(certificate: Certificate, rng: np.random.Generator) -> Certificate:
    """Change one thing of what a certificate says."""
    proofs = list(certificate.proofs)
    index = int(rng.integers(len(proofs)))
    proof = proofs[index]
    nodes = [list(node) for node in proof.nodes]
    at = int(rng.integers(len(nodes)))
    node = nodes[at]
    match int(rng.integers(9)):
        case 0:
            node[int(rng.integers(len(node)))] = int(rng.integers(len(nodes) + 10))
        case 1:
            del nodes[at]
        case 2:
            nodes.insert(at, list(nodes[int(rng.integers(len(nodes)))]))
        case 3:
            other = int(rng.integers(len(nodes)))
            nodes[at], nodes[other] = nodes[other], node
        case 4:
            node.pop(int(rng.integers(len(node))))
        case 5:
            node.insert(int(rng.integers(len(node) + 1)), int(rng.integers(len(nodes))))
        case 6:
            claim = str(rng.choice(["win", "loss", "draw"]))
            strict = [bool(rng.integers(2)) for _ in proofs]
            proofs = [replace(p, strict=s) for p, s in zip(proofs, strict, strict=True)]
            return replace(certificate, claim=claim, proofs=tuple(proofs))
        case 7:
            return replace(certificate, moves=tuple(int(a) for a in rng.integers(0, 10, 3)))
        case 8:
            flipped = replace(proof, prover=1 - proof.prover)
            return replace(certificate, proofs=(*proofs[:index], flipped, *proofs[index + 1 :]))
    proofs[index] = replace(proof, nodes=tuple(tuple(node) for node in nodes))
    return replace(certificate, proofs=tuple(proofs))


def value_of(moves: tuple[int, ...]) -> float | None:
    """Return the value of a tic-tac-toe position by minimax, None where there is none."""
    domain = make("tic_tac_toe")

    def value(state):
        results = []
        for action in np.flatnonzero(domain.legal(state)):
            following, reward, discount = domain.step(state, int(action))
            results.append(reward + (discount * value(following) if discount else 0.0))
        return max(results)

    state = domain.reset()
    for action in moves:
        if action > 8 or not domain.legal(state)[action]:
            return None
        state, _, discount = domain.step(state, action)
        if discount == 0:
            return None
    return value(state)


def test_a_forged_certificate_is_rejected_or_still_true(tic_tac_toe, tmp_path):
    certificate = load_certificate(tic_tac_toe)
    path = tmp_path / "forged.proof"
    rng = np.random.default_rng(1)
    rejected = believed = 0
    for _ in range(3000):
        forged = mutate(certificate, rng)
        if forged == certificate:
            continue
        save_certificate(path, forged)  # with a SHA-256 that fits
        try:
            found = verify(path)
        except TesujiError:
            rejected += 1
            continue
        believed += 1
        assert found.certificate.claim == "draw"
        assert value_of(forged.moves or ()) == 0.0
    assert rejected > 2500
    assert believed < 300


@pytest.mark.parametrize(
    ("proof", "message"),
    [
        (Proof(0, True, "guess", ((4, 0),)), "no method of proof"),
        (Proof(0, False, "tree", ()), "node 0 is missing"),
        (Proof(0, False, "tree", ((4, 1),)), "there is no node 1"),
        (Proof(0, False, "tree", ((9, 1), (0,))), "no legal move"),
        (Proof(0, False, "tree", ((4, 0), (0,))), "does not come after"),
        (Proof(1, False, "tree", ((1, 2, 3),)), "3 children, 9 legal moves"),
    ],
)
def test_what_fails_is_named(tmp_path, proof, message):
    path = tmp_path / "faulty.proof"
    save_certificate(path, Certificate("tic_tac_toe", (), None, "not loss", (proof,)))
    with pytest.raises(TesujiError, match=message):
        verify(path)
