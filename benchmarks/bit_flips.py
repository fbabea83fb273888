"""Single bit flips in a run's files: how many are found, and how many by the plain readers.

    python benchmarks/bit_flips.py [--run RUN] [--flips 1000] [--seed 0] [--json FILE]

Each flip changes one random bit of one file of a copy of the run, reads the run back as resuming
does, and undoes it. Half of the flips pick any bit of all files, half pick a file first, so that
small files get their share. A plain reader is `safetensors`, `numpy.load` or `json`: it finds a
flip if it raises. Without `--run` the run is made: a 64x5 network and shards of random Connect
Four games.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from tesuji.domains.registry import make
from tesuji.engine.arrays import load_arrays
from tesuji.engine.checkpoint import (
    Checkpoint,
    checkpoint_path,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from tesuji.engine.shards import (
    MANIFEST,
    SHARDS,
    Positions,
    load_shard_list,
    save_shard_list,
    write_shard,
)
from tesuji.engine.storage import DamagedFileError

PLAIN_ERRORS = (
    SafetensorError,
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    KeyError,
    EOFError,
    OSError,
    NotImplementedError,
    SyntaxError,
    TypeError,
    RuntimeError,
)


def make_run(run: Path, num_shards: int = 3, games_a_shard: int = 40) -> None:
    """Write a run of random games and random weights."""
    rng = np.random.default_rng(0)
    shards = [
        write_shard(run, index, random_games(games_a_shard, rng)) for index in range(num_shards)
    ]
    save_shard_list(run, shards)
    shapes = {"stem": (64, 2, 3, 3), **{f"block{i}": (64, 64, 3, 3) for i in range(10)}}
    tensors = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    checkpoint = Checkpoint(
        game="connect_four",
        net={"kind": "resnet", "channels": 64, "blocks": 5},
        step=1000,
        metadata={"iteration": 1, "seed": 0, "loss": 1.25},
        tensors=tensors,
        training={f"momentum.{name}": tensor * 0.01 for name, tensor in tensors.items()},
    )
    save_checkpoint(checkpoint_path(run, 1), checkpoint)


def random_games(num_games: int, rng: np.random.Generator) -> Positions:
    """Return the positions of random Connect Four games."""
    domain: Any = make("connect_four")
    rows, plies, games, outcomes = [], [], [], []
    for game in range(num_games):
        state, discount, ply = domain.reset(), 1.0, 0
        while discount:
            rows.append(domain.row(state))
            plies.append(ply)
            games.append(game)
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, reward, discount = domain.step(state, action)
            ply += 1
        outcomes += [reward * (-1) ** (ply - 1 - past) for past in range(ply)]
    size = len(rows)
    policy = rng.dirichlet(np.full(domain.spec.num_actions, 0.3), size).astype(np.float32)
    value, draw = rng.uniform(-1, 1, size), rng.uniform(0, 0.2, size)
    return Positions(
        states=np.stack(rows),
        policy=policy,
        outcome=np.array(outcomes, np.float32),
        value=value.astype(np.float32),
        draw=draw.astype(np.float32),
        full=rng.random(size) < 0.25,
        ply=np.array(plies, np.uint16),
        game=np.array(games, np.uint32),
        owners=np.zeros((len(games), 0), np.float32),
        lead=np.zeros(len(games), np.float32),
    )


def read_run(run: Path) -> None:
    """Read everything of a run, as resuming does."""
    for path in list_checkpoints(run):
        load_checkpoint(path)
    for shard in load_shard_list(run):
        load_arrays(run / SHARDS / shard.name, shard.sha256)


def plain_reader_notices(path: Path, content: bytes) -> bool:
    """Return whether the usual reader of such a file raises."""
    try:
        if path.suffix == ".safetensors":
            load_safetensors(content)
        elif path.suffix == ".npz":
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                for name in archive.files:
                    archive[name]
        else:
            json.loads(content)
    except PLAIN_ERRORS:
        return True
    return False


def run_files(run: Path) -> list[Path]:
    """Return the files that are read back: checkpoints, shards and their list."""
    found = [*run.glob("checkpoints/*/*.*"), *(run / SHARDS).glob("*.npz"), run / MANIFEST]
    return sorted(path for path in found if path.suffix in (".json", ".safetensors", ".npz"))


def flip_bits(run: Path, flips: int, rng: np.random.Generator) -> dict[str, Counter[str]]:
    """Return, by kind of file, how many bits were flipped and how many flips were found."""
    files = run_files(run)
    sizes = np.array([path.stat().st_size for path in files])
    counts: dict[str, Counter[str]] = {}
    for number in range(flips):
        weights = sizes / sizes.sum() if number % 2 else None
        path = files[rng.choice(len(files), p=weights)]
        good = path.read_bytes()
        bad = bytearray(good)
        bad[rng.integers(len(bad))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        count = counts.setdefault(path.name if path.suffix != ".npz" else "shards", Counter())
        count["flips"] += 1
        count["plain"] += plain_reader_notices(path, bytes(bad))
        try:
            read_run(run)
        except DamagedFileError as error:
            count["found"] += 1
            count["named"] += error.path == path
        path.write_bytes(good)
    read_run(run)
    return counts


def show(counts: dict[str, Counter[str]]) -> None:
    """Print the table."""
    print(f"{'file':24} {'flips':>6} {'found':>6} {'named':>6} {'plain reader':>13}")
    total: Counter[str] = Counter()
    for name, count in [*sorted(counts.items()), ("all", total)]:
        row = [count[key] for key in ("flips", "found", "named", "plain")]
        print(f"{name:24} {row[0]:6} {row[1]:6} {row[2]:6} {row[3]:13}")
        total.update(count)


def main() -> None:
    """Flip bits and count what is found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", type=Path, help="a run's folder, copied first")
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        if arguments.run:
            shutil.copytree(arguments.run, run)
        else:
            make_run(run)
        counts = flip_bits(run, arguments.flips, np.random.default_rng(arguments.seed))
    show(counts)
    if arguments.json:
        result = {"seed": arguments.seed, "machine": platform.machine(), "files": counts}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    if any(count["found"] != count["flips"] for count in counts.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
