"""`tesuji match`: two agents against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from tesuji.engine.commands.base import (
    Answer,
    Common,
    Constraints,
    File,
    Text,
    as_text,
    find_game,
    open_domain,
    read_budget,
)
from tesuji.engine.errors import UsageError
from tesuji.engine.progress import Progress, open_progress

if TYPE_CHECKING:
    from tesuji.engine.arena import MatchConfig
    from tesuji.engine.match_result import MatchResult

EXAMPLES = """
Examples:
  tesuji match runs/a runs/b --games 400
  tesuji match runs/a net --sprt                      stops as soon as it is clear
  tesuji match runs/a:sims=50 runs/a:sims=100,search=gumbel
  tesuji match net solver --game connect_four
  tesuji match uniform rollout --game othello --sims 200 --resume match.jsonl

Agents: net (the one that ships), a run or checkpoint, uniform, rollout, solver, random.
"""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Let two agents play each opening from both sides, and say by how much Elo they differ.

    Attributes:
        a: the first agent; the result is seen by it.
        b: the second agent.
        game: the game; by default the one that a run of the two was trained for.
        games: games at most, an even number.
        sims: simulations a move, of agents that do not say.
        opening: random moves from which a pair of games starts.
        parallel: games that run at once.
        seed: decides openings and whatever is left to chance.
        sprt: stop as soon as the sequential test has decided between elo0 and elo1.
        elo0: what the test rejects.
        elo1: what the test accepts.
        resume: write games to this file as they end, and go on with those that it holds.
        constraints: what must hold besides the rules, such as "keep centre: action != 3"; repeat
            it for more. Those of a file are kept.
    """

    a: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="A")]
    b: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="B")]
    game: Text = None
    games: int = 100
    sims: int = 100
    opening: int = 4
    parallel: int = 256
    seed: int = 0
    sprt: bool = False
    elo0: float = -20.0
    elo1: float = 0.0
    resume: File = None
    constraints: Constraints = ()


def run(arguments: Arguments) -> Answer:
    """Play the match; Ctrl-C ends it with what is known."""
    from tesuji.engine.agent import load_agent
    from tesuji.engine.arena import match

    config = _config(arguments)
    budget = read_budget(arguments.sims, None, default=100)
    name = arguments.game or find_game(arguments.a, arguments.b)
    domain = open_domain(name, arguments.constraints)
    a, b = (load_agent(text, domain, budget=budget) for text in (arguments.a, arguments.b))
    last: list[MatchResult] = []
    with open_progress(arguments.json) as progress:

        def tell(result: MatchResult) -> None:
            last[:] = [result]
            _tell(progress, result, arguments.games)

        try:
            result = match(domain, a, b, config, resume_file=arguments.resume, progress=tell)
        except KeyboardInterrupt:
            return _stopped(arguments, last)
    return Answer(as_text(result.table()), {"game": name, **result.to_json()})


def _config(arguments: Arguments) -> MatchConfig:
    from tesuji.engine.arena import MatchConfig
    from tesuji.engine.statistics import SPRT

    try:
        return MatchConfig(
            num_games=arguments.games,
            opening_plies=arguments.opening,
            seed=arguments.seed,
            parallel_games=arguments.parallel,
            sprt=SPRT(arguments.elo0, arguments.elo1) if arguments.sprt else None,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _tell(progress: Progress, result: MatchResult, games: int) -> None:
    losses, draws, wins = result.trinomial
    row: dict[str, object] = {
        "kind": "live",
        "games": result.num_games,
        "progress": result.num_games / games,
        "won": wins,
        "drawn": draws,
        "lost": losses,
        "score": result.score,
    }
    if result.sprt is not None:
        row["llr"] = result.sprt.llr
    progress.update(row)


def _stopped(arguments: Arguments, last: list[MatchResult]) -> Answer:
    """Return what is known of a match that was broken off."""
    advice = "stopped; give --resume FILE to keep the games of a match"
    if arguments.resume is not None:
        advice = f"stopped; the same command goes on from {arguments.resume}"
    if not last:
        return Answer(advice, {"stopped": True}, code=130)
    text = f"{as_text(last[0].table())}\n{advice}"
    return Answer(text, {"stopped": True, **last[0].to_json()}, code=130)
