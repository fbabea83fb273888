import json
import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import numba.core.config
import pytest

from tesuji.engine import doctor
from tesuji.engine.doctor import Check


def test_this_machine_can_run_tesuji(tmp_path: Path) -> None:
    checks = doctor.examine(tmp_path)

    assert [check for check in checks if check.status == "fail"] == []
    assert {"python", "torch", "cpu", "cores", "memory", "gpu", "disk", "compiler"} <= {
        check.name for check in checks
    }


def test_whatever_is_wrong_comes_with_advice() -> None:
    assert [check for check in doctor.examine() if check.status != "ok" and not check.advice] == []


def test_the_report_is_json() -> None:
    report = doctor.to_json([Check("a", "ok", "1"), Check("b", "warn", "2", "mend it")])

    assert json.loads(json.dumps(report)) == {
        "status": "warn",
        "checks": [
            {"name": "a", "status": "ok", "found": "1", "advice": ""},
            {"name": "b", "status": "warn", "found": "2", "advice": "mend it"},
        ],
    }


def test_one_failure_is_the_worst() -> None:
    checks = [Check("a", "ok", ""), Check("b", "fail", ""), Check("c", "warn", "")]
    assert doctor.worst(checks) == "fail"
    assert doctor.worst([]) == "ok"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package == "z3-solver":
            raise PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(doctor, "version", version)
    bad = [check for check in doctor.check_packages() if check.status != "ok"]
    assert bad == [Check("z3-solver", "fail", "not installed", "pip install z3-solver")]


def test_a_missing_extra_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(module: str) -> None:
        if module == "openvino":
            raise ModuleNotFoundError(module)
        if module == "onnxruntime":
            raise ImportError("libgomp.so.1: no such file")

    monkeypatch.setattr(doctor, "import_module", load)
    onnx, openvino = [check for check in doctor.check_optional() if check.status == "warn"]
    assert "libgomp.so.1" in onnx.found
    assert "tesuji[openvino]" in openvino.advice


def test_a_driver_without_a_cuda_build_of_torch_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    check = doctor.check_gpu()
    assert (check.status, "CUDA build" in check.advice) == ("warn", True)


@pytest.mark.parametrize(
    ("free", "status"), [(100 * 2**30, "ok"), (2 * 2**30, "warn"), (2**20, "fail")]
)
def test_the_disk_fills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert doctor.check_disk(tmp_path / "not" / "yet").status == status


def test_a_folder_that_cannot_be_written_fails() -> None:
    assert doctor.check_disk(Path("/proc")).status == "fail"


def test_the_switched_off_compiler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.core.config, "DISABLE_JIT", 1)
    (check,) = doctor.check_kernels()
    assert (check.status, "NUMBA_DISABLE_JIT" in check.advice) == ("warn", True)
