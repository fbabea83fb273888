"""MiniGrid at the task level: what to take, open and put down, when, and how to get there.

The symbolic plan knows things, doors and keys, not where they are. A motion is a way through what
is free. Where none leads to a thing, the clause is what is in the way: it cannot be reached before
one of the doors and things that bound the region around it is out of the way. That is so whatever
else is done, for doors stay open, and things are put down where they cut nothing off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.logistics.pddl.validation import Step
from tesuji.domains.robotics import grid_rules as rules
from tesuji.domains.robotics.environments import EnvironmentRefusedError
from tesuji.engine.task_level import Failure, Motion

# Without disjunctions, of which clauses would make more and more actions.
_REACHED = "(forall (?c - clause) (allows ?c ?t))"
_CLEARS = "(forall (?c - clause ?x - thing) (when (way ?c ?t) (allows ?c ?x)))"
DOMAIN = f"""
(define (domain maze)
  (:requirements :adl :typing)
  (:types thing clause)
  (:predicates (free) (holding ?t - thing) (there ?t - thing) (shut ?t - thing)
    (locked ?t - thing) (fits ?k - thing ?t - thing) (holds ?t - thing ?i - thing)
    (wanted ?t - thing) (place ?t - thing) (allows ?c - clause ?t - thing) (finished)
    (way ?c - clause ?o - thing))
  (:action take :parameters (?t - thing)
    :precondition (and (free) (there ?t) {_REACHED})
    :effect (and (holding ?t) {_CLEARS} (not (there ?t)) (not (free))
      (when (wanted ?t) (finished))))
  (:action put :parameters (?t - thing)
    :precondition (holding ?t)
    :effect (and (there ?t) (free) (not (holding ?t))))
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
_AHEAD = ((1, 0), (0, 1), (-1, 0), (0, -1))


class MazeTask:
    """The task of a grid, and its motions.

    Args:
        domain: of `make_grid`.

    Raises:
        EnvironmentRefusedError: the mission has no task level.
    """

    def __init__(self, domain: CompiledDomain) -> None:
        self.domain = domain
        instance = domain.instance
        self._width, self._height = int(instance[rules.WIDTH]), int(instance[rules.HEIGHT])
        end = rules.KINDS + rules.FIELDS * int(instance[rules.NUM_KINDS])
        self._table = instance[rules.KINDS : end].reshape(-1, rules.FIELDS)
        self._barred: list[str] = []  # by each clause
        self._first = domain.reset()
        mission = int(instance[rules.MISSION])
        if mission not in (rules.PLAIN, rules.PICK_MARKED, rules.UNLOCK):
            raise EnvironmentRefusedError(f"{domain.spec.name}: its mission has no task level")
        self._door = int(instance[rules.TARGET]) if mission == rules.UNLOCK else -1
        self._cells: dict[str, int] = {}  # doors and places, which do not move
        self._facts = ["(free)"]
        self._things: list[str] = []
        for cell, kind in enumerate(self._first.grid[: self._width * self._height]):
            self._note(cell, int(kind))
        if self._first.carrying:
            name = self._add(int(self._first.carrying))
            self._facts[0] = f"(holding {name})"

    def problem(self, clauses: Sequence[str]) -> str:
        """Return the task in PDDL, with clauses."""
        names = " ".join(f"c{i}" for i in range(len(clauses)))
        objects = (
            f"{' '.join(self._things)} - thing {names} - clause"
            if names
            else (f"{' '.join(self._things)} - thing")
        )
        allowed = " ".join(
            f"(allows c{i} {thing})"
            for i in range(len(clauses))
            for thing in self._things
            if thing != self._barred[i]
        )
        return f"""(define (problem mission) (:domain maze) (:objects {objects})
          (:init {" ".join(self._facts)} {allowed} {" ".join(clauses)}) (:goal (finished)))"""

    def attempt(self, state: Any, step: Step) -> Motion | Failure:
        """Return how a step is carried out, or what is in the way."""
        name, thing = step[:2]
        ways = self._ways(state)
        if name == "put":
            found = self._spot(state, ways)
            actions = None if found is None else [*found, rules.DROP]
        else:
            cell = self._cell_of(state, thing)
            at = next((pose for pose in ways if self._ahead(pose) == cell), None)
            last = {"take": rules.PICKUP, "enter": rules.FORWARD}.get(name, rules.TOGGLE)
            actions = None if at is None else [*ways[at], last]
        if actions is None:
            return self._failure(state, thing, ways)
        for action in actions:
            state, _, _ = self.domain.step(state, action)
        return Motion(actions, state, len(ways))

    def _note(self, cell: int, kind: int) -> None:
        what = int(self._table[kind, rules.TYPE]) if kind else 0
        if what == rules.GOAL or (what == rules.DOOR and not self._is_open(kind)):
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

    def _is_open(self, kind: int) -> bool:
        door = self._table[kind, rules.TYPE] == rules.DOOR
        return bool(door and self._table[kind, rules.STATE] == rules.OPEN)

    def _is_free(self, kind: int) -> bool:
        return not kind or self._table[kind, rules.TYPE] == rules.FLOOR or self._is_open(kind)

    def _ahead(self, pose: tuple[int, int]) -> int:
        cell, direction = pose
        across, down = _AHEAD[direction]
        return cell + across + down * self._width

    def _ways(self, state: State, without: int = -1) -> dict[tuple[int, int], list[int]]:
        """Return the shortest ways to all poses that can be reached, the nearest first."""
        first = (int(state.y) * self._width + int(state.x), int(state.direction))
        ways: dict[tuple[int, int], list[int]] = {first: []}
        waiting = [first]
        for pose in waiting:
            cell, direction = pose
            ahead = self._ahead(pose)
            after = [((cell, (direction + 3) % 4), rules.LEFT)]
            after.append(((cell, (direction + 1) % 4), rules.RIGHT))
            if ahead != without and self._is_free(int(state.grid[ahead])):
                after.append(((ahead, direction), rules.FORWARD))
            for new, action in after:
                if new not in ways:
                    ways[new] = [*ways[pose], action]
                    waiting.append(new)
        return ways

    def _spot(self, state: State, ways: dict[tuple[int, int], list[int]]) -> list[int] | None:
        """Return the way to the nearest pose before a cell where a thing cuts nothing off."""
        free = {cell for cell, _ in ways}
        bounds = set(self._bounds(state, free))
        for pose, way in ways.items():
            spot = self._ahead(pose)
            if spot in free and state.grid[spot] == 0:
                left = {cell for cell, _ in self._ways(self._standing(state, pose), spot)}
                if left == free - {spot} and bounds == set(self._bounds(state, left)) - {spot}:
                    return way
        return None

    def _standing(self, state: State, pose: tuple[int, int]) -> State:
        there = self.domain.state(self.domain.row(state))
        there.y, there.x = divmod(pose[0], self._width)
        there.direction = pose[1]
        return there

    def _bounds(self, state: State, free: set[int]) -> Iterator[int]:
        """Yield the cells beside free ones that are neither free nor walls."""
        for cell in free:
            for direction in range(4):
                ahead = self._ahead((cell, direction))
                kind = int(state.grid[ahead])
                if not self._is_free(kind) and self._table[kind, rules.TYPE] != rules.WALL:
                    yield ahead

    def _region(self, state: State, target: int) -> set[int]:
        """Return the free cells from which one can come beside a cell."""
        region: set[int] = set()
        waiting = [target]
        for cell in waiting:
            for direction in range(4):
                ahead = self._ahead((cell, direction))
                if ahead not in region and self._is_free(int(state.grid[ahead])):
                    region.add(ahead)
                    waiting.append(ahead)
        return region

    def _cell_of(self, state: State, thing: str) -> int:
        if thing in self._cells:
            return self._cells[thing]
        return int(np.flatnonzero(state.grid == int(thing.removeprefix("thing")))[0])

    def _failure(self, state: State, thing: str, ways: dict[tuple[int, int], list[int]]) -> Failure:
        clause = f"c{len(self._barred)}"
        self._barred.append(thing)
        doors = {cell: name for name, cell in self._cells.items()}
        target = self._cell_of(state, thing)
        region = self._region(state, target)
        bounds = set(self._bounds(state, region | {target})) - {target}
        names = [doors.get(cell, f"thing{int(state.grid[cell])}") for cell in sorted(bounds)]
        facts = [f"(way {clause} {name})" for name in names if name in self._things]
        return Failure(" ".join(facts), len(ways))
