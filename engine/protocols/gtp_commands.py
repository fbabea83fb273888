"""The commands of GTP but those about time and analysis.

They change the state at their end, so that one that fails changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tesuji.domains.base import Domain
from tesuji.engine.protocols.clock import quieten_collector
from tesuji.engine.protocols.gtp_arguments import count_of, number_of, side_of
from tesuji.engine.protocols.gtp_board import GtpBoard, GtpError
from tesuji.engine.protocols.gtp_time import Allotted, GtpTime
from tesuji.engine.protocols.sgf import LIMITS, SgfError, parse_sgf
from tesuji.engine.protocols.sgf_games import code_of, sgf_to_game
from tesuji.engine.protocols.thinking import Searcher
from tesuji.search.base import Budget

_WARM = Budget(simulations=2)


class Agent(Protocol):
    """What thinks: a search and the budget of a move without clocks."""

    @property
    def search(self) -> Searcher:
        """Return the search."""
        ...

    @property
    def budget(self) -> Budget:
        """Return the budget of a move."""
        ...


class GtpCommands(GtpTime):
    """The commands, each a method `do_NAME` from words to the answer.

    Args:
        board: the game.
        make_agent: returns what thinks about a domain; asked anew when the domain changes.
        version: what `version` answers.
        seed: decides what is random in the searches.
    """

    def __init__(
        self, board: GtpBoard, make_agent: Callable[[Domain], Agent], version: str, seed: int = 0
    ) -> None:
        super().__init__()
        self.board = board
        self.seed = seed
        self.quitting = False
        self._make_agent = make_agent
        self._version = version
        self._commands: dict[str, Callable[..., str]] = {}
        self._agent: Agent | None = None
        self._agent_of: Domain | None = None

    def commands(self) -> dict[str, Callable[..., str]]:
        """Return the commands by name."""
        if not self._commands:
            every = {name: getattr(self, name) for name in dir(self) if name.startswith("do_")}
            self._commands = {_command_name(name): method for name, method in every.items()}
        return self._commands

    def agent(self) -> Agent:
        """Return what thinks about the game that is played now.

        A first short search compiles what the game needs, before any clock runs.
        """
        domain = self.board.domain
        if self._agent is None or self._agent_of is not domain:
            agent = self._make_agent(domain)
            agent.search.run([domain.reset()], _WARM)
            agent.search.glance(domain.reset())
            quieten_collector()
            self._agent, self._agent_of = agent, domain
        return self._agent

    def do_protocol_version(self) -> str:
        """Return the version of the protocol."""
        return "2"

    def do_name(self) -> str:
        """Return the engine's name."""
        return "tesuji"

    def do_version(self) -> str:
        """Return the engine's version."""
        return self._version

    def do_known_command(self, name: str = "") -> str:
        """Return whether there is such a command."""
        return "true" if name in self.commands() else "false"

    def do_list_commands(self) -> str:
        """Return all commands, one a line."""
        return "\n".join(sorted(self.commands()))

    def do_quit(self) -> str:
        """End the session."""
        self.quitting = True
        return ""

    def do_boardsize(self, size: str) -> str:
        """Empty a board of another size."""
        self.board.resize(count_of(size, 1, 1000))
        self.agent()
        self.begin_clocks()
        return ""

    def do_query_boardsize(self) -> str:
        """Return the lines of the board."""
        return str(self.board.size)

    def do_clear_board(self) -> str:
        """Empty the board."""
        self.board.clear()
        self.agent()
        self.begin_clocks()
        return ""

    def do_komi(self, komi: str) -> str:
        """Set what White gets."""
        self.board.set_komi(number_of(komi, -1000, 1000))
        self.agent()
        return ""

    def do_get_komi(self) -> str:
        """Return what White gets."""
        return f"{self.board.komi or 0:g}"

    def do_play(self, colour: str, vertex: str) -> str:
        """Make the controller's move."""
        self.board.play(side_of(colour), vertex)
        return ""

    def do_undo(self) -> str:
        """Take one move back."""
        self.board.undo()
        return ""

    def do_showboard(self) -> str:
        """Return the board as text."""
        return "\n" + self.board.domain.render(self.board.game.current.state)

    def do_final_score(self) -> str:
        """Return who won, and by how much."""
        return self.board.score()

    def do_final_status_list(self, status: str) -> str:
        """Return the stones that are alive, dead or in seki."""
        if status not in ("alive", "dead", "seki"):
            raise GtpError("syntax error: expected alive, dead or seki")
        board, state = self.board.domain, self.board.game.current.state
        if status != "alive" or board.ownership(state) is None:
            return ""  # what is dead has been taken: the rules count the stones that stand
        shown = board.board(state)
        assert shown is not None
        names = []
        for action in range(board.spec.num_actions):
            for row, column in board.action_cells(state, action):
                if shown.cells[row][column]:
                    names.append(board.action_name(state, action))
        return "\n".join(names)

    def do_genmove(self, colour: str) -> str:
        """Think, move and return the move."""
        return self._think(side_of(colour), play=True)

    def do_reg_genmove(self, colour: str) -> str:
        """Return what would be played."""
        return self._think(side_of(colour), play=False)

    def _think(self, side: int, *, play: bool) -> str:
        before, here = len(self.board.games), self.board.game.current
        agent = self.agent()
        try:
            self.board.turn_to(side)
            game = self.board.game
            with self.timed(side, counts=play) as allotted:
                action = self._choose(agent, allotted, reuse=play)
        except GtpError:
            self.board.game.current = here
            raise
        name = game.domain.action_name(game.current.state, action)
        if play:
            game.play(action)
        else:
            del self.board.games[before:]
            self.board.game.current = here
        return name

    def _choose(self, agent: Agent, allotted: Allotted, *, reuse: bool) -> int:
        """Return a move after so many seconds of thinking, as the agent is set up where None."""
        here = self.board.game.current
        seed = self.seed + here.ply
        if allotted.seconds == 0:
            return agent.search.glance(here.state, seed, haste=allotted.haste)
        budget = agent.budget if allotted.seconds is None else _timed_budget(allotted.seconds)
        [result] = agent.search.run([here.state], budget, seed=seed, reuse=reuse)
        return result.action

    def do_fixed_handicap(self, number: str) -> str:
        """Set Black's stones on star points."""
        vertices = self.board.star_points(count_of(number, 0, 1000))
        self.board.handicap(vertices)
        return " ".join(vertices)

    def do_place_free_handicap(self, number: str) -> str:
        """Set Black's stones where we like."""
        wanted = count_of(number, 2, 1000)
        vertices = self.board.star_points(min(wanted, self.board.most_stars()))
        self.board.handicap(vertices)
        return " ".join(vertices)

    def do_set_free_handicap(self, *vertices: str) -> str:
        """Set Black's stones where the controller likes."""
        if len(vertices) < 2:
            raise GtpError("bad vertex list")
        self.board.handicap(vertices)
        return ""

    def do_loadsgf(self, file: str, move: str = "") -> str:
        """Go on from a file's game, before move `move` where it is given."""
        path = Path(file)
        if not path.is_file() or path.stat().st_size > LIMITS.max_bytes:
            raise GtpError("cannot load file")
        known = code_of(self.board.domain)
        if known is None:
            raise GtpError(f"{self.board.name} is not kept as SGF")
        root = parse_sgf(path.read_bytes())[0]
        if (root.get("GM") or "1").strip() != str(known):
            raise SgfError(f"the file is no game of {self.board.name}")
        game = sgf_to_game(root)
        if move:
            steps = game.line()
            wanted = count_of(move, 1, 100_000)
            game.goto(steps[min(wanted - 1, len(steps) - 1)].index)
        self.board.load(game)
        self.agent()
        return ""


def _timed_budget(seconds: float) -> Budget:
    """Return the budget of a timed move, with no more memory than it can fill: zeroing it costs."""
    return Budget(seconds=seconds, memory_mb=min(16 + 96 * seconds, 512))


def _command_name(name: str) -> str:
    """Return the command of a method; some have hyphens."""
    name = name.removeprefix("do_").replace("kgs_time", "kgs-time")
    return name.replace("_analyze", "-analyze")
