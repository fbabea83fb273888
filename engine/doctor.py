"""A look at the machine: what tesuji needs, what it would gain from, and what to do about it.

`examine` reports; it installs and changes nothing. Libraries load inside the checks, so that one
that is broken hides nothing of the others.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

Status = Literal["ok", "warn", "fail"]

_REQUIRED = (
    "torch",
    "numpy",
    "numba",
    "networkx",
    "z3-solver",
    "gymnasium",
    "safetensors",
    "tyro",
    "rich",
)

# Module -> the extra that installs it, and what for.
_OPTIONAL = {
    "starlette": ("web", "playing in the browser"),
    "onnxruntime": ("onnx", "fast nets on a CPU"),
    "openvino": ("openvino", "fast nets on an Intel CPU"),
    "matplotlib": ("plots", "learning curves as PNG"),
    "mujoco": ("robotics", "robots in MuJoCo's simulator"),
    "resvg_py": ("plots", "maps, charts and graphs as PNG"),
    "ortools": ("cpsat", "proofs that routes are the cheapest"),
    "tensorboard": ("tensorboard", "learning curves in TensorBoard"),
}

# What makes nets fast on a CPU: LLVM's names -> the people's.
_CPU_FEATURES = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512vnni": "VNNI",
    "avxvnni": "AVX-VNNI",
    "amx-int8": "AMX",
    "neon": "NEON",
    "dotprod": "dot product",
}

_GIB = 2**30
_LITTLE_MEMORY = 4 * _GIB
_LITTLE_DISK = 5 * _GIB
_NO_DISK = _GIB // 2


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        status: `warn` costs speed or a feature, `fail` keeps tesuji from running.
        found: what was found, one line.
        advice: what to do about it; empty where all is well.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


def examine(folder: Path | None = None) -> list[Check]:
    """Look at this machine.

    Args:
        folder: where runs are to be written; the current folder where None.
    """
    return [
        check_python(),
        *check_packages(),
        check_cpu(),
        check_cores(),
        check_memory(),
        check_gpu(),
        *check_optional(),
        check_disk(folder or Path.cwd()),
        *check_kernels(),
    ]


def worst(checks: Sequence[Check]) -> Status:
    """Return the worst status of `checks`."""
    found = {check.status for check in checks}
    return "fail" if "fail" in found else "warn" if "warn" in found else "ok"


def to_json(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the report as plain JSON values."""
    return {"status": worst(checks), "checks": [asdict(check) for check in checks]}


def check_python() -> Check:
    """Look at the interpreter."""
    found = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    if sys.version_info < (3, 11) or platform.python_implementation() != "CPython":
        return Check("python", "fail", found, "use CPython 3.11 or newer")
    return Check("python", "ok", found)


def check_packages() -> Iterator[Check]:
    """Look for what tesuji cannot do without; nothing is loaded."""
    for package in ("tesuji", *_REQUIRED):
        try:
            yield Check(package, "ok", version(package))
        except PackageNotFoundError:
            yield Check(package, "fail", "not installed", f"pip install {package}")


def check_cpu() -> Check:
    """Look for the instructions that make nets fast."""
    from llvmlite.binding import get_host_cpu_features, get_host_cpu_name  # noqa: PLC0415

    features = get_host_cpu_features()
    names = [name for key, name in _CPU_FEATURES.items() if features.get(key)]
    found = f"{platform.machine()} {get_host_cpu_name()}: {', '.join(names) or 'no vector units'}"
    if platform.machine() in ("x86_64", "AMD64") and not features.get("avx2"):
        return Check("cpu", "warn", found, "without AVX2 nets run several times slower")
    return Check("cpu", "ok", found)


def check_cores() -> Check:
    """Count the cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    advice = "" if (usable or 1) > 1 else "self-play and training share one core and take turns"
    return Check(
        "cores", "warn" if advice else "ok", f"{usable} of {os.cpu_count()} usable", advice
    )


def check_memory() -> Check:
    """Look at the memory that is free."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return Check("memory", "ok", "unknown on this system")
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    total, free = sizes["MemTotal"], sizes.get("MemAvailable", sizes["MemFree"])
    found = f"{free / _GIB:.1f} of {total / _GIB:.1f} GiB free"
    if free < _LITTLE_MEMORY:
        return Check("memory", "warn", found, "close other programs, or train with a small net")
    return Check("memory", "ok", found)


