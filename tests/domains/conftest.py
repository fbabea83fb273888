import pytest
from numba.core import config


@pytest.fixture
def needs_jit() -> None:
    if config.DISABLE_JIT:
        pytest.skip("too slow, or without meaning, in plain Python")
