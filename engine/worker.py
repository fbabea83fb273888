"""Self-play workers: processes that may die at any moment, spoken to in lines of JSON.

`python -m tesuji.engine.worker` reads a task a line and answers with a result a line. A task names
files and numbers, nothing else, and can be done again by another worker with the same bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from tesuji.engine.errors import TesujiError

_TRIES = 3
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkerError(TesujiError):
    """A task failed in every worker that tried it."""


class WorkerPool:
    """Processes that do tasks side by side; one that dies is replaced and its task done again."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._threads = ThreadPoolExecutor(size)
        self._ended = False
        self._prepared: Future[dict[str, Any]] | None = None
        self._idle: list[subprocess.Popen[str]] = [_start() for _ in range(size)]
        self._all = list(self._idle)
        self.deaths = 0

    def run(
        self, tasks: Sequence[Mapping[str, Any]], live: Callable[[int, Mapping[str, Any]], None]
    ) -> list[dict[str, Any]]:
        """Return the result of each task, in order.

        Args:
            tasks: what to do.
            live: told `(task's index, what it has done so far)` now and then, from other threads.

        Raises:
            WorkerError: a task failed.
        """
        if self._prepared is not None:
            self._prepared.result()
        return list(
            self._threads.map(
                lambda pair: self._do(pair[1], partial(live, pair[0])), enumerate(tasks)
            )
        )

    def prepare(self, task: Mapping[str, Any]) -> None:
        """Have one worker compile what all need, or load it; `run` waits for that.

        Were each to begin at once with nothing compiled, each would compile everything.
        """
        self._prepared = self._threads.submit(self._do, task, lambda _: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all workers."""
        self._ended = True
        for worker in list(self._all):
            _end(worker)
        self._threads.shutdown(cancel_futures=True)

    def _do(
        self, task: Mapping[str, Any], live: Callable[[Mapping[str, Any]], None]
    ) -> dict[str, Any]:
        last = "it died"
        for _ in range(_TRIES):
            worker = self._idle.pop()
            try:
                result = _ask(worker, task, live)
            except (BrokenPipeError, EOFError, ValueError):
                if self._ended:
                    raise WorkerError("the workers were ended") from None
                last = f"it died with exit code {_end(worker)}"
                self.deaths += 1
                self._all.remove(worker)
                worker = _start()
                self._all.append(worker)
                self._idle.append(worker)
                continue
            self._idle.append(worker)
            if "error" in result:
                raise WorkerError(f"self-play failed: {result['error']}")
            return result
        raise WorkerError(
            f"a self-play worker failed {_TRIES} times at the same task: {last}; "
            "see its messages above (out of memory?)"
        )


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tesuji.engine.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
        # A Ctrl-C at the terminal is the parent's to handle.
        start_new_session=True,
    )


def _end(worker: subprocess.Popen[str]) -> int:
    worker.kill()
    code = worker.wait()
    for stream in (worker.stdin, worker.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):  # what was not sent is of no use now
                stream.close()
    return code


def _ask(
    worker: subprocess.Popen[str],
    task: Mapping[str, Any],
    live: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps(task) + "\n")
    worker.stdin.flush()
    while line := worker.stdout.readline():
        result: dict[str, Any] = json.loads(line)
        if "live" not in result:
            return result
        live(result["live"])
    raise EOFError


def serve() -> None:
    """Do tasks from standard input until it ends."""
    for line in sys.stdin:
        try:
            task = json.loads(line)
            if task["kind"] == "prepare":
                answer = _prepare(task)
            else:
                answer = _play(task, lambda seen: _write({"live": seen}))
        except (TesujiError, ValueError, MemoryError) as error:
            answer = {"error": str(error) or type(error).__name__}
        _write(answer)


def _write(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _prepare(task: Mapping[str, Any]) -> dict[str, Any]:
    """Play a move with no network, so that all but the network is compiled."""
    from tesuji.domains.compiled import CompiledDomain  # noqa: PLC0415
    from tesuji.engine.lane import new_lane  # noqa: PLC0415
    from tesuji.engine.rules import make_domain  # noqa: PLC0415
    from tesuji.engine.selfplay import play_lane  # noqa: PLC0415
    from tesuji.engine.training_config import SelfPlayConfig  # noqa: PLC0415
    from tesuji.search.base import UniformEvaluator  # noqa: PLC0415

    domain = make_domain(task["game"], task["constraints"])
    assert isinstance(domain, CompiledDomain)
    config = replace(SelfPlayConfig(**task["config"]), games=1, moves=1)
    play_lane(
        domain, UniformEvaluator(domain.spec.num_actions), config, new_lane(domain, config, 0, 1), 1
    )
    return {}


def _play(task: Mapping[str, Any], live: Callable[[Mapping[str, int]], None]) -> dict[str, Any]:
    from tesuji.domains.compiled import CompiledDomain  # noqa: PLC0415
    from tesuji.engine.lane import load_lane, new_lane, save_lane  # noqa: PLC0415
    from tesuji.engine.rules import make_domain  # noqa: PLC0415
    from tesuji.engine.selfplay import play_lane  # noqa: PLC0415
    from tesuji.engine.shards import write_shard  # noqa: PLC0415
    from tesuji.engine.trained import load_evaluator  # noqa: PLC0415
    from tesuji.engine.training_config import SelfPlayConfig  # noqa: PLC0415
    from tesuji.nets.evaluators import make_evaluator  # noqa: PLC0415
    from tesuji.search.driver import RolloutEvaluator  # noqa: PLC0415

    began = os.times()
    domain = make_domain(task["game"], task["constraints"])
    assert isinstance(domain, CompiledDomain)
    config = SelfPlayConfig(**task["config"])
    run = Path(task["run"])
    lane = load_lane(run / task["lane_file"], task["lane_sha256"]) if task["lane_file"] else None
    if lane is None:
        lane = new_lane(domain, config, int(task["lane"]), int(task["seed"]))
    if task["backend"] == "torch":
        loaded = load_evaluator(
            run / task["checkpoint"], domain, backend="torch", device=task["device"]
        )
        assert not isinstance(loaded, RolloutEvaluator)  # a checkpoint holds a network
        evaluator = loaded
    else:
        network = (run / task["network"]).read_bytes()
        evaluator = make_evaluator(task["backend"], network, domain.spec)
    result = play_lane(domain, evaluator, config, lane, int(task["seed"]), live, task["territory"])
    count = len(result.positions.outcome)
    shard = asdict(write_shard(run, int(task["shard"]), result.positions)) if count else None
    digest = save_lane(run / task["lane_out"], result.lane)
    ended = os.times()
    return {
        "shard": shard,
        "lane_file": task["lane_out"],
        "lane_sha256": digest,
        "positions": count,
        "full": int(result.positions.full.sum()),
        "games": result.games,
        "wins": result.wins,
        "draws": result.draws,
        "returns": result.returns,
        "proven": result.proven,
        "simulations": result.simulations,
        "evaluations": result.evaluations,
        "cache_hits": result.cache_hits,
        "seconds": result.seconds,
        "evaluator_seconds": result.evaluator_seconds,
        "cpu_seconds": ended.user + ended.system - began.user - began.system,
    }


if __name__ == "__main__":
    serve()
