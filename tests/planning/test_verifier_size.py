"""The verifier of plans stays small enough to be read whole."""

import importlib.util
from pathlib import Path


def test_a_verdict_relies_on_fewer_than_600_lines_of_code() -> None:
    path = Path(__file__).parents[2] / "benchmarks/code_lines.py"
    spec = importlib.util.spec_from_file_location("code_lines", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    counts = [
        module.code_lines((module.ENGINE / f"{name}.py").read_text()) for name in module.VERIFIER
    ]
    assert 100 < sum(counts) < 600
