"""The analysis protocol: JSON lines in, JSON lines out, in the manner of KataGo's engine.

Queries are answered as they are done, in any order, each answer with the query's `id`; each turn of
a query gets just one answer that says `"isDuringSearch": false`, or an error. Positions that have
the same budget and priority are searched together, in one batch of trees; what is found does not
depend on the company. One thread searches, the caller's reads.
"""

from __future__ import annotations

import heapq
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from tesuji.domains.base import Domain
from tesuji.engine.game import Position
from tesuji.engine.protocols.analysis_answer import Answers
from tesuji.engine.protocols.analysis_query import Query, QueryError, read_query
from tesuji.engine.protocols.lines import TooLong
from tesuji.engine.protocols.thinking import FAULTS, Searcher
from tesuji.search.base import Budget, SearchResult, Status
from tesuji.search.results import terminal

MAX_PENDING = 10_000  # positions that wait
_ALONE = 20_000  # simulations from which on a position is searched alone, to have all the memory


@dataclass(order=True)
class _Task:
    """One position of a query, in the order in which they are searched."""

    rank: tuple[int, int]  # (-priority, arrival)
    query: Query = field(compare=False)
    turn: int = field(compare=False)
    position: Position = field(compare=False)
    ended: bool = field(default=False, compare=False)  # by `terminate`
    told: bool = field(default=False, compare=False)  # whether its last answer was given
    due: float = field(default=0.0, compare=False)  # when the next report is


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
        self._answers = Answers(domain, search)
        self._version, self._budget, self._batch = version, budget, batch
        self._waiting: list[_Task] = []
        self._running: list[_Task] = []
        self._arrivals = 0
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._closed = False
        self._finished = threading.Event()
        self._gone: Callable[[], bool] = lambda: False

    def serve(self, lines: Iterable[str], gone: Callable[[], bool] = lambda: False) -> None:
        """Answer the queries of `lines`; return when all are answered.

        An interrupt ends what is searched, with what was found so far, and what waits.

        Args:
            lines: of the conversation.
            gone: whether nobody hears the answers any more.
        """
        self._gone = gone
        worker = threading.Thread(target=self._work, daemon=True)
        worker.start()
        try:
            for line in lines:
                if gone():
                    break
                if line.strip():
                    self.handle(line)
            self._close()
            self._finished.wait()  # an interrupt may make `Thread.join` think that it is over
        except KeyboardInterrupt:
            self._end(lambda task: True)
            self._close()
            self._finished.wait()

    def _close(self) -> None:
        """Let the worker end when nothing waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

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

    def _warn(self, query: Query) -> None:
        for name, why in query.warnings:
            self._say({"warning": why, "field": name, "id": query.id})

    def _act(self, query: Query) -> None:
        """Do what an action asks, and echo it."""
        self._warn(query)

        def named(task: _Task) -> bool:
            return query.turns is None or task.turn in query.turns

        answer = dict(query.message)
        if query.action == "query_version":
            answer["version"] = self._version
        elif query.action == "terminate":
            self._end(lambda task: task.query.id == query.terminate and named(task))
        elif query.action == "terminate_all":
            self._end(named)
        # `clear_cache` has nothing to clear: what is cached is the network's and stays true.
        self._say(answer)

    def _add(self, query: Query) -> None:
        assert query.game is not None
        assert query.turns is not None
        line = query.game.line()
        with self._changed:
            if len(self._waiting) + len(query.turns) > MAX_PENDING:
                raise QueryError(f"more than {MAX_PENDING} positions wait", "id", query.id)
            self._warn(query)
            for turn, priority in zip(query.turns, query.priorities, strict=True):
                self._arrivals += 1
                rank = (-priority, self._arrivals)
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
            self._say({**_head(task, during=False), "noResults": True})

    def _work(self) -> None:
        try:
            self._search_on()
        finally:
            self._finished.set()

    def _search_on(self) -> None:
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
        budget = tasks[0].query.budget
        assert budget is not None
        most = 1 if (budget.simulations or 0) > _ALONE else self._batch
        while self._waiting and len(tasks) < most:
            first, other = tasks[0], self._waiting[0]
            same = first.rank[0] == other.rank[0] and first.query.budget == other.query.budget
            if not same:
                break
            tasks.append(heapq.heappop(self._waiting))
        return tasks

    def _think(self, tasks: list[_Task]) -> None:
        now = time.monotonic()
        for task in tasks:
            task.due = now + task.query.report_first
            if task.position.ended:
                self._tell(task, terminal(self._domain.spec.num_actions), 0)
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
            reason = " ".join(str(error).split()) or type(error).__name__
            for task in [task for task in tasks if not task.told]:
                self._say({"error": reason, **_head(task, during=False)})
            return
        for root, (task, result) in enumerate(zip(tasks, results, strict=True)):
            self._tell(task, result, root)

    def _report(self, tasks: list[_Task], results: list[SearchResult]) -> None:
        """Tell what is due of a search under way, and the last of what was terminated."""
        if self._gone():
            self._end(lambda task: True)
        now = time.monotonic()
        for root, (task, result) in enumerate(zip(tasks, results, strict=True)):
            if task.ended:
                self._tell(task, replace(result, status=Status.INTERRUPTED), root)
            elif task.query.report_every is not None and now >= task.due:
                task.due = now + task.query.report_every
                self._tell(task, result, root, during=True)

    def _tell(self, task: _Task, result: SearchResult, root: int, *, during: bool = False) -> None:
        """Give an answer, unless the last one was given."""
        if task.told:
            return
        task.told = not during
        found = self._answers.answer(task.position, result, root, policy=task.query.policy)
        self._say({**_head(task, during=during), **found})

    def _say(self, answer: dict[str, Any]) -> None:
        # In ASCII: an id may hold half a surrogate pair, which no other encoding takes.
        self._write(json.dumps(answer, allow_nan=False))


def _head(task: _Task, *, during: bool) -> dict[str, Any]:
    return {"id": task.query.id, "turnNumber": task.turn, "isDuringSearch": during}
