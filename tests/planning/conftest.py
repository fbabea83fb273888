"""Lets the tests of this folder import the tasks that lie beside them."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def kernels() -> None:
    """Have the planner's kernels compiled before a clock runs."""
    from tesuji.engine.planning import load_kernels

    load_kernels()
