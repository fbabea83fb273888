"""Random instances of routing and scheduling as files: they are read, and a seed decides them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tesuji.domains.logistics.instances import FILE_FAMILIES
from tesuji.domains.logistics.routing.files import parse_routing, recognised
from tesuji.domains.logistics.scheduling.reading import parse_shop
from tesuji.engine.cli import main


@pytest.mark.parametrize("name", FILE_FAMILIES)
def test_what_is_written_is_read(name: str) -> None:
    family, suffix = FILE_FAMILIES[name]
    for seed in range(20):
        text = family.problem(seed, level=seed / 4)
        assert text == family.problem(seed, level=seed / 4)
        sizes = family.sizes(seed / 4)
        if recognised(text):
            instance = parse_routing(text, f"p{suffix}")
            customers = sizes.get("customers", 2 * sizes.get("pairs", 0))
            assert instance.num_nodes == customers + 1
            assert instance.has_windows == (name != "logistics/cvrp")
        else:
            shop = parse_shop(text)
            assert (shop.num_jobs, shop.num_machines) == (sizes["jobs"], sizes["machines"])
            assert (len(shop.choice_machine) > shop.num_operations) == ("flexibility" in sizes)


def test_the_command_line_writes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "routes"
    flags = ["--count", "2", "--size", "customers=7", "--out", str(folder)]
    assert main(["generate", "logistics/vrptw", *flags]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["p01.txt", "p02.txt"]
    assert main(["generate", "logistics/vrptw", "--size", "trucks=7"]) == 2
    assert "vrptw has no size 'trucks'; it has customers" in capsys.readouterr().err
