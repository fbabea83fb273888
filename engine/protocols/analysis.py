"""The analysis protocol: JSON lines in, JSON lines out, in the manner of KataGo's engine.

Queries are answered as they are done, in any order, each answer with the query's `id`. Positions
that have the same budget and priority are searched together, in one batch of trees; what is found
does not depend on the company. One thread searches, the caller's reads.
"""

from __future__ import annotations

import heapq
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tesuji.domains.base import Domain
from tesuji.engine.game import Position
from tesuji.engine.protocols.analysis_query import Query, QueryError, read_query
from tesuji.engine.protocols.lines import TooLong
from tesuji.engine.protocols.thinking import FAULTS, Searcher
from tesuji.search.base import Budget, SearchResult, Status
from tesuji.search.results import terminal

MAX_PENDING = 10_000  # positions that wait


@dataclass(order=True)
class _Task:
    """One position of a query, in the order in which they are searched."""

    rank: tuple[int, int]  # (-priority, arrival)
    query: Query = field(compare=False)
    turn: int = field(compare=False)
    position: Position = field(compare=False)
    ended: bool = field(default=False, compare=False)  # by `terminate`
    reported: float = field(default_factory=time.monotonic, compare=False)


class AnalysisEngine:
    """Answers queries about one game.

    Args:
        domain: the game.
        search: searches it; used by the engine alone.
        write: takes one line of an answer; called from two threads.
        version: of the program, for `query_version`.
        budget: of queries that give none.
        batch: most positions that are searched together.
    """

    def __init__(
        self,
        domain: Domain,
        search: Searcher,
        write: Callable[[str], None],
        version: str,
        budget: Budget,
        batch: int = 16,
    ) -> None:
        self._domain, self._search, self._write = domain, search, write
        self._version, self._budget, self._batch = version, budget, batch
        self._waiting: list[_Task] = []
        self._running: list[_Task] = []
        self._arrivals = 0
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._closed = False

    def serve(self, lines: Iterable[str]) -> None:
        """Answer the queries of `lines`; return when all are answered."""
        worker = threading.Thread(target=self._work, daemon=True)
        worker.start()
        try:
            for line in lines:
                if line.strip():
                    self.handle(line)
        except KeyboardInterrupt:
            self._end(lambda task: True)
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify()
        worker.join()

    def handle(self, line: str) -> None:
        """Take one line: answer it, refuse it, or put its positions in the queue."""
        try:
            if isinstance(line, TooLong):
                raise QueryError(str(line))
            query = read_query(self._domain, line, self._budget)
            if query.action:
                self._act(query)
            else:
                self._add(query)
        except QueryError as error:
            named = {"field": error.field, "id": error.query_id}
            self._say({"error": str(error), **{k: v for k, v in named.items() if v is not None}})

    def _act(self, query: Query) -> None:
        answer: dict[str, Any] = {"id": query.id, "action": query.action}
        if query.action == "query_version":
            answer["version"] = self._version
        elif query.action == "terminate":
            answer["terminateId"] = query.terminate
            self._end(lambda task: task.query.id == query.terminate)
        elif query.action == "terminate_all":
            self._end(lambda task: True)
        # `clear_cache` has nothing to clear: what is cached is the network's and stays true.
        self._say(answer)

    def _add(self, query: Query) -> None:
        assert query.game is not None
        line = query.game.line()
        with self._changed:
            if len(self._waiting) + len(query.turns) > MAX_PENDING:
                raise QueryError(f"more than {MAX_PENDING} positions wait", "id", query.id)
            for turn in query.turns:
                self._arrivals += 1
                rank = (-query.priority, self._arrivals)
                heapq.heappush(self._waiting, _Task(rank, query, turn, line[turn]))
            self._changed.notify()

    def _end(self, ends: Callable[[_Task], bool]) -> None:
        """Drop what waits and hurry what runs, where `ends` says so."""
        with self._changed:
            dropped = [task for task in self._waiting if ends(task)]
            self._waiting = [task for task in self._waiting if not ends(task)]
            heapq.heapify(self._waiting)
            for task in self._running:
                task.ended = task.ended or ends(task)
            if self._running and all(task.ended for task in self._running):
                self._stop.set()
        for task in dropped:
            self._say({"id": task.query.id, "turnNumber": task.turn, "noResults": True})

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                self._stop.clear()
                self._running = self._take()
            self._think(self._running)
            with self._changed:
                self._running = []

    def _take(self) -> list[_Task]:
        """Take the first that waits, and those after it that can be searched with it."""
        tasks = [heapq.heappop(self._waiting)]
        while self._waiting and len(tasks) < self._batch:
            first, other = tasks[0], self._waiting[0]
            same = first.rank[0] == other.rank[0] and first.query.budget == other.query.budget
            if not same:
                break
            tasks.append(heapq.heappop(self._waiting))
        return tasks

    def _think(self, tasks: list[_Task]) -> None:
        for task in tasks:
            if task.position.ended:
                end = terminal(self._domain.spec.num_actions)
                self._say(self._answer(task, end, during=False))
        tasks = [task for task in tasks if not task.position.ended]
        if not tasks:
            return
        budget = tasks[0].query.budget
        assert budget is not None
        try:
            results = self._search.run(
                [task.position.state for task in tasks],
                budget,
                seed=[task.query.seed for task in tasks],
                stop=self._stop,
                progress=lambda interim: self._report(tasks, interim),
            )
        except FAULTS as error:
            for task in tasks:
                reason = " ".join(str(error).split()) or type(error).__name__
                self._say({"error": reason, "id": task.query.id, "turnNumber": task.turn})
            return
        for task, result in zip(tasks, results, strict=True):
            self._say(self._answer(task, result, during=False))

    def _report(self, tasks: list[_Task], results: list[SearchResult]) -> None:
        now = time.monotonic()
        for task, result in zip(tasks, results, strict=True):
            every = task.query.report_every
            if every is not None and not task.ended and now - task.reported >= every:
                task.reported = now
                self._say(self._answer(task, result, during=True))

    def _answer(self, task: _Task, result: SearchResult, *, during: bool) -> dict[str, Any]:
        position = task.position
        facts = result.to_json()
        kept = ("value", "wdl", "status", "proven", "simulations", "raw_value")
        answer = {
            "id": task.query.id,
            "turnNumber": task.turn,
            "isDuringSearch": during,
            "rootInfo": {"currentPlayer": position.to_play, **{name: facts[name] for name in kept}},
            "moveInfos": self._moves(position.state, result, facts["edges"]),
        }
        if task.query.policy:
            answer["policy"] = [round(float(share), 6) for share in result.policy]
        return answer

    def _moves(
        self, state: Any, result: SearchResult, edges: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        if result.status is Status.TERMINAL:
            return []
        low, high = self._domain.spec.value_range
        moves = []
        for order, edge in enumerate(edges):
            share = None if edge["q"] is None else round((edge["q"] - low) / (high - low), 6)
            name = self._domain.action_name(state, edge["action"])
            moves.append({"move": name, "order": order, "winrate": share, **edge})
            if edge["action"] == result.action:
                moves[-1]["pv"] = self._names(state, result)
        return moves

    def _names(self, state: Any, result: SearchResult) -> list[str]:
        names = []
        keys = result.principal_keys or (0,) * len(result.principal_variation)
        for action, key in zip(result.principal_variation, keys, strict=True):
            names.append(self._domain.action_name(state, action))
            state, _, _ = self._domain.step(state, action, key)
        return names

    def _say(self, answer: dict[str, Any]) -> None:
        self._write(json.dumps(answer, allow_nan=False, ensure_ascii=False))
