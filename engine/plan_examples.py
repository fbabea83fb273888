"""What a ranking learns from: states of solved planning tasks, with the successors to prefer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.object_graph import Hashes
from tesuji.engine.planning import GroundTask
from tesuji.nets.ranking import Choices
from tesuji.search.planning.guided import Differences, GuidedSearch
from tesuji.search.planning.planner import scaled_costs
from tesuji.search.planning.relaxation import DEAD_END
from tesuji.search.planning.state_space import explore


class Label(NamedTuple):
    """A state, and what is known of its successors, in the order in which they are generated."""

    state: npt.NDArray[Any]  # [V]
    good: npt.NDArray[np.bool_]  # [s] on a cheapest way to the goal
    dead: npt.NDArray[np.bool_]  # [s] known to lead nowhere


class Example(NamedTuple):
    """A label with the colours in which the successors differ from the state."""

    differences: Differences
    good: npt.NDArray[np.bool_]
    dead: npt.NDArray[np.bool_]


def label_space(
    grounded: GroundTask, rng: np.random.Generator, most_states: int, samples: int
) -> list[Label] | None:
    """Return random states of a small task with exact labels, None where it is not small.

    Args:
        grounded: the task.
        rng: draws the states.
        most_states: that a small task has.
        samples: states to draw.
    """
    cost, _ = scaled_costs(grounded.variables.cost)
    cost = cost + 1 if (cost == 0).any() else cost
    space = explore(grounded.variables, cost, most_states)
    if space is None:
        return None
    ways = np.flatnonzero((space.distance > 0) & (space.distance < DEAD_END))
    labels = []
    for at in np.sort(rng.choice(ways, min(samples, len(ways)), replace=False)):
        edges = slice(space.start[at], space.start[at + 1])
        through = space.distance[space.child[edges]] + cost[space.operator[edges]]
        good, dead = through == space.distance[at], through >= DEAD_END
        labels.append(Label(space.state[at].copy(), good, dead))
    return labels


def label_plan(search: GuidedSearch, plan: Sequence[int]) -> list[Label]:
    """Return the states of a plan; its own operators are the good ones."""
    labels = []
    for state, operator in zip(search.states_of(plan), plan, strict=False):
        good = search.differences(state).operators == operator
        labels.append(Label(state, good, np.zeros_like(good)))
    return labels


def describe(search: GuidedSearch, labels: Sequence[Label]) -> list[Example]:
    """Return labels with the colours of `search` in which their successors differ."""
    return [Example(search.differences(each.state), each.good, each.dead) for each in labels]


class Table(NamedTuple):
    """Examples as numbers, and which colour each feature stands for."""

    choices: Choices
    colour: Hashes  # [num_features]


def tabulate(examples: Sequence[Example], colour: Hashes | None = None, least: int = 2) -> Table:
    """Return examples as choices, with the features in which they differ.

    Args:
        examples: each with a good successor and one that is not.
        colour: the features, ascending; else those that differ in at least `least` examples.
        least: see there.
    """
    sizes = np.array([len(example.good) for example in examples], np.int64)
    first = np.cumsum(sizes) - sizes
    parts = [example.differences for example in examples]
    rows = np.concatenate([p.member + at for p, at in zip(parts, first, strict=True)])
    owner = np.repeat(np.arange(len(parts)), [len(p.colour) for p in parts])
    colours = np.concatenate([p.colour for p in parts])
    signs = np.concatenate([p.sign for p in parts]).astype(np.int64)
    if colour is None:
        pairs = np.unique(np.stack([colours, owner.astype(np.uint64)], axis=1), axis=0)
        colour, often = np.unique(pairs[:, 0], return_counts=True)
        colour = colour[often >= least]
    number = np.searchsorted(colour, colours)
    known = number < len(colour)
    known[known] = colour[number[known]] == colours[known]
    key = rows[known] * np.int64(len(colour)) + number[known]
    keys, inverse = np.unique(key, return_inverse=True)
    amount = np.bincount(inverse, signs[known], len(keys)).astype(np.int64)
    keys, amount = keys[amount != 0], amount[amount != 0]
    choices = Choices(
        num_features=len(colour),
        row=keys // max(1, len(colour)),
        feature=keys % max(1, len(colour)),
        amount=amount,
        choice=np.repeat(np.arange(len(parts)), sizes),
        good=np.concatenate([example.good for example in examples]),
        dead=np.concatenate([example.dead for example in examples]),
    )
    return Table(choices, colour)
