"""Ways through a grid of MiniGrid as it stands: where the agent can go, and what bounds that.

A *pose* is a cell and a direction. Under constraints a way takes no action and enters no state that
breaks one, decided exactly; what lies on the grid and what is carried stay as they are on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.robotics import grid_rules as rules
from tesuji.domains.robotics.grid import look_from

if TYPE_CHECKING:
    from tesuji.search.symbolic.grid_constraints import GridConstraints

Pose = tuple[int, int]
Moves = Callable[[Pose], list[tuple[Pose, int]]]
_AHEAD = ((1, 0), (0, 1), (-1, 0), (0, -1))


class MazeWays:
    """The ways of a grid.

    Args:
        domain: of `make_grid`.
        constraints: that hold always; None for none.
    """

    def __init__(self, domain: CompiledDomain, constraints: GridConstraints | None) -> None:
        self._domain, self._constraints = domain, constraints
        instance = domain.instance
        self.width = int(instance[rules.WIDTH])
        end = rules.KINDS + rules.FIELDS * int(instance[rules.NUM_KINDS])
        self.table = instance[rules.KINDS : end].reshape(-1, rules.FIELDS)

    def is_open(self, kind: int) -> bool:
        """Return whether a kind is an open door."""
        door = self.table[kind, rules.TYPE] == rules.DOOR
        return bool(door and self.table[kind, rules.STATE] == rules.OPEN)

    def is_free(self, kind: int) -> bool:
        """Return whether a way may lead over a kind."""
        return not kind or self.table[kind, rules.TYPE] == rules.FLOOR or self.is_open(kind)

    def ahead(self, pose: Pose) -> int:
        """Return the cell in front of a pose."""
        cell, direction = pose
        across, down = _AHEAD[direction]
        return cell + across + down * self.width

    def pose(self, state: State) -> Pose:
        """Return where the agent is."""
        return int(state.y) * self.width + int(state.x), int(state.direction)

    def standing(self, state: State, pose: Pose) -> State:
        """Return a state like another but for the agent's pose."""
        there = self._domain.state(self._domain.row(state))
        there.y, there.x = divmod(pose[0], self.width)
        there.direction = pose[1]
        return there

    def free(self, state: State, without: int = -1) -> dict[Pose, list[int]]:
        """Return the shortest ways to all poses, nearest first, whatever constraints say.

        Args:
            state: where they begin.
            without: a cell that they leave out.
        """
        return self._spread(state, lambda pose: self._moves(state, pose, without))

    def kept(self, state: State) -> dict[Pose, list[int]]:
        """Return the shortest ways that keep the constraints to all poses, nearest first."""
        return self._spread(state, self._kept_moves(state))

    def follow(self, state: State, actions: Sequence[int]) -> State | None:
        """Return where actions lead to, None where a step breaks a constraint."""
        for action in actions:
            before = look_from(self._domain.instance, state, *self.pose(state))
            state, _, _ = self._domain.step(state, action)
            after = look_from(self._domain.instance, state, *self.pose(state))
            if self._constraints is not None and self._constraints.broken(before, action, after):
                return None
        return state

    def region(self, state: State, target: int) -> set[int]:
        """Return the free cells from which one can come beside a cell, but for constraints."""
        region: set[int] = set()
        waiting = [target]
        for cell in waiting:
            for direction in range(4):
                ahead = self.ahead((cell, direction))
                if ahead not in region and self.is_free(int(state.grid[ahead])):
                    region.add(ahead)
                    waiting.append(ahead)
        return region

    def leading(self, state: State, target: int, last: int) -> set[int]:
        """Return the cells from which a way that keeps the constraints leads to a last action.

        Args:
            state: whose grid it is, and what is carried.
            target: the cell that the action is for.
            last: the action.
        """
        moves, before = self._kept_moves(state), dict[Pose, list[Pose]]()
        poses = [(cell, way) for cell in self.region(state, target) for way in range(4)]
        for pose in poses:
            for after, _ in moves(pose):
                before.setdefault(after, []).append(pose)
        ends = [pose for pose in poses if self.ahead(pose) == target]
        waiting = [e for e in ends if self.follow(self.standing(state, e), [last]) is not None]
        found = set(waiting)
        for pose in waiting:
            new = set(before.get(pose, ())) - found
            found |= new
            waiting += new
        return {cell for cell, _ in found}

    def bounds(self, state: State, cells: Iterable[int]) -> Iterator[int]:
        """Yield the cells beside others that are neither free nor walls."""
        for cell in cells:
            for direction in range(4):
                ahead = self.ahead((cell, direction))
                kind = int(state.grid[ahead])
                if not self.is_free(kind) and self.table[kind, rules.TYPE] != rules.WALL:
                    yield ahead

    def _moves(self, state: State, pose: Pose, without: int = -1) -> list[tuple[Pose, int]]:
        cell, direction = pose
        after = [((cell, (direction + 3) % 4), rules.LEFT)]
        after.append(((cell, (direction + 1) % 4), rules.RIGHT))
        ahead = self.ahead(pose)
        if ahead != without and self.is_free(int(state.grid[ahead])):
            after.append(((ahead, direction), rules.FORWARD))
        return after

    def _kept_moves(self, state: State) -> Moves:
        constraints, instance = self._constraints, self._domain.instance
        if constraints is None:
            return lambda pose: self._moves(state, pose)
        look = cache(lambda pose: look_from(instance, state, *pose))
        return lambda pose: [
            (after, action)
            for after, action in self._moves(state, pose)
            if not constraints.broken(look(pose), action, look(after))
        ]

    def _spread(self, state: State, moves: Moves) -> dict[Pose, list[int]]:
        first = self.pose(state)
        ways: dict[Pose, list[int]] = {first: []}
        waiting = [first]
        for pose in waiting:
            for after, action in moves(pose):
                if after not in ways:
                    ways[after] = [*ways[pose], action]
                    waiting.append(after)
        return ways
