"""`tesuji analyze`: search one position."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tesuji.engine.commands.base import (
    Agent,
    Answer,
    Common,
    Constraints,
    Count,
    File,
    Game,
    Moves,
    Seconds,
    open_domain,
    open_search,
    read_budget,
)
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tesuji.domains.base import Domain, State
    from tesuji.engine.game import Game as PlayedGame
    from tesuji.search.base import Edge, SearchResult

EXAMPLES = """
Examples:
  tesuji analyze connect_four 4453                      the moves from the start
  tesuji analyze connect_four 4453 --sims 5000
  tesuji analyze othello d3c5 --seconds 10 --json
  tesuji analyze connect_four 4453 --agent runs/a       a net of your own
  tesuji analyze connect_four 4453 --svg board.svg
  tesuji analyze othello --file game.sgf --plot game.svg     a whole game
  tesuji analyze tic_tac_toe --agent uniform --graph tree.json
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Search one position and show what was found: moves, chances, the expected line, proofs.

    Attributes:
        game: the game.
        moves: the moves from the start.
        agent: who thinks: net (the one that ships; rollout where none does), uniform, rollout, or
            a run or checkpoint, with options as in `runs/a:search=gumbel,lookahead=2`.
        sims: simulations; 800 where neither these nor seconds are given, 400 a position of
            a file.
        seconds: time to think.
        seed: decides what is random in the search.
        svg: draw the position with the moves looked at, to this file.
        file: analyze every position of this game, an SGF, PGN or saved game.
        plot: draw the chances over that game, to this file (.svg or .png).
        graph: write the tree to this file, as JSON of networkx (node-link).
        nodes: most nodes in that file, the most visited ones.
        constraints: what must hold besides the rules, such as "keep centre: action != 3"; repeat
            it for more. Those of a file are kept.
    """

    game: Game
    moves: Moves = ""
    agent: Agent = "net"
    sims: Count = None
    seconds: Seconds = None
    seed: int = 0
    svg: File = None
    file: File = None
    plot: File = None
    graph: File = None
    nodes: int = 1000
    constraints: Constraints = ()


def run(arguments: Arguments) -> Answer:
    """Search and return what was found."""
    from tesuji.engine.moves import read_game

    domain = open_domain(arguments.game, arguments.constraints)
    if arguments.file is not None:
        return run_file(arguments, arguments.file, domain)
    if arguments.plot is not None:
        raise UsageError("--plot draws the chances over a game; give the game with --file")
    game = read_game(domain, arguments.moves)
    here = game.current
    if here.ended:
        raise UsageError(f"the game is over after {arguments.moves}; nothing to analyze")
    budget = read_budget(arguments.sims, arguments.seconds, default=800)
    agent, note = open_search(arguments.agent, domain, budget)
    keep_tree = arguments.graph is not None
    [result] = agent.search.run(
        [here.state], agent.budget, seed=arguments.seed, keep_tree=keep_tree
    )
    if arguments.graph is not None:
        write_graph(arguments.graph, result, arguments.nodes)
    if arguments.svg is not None:
        write_board(arguments.svg, game, result)
    line = _names(domain, here.state, result)
    facts = {"game": arguments.game, "moves": arguments.moves, **result.to_json(), "line": line}
    for edge in facts["edges"]:
        edge["name"] = domain.action_name(here.state, edge["action"])
    return Answer("\n\n".join([describe(domain, here.state, result), note]).rstrip(), facts)


def run_file(arguments: Arguments, path: Path, domain: Domain) -> Answer:
    """Search every position of a game and return what is thought of its moves."""
    from tesuji.engine.game_report import GameReport
    from tesuji.engine.record import read_record

    for name in ("moves", "graph", "svg"):
        if getattr(arguments, name):
            raise UsageError(f"{name} goes with one position, not with --file; --plot draws a game")
    game = read_record(domain, path)
    budget = read_budget(arguments.sims, arguments.seconds, default=400)
    agent, note = open_search(arguments.agent, domain, budget)
    report = GameReport(domain, agent.search, game, agent.budget, progress=_tell(arguments.json))
    if arguments.plot is not None:
        report.write_graph(arguments.plot, path.name)
    facts = {"game": arguments.game, "file": str(path), "positions": report.facts()}
    return Answer("\n\n".join([report.text(), note]).rstrip(), facts)


def _tell(quiet: bool) -> Callable[[int, int], None] | None:
    """Return what shows the progress of a long analysis, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        return None

    def tell(done: int, total: int) -> None:
        shown = f"{done} of {total} positions" if done < total else ""
        sys.stderr.write(f"\r{shown}\x1b[K")
        sys.stderr.flush()

    return tell


