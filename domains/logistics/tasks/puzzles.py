"""Random problems of blocks, boxes, tiles and tools."""

from __future__ import annotations

import itertools

from tesuji.domains.logistics.tasks.problem import Rng, numbered, pick, shuffled, write_problem


def blocksworld(rng: Rng, blocks: int) -> str:
    """Return a problem of towers: both first state and goal are random."""
    names = numbered("b", blocks)
    init = ["arm-empty"]
    for tower in _towers(rng, names):
        init += [f"on-table {tower[0]}", f"clear {tower[-1]}"]
        init += [f"on {upper} {lower}" for lower, upper in itertools.pairwise(tower)]
    goal = []
    for tower in _towers(rng, names):
        goal += [f"on-table {tower[0]}", f"clear {tower[-1]}"]
        goal += [f"on {upper} {lower}" for lower, upper in itertools.pairwise(tower)]
    return write_problem("blocksworld", {"object": names}, init, goal)


def _towers(rng: Rng, names: list[str]) -> list[list[str]]:
    towers: list[list[str]] = []
    for block in shuffled(rng, names):
        at = int(rng.integers(len(towers) + 1))
        if at == len(towers):
            towers.append([block])
        else:
            towers[at].append(block)
    return towers


def spanner(rng: Rng, spanners: int, nuts: int, locations: int) -> str:
    """Return a spanner problem; there are at least as many spanners as nuts."""
    way = ["shed", *numbered("location", locations), "gate"]
    tools, bolts = numbered("spanner", max(spanners, nuts)), numbered("nut", nuts)
    init = [f"link {a} {b}" for a, b in itertools.pairwise(way)]
    init.append("at bob shed")
    for tool in tools:
        init += [f"at {tool} {pick(rng, way[1:-1] or way)}", f"usable {tool}"]
    for bolt in bolts:
        init += [f"at {bolt} gate", f"loose {bolt}"]
    objects = {"man": ["bob"], "spanner": tools, "nut": bolts, "location": way}
    return write_problem("spanner", objects, init, [f"tightened {bolt}" for bolt in bolts])


def floortile(rng: Rng, rows: int, columns: int, robots: int) -> str:
    """Return a problem of painting a checkered floor; robots start in the unpainted row 0."""
    columns = max(columns, robots)
    tile = [[f"tile_{row}-{column}" for column in range(columns)] for row in range(rows + 1)]
    init = ["available-color white", "available-color black"]
    for row in range(rows + 1):
        init += [f"right {b} {a}" for a, b in zip(tile[row], tile[row][1:], strict=False)]
        if row:
            init += [f"up {a} {b}" for a, b in zip(tile[row], tile[row - 1], strict=True)]
    taken = shuffled(rng, tile[0])[:robots]
    bots = numbered("robot", robots)
    for bot, place in zip(bots, taken, strict=True):
        init += [f"robot-at {bot} {place}", f"robot-has {bot} {pick(rng, ['white', 'black'])}"]
    init += [f"clear {name}" for own in tile for name in own if name not in taken]
    goal = [
        f"painted {tile[row][column]} {'white' if (row + column) % 2 else 'black'}"
        for row in range(1, rows + 1)
        for column in range(columns)
    ]
    objects = {
        "robot": bots, "tile": [name for own in tile for name in own],
        "color": ["white", "black"],
    }  # fmt: skip
    return write_problem("floortile", objects, init, goal)


_DIRECTIONS = {"right": (0, 1), "left": (0, -1), "down": (1, 0), "up": (-1, 0)}


def sokoban(rng: Rng, rows: int, columns: int, boxes: int, walls: int) -> str:
    """Return a sokoban problem that can be solved: boxes were pulled from their goals at random."""
    rows, columns = max(rows, 3), max(columns, 3)
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    order = [cells[i] for i in rng.permutation(len(cells))]
    most = max(0, min(walls, len(cells) // 4))
    floor = set(order[most:])
    free = [cell for cell in order if cell in floor]
    goals = free[: min(boxes, len(free) - 1)]
    placed, robot = _pull(rng, floor, list(goals), free[-1])
    name = {cell: f"loc-{cell[0]}-{cell[1]}" for cell in floor}
    init = [
        f"adjacent {name[cell]} {name[other]} {direction}"
        for cell in sorted(floor)
        for direction, (down, right) in _DIRECTIONS.items()
        if (other := (cell[0] + down, cell[1] + right)) in floor
    ]
    names = numbered("box", len(goals))
    init.append(f"at-robot {name[robot]}")
    init += [f"at {box} {name[cell]}" for box, cell in zip(names, placed, strict=True)]
    init += [f"clear {name[cell]}" for cell in sorted(floor) if cell not in placed]
    goal = [f"at {box} {name[cell]}" for box, cell in zip(names, goals, strict=True)]
    objects = {
        "location": [name[cell] for cell in sorted(floor)],
        "direction": list(_DIRECTIONS),
        "box": names,
    }
    return write_problem("sokoban", objects, init, goal)


_Cell = tuple[int, int]


def _pull(
    rng: Rng, floor: set[_Cell], boxes: list[_Cell], robot: _Cell
) -> tuple[list[_Cell], _Cell]:
    """Walk at random and pull boxes along; return where they are, and the robot."""
    for _ in range(12 * len(floor)):
        down, right = list(_DIRECTIONS.values())[int(rng.integers(4))]
        ahead = robot[0] + down, robot[1] + right
        behind = robot[0] - down, robot[1] - right
        if ahead not in floor or ahead in boxes:
            continue
        if behind in boxes:
            boxes[boxes.index(behind)] = robot
        robot = ahead
    return boxes, robot
