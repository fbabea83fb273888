"""`tesuji analyze`: search one position."""

from __future__ import annotations

import json
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
    read_budget,
)
from tesuji.engine.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tesuji.domains.base import Domain, State
    from tesuji.search.base import Edge, SearchResult

EXAMPLES = """
Examples:
  tesuji analyze connect_four 4453                      the moves from the start
  tesuji analyze connect_four 4453 --sims 5000
  tesuji analyze othello d3c5 --seconds 10 --json
  tesuji analyze connect_four 4453 --agent runs/a       a net of your own
  tesuji analyze tic_tac_toe --agent uniform --graph tree.json
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Search one position and show what was found: moves, chances, the expected line, proofs.

    Attributes:
        game: the game.
        moves: the moves from the start.
        agent: who thinks: net (the one that ships), uniform, rollout, or a run or checkpoint, with
            options as in `runs/a:search=gumbel,lookahead=2`.
        sims: simulations; 800 where neither these nor seconds are given.
        seconds: time to think.
        seed: decides what is random in the search.
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
    graph: File = None
    nodes: int = 1000
    constraints: Constraints = ()


def run(arguments: Arguments) -> Answer:
    """Search and return what was found."""
    from tesuji.engine.agent import SearchAgent, load_agent
    from tesuji.engine.moves import read_game

    domain = open_domain(arguments.game, arguments.constraints)
    here = read_game(domain, arguments.moves).current
    if here.ended:
        raise UsageError(f"the game is over after {arguments.moves}; nothing to analyze")
    budget = read_budget(arguments.sims, arguments.seconds, default=800)
    agent = load_agent(arguments.agent, domain, budget=budget)
    if not isinstance(agent, SearchAgent):
        raise UsageError(f"agent {arguments.agent!r} does not search; take net, uniform or a run")
    keep_tree = arguments.graph is not None
    [result] = agent.search.run(
        [here.state], agent.budget, seed=arguments.seed, keep_tree=keep_tree
    )
    if arguments.graph is not None:
        write_graph(arguments.graph, result, arguments.nodes)
    line = _names(domain, here.state, result.principal_variation)
    facts = {"game": arguments.game, "moves": arguments.moves, **result.to_json(), "line": line}
    for edge in facts["edges"]:
        edge["name"] = domain.action_name(here.state, edge["action"])
    return Answer(describe(domain, here.state, result), facts)


def describe(domain: Domain, state: State, result: SearchResult) -> str:
    """Return the result as text."""
    win, draw, loss = result.wdl
    lines = [
        domain.render(state),
        "",
        f"best {domain.action_name(state, result.action)}   value {result.value:+.3f}   "
        f"win {win:.1%}, draw {draw:.1%}, loss {loss:.1%}   {result.status.value}",
        f"line {' '.join(_names(domain, state, result.principal_variation))}",
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


def _names(domain: Domain, state: State, actions: tuple[int, ...]) -> list[str]:
    names = []
    for action in actions:
        names.append(domain.action_name(state, action))
        state, _, discount = domain.step(state, action)
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
