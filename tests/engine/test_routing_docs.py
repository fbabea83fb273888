"""The example of docs/routing.md runs as it stands."""

import re
from pathlib import Path

import pytest

pytest.importorskip("highspy")
PAGE = Path(__file__).parents[2] / "docs" / "routing.md"


def test_the_example_of_a_road_network_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    assert code is not None
    exec(compile(code.group(1), str(PAGE), "exec"), {})
    said = capsys.readouterr().out
    assert said.startswith("8200.0 8200.0 [[(0, 0),")
