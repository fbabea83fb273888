import runpy
from pathlib import Path

import pytest

from tesuji.domains.registry import names

MAKER = Path(__file__).with_name("make_traces.py")


def trace_of(name: str) -> str:
    return str(runpy.run_path(str(MAKER))["trace"](name))


@pytest.mark.parametrize("name", names())
def test_a_game_goes_as_its_golden_trace(name: str) -> None:
    path = MAKER.parent / "traces" / f"{name}.txt"
    assert path.exists(), f"{name} has no trace: run python {MAKER.name} and read what it wrote"
    assert trace_of(name) == path.read_text(encoding="utf-8")


def test_no_trace_is_left_over() -> None:
    assert {path.stem for path in (MAKER.parent / "traces").iterdir()} == set(names())
