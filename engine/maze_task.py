"""MiniGrid at the task level: what to take, open and put down, when, and how to get there.

The symbolic plan knows things, doors and keys, not where they are. A motion is a way through what
is free. Where none leads to a thing, the clause is what is in the way: it cannot be reached before
one of the doors and things that bound the region around it is out of the way. That is so whatever
else is done, for doors stay open, and things are put down where they cut nothing off.

Under constraints the region is that of the poses from which some motion keeps them; where they
speak of what is carried, the clause holds while that is. It then is a judgement of where the agent
came to stand: it may have forbidden what another way would have done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.logistics.pddl.validation import Step
from tesuji.domains.robotics import grid_rules as rules
from tesuji.domains.robotics.environments import EnvironmentRefusedError
from tesuji.engine.maze_ways import MazeWays, Pose
from tesuji.engine.task_level import Failure, Motion

if TYPE_CHECKING:
    from tesuji.search.symbolic.grid_constraints import GridConstraints

# Without disjunctions, of which clauses would make more and more actions.
_REACHED = "(forall (?c - clause) (allows ?c ?t))"
_CLEARS = """(forall (?c - clause) (when (way ?c ?t) (cleared ?c)))
  (forall (?c - clause ?x - thing) (when (way ?c ?t) (allows ?c ?x)))"""


def _carries(now: str, no_more: str) -> str:
    """Return what becomes of clauses that hold while something is carried."""
    return f"""(forall (?c - clause ?x - thing) (when (while ?c {no_more}) (allows ?c ?x)))
      (forall (?c - clause ?x - thing)
        (when (and (while ?c {now}) (bars ?c ?x) (not (cleared ?c))) (not (allows ?c ?x))))"""


DOMAIN = f"""
(define (domain maze)
  (:requirements :adl :typing)
  (:types thing clause)
  (:constants nothing spot - thing)
  (:predicates (free) (holding ?t - thing) (there ?t - thing) (shut ?t - thing)
    (locked ?t - thing) (fits ?k - thing ?t - thing) (holds ?t - thing ?i - thing)
    (wanted ?t - thing) (place ?t - thing) (finished) (allows ?c - clause ?t - thing)
    (bars ?c - clause ?t - thing) (way ?c - clause ?o - thing) (cleared ?c - clause)
    (while ?c - clause ?t - thing))
  (:action take :parameters (?t - thing)
    :precondition (and (free) (there ?t) {_REACHED})
    :effect (and (holding ?t) {_CLEARS} {_carries("?t", "nothing")} (not (there ?t)) (not (free))
      (when (wanted ?t) (finished))))
  (:action put :parameters (?t - thing)
    :precondition (and (holding ?t) (forall (?c - clause) (allows ?c spot)))
    :effect (and (there ?t) {_carries("nothing", "?t")} (free) (not (holding ?t))))
  (:action open :parameters (?t - thing)
    :precondition (and (shut ?t) {_REACHED})
    :effect (and {_CLEARS} (not (shut ?t)) (when (wanted ?t) (finished))))
  (:action unlock :parameters (?t - thing ?k - thing)
    :precondition (and (locked ?t) (holding ?k) (fits ?k ?t) {_REACHED})
    :effect (and {_CLEARS} (not (locked ?t)) (when (wanted ?t) (finished))))
  (:action unpack :parameters (?t - thing ?i - thing)
    :precondition (and (there ?t) (holds ?t ?i) {_REACHED})
    :effect (and (there ?i) (not (there ?t))))
  (:action enter :parameters (?t - thing)
    :precondition (and (place ?t) {_REACHED})
    :effect (finished)))
