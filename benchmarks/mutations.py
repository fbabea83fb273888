"""Changed certificates of plans, routes and shops: does the verifier refuse every wrong one?

    python benchmarks/mutations.py --count 10000 [--seed 0] [--json FILE]

Sound certificates of small random instances are changed in one to three places (a number, a name,
an entry less or twice or elsewhere, a word of the PDDL) and signed anew, so that no hash gives
them away. A judge says which are *wrong*, and shares nothing with the verifier:

- plans: the text is read by the planner's parser, all states that can be reached are listed, and on
  every transition the charges are added up; the plan is replayed by the planner's validator.
- routes: the routes by the solver's checker, the least cost by dynamic programming over all sets,
  and what the multipliers prove by the solver's own arithmetic.
- shops: the schedule by all pairs of operations, the least makespan by all orders, and what the
  operations prove.

A change that leaves every claim true and proven is *harmless*; the verifier may do with it what it
likes. A wrong certificate that it accepts is a fault. The file is written after each batch, and a
second run goes on from there.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tesuji.engine.errors import TesujiError

sys.path.append(str(Path(__file__).parent))
from mutation_cases import CASES, Case

BATCH = 100


class Outcome(NamedTuple):
    """How one changed certificate fared."""

    wrong: bool
    refused: bool

    @property
    def name(self) -> str:
        """Return the outcome as a row of the results."""
        verdict = "refused" if self.refused else "accepted"
        return f"{'wrong' if self.wrong else 'harmless'}, {verdict}"


def mutate(content: Any, rng: np.random.Generator, words: bool) -> Any:
    """Return a copy of JSON with one to three changes."""
    changed = copy.deepcopy(content)
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        _change(changed, rng, words)
    return changed


def _change(root: Any, rng: np.random.Generator, words: bool) -> None:
    node, parent, key = root, None, None
    while isinstance(node, dict | list) and len(node):
        if isinstance(node, list) and parent is not None and rng.random() < 0.15:
            break
        parent = node
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = keys[int(rng.integers(len(keys)))]
        node = node[key]
    if isinstance(node, list):
        _change_list(node, rng)
    elif isinstance(node, bool) or node is None:
        parent[key] = [True, False, None, 0][int(rng.integers(4))]
    elif isinstance(node, int | float):
        step = int(rng.choice([1, -1, 2, -2, 7, 1000, -node, node]))
        parent[key] = node + step
    elif _is_number(node):
        parent[key] = repr(float(node) + float(rng.choice([1, 1, 1, 2, -1, 0.5])))
    elif words and " " in node:
        parent[key] = _change_text(node, rng)
    else:
        parent[key] = node[::-1]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _change_list(node: list[Any], rng: np.random.Generator) -> None:
    kind = int(rng.integers(4)) if node else 4
    at, other = (int(rng.integers(max(len(node), 1))) for _ in range(2))
    if kind == 0:
        del node[at]
    elif kind == 1:
        node.insert(other, copy.deepcopy(node[at]))
    elif kind == 2:
        node[at], node[other] = node[other], node[at]
    elif kind == 3:
        node[at] = copy.deepcopy(node[other])
    else:
        node.append(0)


def _change_text(text: str, rng: np.random.Generator) -> str:
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()
    at, other = (int(rng.integers(len(tokens))) for _ in range(2))
    kind = int(rng.integers(4))
    if kind == 0:
        del tokens[at]
    elif kind == 1:
        tokens[at], tokens[other] = tokens[other], tokens[at]
    else:
        tokens[at] = tokens[other]
    return " ".join(tokens)


def fate(case: Case, content: Any) -> Outcome:
    """Return how a changed certificate fares with the judge and with the verifier."""
    try:
        case.verify(content)
        refused = False
    except TesujiError:
        refused = True
    return Outcome(not case.is_sound(content), refused)


def run(
    count: int, seed: int, note: Callable[[dict[str, Any]], None], rows: dict[str, Any]
) -> None:
    """Change certificates until `count` were seen, and note what came of them."""
    kinds = list(CASES)
    faults: list[str] = rows.setdefault("faults", [])
    while (done := sum(sum(rows.get(kind, {}).values()) for kind in kinds)) < count:
        batch = done // BATCH
        kind = kinds[batch % len(kinds)]
        rng = np.random.default_rng([seed, batch])
        case = CASES[kind](int(rng.integers(1 << 30)))
        assert fate(case, case.content) == Outcome(False, False), "the certificate is not sound"
        tally = Counter(rows.get(kind, {}))
        for _ in range(min(BATCH, count - done)):
            content = mutate(case.content, rng, words=kind == "plans")
            outcome = fate(case, content)
            tally[outcome.name] += 1
            if outcome == Outcome(True, False):
                faults.append(json.dumps(content))
        rows[kind] = dict(sorted(tally.items()))
        note(rows)


def main() -> None:
    """Change, verify, judge; leave with 1 where a wrong certificate was accepted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    path: Path | None = options.json
    rows = json.loads(path.read_text()) if path is not None and path.is_file() else {}
    began = time.process_time() - rows.get("cpu_seconds", 0.0)

    def note(found: dict[str, Any]) -> None:
        found["cpu_seconds"] = round(time.process_time() - began, 1)
        print({k: v for k, v in found.items() if k != "faults"}, file=sys.stderr, flush=True)
        if path is not None:
            path.write_text(json.dumps(found, indent=1) + "\n")

    run(options.count, options.seed, note, rows)
    print("| kind | changed | wrong | of them refused | harmless | of them refused |")
    print("|---|---|---|---|---|---|")
    for kind in CASES:
        own = Counter(rows.get(kind, {}))
        columns = [own.total()]
        for what in ("wrong", "harmless"):
            refused = own[f"{what}, refused"]
            columns += [refused + own[f"{what}, accepted"], refused]
        print(f"| {kind} | {' | '.join(map(str, columns))} |")
    sys.exit(bool(rows["faults"]))


if __name__ == "__main__":
    main()
