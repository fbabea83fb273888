"""`tesuji solve` on files of routes and shops."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest
from planning_tasks import TRUCKS, trucks

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.engine.cli import main
from tesuji.engine.plan_chart import plan_svg

ROUTES = """NAME : square
TYPE : CVRP
DIMENSION : 5
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 2
NODE_COORD_SECTION
1 0 0
2 10 0
3 10 1
4 -10 0
5 -10 1
DEMAND_SECTION
1 0
2 1
3 1
4 1
5 1
DEPOT_SECTION
1
-1
EOF
"""
SHOP = "2 2\n0 3 1 2\n1 4 0 1\n"


def answer(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main([*arguments, "--json"]) == 0
    facts: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return facts


def test_routes_are_solved_drawn_and_certified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, svg, proof = tmp_path / "square.vrp", tmp_path / "map.svg", tmp_path / "proof.json"
    file.write_text(ROUTES)
    flags = ["--time", "1", "--out", str(svg), "--certificate", str(proof)]
    facts = answer(["solve", str(file), *flags], capsys)
    assert facts["cost"] == 42.0  # two routes out and back, 10 + 1 + 10 each
    assert svg.read_text().startswith("<svg")
    assert main(["verify", str(proof)]) == 0


def test_shops_are_solved_drawn_and_certified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, svg, proof = tmp_path / "shop.txt", tmp_path / "gantt.svg", tmp_path / "proof.json"
    file.write_text(SHOP)
    flags = ["--time", "1", "--out", str(svg), "--certificate", str(proof)]
    facts = answer(["solve", str(file), *flags], capsys)
    assert (facts["status"], facts["cost"], facts["bound"]) == ("optimal", 6, 6)
    assert svg.read_text().startswith("<svg")
    assert main(["verify", str(proof)]) == 0


@pytest.mark.parametrize("name", ["chart.svg", "chart.PNG"])
def test_answers_are_drawn_by_the_name_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shop, picture = tmp_path / "shop.txt", tmp_path / name
    shop.write_text(SHOP)
    answer(["solve", str(shop), "--out", str(picture)], capsys)
    assert picture.read_bytes().startswith(b"<svg" if name.endswith("svg") else b"\x89PNG")


def test_png_without_what_draws_it_is_refused_before_solving(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tesuji.engine.pictures.find_spec", lambda name: None)
    shop = tmp_path / "shop.txt"
    shop.write_text(SHOP)
    assert main(["solve", str(shop), "--out", str(tmp_path / "chart.png")]) == 2
    assert "pip install 'tesuji[plots]'" in capsys.readouterr().err


def test_a_plan_has_a_row_for_each_object_that_changes() -> None:
    task = parse_task(TRUCKS, trucks(0, places=2, parcels=1))
    plan = [("load", "c0", "t0", "p1"), ("drive", "t0", "p1", "p0"), ("unload", "c0", "t0", "p0")]
    svg = ElementTree.fromstring(plan_svg(task, plan, "a & b"))
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    bars = [title.text for title in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert texts == ["a & b", "load", "drive", "unload", "c0", "t0", "1", "2", "3"]
    assert bars == ["1: (load c0 t0 p1)", "2: (drive t0 p1 p0)", "3: (unload c0 t0 p0)"]


def test_what_no_reader_knows_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear all\n")
    assert main(["solve", str(file)]) == 2
    assert "letter.txt, line 1" in capsys.readouterr().err
    file.write_text(ROUTES.replace("CAPACITY : 2", "CAPACITY : 0"))
    assert main(["solve", str(file)]) == 2
    assert "CAPACITY" in capsys.readouterr().err


def test_constraints_hold_of_routes_or_are_refuted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "square.vrp"
    file.write_text(ROUTES)
    flags = ["--time", "1", "--constraint", "apart: visits[1] + visits[2] < 2"]
    facts = answer(["solve", str(file), *flags], capsys)
    assert facts["constraints"] == ["apart"]
    assert not any({1, 2} <= set(route) for route in facts["routes"])  # type: ignore[attr-defined]
    assert main(["solve", str(file), "--constraint", "short: length < 20"]) == 3
    assert "customer 1: short + the way" in capsys.readouterr().out
    assert main(["solve", str(file), "--constraint", "short: lenght < 22"]) == 2
    assert "did you mean 'length'" in capsys.readouterr().err


def test_orders_on_a_road_network_are_driven_along_streets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = nx.convert_node_labels_to_integers(nx.grid_2d_graph(4, 4), label_attribute="at")
    for node in grid.nodes.values():
        node["x"], node["y"] = node.pop("at")
    nx.set_edge_attributes(grid, 10, "length")
    graph, orders, svg = tmp_path / "grid.graphml", tmp_path / "orders.csv", tmp_path / "map.svg"
    nx.write_graphml(grid, graph)
    orders.write_text("node,demand,capacity\n0,0,4\n3,2,\n12,2,\n15,2,\n")
    flags = ["--time", "1", "--out", str(svg)]
    facts = answer(["solve", str(graph), str(orders), *flags], capsys)
    assert facts["cost"] == 180.0  # there and back on two sides, and around
    for way in facts["streets"]:  # type: ignore[attr-defined]
        assert (way[0], way[-1]) == ("0", "0")
        assert all(grid.has_edge(int(a), int(b)) for a, b in pairwise(way))
    picture = ElementTree.fromstring(svg.read_text())
    space = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{space}line")) == 24
    assert len(picture.findall(f"{space}circle")) == 3
    assert main(["solve", str(graph)]) == 2
    assert "needs orders" in capsys.readouterr().err