"""
_LAST = {"take": rules.PICKUP, "enter": rules.FORWARD}  # actions; else a toggle


@dataclass(frozen=True)
class _Bar:
    """What a clause is about: what it bars, and while what is carried, None for always."""

    thing: str
    held: str | None


class MazeTask:
    """The task of a grid, and its motions.

    Args:
        domain: of `make_grid`.
        constraints: that hold always, which every motion must keep; None for none.

    Raises:
        EnvironmentRefusedError: the mission has no task level.
    """

    def __init__(self, domain: CompiledDomain, constraints: GridConstraints | None = None) -> None:
        self._constraints = constraints
        self._ways = MazeWays(domain, constraints)
        self._table = self._ways.table
        self._bars: list[_Bar] = []  # of each clause
        first, instance = domain.reset(), domain.instance
        mission = int(instance[rules.MISSION])
        if mission not in (rules.PLAIN, rules.PICK_MARKED, rules.UNLOCK):
            raise EnvironmentRefusedError(f"{domain.spec.name}: its mission has no task level")
        self._door = int(instance[rules.TARGET]) if mission == rules.UNLOCK else -1
        self._cells: dict[str, int] = {}  # doors and places, which do not move
        self._facts = ["(free)"]
        self._things: list[str] = []
        for cell, kind in enumerate(first.grid[: self._ways.width * int(instance[rules.HEIGHT])]):
            self._note(cell, int(kind))
        self._held = "nothing"  # at first
        if first.carrying:
            self._held = self._add(int(first.carrying))
            self._facts[0] = f"(holding {self._held})"

    def problem(self, clauses: Sequence[str]) -> str:
        """Return the task in PDDL, with clauses."""
        names = " ".join(f"c{i}" for i in range(len(clauses)))
        objects = f"{' '.join(self._things)} - thing" + (f" {names} - clause" if names else "")
        allowed = " ".join(
            f"(allows c{i} {thing})"
            for i, bar in enumerate(self._bars)
            for thing in (*self._things, "spot")
            if thing != bar.thing or bar.held not in (None, self._held)
        )
        return f"""(define (problem mission) (:domain maze) (:objects {objects})
          (:init {" ".join(self._facts)} {allowed} {" ".join(clauses)}) (:goal (finished)))"""

    def attempt(self, state: Any, step: Step) -> Motion | Failure:
        """Return how a step is carried out, or what is in the way."""
        name, thing = step[:2]
        ways = self._ways.kept(state)
        if name == "put":
            found = self._chosen(state, ways, self._spots(state, ways), rules.DROP)
            region = set(self._free_cells(state))
            return found or self._failure(state, "spot", region, len(ways), constrained=True)
        cell, last = self._cell_of(state, thing), _LAST.get(name, rules.TOGGLE)
        before = (pose for pose in ways if self._ways.ahead(pose) == cell)
        found = self._chosen(state, ways, before, last)
        if found is not None:
            return found
        region = self._ways.region(state, cell)
        constrained = not region.isdisjoint(self._free_cells(state))
        if constrained and self._constraints is not None and not self._constraints.limits.looks:
            region = self._ways.leading(state, cell, last)
        return self._failure(state, thing, region | {cell}, len(ways), constrained)

    def _chosen(
        self, state: State, ways: dict[Pose, list[int]], poses: Iterator[Pose], last: int
    ) -> Motion | None:
        """Return a motion to the nearest pose after whose last action the agent gets about.

        Under constraints that is the first from which as many cells can be reached as before, else
        the one from which most can.
        """
        best, most, now = None, -1, len({cell for cell, _ in ways})
        for pose in poses:
            actions = [*ways[pose], last]
            after = self._ways.follow(state, actions)
            if after is None:
                continue
            motion = Motion(actions, after, len(ways))
            if self._constraints is None:
                return motion
            reached = len({cell for cell, _ in self._ways.kept(after)})
            if reached > most:
                best, most = motion, reached
            if reached + (last == rules.DROP) >= now:
                break
        return best

    def _note(self, cell: int, kind: int) -> None:
        what = int(self._table[kind, rules.TYPE]) if kind else 0
        if what == rules.GOAL or (what == rules.DOOR and not self._ways.is_open(kind)):
            name = f"{'goal' if what == rules.GOAL else 'door'}{cell}"
            self._things.append(name)
            self._cells[name] = cell
            locked = self._table[kind, rules.STATE] == rules.LOCKED
            state = "place" if what == rules.GOAL else "locked" if locked else "shut"
            self._facts.append(f"({state} {name})")
            if cell == self._door:
                self._facts.append(f"(wanted {name})")
            if locked:
                fits = (self._table[:, rules.TYPE] == rules.KEY) & (
                    self._table[:, rules.COLOR] == self._table[kind, rules.COLOR]
                )
                self._facts += [f"(fits thing{key} {name})" for key in np.flatnonzero(fits)]
        elif rules.KEY <= what <= rules.BOX:
            self._facts.append(f"(there {self._add(kind)})")

    def _add(self, kind: int) -> str:
        name = f"thing{kind}"
        self._things.append(name)
        if self._table[kind, rules.MARK]:
            self._facts.append(f"(wanted {name})")
        inside = int(self._table[kind, rules.AFTER])
        if self._table[kind, rules.TYPE] == rules.BOX and inside:
            self._facts.append(f"(holds {name} {self._add(inside)})")
        return name

    def _spots(self, state: State, ways: dict[Pose, list[int]]) -> Iterator[Pose]:
        """Yield poses before a cell where a thing cuts nothing off, the nearest first."""
        free = set(self._free_cells(state))
        bounds = set(self._ways.bounds(state, free))
        for pose in ways:
            spot = self._ways.ahead(pose)
            if spot in free and state.grid[spot] == 0:
                there = self._ways.standing(state, pose)
                left = set(self._free_cells(there, spot))
                if left == free - {spot} and bounds == set(self._ways.bounds(state, left)) - {spot}:
                    yield pose

    def _free_cells(self, state: State, without: int = -1) -> Iterator[int]:
        return (cell for cell, _ in self._ways.free(state, without))

    def _cell_of(self, state: State, thing: str) -> int:
        if thing in self._cells:
            return self._cells[thing]
        return int(np.flatnonzero(state.grid == int(thing.removeprefix("thing")))[0])

    def _failure(
        self, state: State, thing: str, region: set[int], simulated: int, constrained: bool
    ) -> Failure:
        """Bar a thing until something around a region is out of the way.

        Args:
            state: where it was sought.
            thing: or `spot` for a place to put one down.
            region: the cells.
            simulated: poses that were met.
            constrained: whether it is constraints that bar it.
        """
        clause = f"c{len(self._bars)}"
        doors = {cell: name for name, cell in self._cells.items()}
        bounds = set(self._ways.bounds(state, region)) - region
        names = [doors.get(cell, f"thing{int(state.grid[cell])}") for cell in sorted(bounds)]
        facts = [f"(way {clause} {name})" for name in names if name in self._things]
        held = None
        if constrained and self._constraints is not None and self._constraints.carries:
            held = f"thing{int(state.carrying)}" if state.carrying else "nothing"
            facts += [f"(bars {clause} {thing}) (while {clause} {held})"]
        self._bars.append(_Bar(thing, held))
        return Failure(" ".join(facts), simulated)
