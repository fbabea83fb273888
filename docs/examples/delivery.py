"""Delivery in time windows: the constraints, a shield, and play that cannot come to a dead end.

python docs/examples/delivery.py
"""

import z3

from tesuji import (
    Budget,
    CertifiedPlayer,
    Relaxation,
    Search,
    Sequencing,
    Shield,
    SymbolicModel,
    UniformEvaluator,
    constrain,
    symbols,
)
from tesuji.domains.logistics.delivery import delivery
from tesuji.domains.logistics.delivery_task import random_task


def delivery_model(task):
    """Return the constraints and the goal of a `DeliveryTask`."""
    data = {n: getattr(task, n) for n in ("travel", "demand", "ready", "due", "service")}
    bounds = {"at": (0, task.customers), "visited": (0, 1)}
    x = symbols(delivery(task), bounds=bounds, parameters=data)
    s, a, p = x.state, x.action, x.parameter
    arrival = s.time + p.travel[s.at][a]
    leave = z3.If(arrival < p.ready[a], p.ready[a], arrival) + p.service[a]
    rules = {
        "capacity": s.load + p.demand[a] <= task.capacity,
        "time window": arrival <= p.due[a],
        "end of shift": z3.Or(a == 0, leave + p.travel[a][0] <= p.due[0]),
    }
    served = {i: s.visited[i] == 1 for i in range(1, task.customers + 1)}
    near = [z3.Or(done, s.time + p.travel[s.at][i] <= p.due[i]) for i, done in served.items()]
    relaxation = Relaxation(z3.Or(s.vehicle < task.vehicles, z3.And(near)))
    return SymbolicModel(x, rules, goal=z3.And(s.at == 0, *served.values()), relaxation=relaxation)


def main():
    """Deliver with ten simulations a move and no network at all."""
    task = random_task(customers=50, vehicles=1, seed=0)
    domain, model = delivery(task), delivery_model(task)
    search = Search(constrain(domain, model), UniformEvaluator(domain.spec.num_actions))
    player = CertifiedPlayer(search, Shield(model, Sequencing(task)))
    for state, move in player.play(Budget(simulations=10)):
        print(domain.action_name(state, move.action), end=" ", flush=True)
    print()


if __name__ == "__main__":
    main()
