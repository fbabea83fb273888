"""Changed certificates of plans, routes and shops: each that the judge calls wrong is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("highspy")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from mutations import run


def test_no_wrong_certificate_is_accepted() -> None:
    rows: dict[str, Any] = {}
    run(300, 7, lambda _: None, rows)
    assert rows["faults"] == []
    for kind in ("plans", "routes", "shops"):
        assert sum(rows[kind].values()) == 100
        assert rows[kind]["wrong, refused"] > 40
        assert rows[kind]["harmless, accepted"] > 0
