"""Random problems of instruments that observe: satellites and rovers."""

from __future__ import annotations

from tesuji.domains.logistics.tasks.problem import (
    Rng,
    numbered,
    pick,
    random_tree,
    shuffled,
    write_problem,
)


def satellite(
    rng: Rng, satellites: int, instruments: int, modes: int, directions: int, images: int
) -> str:
    """Return a satellite problem; each mode is supported by some instrument."""
    all_satellites, kinds = numbered("sat", satellites), numbered("mod", modes)
    targets, tools = numbered("dir", max(2, directions)), numbered("ins", instruments)
    init = []
    for body in all_satellites:
        init += [f"pointing {body} {pick(rng, targets)}", f"power_avail {body}"]
    supported: set[str] = set()
    for i, tool in enumerate(tools):
        body = all_satellites[i] if i < satellites else pick(rng, all_satellites)
        own = {kinds[i % modes], *(kind for kind in kinds if rng.random() < 0.3)}
        supported |= own
        init += [f"on_board {tool} {body}", f"calibration_target {tool} {pick(rng, targets)}"]
        init += [f"supports {tool} {kind}" for kind in sorted(own)]
    wanted = [f"have_image {target} {kind}" for target in targets for kind in sorted(supported)]
    goal = sorted(shuffled(rng, wanted)[: max(1, images)])
    objects = {
        "satellite": all_satellites, "instrument": tools, "mode": kinds, "direction": targets,
    }  # fmt: skip
    return write_problem("satellite", objects, init, goal)


def rovers(rng: Rng, rovers: int, waypoints: int, objectives: int, samples: int) -> str:
    """Return a rovers problem: all waypoints see each other along a map that every rover drives."""
    bots, points = numbered("rover", rovers), numbered("waypoint", max(2, waypoints))
    stores, cameras = numbered("store", rovers), numbered("camera", rovers)
    targets, modes = numbered("objective", max(1, objectives)), ["colour", "high_res", "low_res"]
    lander = pick(rng, points)
    init = [f"at_lander general {lander}", "channel_free general"]
    roads = random_tree(rng, points, len(points))
    for a, b in roads:
        init += [f"visible {a} {b}", f"visible {b} {a}"]
    goal = []
    for bot, store, camera in zip(bots, stores, cameras, strict=True):
        init += [f"at {bot} {pick(rng, points)}", f"available {bot}", f"store_of {store} {bot}"]
        init += [f"empty {store}", f"on_board {camera} {bot}"]
        init += [
            f"equipped_for_{what} {bot}" for what in ("soil_analysis", "rock_analysis", "imaging")
        ]
        init.append(f"calibration_target {camera} {pick(rng, targets)}")
        init += [
            f"supports {camera} {mode}" for mode in modes if mode == modes[0] or rng.random() < 0.5
        ]
        init += [f"can_traverse {bot} {x} {y}" for a, b in roads for x, y in ((a, b), (b, a))]
    for kind in ("soil", "rock"):
        for point in sorted(shuffled(rng, points)[: max(1, samples // 2)]):
            init.append(f"at_{kind}_sample {point}")
            goal.append(f"communicated_{kind}_data {point}")
    for target in targets:
        seen = sorted(shuffled(rng, points)[: max(1, len(points) // 2)])
        init += [f"visible_from {target} {point}" for point in seen]
        goal.append(f"communicated_image_data {target} {modes[0]}")
    objects = {
        "rover": bots, "waypoint": points, "store": stores, "camera": cameras, "mode": modes,
        "lander": ["general"], "objective": targets,
    }  # fmt: skip
    return write_problem("rover", objects, init, goal)
