"""A pattern's states with room that grows, and shortest plans among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.grid_rules import DIRECTION, WIDTH, X, Y, state_dtype, step
from tesuji.search.planning.grid_limits import come_by, come_in, may_act, may_enter
from tesuji.search.planning.grid_pattern import GridTask
from tesuji.search.planning.grid_space import (
    CONFIGURATIONS,
    EDGES,
    FULL,
    GOAL_ACTION,
    LAYER,
    STATES,
    begin,
    enlarge,
    explore,
    make_scratch,
    make_space,
    measure,
)
from tesuji.search.tree import kernel


def first_state(task: GridTask) -> npt.NDArray[np.void]:
    """Return the state `[1]` where a task begins."""
    state = np.zeros(1, state_dtype).view(np.recarray)
    state["x"], state["y"] = task.instance[X], task.instance[Y]
    state["direction"], state["carrying"] = task.instance[DIRECTION], task.carrying
    state["grid"][0, : len(task.grid)] = task.grid
    return state


class Table:
    """The states of a pattern.

    Args:
        task: the grid.
        parts: of the pattern.
        most: states that there may be.

    Attributes:
        space: the states.
        poses: of the agent.
        pose: the first.
        came: what has come at first.
    """

    def __init__(self, task: GridTask, parts: frozenset[int], most: int) -> None:
        self.task, self.parts, self._most = task, parts, most
        self.pattern = task.pattern(parts)
        first = first_state(task)
        self.came = int(_first_come(self.pattern, task.instance, task.limits, first))
        self.pattern.first[len(self.pattern.home)] = self.came
        self.space = make_space(self.pattern)
        self._counts = np.zeros(LAYER + 1, np.int64)
        self._scratch = make_scratch(self.pattern)
        self.poses = 4 * len(self.pattern.cell)
        at = int(task.instance[Y]) * int(task.instance[WIDTH]) + int(task.instance[X])
        self.pose = int(4 * self.pattern.place[at] + task.instance[DIRECTION])
        begin(self.pattern, self.space, self._counts, self.pose)

    @property
    def met(self) -> int:
        """Return how many states were met."""
        return int(self._counts[STATES])

    def explore(self, stop: bool) -> int:
        """Explore to the goal, or to the end; return how that ended."""
        while True:
            status = explore(
                self.pattern, self.task.instance, self.task.limits, self.space, self._counts,
                self._scratch, stop,
            )  # fmt: skip
            if status != FULL or len(self.space.parent) >= self._most:
                return int(status)
            self.space = enlarge(self.space, int(self._counts[CONFIGURATIONS]))

    def plan(self) -> tuple[int, ...]:
        """Return the actions of a shortest plan of the pattern."""
        found = [int(self.space.action[node]) for node in self._way()[1:]]
        return (*found, int(self._counts[GOAL_ACTION]))

    def goes(self, plan: tuple[int, ...]) -> bool:
        """Return whether a plan reaches the goal in the grid, as constraints allow it."""
        task, actions = self.task, np.array(plan, np.int64)
        first = first_state(task)
        return bool(_succeeds(self.pattern, task.instance, task.limits, first, actions, self.came))

    def used(self) -> list[int]:
        """Return the cells with parts that the plan of the pattern stands before."""
        width, found = int(self.task.instance[WIDTH]), []
        for node in self._way():
            place, direction = divmod(node % self.poses, 4)
            found.append(int(self.pattern.cell[place]) + (1, width, -1, -width)[direction])
        return [cell for cell in found if self.task.is_part(cell)]

    def distances(self) -> npt.NDArray[np.int16]:
        """Return how many actions each state is from the goal, -1 where it is out of reach."""
        count = len(self.space.parent)
        distance = np.empty(count, np.int16)
        start, source = np.empty(count + 1, np.int32), np.empty(self._counts[EDGES], np.int32)
        measure(self.space, self._counts, start, source, distance, np.empty(count, np.int32))
        return distance

    def _way(self) -> list[int]:
        node, found = int(self.space.goal[0]), []
        while self.space.parent[node] != node + 1:
            found.append(node)
            node = int(self.space.parent[node]) - 1
        return [node, *reversed(found)]


@kernel
def _first_come(pattern, instance, limits, scratch):  # type: ignore[no-untyped-def]
    none = np.int64(0)
    return come_in(limits, pattern, instance, scratch[0], none, none, none, 0, True)[0]


@kernel
def _succeeds(pattern, instance, limits, scratch, actions, came):  # type: ignore[no-untyped-def]
    state, came = scratch[0], np.int64(came)
    for i in range(len(actions)):
        action = actions[i]
        allowed = may_act(limits, pattern, instance, state, action, True)
        may, must = come_by(limits, pattern, instance, state, action, came, True)
        reward, discount = step(state, action, instance, np.uint64(0))
        may, must = come_in(limits, pattern, instance, state, came, may, must, i + 1, True)
        if must & ~may or not (allowed and may_enter(limits, pattern, instance, state, True)):
            return False
        came = must
        if discount == 0.0:
            whole = came == (np.int64(1) << len(limits.within)) - 1
            return reward > 0.0 and whole and i + 1 == len(actions)
    return False
