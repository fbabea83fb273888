import subprocess
import sys

import numpy as np
import pytest
import torch

from tesuji.nets.config import MLPConfig, ResNetConfig
from tesuji.nets.evaluators import BACKENDS, make_evaluator
from tesuji.nets.export import ParityError, check_parity, export_native, export_onnx
from tesuji.nets.model import build
from tesuji.search.base import DomainSpec, UniformEvaluator

COLUMNS = DomainSpec("columns", 7, (2, 6, 7), 2, 42)
CELLS = DomainSpec("cells", 37, (2, 6, 6), 2, 32, policy_planes=1, num_extra_actions=1)
PLANES = DomainSpec("planes", 75, (3, 5, 5), 2, 32, policy_planes=3)
OTHER = DomainSpec("other", 11, (2, 4, 3), 2, 9)
CONFIG = ResNetConfig(channels=16, blocks=2)
# What a row's result may change by when others join the batch: nothing, where the library's
# kernels treat each image alone; torch picks other kernels for small batches.
ROW_TOLERANCE = {"torch": 1e-5}


def trained_like(config, spec):
    """Return a network whose statistics and weights are not those of a new one."""
    torch.manual_seed(0)
    model = build(config, spec)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
    return model


def boards(spec, size, seed=0):
    """Return random stones of two sides."""
    owner = np.random.default_rng(seed).integers(0, 3, (size, *spec.observation_shape[1:]))
    planes = np.arange(1, spec.observation_shape[0] + 1)
    return (owner[:, None] == planes[:, None, None]).astype(np.float32)


def make(backend, spec=COLUMNS, config=CONFIG):
    model = trained_like(config, spec)
    return make_evaluator(backend, model, spec, calibration=boards(spec, 256, seed=1))


@pytest.mark.parametrize("backend", ["native", "onnx", "openvino"])
@pytest.mark.parametrize("spec", [COLUMNS, CELLS, PLANES, OTHER], ids=lambda spec: spec.name)
@pytest.mark.parametrize("config", [CONFIG, MLPConfig()], ids=["resnet", "mlp"])
def test_an_exported_network_says_what_torch_says(backend, spec, config):
    difference = check_parity(
        make("torch", spec, config), make(backend, spec, config), boards(spec, 33), 1e-4
    )

    assert difference >= 0


@pytest.mark.parametrize("backend", ["onnx-int8", "openvino-int8"])
def test_int8_is_close_in_value(backend):
    observations = boards(COLUMNS, 200)
    exact = make("torch").evaluate(observations)

    rounded = make(backend).evaluate(observations)

    assert np.abs(rounded.value - exact.value).mean() < 0.02
    assert np.abs(rounded.logits - exact.logits).mean() < 0.05 * exact.logits.std() + 0.02


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_row_does_not_depend_on_its_batch(backend):
    evaluator = make(backend)
    observations = boards(COLUMNS, 48)
    whole = [array.copy() for array in evaluator.evaluate(observations)]

    for first, last in ((0, 1), (5, 7), (3, 20), (40, 48), (0, 33)):
        part = evaluator.evaluate(observations[first:last].copy())
        for name, expected, actual in zip(part._fields, whole, part, strict=True):
            np.testing.assert_allclose(
                actual, expected[first:last], 0, ROW_TOLERANCE.get(backend, 0), err_msg=name
            )


def test_threads_and_chunks_change_no_bit():
    observations = boards(COLUMNS, 200)
    model = trained_like(CONFIG, COLUMNS)
    one, two = (make_evaluator("native", model, COLUMNS, threads=n) for n in (1, 2))

    for a, b in zip(one.evaluate(observations), two.evaluate(observations), strict=True):
        np.testing.assert_array_equal(a, b)


def test_torch_keeps_the_threads_of_the_process():
    before = torch.get_num_threads()
    evaluator = make_evaluator("torch", trained_like(CONFIG, COLUMNS), COLUMNS, threads=before + 1)

    evaluator.evaluate(boards(COLUMNS, 1))

    assert torch.get_num_threads() == before


def test_channels_need_not_fill_tiles():
    config = ResNetConfig(channels=5, blocks=2, head_channels=3, value_hidden=7)

    check_parity(make("torch", CELLS, config), make("native", CELLS, config), boards(CELLS, 9))


def test_the_native_evaluator_says_what_it_cannot_run():
    with pytest.raises(ValueError, match="residual nets and MLPs only"):
        make_evaluator("native", torch.nn.Linear(3, 3), COLUMNS)


def test_observations_of_another_game_are_refused():
    with pytest.raises(ValueError, match=r"float32 of shape \(B, 2, 6, 7\), got float32 of shape"):
        make("native").evaluate(boards(CELLS, 2))


@pytest.mark.parametrize("backend", BACKENDS)
def test_shapes_and_ranges_are_those_of_the_contract(backend):
    evaluation = make(backend, CELLS).evaluate(boards(CELLS, 3))

    assert evaluation.logits.shape == (3, 37)
    assert evaluation.value.shape == evaluation.draw.shape == (3,)
    assert all(array.dtype == np.float32 for array in evaluation)
    assert np.all(np.abs(evaluation.value) + evaluation.draw <= 1 + 1e-6)


def test_parity_names_the_largest_difference():
    with pytest.raises(ParityError, match=r"differs from its source: \w+ by \d\S+, at most 0.0001"):
        check_parity(make("torch"), UniformEvaluator(7), boards(COLUMNS, 4))


@pytest.mark.parametrize("backend", ["native", "onnx", "openvino"])
def test_an_export_runs_without_torch(backend):
    code = (
        "import sys; from tesuji.nets.evaluators import make_evaluator; "
        "from tesuji.search.base import DomainSpec; import numpy; "
        "spec = DomainSpec('columns', 7, (2, 6, 7), 2, 42); "
        f"evaluator = make_evaluator('{backend}', sys.stdin.buffer.read(), spec); "
        "evaluator.evaluate(numpy.zeros((1, 2, 6, 7), numpy.float32)); "
        "assert 'torch' not in sys.modules"
    )
    model = trained_like(CONFIG, COLUMNS)
    exported = export_native(model) if backend == "native" else export_onnx(model, COLUMNS)

    subprocess.run([sys.executable, "-c", code], input=exported, check=True)


def test_an_unknown_backend_gets_a_suggestion():
    with pytest.raises(ValueError, match="unknown evaluator 'openvivo'; did you mean 'openvino'"):
        make("openvivo")


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_missing_extra_is_named(backend, monkeypatch):
    monkeypatch.setitem(sys.modules, {"onnx": "onnxruntime", "openvino": "openvino"}[backend], None)
    monkeypatch.delitem(sys.modules, f"tesuji.nets.{backend}_evaluator", raising=False)

    with pytest.raises(ValueError, match=rf"pip install 'tesuji\[{backend}\]'"):
        make(backend)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match=r"no GPU: .*use device=cpu"):
        make_evaluator("torch", trained_like(CONFIG, COLUMNS), COLUMNS, device="cuda")


def test_only_torch_runs_on_a_gpu():
    with pytest.raises(ValueError, match="runs on the CPU only"):
        make_evaluator("onnx", trained_like(CONFIG, COLUMNS), COLUMNS, device="cuda")
