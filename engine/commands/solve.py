"""`tesuji solve`: exact values of positions, plans for tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from tesuji.engine.commands.base import (
    Answer,
    Common,
    Constraints,
    File,
    Seconds,
    Text,
    open_domain,
)
from tesuji.engine.plan_config import Order, Planner

EXAMPLES = """
Examples:
  tesuji solve connect_four 44535           the moves from the start, columns 1 to 7
  tesuji solve connect_four 44535 --json    for a program
  tesuji solve connect_four                 the empty board: this takes minutes
  tesuji solve domain.pddl problem.pddl     a plan, better ones until the time is up, and a bound
  tesuji solve domain.pddl problem.pddl --time 60 --gap 0.05 --out plan.txt
  tesuji solve domain.pddl problem.pddl --constraint "not do_drive(truck1, _, depot)"
  tesuji solve domain.pddl problem.pddl --agent runs/logistics_transport   guided by what it learned
  tesuji solve city.vrp --out map.svg       routes: CVRPLIB, Solomon, Li and Lim
  tesuji solve city.vrp --agent net         a learned policy says where to improve
  tesuji solve city.vrp --learned           it constructs and rebuilds alone
  tesuji solve city.vrp --constraint "apart: visits[3] + visits[7] < 2"
                --constraint "shift: duration <= 480 * unit"   what must hold of each route
  tesuji solve city.graphml orders.csv --out map.svg   on a road network (networkx)
  tesuji solve shop.txt --out gantt.svg     a job shop or flexible job shop
  tesuji solve shop.txt --constraint "repair: closed(2, 100, 150)"   machine 2 does nothing then
  tesuji solve domain.pddl problem.pddl --certificate c.json && tesuji verify c.json
  tesuji solve city.vrp --certificate c.json && tesuji verify c.json

For files: leaves with 0 when there is an answer, 3 when it is proven that there is none, 4 when the
time was up before there was one.
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Solve a position of a game exactly, or plan, route or schedule as well as time allows.

    Attributes:
        what: connect_four, the one game with a solver, or a file: a PDDL domain, a routing
            instance, a job shop.
        moves: the moves from the start, or the file of the PDDL problem or of the orders on a road
            network.
        time: seconds that a file may take.
        gap: stop once the cost is proven to be within this part of the least.
        seed: of the search, where it draws at random.
        constraints: what must hold of each route, such as "order: place[3] < place[7]", of a
            plan, such as "apart: not (at(t1, b) and at(t2, b))", or of a schedule, such as "due:
            end[2, 4] <= 90"; repeat it for more (see docs/constraints.md and docs/planning.md).
        rest: of routes: how long a stop must be for the driver to have rested.
        learned: of shops and routes: search by the learned policy alone, not by tabu search or by
            ruin and recreate.
        agent: the run of `tesuji train` whose ranking guides the search for a plan, or whose policy
            says where to improve routes or dispatches the jobs of a shop, or net for the shipped
            one.
        search: of plans: what the queue of a guided search goes by: greedy (the least value),
            levin (depth over the policy's probability), phs (that with a heuristic).
        planner: of plans: search; novelty, where a search for novel states takes turns with it
            until there is a plan; or smt, which asks z3 for the shortest plan first, and for a
            proof where there is none: for small problems.
        out: write the answer to this file: .txt, .json, or as a picture, .svg or .png.
        certificate: write the proof of the bound to this file, for `tesuji verify`.
    """

    what: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="GAME|FILE")]
    moves: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MOVES|FILE")] = ""
    time: float = 10.0
    gap: float = 0.0
    seed: int = 0
    constraints: Constraints = ()
    rest: Seconds = None
    learned: bool = False
    agent: Text = None
    search: Order = "greedy"
    planner: Planner = "search"
    out: File = None
    certificate: File = None


def run(arguments: Arguments) -> Answer:
    """Return the values of a position, or a plan."""
    if "." in arguments.what or "/" in arguments.what:
        from tesuji.engine.commands.solve_file import solve_file

        return solve_file(arguments)
    return _solve_position(arguments)


def _solve_position(arguments: Arguments) -> Answer:
    """Return the values: above 0 wins, the sooner the higher."""
    from tesuji.engine.agent import SolverAgent
    from tesuji.engine.errors import UsageError
    from tesuji.engine.moves import read_game

    domain = open_domain(arguments.what)
    here = read_game(domain, arguments.moves).current
    solver = SolverAgent(domain)
    if here.ended:
        raise UsageError(f"the game is over after {arguments.moves}; nothing to solve")
    legal = domain.legal(here.state)
    scores = solver.scores(here.state)
    best = int(scores[legal].max())
    moves = {
        domain.action_name(here.state, action): int(score)
        for action, score in enumerate(scores)
        if legal[action]
    }
    side = "XO"[here.to_play]
    verdict = f"{side} to move {_outcome(best, here.ply)}, score {best}"
    lines = [domain.render(here.state), "", verdict, ""]
    lines += [
        f"  {name}  {score:>4}  {_outcome(score, here.ply)}{'  <- best' if score == best else ''}"
        for name, score in moves.items()
    ]
    facts = {"game": arguments.what, "moves": arguments.moves, "score": best, "scores": moves}
    return Answer("\n".join(lines), {**facts, "outcome": _word(best)})


def _word(score: int) -> str:
    return "win" if score > 0 else "loss" if score < 0 else "draw"


def _outcome(score: int, ply: int) -> str:
    """Return what a score of the side to move says, after `ply` moves from the start."""
    if score == 0:
        return "draws"
    own = ply // 2 if score > 0 else (ply + 1) // 2  # stones of the winner so far
    left = 22 - abs(score) - own
    after = f"{left} move{'s' * (left != 1)}"
    return f"wins in {after}" if score > 0 else f"loses in {after} of the other side"
