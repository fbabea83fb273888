"""One page that plays: its session, and an answer to each of its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from tesuji.engine.errors import TesujiError
from tesuji.engine.game import Game, IllegalMoveError
from tesuji.engine.record import load_game, parse_record, write_record
from tesuji.engine.session import Session
from tesuji.engine.web import messages, views
from tesuji.engine.web.messages import FieldError
from tesuji.engine.web.thinker import Limits, Thinker

IDLE = 4001  # the code with which a silent page is disconnected


class Client:
    """A connected page.

    Args:
        socket: how it is talked to.
        session: its game, engine and adviser.
        limits: how much it may ask for.
        threads: where searches run.
        loaded: whether its game comes from a file, to be looked at rather than gone on with.
    """

    def __init__(
        self,
        socket: WebSocket,
        session: Session,
        limits: Limits,
        threads: Executor,
        *,
        loaded: bool = False,
    ) -> None:
        self.socket = socket
        self.session = session
        self.limits = limits
        self.thinker = Thinker(session, limits, threads, self.send, self.show)
        self.thinker.reviewing = loaded
        self._sending = asyncio.Lock()
        self._skeleton: views.Json = {}  # the empty board that the page has
        self._answers: dict[type[messages.Message], Callable[[Any], Awaitable[None]]] = {
            messages.New: self.new,
            messages.Load: self.load,
            messages.Open: self.open_file,
            messages.Save: self.save,
            messages.Review: self.review,
            messages.Play: self.play,
            messages.Click: self.click,
            messages.Undo: self.undo,
            messages.Redo: self.redo,
            messages.Goto: self.goto,
            messages.Go: self.go,
            messages.Auto: self.auto,
            messages.Flip: self.flip,
            messages.Seat: self.seat,
            messages.Level: self.level,
            messages.Hint: self.hint,
            messages.Analyse: self.analyse,
            messages.Explore: self.explore,
        }

    async def serve(self) -> None:
        """Answer messages until the page leaves or falls silent."""
        try:
            await self.changed(waiting=self.thinker.reviewing)
            while True:
                text = await asyncio.wait_for(self.receive(), self.limits.idle_seconds)
                await self.answer(text)
        except TimeoutError:
            with suppress(WebSocketDisconnect, RuntimeError):
                await self.socket.close(IDLE, "idle for too long; reload to go on")
        except WebSocketDisconnect:
            pass
        finally:
            await self.thinker.rest(tell=False)

    async def receive(self) -> str:
        """Return the next message as text; bytes come as text that is no JSON."""
        frame = await self.socket.receive()
        if frame["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(frame.get("code", 1000))
        return frame.get("text") or ""

    async def answer(self, text: str) -> None:
        """Do what a message asks, or say why not."""
        try:
            message = messages.parse(text)
            await self._answers[type(message)](message)
        except FieldError as error:
            await self.send({"type": "error", "error": str(error), "field": error.field})
        except (ValueError, TesujiError) as error:
            field = "action" if isinstance(error, IllegalMoveError) else None
            await self.send({"type": "error", "error": str(error), "field": field})

    async def send(self, content: views.Json) -> None:
        """Send one message, in order; a page that does not take it is given up."""
        try:
            async with self._sending, asyncio.timeout(self.limits.send_seconds):
                await self.socket.send_json(content)
        except (TimeoutError, RuntimeError):
            raise WebSocketDisconnect(1006) from None

    async def show(self) -> None:
        """Show the position, with another board before it where the page has not that one."""
        board = views.view_skeleton(self.session, flipped=self.thinker.flipped)
        if board != self._skeleton:
            self._skeleton = board
            await self.send(board)
        state = views.view_state(self.session)
        state |= {"auto": self.thinker.auto, "reviewing": self.thinker.reviewing}
        await self.send(state)

    async def changed(self, *, waiting: bool = False) -> None:
        """Show the position and think about it; `waiting` keeps the engine from moving there."""
        self.thinker.waiting = waiting
        await self.show()
        self.thinker.begin(self.thinker.think)

    async def new(self, message: messages.New) -> None:
        """Start another game."""
        game = self.session.game
        await self.open(Game(game.domain, game.seed + 1), message.person, message.level)

    async def load(self, message: messages.Load) -> None:
        """Go on with a saved game; the engine waits for the person."""
        game = load_game(self.session.game.domain, message.game)
        await self.open(game, message.person, message.level, waiting=True)

    async def open_file(self, message: messages.Open) -> None:
        """Go on with the game in a file and review it; the engine waits for the person."""
        domain, content = self.session.game.domain, message.text.encode("utf-8", "replace")
        loop = asyncio.get_running_loop()
        game = await loop.run_in_executor(None, parse_record, domain, content)
        await self.open(game, self.session.person, self.session.level, waiting=True, review=True)

    async def save(self, message: messages.Save) -> None:
        """Hand over the game as a file."""
        game = self.session.game
        text = write_record(game, message.format)
        name = f"{game.domain.spec.name}.{message.format}"
        await self.send({"type": "file", "name": name, "text": text})

    async def review(self, message: messages.Review) -> None:
        """Search every position of the line, or no longer."""
        await self.thinker.rest()
        self.thinker.reviewing = message.on
        await self.changed(waiting=True)

    async def open(
        self,
        game: Game,
        person: int | None,
        level: int,
        *,
        waiting: bool = False,
        review: bool = False,
    ) -> None:
        """Show another game."""
        await self.thinker.rest()
        self.thinker.reviewing = review
        self.thinker.auto = False
        self.session.start(game)
        self.session.person = person if game.domain.spec.num_players == 2 else None
        self.session.level = level
        await self.changed(waiting=waiting)

    async def play(self, message: messages.Play) -> None:
        """Make a move."""
        game = self.session.game
        if self.thinker.engine_due:
            raise IllegalMoveError("it is the engine's turn; wait for its move")
        if not game.allows(message.action):
            raise IllegalMoveError(game.refusal(message.action))
        await self.thinker.rest()
        game.play(message.action)
        await self.changed()

    async def click(self, message: messages.Click) -> None:
        """Make the move that a cell stands for, or say why there is none."""
        origin = (message.origin[0], message.origin[1]) if message.origin is not None else None
        action = self.session.game.action_at((message.row, message.column), origin)
        if action is None and origin is not None:
            raise IllegalMoveError("that piece cannot go there")
        if action is None:
            raise IllegalMoveError("nothing can be played on that cell")
        await self.play(messages.Play(action))

    async def undo(self, _: messages.Undo) -> None:
        """Go back to the person's last move."""
        await self.thinker.rest()
        await self.move_to(self.session.game.undo)

    async def redo(self, _: messages.Redo) -> None:
        """Go forward to the person's next move."""
        await self.thinker.rest()
        await self.move_to(self.session.game.redo)

    async def move_to(self, step: Callable[[int | None], object]) -> None:
        """Step along the line; go on thinking where that is refused."""
        self.thinker.auto = False
        try:
            step(self.session.person)
        finally:
            await self.changed(waiting=True)

    async def goto(self, message: messages.Goto) -> None:
        """Show a position of the game; the engine waits there for the person."""
        await self.thinker.rest()
        await self.move_to(lambda _: self.session.game.goto(message.position))

    async def go(self, _: messages.Go) -> None:
        """Let the engine move for the side to play."""
        if self.session.game.current.ended:
            raise IllegalMoveError(self.session.game.refusal(-1))
        await self.thinker.rest()
        self.thinker.waiting = False
        self.thinker.begin(self.thinker.move_once)

    async def auto(self, message: messages.Auto) -> None:
        """Let the engine make all moves from now on, or no longer."""
        await self.thinker.rest()
        self.thinker.auto = message.on and not self.session.game.current.ended
        await self.changed(waiting=self.thinker.waiting)

    async def flip(self, _: messages.Flip) -> None:
        """See the board from the other side."""
        await self.thinker.rest()
        self.thinker.flipped = not self.thinker.flipped
        await self.changed(waiting=self.thinker.waiting)

    async def seat(self, message: messages.Seat) -> None:
        """Change the person's side."""
        if self.session.game.domain.spec.num_players == 1:
            raise FieldError("person", "this game has one side")
        await self.thinker.rest()
        self.session.person = message.person
        await self.changed()

    async def level(self, message: messages.Level) -> None:
        """Set the engine's strength; it counts from its next move."""
        self.session.level = message.level
        await self.show()

    async def hint(self, _: messages.Hint) -> None:
        """Show the best move."""
        if self.session.game.current.ended:
            raise IllegalMoveError(self.session.game.refusal(-1))
        await self.thinker.rest()
        self.thinker.begin(self.thinker.hint)

    async def analyse(self, message: messages.Analyse) -> None:
        """Watch every position from now on, or no longer."""
        await self.thinker.rest()
        self.thinker.analysing = message.on
        await self.changed(waiting=self.thinker.waiting)

    async def explore(self, message: messages.Explore) -> None:
        """Show what lies behind a path in the search tree; the search goes on."""
        positions = self.session.game.positions
        if message.position >= len(positions):
            raise FieldError("position", f"there is no position {message.position}")
        position = positions[message.position]
        await self.send(views.view_tree(self.session, position, message.path))
