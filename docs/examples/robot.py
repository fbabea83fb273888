"""A robot between keep-out zones under a speed limit: each move comes with a way to the goal.

    python docs/examples/robot.py

The zones are checked at the end of each step and at its middle.
"""

import z3

from tesuji import (
    Budget,
    CertifiedPlayer,
    RolloutEvaluator,
    Search,
    Shield,
    SymbolicModel,
    constrain,
    make,
    symbols,
)
from tesuji.domains.robotics.double_integrator import ACCELERATION_X, ACCELERATION_Y

ZONES = {"pond": (-1, 1, -2, 1), "hut": (0, 2, 2, 3)}  # left, right, bottom, top


def robot_model(domain):
    """Return the robot with its zones, its speed limit and its goal."""
    x = symbols(
        domain, parts={"ax": ACCELERATION_X, "ay": ACCELERATION_Y}, bounds={"steps": (0, 32)}
    )
    s, ax, ay = x.state, z3.ToReal(x.part.ax), z3.ToReal(x.part.ay)
    effects = {"x": s.x + s.vx / 2 + ax / 8, "y": s.y + s.vy / 2 + ay / 8}
    effects |= {"vx": s.vx + ax / 2, "vy": s.vy + ay / 2, "steps": s.steps + 1}
    points = [(effects["x"], effects["y"]), (s.x + s.vx / 4 + ax / 32, s.y + s.vy / 4 + ay / 32)]
    rules = {
        name: z3.And([z3.Or(px < left, px > right, py < low, py > high) for px, py in points])
        for name, (left, right, low, high) in ZONES.items()
    }
    rules["speed"] = z3.And([z3.And(effects[v] <= 1, effects[v] >= -1) for v in ("vx", "vy")])
    rules["arena"] = z3.And([z3.And(effects[v] <= 4, effects[v] >= -4) for v in ("x", "y")])
    rules["in time"] = s.steps <= 32
    goal = z3.And([z3.And(2 * s[v] >= 5, 2 * s[v] <= 7) for v in ("x", "y")])
    slow = z3.And([z3.And(2 * s[v] >= -1, 2 * s[v] <= 1) for v in ("vx", "vy")])
    return SymbolicModel(x, rules, effects, z3.And(goal, slow))


def main():
    """Drive with 200 simulations of random play a move."""
    domain = make("double_integrator")
    model = robot_model(domain)
    search = Search(constrain(domain, model), RolloutEvaluator())
    player = CertifiedPlayer(search, Shield(model))
    for state, move in player.play(Budget(simulations=200)):
        print(domain.render(state), "-->", domain.action_name(state, move.action), flush=True)


if __name__ == "__main__":
    main()
