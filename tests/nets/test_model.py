import pytest
import torch

from tesuji.nets.config import MLPConfig, ResNetConfig
from tesuji.nets.inference import InferenceNet
from tesuji.nets.model import build
from tesuji.search.base import DomainSpec

COLUMNS = DomainSpec("columns", 7, (2, 6, 7), 2, 42)
CELLS = DomainSpec("cells", 65, (2, 8, 8), 2, 60, policy_planes=1, num_extra_actions=1)
SMALL_CELLS = DomainSpec("cells", 37, (2, 6, 6), 2, 32, policy_planes=1, num_extra_actions=1)
PLANES = DomainSpec("planes", 75, (3, 5, 5), 2, 32, policy_planes=3)
OTHER = DomainSpec("other", 11, (2, 4, 4), 2, 9)
FLAT = DomainSpec("flat", 3, (5,), 1, 9)
SMALL = ResNetConfig(channels=8, blocks=2, head_channels=4, value_hidden=8)


@pytest.mark.parametrize("spec", [COLUMNS, CELLS, PLANES, OTHER], ids=lambda spec: spec.name)
@pytest.mark.parametrize("config", [SMALL, MLPConfig(hidden=8)], ids=["resnet", "mlp"])
def test_logits_have_the_shape_of_the_actions(config, spec):
    policy, wdl = build(config, spec)(torch.zeros(4, *spec.observation_shape))

    assert policy.shape == (4, spec.num_actions)
    assert wdl.shape == (4, 3)


def test_an_mlp_takes_flat_observations():
    policy, wdl = build(MLPConfig(hidden=8), FLAT)(torch.zeros(4, 5))

    assert (policy.shape, wdl.shape) == ((4, 3), (4, 3))


def test_a_resnet_says_that_it_needs_a_board():
    with pytest.raises(ValueError, match=r"flat: a residual net needs .*\(5,\); choose the mlp"):
        build(SMALL, FLAT)


def test_the_weights_of_a_small_board_serve_a_large_one():
    small, large = build(SMALL, SMALL_CELLS), build(SMALL, CELLS)

    large.load_state_dict(small.state_dict())

    policy, _ = large(torch.zeros(2, 2, 8, 8))
    assert policy.shape == (2, 65)


def test_columns_are_judged_alike_by_any_width():
    wide = DomainSpec("wide", 9, (2, 7, 9), 2, 63)

    build(SMALL, wide).load_state_dict(build(SMALL, COLUMNS).state_dict())


def test_planes_that_do_not_make_the_actions_are_refused():
    spec = DomainSpec("wrong", 36, (2, 6, 6), 2, 32, policy_planes=1, num_extra_actions=1)

    with pytest.raises(ValueError, match=r"wrong: 1 policy planes .* make 37 actions"):
        build(SMALL, spec)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [(ResNetConfig, "channels", 0), (ResNetConfig, "blocks", -1), (MLPConfig, "layers", 0)],
)
def test_impossible_sizes_are_refused(kind, field, value):
    with pytest.raises(ValueError, match=f"{field} must be at least .*, got {value}"):
        kind(**{field: value})


def test_the_same_seed_builds_the_same_network():
    weights = []
    for _ in range(2):
        torch.manual_seed(1)
        weights.append(torch.cat([p.flatten() for p in build(SMALL, COLUMNS).parameters()]))

    assert torch.equal(*weights)


def test_folding_keeps_the_outputs_and_the_network():
    model = build(SMALL, COLUMNS)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
    model.eval()
    observations = torch.rand(4, 2, 6, 7)

    logits, value, draw = InferenceNet(model)(observations)

    expected, wdl_logits = model(observations)
    win, drawn, loss = wdl_logits.softmax(1).unbind(1)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(value, win - loss)
    torch.testing.assert_close(draw, drawn)
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules())
