"""The search that thinks for one page: the engine's moves, analysis, hints; one at a time.

Everything happens in the event loop but the search itself, which runs in a thread and is stopped
before anything that it looks at changes, and when the page goes away.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from starlette.websockets import WebSocketDisconnect

from tesuji.engine.errors import TesujiError
from tesuji.engine.review import BATCH, known, search_positions
from tesuji.engine.session import Session
from tesuji.engine.web import views
from tesuji.search.base import Budget, SearchResult

T = TypeVar("T")
Send = Callable[[views.Json], Awaitable[None]]

_ANALYSIS = Budget(simulations=20_000, seconds=60.0)
_PATIENCE = 0.5  # seconds
_REVIEW = Budget(simulations=200, seconds=5.0)
_HINT = Budget(simulations=800, seconds=5.0)


@dataclass(frozen=True)
class Limits:
    """How much one page may ask for.

    Attributes:
        clients: pages connected at a time.
        idle_seconds: a page that says nothing for so long is disconnected.
        send_seconds: a page that takes nothing for so long is disconnected.
        analysis: budget of one analysis.
        hint: budget of a hint.
        auto_seconds: a rest after each move that the engine makes for the person.
        review: budget of each position of a game under review.
        judge: simulations that judge a position for the win-rate graph where nothing else does.
    """

    clients: int = 8
    idle_seconds: float = 1800.0
    send_seconds: float = 20.0
    analysis: Budget = _ANALYSIS
    hint: Budget = _HINT
    review: Budget = _REVIEW
    judge: int = 128
    auto_seconds: float = 0.25


class Thinker:
    """Thinks about a session's current position, and tells the page.

    Args:
        session: whose position; only changed while nothing thinks.
        limits: how much.
        threads: where searches run.
        send: tells the page.
        show: shows it the position.
    """

    def __init__(
        self,
        session: Session,
        limits: Limits,
        threads: Executor,
        send: Send,
        show: Callable[[], Awaitable[None]],
    ) -> None:
        self.session = session
        self.limits = limits
        self.threads = threads
        self.send = send
        self.show = show
        self.reviewing = False  # whether every position of the line is searched
        self.auto = False  # whether the engine makes all moves
        self.flipped = False  # whether the page sees the board from the second side
        self.analysing = False  # whether the page watches every position
        self.waiting = False  # whether the engine waits for the person, although it is its turn
        self._stop = threading.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def engine_due(self) -> bool:
        """Whether the engine is about to move."""
        if self.auto:
            return not self.session.game.current.ended
        return self.session.engine_to_move and not self.waiting

    async def rest(self, *, tell: bool = True) -> None:
        """Stop thinking and wait until it has stopped; `tell` the page if that takes a while."""
        self._stop.set()
        if self._task is not None:
            # A search stops at once, but one that is being compiled cannot.
            done, _ = await asyncio.wait({self._task}, timeout=_PATIENCE)
            if not done and tell:
                await self.send({"type": "thinking"})
            await self._task
        self._task = None

    def begin(self, thought: Callable[[], Awaitable[None]]) -> None:
        """Start to think; what thought before has rested."""
        self._stop = threading.Event()
        self._task = asyncio.ensure_future(self._guarded(thought))

    async def _guarded(self, thought: Callable[[], Awaitable[None]]) -> None:
        try:
            try:
                await thought()
            except (ValueError, TesujiError, MemoryError) as error:
                await self.send({"type": "error", "error": str(error), "field": None})
        except WebSocketDisconnect:
            pass  # the reader of messages sees it, too

    async def _search(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, function)

    async def think(self) -> None:
        """Make the engine's moves that are due, then watch or judge the position."""
        while self.engine_due and not self._stop.is_set():
            await self.engine_move()
            if self.auto:
                await asyncio.sleep(self.limits.auto_seconds)
        if self.session.game.current.ended and self.auto:
            self.auto = False
            await self.show()
        if self._stop.is_set():
            return
        if not self.session.game.current.ended:
            await (self.watch() if self.analysing else self.judge())
        if self.reviewing and not self._stop.is_set():
            await self.review()

    async def review(self) -> None:
        """Search every position of the line, a few at a time, and show what is known."""
        session, stop = self.session, self._stop
        line, budget = session.game.line(), self.limits.review
        for start in range(0, len(line), BATCH):
            part = line[start : start + BATCH]
            if all(one.ended or known(session, one, budget) for one in part):
                continue
            await self._search(partial(search_positions, session, part, budget, stop=stop))
            if stop.is_set():
                return
            await self.send({"type": "reviewed", "done": start + len(part), "total": len(line)})
            await self.show()
        self.reviewing = False
        await self.show()

    async def move_once(self) -> None:
        """Make one move of the engine, whosever turn it is, and its answer if that is due."""
        await self.engine_move()
        await self.think()

    async def engine_move(self) -> None:
        """Let the engine move for the side to play, unless it is stopped."""
        await self.send({"type": "thinking"})
        await self.judge(tell=False)
        action = await self._search(partial(self.session.choose, stop=self._stop))
        if action is not None:
            self.session.game.play(action)
            await self.show()

    async def judge(self, *, tell: bool = True) -> None:
        """Search a little, so that the win-rate graph knows this position at any level."""
        session, stop = self.session, self._stop
        known = session.results.get(session.game.current.index)
        if known is not None and (known.status.proven or known.num_nodes >= self.limits.judge):
            return
        budget = Budget(simulations=self.limits.judge)
        await self._search(partial(session.analyse, budget, stop=stop))
        if tell and not stop.is_set():
            await self.show()

    async def hint(self) -> None:
        """Show the best move, and go on as before."""
        stop = self._stop
        await self.send({"type": "thinking"})
        hint = await self._search(partial(self.session.hint, self.limits.hint, stop=stop))
        if stop.is_set():
            return
        await self.send(views.view_hint(hint))
        await self.show()
        await self.think()

    async def watch(self) -> None:
        """Analyse the position and show how it goes, as fast as the page takes it."""
        session, stop, here = self.session, self._stop, self.session.game.current
        loop, news, latest = asyncio.get_running_loop(), asyncio.Event(), list[SearchResult]()

        def offer(result: SearchResult) -> None:
            latest[:] = [result]
            news.set()

        def progress(result: SearchResult) -> None:
            loop.call_soon_threadsafe(offer, result)

        analyse = partial(session.analyse, self.limits.analysis, stop=stop, keep_tree=True)
        running = asyncio.ensure_future(self._search(partial(analyse, progress=progress)))
        running.add_done_callback(lambda _: news.set())
        try:
            while not running.done():
                await news.wait()
                news.clear()
                if latest and not stop.is_set():
                    view = views.view_analysis(
                        session, here, latest.pop(), done=False, flipped=self.flipped
                    )
                    await self.send(view)
        except WebSocketDisconnect:
            stop.set()
            raise
        finally:
            result = await running
        if not stop.is_set():
            view = views.view_analysis(session, here, result, done=True, flipped=self.flipped)
            await self.send(view)
            await self.show()
