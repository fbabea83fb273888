"""PyVRP as a peer: its routes pass our checker, and are a start for our search."""

import numpy as np
import pytest

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.generate import random_cvrp, random_pairs, random_vrptw
from tesuji.search.routing.anneal import Annealing

pytest.importorskip("pyvrp", reason="the extra pyvrp")


@pytest.mark.parametrize("make", [random_cvrp, random_vrptw, random_pairs])
def test_its_routes_are_checked_and_gone_on_from(make: object) -> None:
    from tesuji.search.routing.pyvrp import routes_by_pyvrp

    instance = make(15, np.random.default_rng(0))  # type: ignore[operator]
    asked = iter(range(1000))
    routes = routes_by_pyvrp(instance, lambda: next(asked) > 50)
    assert routes is not None
    assert check_routes(instance, routes).faults == ()
    assert Annealing(instance, 0, start=routes).cost == instance.cost(routes)
