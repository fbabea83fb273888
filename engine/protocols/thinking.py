"""A search that thinks beside the conversation: begun, watched, stopped, from any protocol.

One thread belongs to a `Thinker` and runs one thought at a time; reports and the end of a thought
are told from that thread. Whoever began a thought may go on reading commands meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tesuji.domains.base import State
from tesuji.engine.errors import TesujiError
from tesuji.search.base import BoolArray, Budget, SearchResult

# What a search can fail with that is no fault of the code: told to the other side.
FAULTS = (TesujiError, ValueError, MemoryError, OSError)

Results = list[SearchResult]


class Searcher(Protocol):
    """What a thought needs of a search (`tesuji.search.search.Search`)."""

    def run(
        self,
        states: Sequence[State],
        budget: Budget,
        *,
        seed: int | Sequence[int] = 0,
        reuse: bool = False,
        keep_tree: bool = False,
        allowed: Sequence[BoolArray] | None = None,
        stop: threading.Event | None = None,
        progress: Callable[[Results], None] | None = None,
    ) -> Results:
        """Search `states` until the budget is spent or `stop` is set."""
        ...

    def line(self, action: int, root: int = 0) -> tuple[int, ...]:
        """Return the line of best actions that begins with `action`."""
        ...

    def glance(
        self,
        state: State,
        seed: int = 0,
        allowed: BoolArray | None = None,
        *,
        haste: bool = False,
    ) -> int:
        """Return an action at once."""
        ...


@dataclass(frozen=True)
class Thought:
    """What is to be thought about, and who is told.

    Attributes:
        search: the search; used by this thought alone while it runs.
        states: the roots.
        budget: when to stop by itself.
        done: called with the results, or with the one line that says why there are none.
        progress: called about ten times a second with the results so far.
        seed: decides what is random in the search.
        reuse: keep what the last thought found.
        allowed: what may be played at each root; everything where None.
    """

    search: Searcher
    states: Sequence[State]
    budget: Budget
    done: Callable[[Results | str], None]
    progress: Callable[[Results], None] | None = None
    seed: int = 0
    reuse: bool = False
    allowed: Sequence[BoolArray] | None = None


class Thinker:
    """Thinks one thought at a time in a thread of its own."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def thinking(self) -> bool:
        """Return whether a thought has begun and not been told of as done."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, thought: Thought) -> None:
        """Begin to think; a thought that is under way is stopped first."""
        self.stop()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._think, args=(thought, self._stop), daemon=True)
        self._thread.start()

    def hurry(self) -> None:
        """Ask the thought to end, and return at once."""
        self._stop.set()

    def stop(self) -> None:
        """Stop thinking and return when the end has been told; without a thought do nothing."""
        self._stop.set()
        self.wait()

    def wait(self) -> None:
        """Return when the thought is done."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _think(self, thought: Thought, stop: threading.Event) -> None:
        try:
            results: Results | str = thought.search.run(
                thought.states,
                thought.budget,
                seed=thought.seed,
                reuse=thought.reuse,
                allowed=thought.allowed,
                stop=stop,
                progress=thought.progress,
            )
        except FAULTS as error:
            results = " ".join(str(error).split()) or type(error).__name__
        thought.done(results)
