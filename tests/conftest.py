"""What every test shares."""

import os
import shutil

import pytest
from hypothesis import settings
from numba.core import config as numba_config

# The tests run two at a time on two cores: one thread each for torch and its kin.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The first call of a kernel may compile, so a deadline says nothing; CI draws the same examples
# every time.
settings.register_profile("tesuji", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("tesuji")


def pytest_configure(config: pytest.Config) -> None:
    """Let integers wrap without a word with NUMBA_DISABLE_JIT=1, as in machine code: hashes do."""
    if numba_config.DISABLE_JIT:
        wrapping = "ignore:overflow encountered in scalar (add|subtract|multiply):RuntimeWarning"
        config.addinivalue_line("filterwarnings", wrapping)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, with the reason; CI has a browser or fails."""
    if item.get_closest_marker("browser") and not shutil.which("chromium"):
        reason = "chromium is missing: apt-get install chromium"
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return where Debian's browser is; for tests with the mark `browser`."""
    return str(shutil.which("chromium"))
