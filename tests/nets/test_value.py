"""What a value head tells apart, and that every backend means the same by it."""

import numpy as np
import pytest
import torch

from tesuji.domains.base import DomainSpec
from tesuji.nets.config import MLPConfig
from tesuji.nets.evaluators import make_evaluator
from tesuji.nets.model import build
from tesuji.nets.value import value_of, value_support, value_targets

RANGES = [(-6.0, 180.0), (0.0, 4e6), (-50.0, 0.0), (-1.0, 2.0)]


def spec(low, high):
    return DomainSpec("any", 4, (6,), 1, 10, value_range=(low, high))


def test_wins_and_losses_keep_three_numbers():
    np.testing.assert_array_equal(value_support(spec(-1.0, 1.0)), [1, 0, -1])


@pytest.mark.parametrize("bounds", RANGES)
def test_the_mean_of_a_target_is_the_return(bounds):
    low, high = bounds
    support = value_support(spec(low, high))
    assert (support[-1], support[0]) == (np.float32(low), np.float32(high))
    assert (np.diff(support) < 0).all()
    values = np.linspace(low, high, 1001).astype(np.float32)
    targets = value_targets(values, support)
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    assert (targets >= 0).all()
    assert ((targets > 0).sum(1) <= 2).all()
    np.testing.assert_allclose(targets @ support, values, atol=2e-6 * (high - low))


def test_returns_beyond_the_range_count_as_its_ends():
    support = value_support(spec(0.0, 10.0))
    targets = value_targets(np.array([-3.0, 12.0], np.float32), support)
    np.testing.assert_array_equal(targets @ support, [0.0, 10.0])


@pytest.mark.parametrize("bounds", RANGES)
@pytest.mark.parametrize("backend", ["native", "onnx"])
def test_backends_agree_on_values_of_any_range(bounds, backend):
    torch.manual_seed(3)
    of = spec(*bounds)
    network = build(MLPConfig(hidden=16, layers=2), of).eval()
    observations = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    expected = make_evaluator("torch", network, of).evaluate(observations)
    found = make_evaluator(backend, network, of).evaluate(observations)
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-4, atol=1e-4)
    assert (found.draw == 0).all()
    # A new network expects little: not the middle of a range that may be far away.
    assert np.abs(found.value).max() < 0.1 * max(map(abs, bounds)) + 1


def test_logits_of_one_bin_are_its_return():
    support = value_support(spec(-6.0, 180.0))
    logits = np.full((1, len(support)), -1e4, np.float32)
    logits[0, 7] = 0
    value, _ = value_of(logits, support)
    assert value[0] == support[7]
