"""Shortest plans in MiniGrid under constraints: as short as breadth-first search says, and kept."""

import pytest

from tesuji.domains.robotics import grid_rules as rules
from tesuji.domains.robotics.environments import make_environment
from tesuji.domains.robotics.grid import look, make_grid
from tesuji.search.planning.grid_search import Outcome, find_shortest
from tesuji.search.symbolic.grid_constraints import GridConstraints
from tesuji.search.symbolic.model import ConstraintError

pytest.importorskip("minigrid")


def seen(domain, state):
    """Return the quantities of a state, from its row."""
    width, height = (int(each) for each in domain.instance[[rules.WIDTH, rules.HEIGHT]])
    x, y, direction = int(state.x), int(state.y), int(state.direction)
    across, down = ((1, 0), (0, 1), (-1, 0), (0, -1))[direction]
    inside = 0 <= x + across < width and 0 <= y + down < height
    front = int(state.grid[(y + down) * width + x + across]) if inside else None

    def thing(kind):
        start = rules.KINDS + rules.FIELDS * kind
        return [int(each) for each in domain.instance[start : start + 3]] if kind else [1, 0, 0]

    held, ahead = thing(int(state.carrying)), [2, 5, 0] if front is None else thing(front)
    names = "agent_x agent_y agent_dir carrying carrying_color front front_color front_state"
    return dict(zip(names.split(), (x, y, direction, *held[:2], *ahead), strict=True))


def breadth_first(domain, constraints, most=200_000):
    """Return the length of a shortest plan under constraints, None without one."""
    known = {}

    def keeps(before, action, after):
        key = (*before.values(), action, *after.values())
        if key not in known:
            known[key] = not constraints.broken(before, action, after)
        return known[key]

    first = domain.reset()
    found, layer, depth = {domain.row(first).tobytes()}, [(first, seen(domain, first))], 0
    while layer:
        depth, entered = depth + 1, []
        for state, before in layer:
            for action in range(rules.NUM_ACTIONS):
                state_after, reward, discount = domain.step(state, action)
                after = seen(domain, state_after)
                if (reward == 0.0 and discount == 0.0) or not keeps(before, action, after):
                    continue
                if reward > 0.0:
                    return depth
                state_after.steps = 0
                row = domain.row(state_after).tobytes()
                if row not in found:
                    found.add(row)
                    entered.append((state_after, after))
        layer = entered
        assert len(found) < most, "too large for this test"
    return None


# Environments with seeds, constraints, and what a shortest plan has under them.
CASES = [
    ("Empty-6x6", 0, ["not (agent_x == 3 and agent_y <= 3)",
                      "implies(agent_dir == 0 and front == empty, action != right)"], 10),
    ("Empty-6x6", 0, ["abs(agent_x - 3) + abs(agent_y - 2) >= 2",
                      "implies(agent_x == agent_y, action != right)"], 10),
    ("DoorKey-5x5", 4, ["implies(agent_dir == 3, front_color == yellow)"], None),
    ("DoorKey-6x6", 0, ["implies(carrying == key, action != left)"], 16),
    ("DoorKey-6x6", 1, ["turn: action != right",
                        "carrying == empty or agent_y < 3 or front != wall"], 18),
    ("DoorKey-6x6", 1, ["agent_x / 2 <= 1.5 or carrying == empty"], 15),
    ("UnlockPickup", 0, ["implies(action == drop, agent_x < 3)", "turn: action != left"], 28),
    ("UnlockPickup", 0, ["implies(front_state == open and front == door, carrying == 5)"], 16),
    ("KeyCorridorS3R2", 0, ["not (front == door and front_color == red)"], None),
    ("LavaCrossingS9N1", 0, ["implies(action == forward, front != wall)",
                             "implies(agent_dir == 1, action != left)"], 16),
    ("GoToDoor-5x5", 0, ["always(implies(action == done, agent_dir == 3))"], 5),
    # Of doors and things that the pattern has taken away:
    ("GoToDoor-5x5", 0, ["implies(action == done, front == door and front_state == closed)"], 4),
    ("GoToObject-6x6-N2", 0, ["implies(action == done, carrying != empty)"], 6),
    ("GoToObject-6x6-N2", 0, ["implies(action == done, front == ball or front == key)"], 5),
    ("Unlock", 0, ["carrying == empty"], None),
    ("Fetch-5x5-N2", 0, ["implies(action == pickup, 6 // (agent_y - 2) > 2)"], 4),
]  # fmt: skip


