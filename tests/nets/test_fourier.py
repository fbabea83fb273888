import numpy as np
import pytest
import torch
from numba import njit
from numba.core import config

from tesuji.nets.fourier import torus, transform_kernel
from tesuji.nets.kernels import activate, multiply_planes, pack_planes
from tesuji.nets.tile import LANES, plain_tile, tile_1, tile_4, tile_6

BOARDS = [(6, 7), (3, 3), (8, 8), (4, 9), (1, 5), (2, 2), (9, 5)]


def convolve(cells, kernel):
    """Return the direct convolution of cells `[H, W, B, inputs]` as `[H, W, B, outputs]`."""
    images = torch.from_numpy(cells).permute(2, 3, 0, 1)
    return torch.nn.functional.conv2d(images, torch.from_numpy(kernel), padding=1).permute(
        2, 3, 0, 1
    )


def test_connect_four_takes_83_products_instead_of_378():
    assert len(torus(6, 7).board) == 83


@pytest.mark.parametrize(("height", "width"), BOARDS)
@pytest.mark.parametrize("rows", [1, 3, 40])  # 40 positions of 16 channels are more than one run
def test_the_kernels_convolve_add_and_rectify(height, width, rows):
    rng = np.random.default_rng(rows)
    cells = rng.normal(size=(height, width, rows, 16)).astype(np.float32)
    kernel = rng.normal(size=(16, 16, 3, 3)).astype(np.float32) / 12
    bias = rng.normal(size=(rows, 16)).astype(np.float32)
    board = torus(height, width)
    flat = cells.reshape(height * width, -1)
    spectrum, result = board.board @ flat, np.empty_like(flat)

    products = np.empty_like(spectrum)
    multiply_planes(spectrum, rows, pack_planes(transform_kernel(board, kernel)), products)
    activate(products, bias.reshape(-1), flat, *board[:5], result, spectrum)

    expected = np.maximum(convolve(cells, kernel).numpy() + bias + cells, 0)
    np.testing.assert_allclose(result.reshape(expected.shape), expected, atol=2e-5)
    np.testing.assert_allclose(spectrum, board.board @ result, atol=2e-4)


@pytest.mark.parametrize(("height", "tile"), [(6, tile_6), (4, tile_4), (1, tile_1)])
def test_a_tile_is_its_plain_twin(height, tile):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-9, 9, (8, 5)), rng.integers(-9, 9, (7, 40))
    a, b = a.astype(np.float32), b.astype(np.float32)  # small integers: no rounding to argue about
    results = np.zeros((2, 8, 20), np.float32)

    for compute, result in zip((call(tile), plain_tile(height)), results, strict=True):
        compute(a, 5, 5, b, 3, 40, result, 22, 20, 5)

    np.testing.assert_array_equal(*results)
    assert np.count_nonzero(results[0]) <= height * LANES
    expected = a[1 : 1 + height] @ b[:5, 3 : 3 + LANES]
    np.testing.assert_array_equal(results[0, 1 : 1 + height, 2 : 2 + LANES], expected)


def call(tile):
    """Return what calls an intrinsic, or its plain twin where there is no JIT."""
    if config.DISABLE_JIT:
        return tile

    @njit
    def compute(a, a_first, a_stride, b, b_first, b_stride, c, c_first, c_stride, depth):
        tile(a, a_first, a_stride, b, b_first, b_stride, c, c_first, c_stride, depth)

    return compute