def write_board(path: Path, game: PlayedGame, result: SearchResult) -> None:
    """Write the position and the moves that were looked at as SVG."""
    from tesuji.engine.board_svg import Candidate, board_svg
    from tesuji.engine.storage import atomic_write

    domain, here = game.domain, game.current
    board = domain.board(here.state)
    if board is None:
        raise UsageError(f"{domain.spec.name} has no board to draw")
    low, high = domain.spec.value_range
    candidates = []
    for edge in result.edges():
        [step] = game.steps(game.current.state, [edge.action])
        chance = (edge.q - low) / (high - low) if edge.q == edge.q else None
        candidates.append(Candidate(step.name, step.cell, step.origin, edge.visits, chance))
    last = [place for place in (here.move.cell, here.move.origin) if place] if here.move else []
    caption = f"{domain.spec.name}, {board.sides[here.to_play]} to move"
    atomic_write(path, board_svg(board, last=last, candidates=candidates, caption=caption).encode())


def describe(domain: Domain, state: State, result: SearchResult) -> str:
    """Return the result as text."""
    win, draw, loss = result.wdl
    chances = f"win {win:.1%}, draw {draw:.1%}, loss {loss:.1%}   "
    if domain.spec.value_range != (-1.0, 1.0):
        chances = ""
    lines = [
        domain.render(state),
        "",
        f"best {domain.action_name(state, result.action)}   value {result.value:+.3f}   "
        f"{chances}{result.status.value}",
        f"line {' '.join(_names(domain, state, result))}",
        f"{result.num_simulations} simulations, {result.num_nodes} nodes, "
        f"{result.num_evaluations} evaluations, {result.seconds:.2f} s",
        "",
        f"  {'move':<6}{'visits':>8}{'prior':>9}{'policy':>9}{'value':>8}  proven",
    ]
    return "\n".join(lines + [_row(domain, state, edge) for edge in result.edges()])


def _row(domain: Domain, state: State, edge: Edge) -> str:
    known = edge.q == edge.q  # not NaN
    value = f"{edge.q:+.3f}" if known else "-"
    low, high = domain.spec.value_range
    proven = ""
    if edge.lower == edge.upper:
        words = {low: "loss", 0.0: "draw", high: "win"}
        proven = words.get(edge.lower, f"{edge.lower:g}")
    return (
        f"  {domain.action_name(state, edge.action):<6}{edge.visits:>8}{edge.prior:>9.1%}"
        f"{edge.policy:>9.1%}{value:>8}  {proven}"
    ).rstrip()


def _names(domain: Domain, state: State, result: SearchResult) -> list[str]:
    names = []
    keys = result.principal_keys or (0,) * len(result.principal_variation)
    for action, key in zip(result.principal_variation, keys, strict=True):
        names.append(domain.action_name(state, action))
        state, _, discount = domain.step(state, action, key)
        if discount == 0:
            break
    return names


def write_graph(path: Path, result: SearchResult, nodes: int) -> None:
    """Write the most visited part of the tree, whole or not at all."""
    import networkx

    from tesuji.engine.storage import atomic_write

    tree = networkx.node_link_data(result.to_graph(nodes), edges="links")
    atomic_write(path, json.dumps(tree, default=_plain).encode())


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
