"""One network serves several sizes of a game."""

import numpy as np
import pytest
import torch

from tesuji.domains.registry import make
from tesuji.engine.checkpoint import Checkpoint, save_checkpoint
from tesuji.engine.storage import StorageError
from tesuji.engine.trained import WEIGHTS, family, load_evaluator, net_to_dict, shipped
from tesuji.nets.config import MLPConfig, ResNetConfig
from tesuji.nets.model import build


@pytest.fixture
def othello(tmp_path):
    """Return checkpoints of new networks for Othello on a board of 4."""

    def write(config):
        domain = make("othello_4x4")
        torch.manual_seed(1)
        tensors = build(config, domain.spec).state_dict()
        folder = tmp_path / net_to_dict(config)["kind"]
        weights = {name: tensor.numpy() for name, tensor in tensors.items()}
        save_checkpoint(folder, Checkpoint("othello_4x4", net_to_dict(config), 0, weights))
        return folder

    return write


def test_names_of_sizes_are_of_one_family():
    assert family("hex_7x7") == ("hex", 7)
    assert family("hex") == ("hex", 0)
    assert family("tic_tac_toe") == ("tic_tac_toe", 0)
    assert family("hex_7x8") == ("hex_7x8", 0)


def test_a_network_of_one_size_judges_another_as_torch_does(othello):
    folder, domain = othello(ResNetConfig(channels=8, blocks=2)), make("othello_6x6")
    seen = domain.observe(domain.reset())[None]
    native, reference = (
        load_evaluator(folder, domain, backend=backend).evaluate(seen)
        for backend in ("native", "torch")
    )
    assert native.logits.shape == (1, 37)
    np.testing.assert_allclose(native.logits, reference.logits, atol=1e-4)


def test_a_network_for_one_size_only_says_so(othello):
    folder = othello(MLPConfig(hidden=8, layers=1))
    with pytest.raises(ValueError, match="sees 32 inputs, but othello_6x6 shows 72"):
        load_evaluator(folder, make("othello_6x6"))


def test_another_game_is_refused(othello):
    with pytest.raises(StorageError, match="is for othello_4x4, not for tic_tac_toe"):
        load_evaluator(othello(MLPConfig()), make("tic_tac_toe"))


def test_a_size_without_a_network_gets_the_nearest_one():
    assert shipped("othello_6x6") == WEIGHTS / "othello_6x6"
    assert shipped("othello_4x4") == WEIGHTS / "othello_6x6"
    assert shipped("breakthrough_6x6") == WEIGHTS / "breakthrough"
    assert shipped("nothing_9x9") == WEIGHTS / "nothing_9x9"