def check_gpu() -> Check:
    """Look for a GPU that torch can use; say why there is none."""
    try:
        import torch  # noqa: PLC0415
    except (ImportError, OSError) as error:
        return Check("gpu", "warn", f"torch does not load: {error}", "reinstall torch")
    if torch.cuda.is_available():
        gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        names = [f"{gpu.name}, {gpu.total_memory / _GIB:.0f} GiB" for gpu in gpus]
        return Check("gpu", "ok", "; ".join(names))
    driver = shutil.which("nvidia-smi") is not None
    if torch.version.cuda is None:
        advice = "this torch is built without CUDA: install a CUDA build" if driver else ""
        return Check("gpu", "warn" if driver else "ok", "none; torch is a CPU build", advice)
    if driver:
        advice = f"torch was built for CUDA {torch.version.cuda}: see what nvidia-smi says"
        return Check("gpu", "warn", "a driver is there, but torch cannot use it", advice)
    return Check("gpu", "ok", "none; no NVIDIA driver on this machine")


def check_optional() -> Iterator[Check]:
    """Look for the parts that an extra installs, by loading them."""
    for module, (extra, purpose) in _OPTIONAL.items():
        try:
            import_module(module)
            yield Check(module, "ok", f"{version(module)}, for {purpose}")
        except ModuleNotFoundError:
            advice = f"for {purpose}: pip install 'tesuji[{extra}]'"
            yield Check(module, "warn", "not installed", advice)
        except (ImportError, OSError) as error:
            yield Check(module, "warn", f"does not load: {error}", f"reinstall {module}")


def check_disk(folder: Path) -> Check:
    """Look at the space where runs are written."""
    place = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / _GIB:.1f} GiB free in {place}"
    if not _writable(place):
        return Check("disk", "fail", f"{place} cannot be written", "pick a folder with --run-dir")
    if free < _LITTLE_DISK:
        advice = "a run takes up to some gigabytes: free space, or pick a folder with --run-dir"
        return Check("disk", "fail" if free < _NO_DISK else "warn", found, advice)
    return Check("disk", "ok", found)


def check_kernels() -> Iterator[Check]:
    """Play a game with compiled rules; look where the machine code is kept."""
    from numba.core import config  # noqa: PLC0415
    from numba.core.errors import NumbaError  # noqa: PLC0415

    if config.DISABLE_JIT:
        advice = "unset NUMBA_DISABLE_JIT: rules and search run a hundred times slower"
        yield Check("compiler", "warn", "switched off", advice)
        return
    try:
        seconds, stats = _play()
    except (ImportError, OSError, RuntimeError, ValueError, NumbaError) as error:
        advice = "set NUMBA_CACHE_DIR to a folder that can be written, or reinstall numba"
        yield Check("compiler", "fail", f"{type(error).__name__}: {error}", advice)
        return
    yield Check("compiler", "ok", f"loaded and played Connect Four in {seconds:.1f} s")
    cache = Path(stats.cache_path)
    if _writable(cache):
        note = "warm" if stats.cache_hits else "was empty: the first start compiles"
        yield Check("kernel cache", "ok", f"{cache}, {note}")
    else:
        advice = "set NUMBA_CACHE_DIR to a folder that can be written, or each start compiles"
        yield Check("kernel cache", "warn", f"{cache} cannot be written", advice)


def _play() -> tuple[float, Any]:
    """Play one game; return the seconds it took and the compiler's statistics of `step`."""
    from tesuji.domains.compiled import CompiledDomain  # noqa: PLC0415
    from tesuji.domains.registry import make  # noqa: PLC0415

    start = time.perf_counter()
    domain = make("connect_four")
    assert isinstance(domain, CompiledDomain)
    state, discount = domain.reset(), 1.0
    while discount != 0:
        action = int(domain.legal(state).argmax())
        state, _, discount = domain.step(state, action)
    return time.perf_counter() - start, domain.kernels["step"].stats


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
