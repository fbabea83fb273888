"""Policies of routes: what they allow, what they learn, how they search."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tesuji.domains.check import check_domain
from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.construction import construction, farthest
from tesuji.domains.logistics.routing.generate import random_cvrp, random_vrptw
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.checkpoint import load_checkpoint
from tesuji.engine.cli import main
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.route_config import RouteLearningConfig, RouteTrainConfig
from tesuji.engine.route_examples import draw_example, moves_of, states_of, turned
from tesuji.engine.route_policy import load_route_net, net_of, read_instance
from tesuji.engine.route_training import train_routes
from tesuji.engine.routing import solve_routing
from tesuji.engine.trained import WEIGHTS
from tesuji.nets.config import RouteNetConfig
from tesuji.nets.routing import RouteNet, describe_instance
from tesuji.search.routing.anneal import Annealing
from tesuji.search.routing.construct import construction_task, edge_odds, roll_out, routes_from
from tesuji.search.routing.policy_search import PolicySearch
from tesuji.search.routing.policy_tree import PolicyEvaluator, construct_by_search

SMALL = RouteLearningConfig(
    fewest=5,
    most=9, labelled=6, label_iterations=5, epochs=1, batch=3, starts=3, steps=2,
    trials=2, trial_customers=12,
)  # fmt: skip


def instance_of(customers: int = 12, seed: int = 0) -> RoutingInstance:
    return random_cvrp(customers, np.random.default_rng(seed), 4.0)


def net_with(seed: int = 0) -> RouteNet:
    torch.manual_seed(seed)
    return RouteNet(RouteNetConfig(16, 4, 2)).eval()


@pytest.mark.parametrize("heat", [0.0, 1.0])
def test_rollouts_drive_feasible_routes_that_cost_what_they_say(heat: float) -> None:
    instance = instance_of()
    tables = read_instance(net_with(), instance)
    found = roll_out(tables, construction_task(instance), np.arange(9), heat, 5)
    for moves, cost, first in zip(found.moves, found.cost, range(9), strict=True):
        routes = routes_from(moves)
        assert check_routes(instance, routes) == (cost, ())
        assert first in (0, routes[0][0])


def test_compiled_rollouts_and_the_network_agree_on_probabilities() -> None:
    instance, net = instance_of(), net_with()
    node, edge = describe_instance(
        instance.distance, instance.demand, instance.capacity, instance.coordinates
    )
    found = roll_out(
        read_instance(net, instance), construction_task(instance), np.zeros(6, np.int64), 1.0, 3
    )
    with torch.no_grad():
        likely = net.log_probability(
            net(node[None], edge[None]), states_of(found.moves[None], [instance])
        )
    own = likely.view(6, -1).sum(1).numpy()
    assert own == pytest.approx(found.log_probability, abs=1e-3)


def test_a_rollout_follows_from_its_seed_and_number_alone() -> None:
    instance = instance_of()
    tables, task = read_instance(net_with(), instance), construction_task(instance)
    many = roll_out(tables, task, np.zeros(8, np.int64), 1.0, 7)
    few = roll_out(tables, task, np.zeros(3, np.int64), 1.0, 7)
    assert (many.moves[:3] == few.moves).all()
    assert (roll_out(tables, task, np.zeros(8, np.int64), 1.0, 8).moves != many.moves).any()


def test_moves_of_routes_drive_those_routes() -> None:
    routes = [[1, 2, 3], [4], [6, 5]]
    moves = moves_of(routes, 7, np.random.default_rng(1))
    driven = [min(route, route[::-1]) for route in routes_from(moves)]
    assert sorted(driven) == sorted(min(route, route[::-1]) for route in routes)


def test_a_turned_map_keeps_distances_from_the_depot() -> None:
    example = draw_example(SMALL, 8, np.random.default_rng(2))
    other = turned(example.node, np.random.default_rng(3))
    assert not torch.allclose(other[:, :2], example.node[:, :2])
    assert torch.allclose(other[:, :2].norm(dim=1), example.node[:, :2].norm(dim=1), atol=1e-5)


def test_distances_without_a_map_are_laid_out_in_a_plane() -> None:
    instance = instance_of(30)
    known, _ = describe_instance(
        instance.distance, instance.demand, instance.capacity, instance.coordinates
    )
    found, _ = describe_instance(instance.distance, instance.demand, instance.capacity, None)
    apart = [torch.cdist(node[:, :2], node[:, :2]) for node in (known, found)]
    scaled = [each / each.max() for each in apart]
    assert torch.allclose(scaled[0], scaled[1], atol=0.02)


def test_the_search_keeps_routes_feasible_and_gets_better() -> None:
    instance = instance_of(40, 4)
    tables = read_instance(net_with(), instance)
    search = PolicySearch(instance, tables, 1, samples=4, is_over=lambda: True)
    search.run(3000, 0.0, 1.0)
    assert check_routes(instance, search.routes) == (search.cost, ())
    assert search.cost < 0.9 * search.sampled


def test_the_domain_of_construction_keeps_the_contract() -> None:
    check_domain(construction(instance_of(7)))


def test_tree_search_is_cheaper_than_the_likeliest_moves() -> None:
    instance = instance_of(20, 3)
    tables, task = read_instance(net_with(), instance), construction_task(instance)
    likeliest = roll_out(tables, task, np.zeros(1, np.int64), 0.0, 0).cost[0]
    routes = construct_by_search(instance, tables, 16)
    assert check_routes(instance, routes).faults == ()
    assert instance.cost(routes) < likeliest
    assert construct_by_search(instance, tables, 16) == routes


def test_leaves_of_tree_search_are_judged_as_rollouts_go_on() -> None:
    instance = instance_of(10, 4)
    tables, domain = read_instance(net_with(), instance), construction(instance)
    likeliest = roll_out(tables, construction_task(instance), np.zeros(1, np.int64), 0.0, 0)
    state, left = domain.reset(), int(likeliest.cost[0])
    for move in likeliest.moves[0, : likeliest.length[0]].tolist():
        evaluator = PolicyEvaluator(instance, tables)
        found = evaluator.evaluate(domain.observe(state)[None])
        assert found.logits[0].argmax() == move
        assert found.value[0] == pytest.approx(-left / farthest(instance))
        assert evaluator.cost == likeliest.cost[0]
        state, reward, _ = domain.step(state, move)
        left += round(reward * farthest(instance))
    assert left == 0


def test_ruins_that_begin_by_odds_keep_routes_feasible() -> None:
    instance = instance_of(25, 7)
    odds = edge_odds(read_instance(net_with(), instance), construction_task(instance))
    search = Annealing(instance, 1, odds=odds)
    search.run(500, 0.0, 1.0)
    assert check_routes(instance, search.routes) == (search.cost, ())


def test_slices_do_not_change_what_the_search_finds() -> None:
    instance = instance_of(20, 5)
    tables = read_instance(net_with(), instance)
    whole, sliced = (PolicySearch(instance, tables, 2) for _ in range(2))
    whole.run(600, 0.0, 0.0)
    for _ in range(3):
        sliced.run(200, 0.0, 0.0)
    assert whole.routes == sliced.routes


def test_ways_are_as_likely_back() -> None:
    instance = instance_of()
    odds = edge_odds(read_instance(net_with(), instance), construction_task(instance))
    assert (odds == odds.T).all()
    assert ((odds >= 0) & (odds <= 1)).all()


def test_a_solver_driven_by_a_policy_answers_with_checked_routes() -> None:
    instance = instance_of(15, 6)
    tables = read_instance(net_with(), instance)
    answers = [
        solve_routing(instance, iterations=2000, policy=tables, alone=a) for a in (False, True)
    ]
    for answer in answers:
        assert answer.routes is not None
        assert sorted(node for route in answer.routes for node in route) == list(range(1, 16))
    costs = [answer.cost for answer in answers if answer.cost is not None]
    assert costs[0] <= costs[1]  # the policy has learned nothing
    with pytest.raises(ValueError, match="no constraints"):
        solve_routing(instance, constraints=("one: stops <= 1",), policy=tables, alone=True)


def test_what_a_policy_does_not_know_is_refused() -> None:
    instance = random_vrptw(8, np.random.default_rng(0))
    with pytest.raises(UsageError, match="time windows"):
        read_instance(net_with(), instance)


def run_config(**changes: object) -> RouteTrainConfig:
    settings = {"minutes": 0.0, "iterations": 4, "routing": SMALL, **changes}
    return RouteTrainConfig(**settings, route_net=RouteNetConfig(16, 4, 1))  # type: ignore[arg-type]


def test_a_run_gives_the_same_bytes_in_one_go_and_resumed(tmp_path: Path) -> None:
    class Silent:
        def update(self, row: object) -> None:
            pass

    train_routes(run_config(), tmp_path / "whole", Silent())
    halves = tmp_path / "halves"
    train_routes(run_config(), halves, Silent())
    for path in sorted((halves / "checkpoints").iterdir())[1:]:
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    train_routes(run_config(), halves, Silent(), resume=True)
    one, other = (load_checkpoint(tmp_path / name) for name in ("whole", "halves"))
    assert one.step == other.step > 4
    assert all((one.tensors[name] == other.tensors[name]).all() for name in one.tensors)
    first = net_with_config(1)
    assert any((first[name] != one.tensors[name]).any() for name in first)


def net_with_config(seed: int) -> dict[str, np.ndarray]:
    torch.manual_seed(seed)
    net = RouteNet(RouteNetConfig(16, 4, 1))
    return {name: value.numpy() for name, value in net.state_dict().items()}


def test_imitation_makes_labelled_routes_likelier() -> None:
    rng = np.random.default_rng(8)
    examples = [draw_example(SMALL, 9, rng, 300) for _ in range(12)]
    net = RouteNet(RouteNetConfig(16, 4, 1))
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    node, edge = (torch.stack([getattr(e, n) for e in examples]) for n in ("node", "edge"))
    moves = np.stack([[moves_of(each.routes, 10, rng)] for each in examples])
    states = states_of(moves, [each.instance for each in examples])
    losses = []
    for _ in range(60):
        loss = -net.log_probability(net(node, edge), states).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_the_command_line_trains_and_drives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    flags = ["--routing.labelled", "3", "--routing.epochs", "1", "--routing.trials", "1"]
    flags += ["--routing.trial-customers", "8", "--routing.fewest", "5", "--routing.most", "6"]
    command = ["train", "logistics/cvrp", "--minutes", "0", "--iterations", "1", *flags]
    assert main([*command, "--run-dir", str(run), "--json"]) == 0
    capsys.readouterr()
    file = tmp_path / "small.vrp"
    file.write_text(
        "NAME : small\nTYPE : CVRP\nDIMENSION : 4\nEDGE_WEIGHT_TYPE : EUC_2D\nCAPACITY : 2\n"
        "NODE_COORD_SECTION\n1 0 0\n2 0 3\n3 4 3\n4 9 0\nDEMAND_SECTION\n1 0\n2 1\n3 1\n4 1\n"
        "DEPOT_SECTION\n1\n-1\nEOF\n"
    )
    solve = ["solve", str(file), "--agent", str(run), "--time", "0.5", "--json"]
    for flags in ([], ["--learned"], ["--constraint", "two: stops <= 2"]):
        assert main([*solve, *flags]) == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["cost"] == 26
    assert main([*solve, "--learned", "--constraint", "one: stops <= 1"]) == 2
    assert "no constraints" in capsys.readouterr().err


def test_the_shipped_policy_constructs_near_good_routes() -> None:
    rng = np.random.default_rng(11)
    net, config = load_route_net("net"), RouteLearningConfig()
    over = []
    for _ in range(4):
        example = draw_example(config, 40, rng, 2000)
        tables, task = read_instance(net, example.instance), construction_task(example.instance)
        found = roll_out(tables, task, np.arange(41), 0.0, 0)
        over.append(found.cost.min() / example.cost - 1.0)
    assert np.mean(over) < 0.1


def test_folders_of_problems_are_not_for_routes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "logistics/cvrp", "--problems", "folder"]) == 2
    assert "draws its instances" in capsys.readouterr().err


def test_a_model_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TesujiError, match="not for routes"):
        net_of(load_checkpoint(WEIGHTS / "tic_tac_toe", training=False))
