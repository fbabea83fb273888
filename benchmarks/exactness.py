"""Proven values against exhaustive ones, in small games whose every position is computed first.

    python benchmarks/exactness.py [--positions 1000000] [--tree-positions 100000] [--json FILE]

An exhaustive minimax without any cut fills a table of all positions that can be reached; it uses
`legal` and `step` and nothing of the searches. Then two searches are asked about random positions:

- the proof search's kernels, with a table of 1 MB that is kept from one position to the next;
- the tree search, 30 simulations with an evaluator that knows nothing: what it says is proven of
  the root, and each bound on each move.

Positions are drawn with repetition; `distinct` counts those that differ. Times are CPU-seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.compiled import CompiledDomain, legal_at, reset_at, row_pointer, step_at
from tesuji.domains.registry import make
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.config import PUCT
from tesuji.search.graph import hash_row
from tesuji.search.proof_frames import allocate_frames, control_dtype, parameters_dtype
from tesuji.search.proof_kernels import SOLVED, begin, lookup, prove
from tesuji.search.proof_table import allocate_table
from tesuji.search.random import advance, below, mix
from tesuji.search.search import Search

# Game: random moves before a position, at most; entries of the table as a power of two.
_GAMES = {
    "tic_tac_toe": (8, 14),
    "hex_3x3": (8, 16),
    "othello_4x4": (11, 18),
    "breakthrough_4x4": (30, 21),
    "hex_4x4": (15, 25),
}
_BATCH = 5_000
_NO_CUTS = 1 << 62
_DEEPEST = 128


@njit(cache=True, nogil=True)
def _slot(keys, key):
    slot = np.int64(key) & (keys.shape[0] - 1)
    while keys[slot] and keys[slot] != key:
        slot = (slot + 1) & (keys.shape[0] - 1)
    return slot


@njit(cache=True, nogil=True)
def _enter(rows, legal, keys, level, masks, key_of, best, following, rules, instance):
    key_of[level] = hash_row(rows[level])
    masks[level] = False
    legal(row_pointer(rows, level), instance, masks[level])
    best[level] = -2
    following[level] = 0


@njit(cache=True, nogil=True)
def compute(rows, masks, keys, values, rules, instance):
    """Fill `keys` and `values` with all that can be reached; return how many, -1 if too many."""
    legal, step = legal_at(rules), step_at(rules)
    depth = rows.shape[0]
    key_of = np.zeros(depth, np.uint64)
    best = np.zeros(depth, np.int64)
    following = np.zeros(depth, np.int64)
    discounts = np.zeros(depth)
    level, count = 0, 0
    _enter(rows, legal, keys, 0, masks, key_of, best, following, rules, instance)
    while True:
        action = following[level]
        while action < masks.shape[1] and not masks[level, action]:
            action += 1
        if action == masks.shape[1]:
            slot = _slot(keys, key_of[level])
            keys[slot] = key_of[level]
            values[slot] = best[level]
            count += 1
            if level == 0:
                return count
            level -= 1
            value = np.int64(discounts[level]) * best[level + 1]
            best[level] = max(best[level], value)
            continue
        following[level] = action + 1
        if level + 2 >= depth or 4 * count > 3 * keys.shape[0]:
            return -1
        rows[level + 1] = rows[level]
        reward, discount = step(row_pointer(rows, level + 1), action, instance, np.uint64(0))
        if discount == 0.0:
            best[level] = max(best[level], np.int64(reward))
            continue
        slot = _slot(keys, hash_row(rows[level + 1]))
        if keys[slot]:
            best[level] = max(best[level], np.int64(discount) * values[slot])
            continue
        discounts[level] = discount
        level += 1
        _enter(rows, legal, keys, level, masks, key_of, best, following, rules, instance)


@njit(cache=True, nogil=True)
def sample(rows, mask, most, seed, rules, instance):
    """Fill `rows` with positions that are no end, after 0 to `most` random moves."""
    reset, legal, step = reset_at(rules), legal_at(rules), step_at(rules)
    done = 0
    while done < rows.shape[0]:
        rows[done] = 0
        reset(row_pointer(rows, done), instance, np.uint64(0))
        seed = advance(seed)
        left, discount = below(mix(seed), most + 1), 1.0
        while left > 0 and discount != 0.0:
            mask[:] = False
            legal(row_pointer(rows, done), instance, mask)
            seed = advance(seed)
            chosen = below(mix(seed), mask.sum())
            action = -1
            while chosen >= 0:
                action += 1
                chosen -= np.int64(mask[action])
            _, discount = step(row_pointer(rows, done), action, instance, np.uint64(0))
            left -= 1
        done += np.int64(discount != 0.0)
    return seed


@njit(cache=True, nogil=True)
def look_up(rows, keys, values, out):
    """Write the value of each row; -2 where the table lacks it."""
    for i in range(rows.shape[0]):
        slot = _slot(keys, hash_row(rows[i]))
        out[i] = values[slot] if keys[slot] else -2


@njit(cache=True, nogil=True)
def move_values(rows, spare, mask, keys, values, out, rules, instance):
    """Write the value of each legal move of each row to `out` `[B, A]`, NaN for the others."""
    legal, step = legal_at(rules), step_at(rules)
    for i in range(rows.shape[0]):
        mask[:] = False
        legal(row_pointer(rows, i), instance, mask)
        for action in range(mask.shape[0]):
            out[i, action] = np.nan
            if not mask[action]:
                continue
            spare[0] = rows[i]
            reward, discount = step(row_pointer(spare, 0), action, instance, np.uint64(0))
            out[i, action] = reward
            if discount != 0.0:
                out[i, action] += discount * values[_slot(keys, hash_row(spare[0]))]


@njit(cache=True, nogil=True)
def settle(rows, out, frames, control, table, rules, instance, win, hold):
    """Ask the proof search of each row whether its mover wins, else whether he holds a draw."""
    for i in range(rows.shape[0]):
        out[i] = -2
        for strict in range(2):
            parameters = hold if strict else win
            frames.states[0] = rows[i]
            control.cycles = control.nodes = control.ply = 0
            begin(frames, control, 1, rules, instance, parameters)
            reached = prove(frames, control, table, rules, instance, parameters, _NO_CUTS)
            if reached != SOLVED or control.cycles:
                break
            frames.states[0] = rows[i]
            index = lookup(frames, 0, 1, table, rules, instance, parameters)
            if index >= 0 and table[index].proof == 0:
                out[i] = 1 - strict
                break
            if strict and index >= 0 and table[index].disproof == 0:
                out[i] = -1


class _Exhaustive(NamedTuple):
    """All positions of a game and their values."""

    domain: CompiledDomain
    keys: npt.NDArray[np.uint64]
    values: npt.NDArray[np.int8]
    count: int

    @property
    def rules(self) -> tuple[Any, Any]:
        """Return what every kernel is given last."""
        return self.domain.kernels.addresses(), self.domain.instance


def _exhaust(name: str, power: int) -> _Exhaustive:
    domain = make(name)
    assert isinstance(domain, CompiledDomain)
    keys, values = np.zeros(1 << power, np.uint64), np.zeros(1 << power, np.int8)
    rows = np.zeros((_DEEPEST, domain.row_size), np.uint8)
    masks = np.zeros((_DEEPEST, domain.spec.num_actions), np.bool_)
    rows[0] = domain.row(domain.reset())
    game = _Exhaustive(domain, keys, values, 0)
    count = compute(rows, masks, keys, values, *game.rules)
    if count < 0:
        raise SystemExit(f"{name} has more positions than 2^{power} entries hold")
    return game._replace(count=int(count))


def _parameters(domain: CompiledDomain, strict: bool) -> Any:
    parameters = np.zeros(1, parameters_dtype).view(np.recarray)[0]
    parameters.salt = np.uint64((1 + strict) << 32)  # the prover's bit is added to it
    parameters.strict = strict
    parameters.symmetric_plies = 4
    parameters.num_symmetries = domain.spec.num_symmetries
    parameters.epsilon = 0.25
    return parameters


def _ask_proofs(game: _Exhaustive, most: int, positions: int, seed: int) -> dict[str, object]:
    domain = game.domain
    frames, table = allocate_frames(domain), allocate_table(1)
    control = np.zeros(1, control_dtype).view(np.recarray)[0]
    ask = (_parameters(domain, True), _parameters(domain, False))
    rows = np.zeros((_BATCH, domain.row_size), np.uint8)
    mask = np.zeros(domain.spec.num_actions, np.bool_)
    true, found = np.zeros(_BATCH, np.int64), np.zeros(_BATCH, np.int64)
    state, seen = np.uint64(seed), set()
    done = wrong = undecided = 0
    start = time.process_time()
    while done < positions:
        state = np.uint64(sample(rows, mask, most, state, *game.rules))
        look_up(rows, game.keys, game.values, true)
        settle(rows, found, frames, control, table, *game.rules, *ask)
        undecided += int((found == -2).sum())
        wrong += int(((found != true) & (found != -2)).sum())
        seen.update(map(bytes, rows))
        done += _BATCH
    spent = round(time.process_time() - start, 1)
    facts = {"search": "proof", "positions": done, "distinct": len(seen), "wrong": wrong}
    return {**facts, "undecided": undecided, "cpu_seconds": spent}


def _ask_trees(game: _Exhaustive, most: int, positions: int, seed: int) -> dict[str, object]:
    domain, num_actions = game.domain, game.domain.spec.num_actions
    search = Search(domain, UniformEvaluator(num_actions), PUCT())
    rows = np.zeros((_BATCH // 5, domain.row_size), np.uint8)
    mask = np.zeros(num_actions, np.bool_)
    exact = np.zeros((len(rows), num_actions))
    state, seen = np.uint64(seed), set()
    done = wrong = proven = 0
    start = time.process_time()
    while done < positions:
        state = np.uint64(sample(rows, mask, most, state, *game.rules))
        move_values(rows, rows[:1].copy(), mask, game.keys, game.values, exact, *game.rules)
        results = search.run([domain.state(row.copy()) for row in rows], Budget(simulations=30))
        for values, result in zip(exact, results, strict=True):
            proven += result.status.proven
            wrong += int(((values < result.lower) | (values > result.upper)).sum())
            wrong += int(result.status.proven and result.value != np.nanmax(values))
        seen.update(map(bytes, rows))
        done += len(rows)
    spent = round(time.process_time() - start, 1)
    facts = {"search": "tree", "positions": done, "distinct": len(seen), "wrong": wrong}
    return {**facts, "proven": proven, "cpu_seconds": spent}


def main() -> None:
    """Print the figures, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--positions", type=int, default=1_000_000, help="for all games together")
    parser.add_argument("--tree-positions", type=int, default=100_000)
    parser.add_argument("--only", nargs="+", choices=list(_GAMES), default=list(_GAMES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    rows = []
    for name in options.only:
        most, power = _GAMES[name]
        start = time.process_time()
        game = _exhaust(name, power)
        spent = round(time.process_time() - start, 1)
        facts = {"game": name, "all_positions": game.count, "exhaustive_cpu_seconds": spent}
        share = len(options.only)
        for ask, number in ((_ask_proofs, options.positions), (_ask_trees, options.tree_positions)):
            rows.append({**facts, **ask(game, most, number // share, options.seed)})
            sys.stderr.write(f"{rows[-1]}\n")
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
