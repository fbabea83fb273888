"""Play in the terminal: a coloured board, moves by name and a few commands.

Nothing typed ends the game but `quit`, Ctrl-D or Ctrl-C at the prompt; Ctrl-C during a search stops
the search. Works line by line, without colours, where input or output is no terminal.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tesuji.domains.base import Domain
from tesuji.engine.board_text import draw
from tesuji.engine.drawing import tabulate
from tesuji.engine.errors import TesujiError
from tesuji.engine.game import Game, IllegalMoveError
from tesuji.engine.moves import read_game
from tesuji.engine.record import formats, read_record, write_record
from tesuji.engine.session import LEVELS, Searcher, Session, stoppable
from tesuji.engine.storage import atomic_write
from tesuji.engine.typed import HELP, count, filename
from tesuji.search.base import Budget, SearchResult

MAX_SIMULATIONS = 10_000_000


@dataclass(frozen=True)
class PlayOptions:
    """How a game in the terminal starts.

    Attributes:
        level: strength of the engine, 1 to 10.
        person: the side that you play, 0 or 1; None to play both.
        seed: decides the engine's choices.
        simulations: of a hint or an analysis.
        moves: what has been played already.
    """

    level: int = 5
    person: int | None = 0
    seed: int = 0
    simulations: int = 800
    moves: str = ""


def play(
    domain: Domain,
    search: Searcher,
    options: PlayOptions = PlayOptions(),
    *,
    game: Game | None = None,
    console: Console | None = None,
    ask: Callable[[str], str] = input,
) -> None:
    """Play until the person leaves.

    Args:
        domain: the rules.
        search: the engine and adviser.
        options: level, side, seed.
        game: the game to go on with, instead of a new one after the options' moves.
        console: where to write.
        ask: shows a prompt and returns a line; raises EOFError or KeyboardInterrupt to leave.
    """
    console = console if console is not None else Console(highlight=False)
    if ask is input and sys.stdin.isatty():
        import readline  # noqa: F401, PLC0415 (gives `input` history and line editing)
    session = Session(domain, search, level=options.level, person=options.person, seed=options.seed)
    session.start(game if game is not None else read_game(domain, options.moves, options.seed))
    Terminal(session, console, options.simulations).loop(ask)


class Terminal:
    """A session at a console."""

    def __init__(self, session: Session, console: Console, simulations: int) -> None:
        self.session = session
        self.console = console
        self.simulations = simulations
        self.paused = False  # the engine waits, because its thinking was stopped
        self.commands: dict[str, Callable[[str], None]] = {
            "undo": self.undo,
            "redo": self.redo,
            "hint": self.hint,
            "analyse": self.analyse,
            "analyze": self.analyse,
            "switch": self.switch,
            "go": self.go,
            "level": self.level,
            "moves": self.moves,
            "new": self.new,
            "save": self.save,
            "load": self.load,
            "help": self.help,
            "?": self.help,
        }

    def loop(self, ask: Callable[[str], str]) -> None:
        """Show, ask and do, until the person leaves."""
        name = self.session.game.domain.spec.name.replace("_", " ")
        self.say(f"{name}, level {self.session.level}; help says what you can do")
        self.show()
        while True:
            try:
                self.engine_moves()
                line = ask(self.prompt()).strip()
                if line.lower() in ("quit", "exit", "q"):
                    return
                if line:
                    self.do(line)
            except (EOFError, KeyboardInterrupt):
                self.say("")
                return
            except (ValueError, TesujiError) as error:
                self.say(str(error), "red")

    def prompt(self) -> str:
        """Return who is to move."""
        game = self.session.game
        here = game.current
        if here.ended:
            return f"{game.outcome()}; new, undo or quit > "
        if game.domain.spec.num_players == 1:
            return "your move > "
        return f"{game.side_name(here.to_play)} to move > "

    def do(self, line: str) -> None:
        """Make a move or carry out a command."""
        try:
            self.session.game.play(line)
        except IllegalMoveError as refused:
            word, _, rest = line.partition(" ")
            self.command(word.lower(), refused)(rest.strip())
        else:
            self.paused = False
            if not self.session.engine_to_move:
                self.show()

    def command(self, word: str, refused: IllegalMoveError) -> Callable[[str], None]:
        """Return the command that `word` begins; raise what is wrong with it where none does."""
        fits = {function for name, function in self.commands.items() if name.startswith(word)}
        if word in self.commands or len(fits) == 1:
            return self.commands.get(word) or fits.pop()
        if word.isalpha() and "not a legal action" in str(refused):
            near = difflib.get_close_matches(word, self.commands, 1)
            hint = f"did you mean {near[0]}?" if near else "type help, or moves for the legal moves"
            raise IllegalMoveError(f"{word!r} is neither a move here nor a command; {hint}")
        raise refused

    def say(self, text: str, style: str = "") -> None:
        """Write a line."""
        self.console.print(Text(text, style=style))

    def show(self) -> None:
        """Draw the position."""
        game = self.session.game
        board = game.domain.board(game.current.state)
        if board is None or not self.console.encoding.lower().startswith("utf"):
            self.say(game.domain.render(game.current.state))
            return
        last = game.current.move.cell if game.current.move is not None else None
        self.console.print(draw(board, last))

    def thinking(self) -> AbstractContextManager[object]:
        """Show that a search goes on."""
        if not self.console.is_terminal:
            return nullcontext()
        return self.console.status("thinking … (compiles once, for a minute, the first time ever)")

    def engine_moves(self) -> None:
        """Let the engine move as long as it is its turn."""
        while self.session.engine_to_move and not self.paused:
            self.go("")

    def go(self, _: str) -> None:
        """Let the engine move for the side to play."""
        game = self.session.game
        side, state = game.side_name(game.current.to_play), game.current.state
        if game.domain.spec.num_players == 1:
            side = "the engine"
        with self.thinking():
            action = stoppable(lambda stop: self.session.choose(stop=stop))
        if action is None:
            self.paused = True
            self.say("stopped; the engine waits: go lets it move, or make its move yourself")
            return
        self.paused = False
        game.play(action)
        self.say(f"{side} plays {game.domain.action_name(state, action)}", "bold")
        self.show()

    def undo(self, _: str) -> None:
        """Go back to the person's last move."""
        self.session.game.undo(self.session.person)
        self.show()

    def redo(self, _: str) -> None:
        """Go forward to the person's next move."""
        self.session.game.redo(self.session.person)
        self.show()

    def switch(self, _: str) -> None:
        """Change sides."""
        self.session.switch()
        self.paused = False
        self.say(f"you are {self.session.game.side_name(self.session.person or 0)} now")

    def level(self, text: str) -> None:
        """Set the engine's strength."""
        self.session.level = count(text, "level", len(LEVELS))
        self.say(f"level {self.session.level}")

    def moves(self, _: str) -> None:
        """List the moves made and the legal ones."""
        game = self.session.game
        made = " ".join(p.move.name for p in game.line() if p.move and p.ply <= game.current.ply)
        self.say(f"made: {made or 'none'}\nlegal: {', '.join(game.legal_moves()) or 'none'}")

    def new(self, _: str) -> None:
        """Start another game."""
        game = self.session.game
        self.session.start(Game(game.domain, game.seed + 1))
        self.show()

    def save(self, text: str) -> None:
        """Write the game to a file."""
        path = filename(text, "save")
        kind = path.suffix.lower().removeprefix(".")
        game = self.session.game
        known = formats(game.domain)
        atomic_write(path, write_record(game, kind if kind in known else "json").encode())
        self.say(f"saved to {path}")

    def load(self, text: str) -> None:
        """Go on with a game from a file; the engine waits until a move is made."""
        self.session.start(read_record(self.session.game.domain, filename(text, "load")))
        self.show()

    def help(self, _: str) -> None:
        """Say what can be typed."""
        self.say(HELP)

    def hint(self, _: str) -> None:
        """Show the best move and the line it expects."""
        budget = Budget(simulations=self.simulations)
        with self.thinking():
            hint = stoppable(lambda stop: self.session.hint(budget, stop=stop))
        side = hint.step.side
        share = hint.chance if side == 0 else 1 - hint.chance
        proof = f", {hint.status.value}" if hint.status.proven else ""
        line = " ".join(step.name for step in hint.line[:10])
        told = self.session.told(share)
        self.say(f"{hint.step.name}: {told} for you{proof}; expected: {line}", "green")

    def analyse(self, text: str) -> None:
        """Show every move as a search sees it, while it goes on where this is a terminal."""
        limit = count(text, "analyse", MAX_SIMULATIONS) if text else self.simulations
        budget, position = Budget(simulations=limit), self.session.game.current
        table = partial(tabulate, self.session, position)
        if not self.console.is_terminal:
            result = stoppable(lambda stop: self.session.analyse(budget, stop=stop))
            self.console.print(table(result))
            return
        with Live(console=self.console, auto_refresh=False) as live:

            def show(result: SearchResult) -> None:
                live.update(table(result), refresh=True)

            analyse = partial(self.session.analyse, budget, progress=show)
            show(stoppable(lambda stop: analyse(stop=stop)))