@pytest.mark.parametrize(("name", "seed", "texts", "length"), CASES)
def test_plans_are_as_short_as_breadth_first_search_says(name, seed, texts, length):
    env = make_environment(f"MiniGrid-{name}-v0", max_steps=10_000)
    env.reset(seed=seed)
    domain = make_grid(env)
    constraints = GridConstraints(domain, texts)
    assert constraints.reason(look(env)) is None
    plan = find_shortest(domain.instance, limits=constraints.limits)
    assert breadth_first(domain, constraints) == length
    if length is None:
        assert plan.outcome is Outcome.NONE
        return
    assert (plan.outcome, plan.bound, len(plan.actions)) == (Outcome.SHORTEST, length, length)
    for action in plan.actions:
        before = look(env)
        _, reward, *_ = env.step(action)
        assert not constraints.broken(before, action, look(env))
    assert reward > 0


def test_a_door_is_closed_where_a_constraint_asks_for_it():
    """Before an open door nothing else is allowed than to close it."""
    env = make_environment("MiniGrid-KeyCorridorS3R2-v0")
    env.reset(seed=0)
    inner = env.unwrapped
    inner.agent_pos, inner.agent_dir = (3, 1), 2
    inner.grid.get(2, 1).is_open = True
    domain = make_grid(env)
    constraints = GridConstraints(
        domain, ["front != door or front_state != open or agent_y != 1 or action == toggle"]
    )
    plan = find_shortest(domain.instance, limits=constraints.limits)
    assert plan.actions[0] == rules.TOGGLE
    assert len(plan.actions) == breadth_first(domain, constraints)
    assert len(plan.actions) == len(find_shortest(domain.instance).actions) + 1


def test_tables_say_what_exact_arithmetic_says():
    """Of every cell, direction, thing carried and action, one with a division by zero too."""
    domain = make_grid("MiniGrid-Empty-5x5-v0")
    text = "(agent_x + carrying) // (agent_y - agent_dir) != 2 or carrying_color == action"
    constraints = GridConstraints(domain, [text])
    limits = constraints.limits
    values = dict(seen(domain, domain.reset()))
    wrong = 0
    for index in range(5 * 5 * 4 * 7):
        rest, action = divmod(index, 7)
        rest, values["agent_dir"] = divmod(rest, 4)
        values["agent_y"], values["agent_x"] = divmod(rest, 5)
        for carried in (1, 2, 9, 19):  # nothing, a red key, a green ball, a grey box
            what, color = divmod(carried - 2, 6)
            held = (1, 0) if carried == 1 else (rules.KEY + what, color)
            values["carrying"], values["carrying_color"] = held
            places = values["agent_x"], values["agent_y"], values["agent_dir"], carried, 1, action
            found = limits.allowed[limits.start[0] + limits.stride[0] @ places]
            wrong += found == bool(constraints.broken(values, action, values))
    assert wrong == 0


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["agent_x > 7"], "'agent_x > 7' can never hold"),
        (["eventually(agent_x > 7)"], "'eventually(agent_x > 7) (to come)' can never hold"),
        (["eventually(agent_x > 2, 0)"], "expected a number of steps, found '0'"),
        (["not (agent_x < 3 until carrying == key)"], "stand outside of all else, once"),
        (
            [f"eventually(agent_x == {1 + i % 6} and agent_y == {1 + i // 6})" for i in range(9)],
            "9 constraints over time; at most 8 are supported",
        ),
        (["agentx > 4"], "unknown name 'agentx'; did you mean 'agent_x'?"),
        (["a: agent_x < 4", "a: agent_y < 4"], "two constraints are called 'a'"),
        (
            ["agent_x + agent_y + agent_dir + carrying + front + action != 20"],
            "are 5841920 cases, at most 4194304 are tabled; state it in parts",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(texts, message):
    with pytest.raises(ConstraintError) as error:
        GridConstraints(make_grid("MiniGrid-Empty-8x8-v0"), texts)
    assert message in str(error.value)
