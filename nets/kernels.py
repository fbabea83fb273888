"""Compiled kernels of the native evaluator: matrix products, and Fourier transforms of boards.

`P` cells of the board, `G` planes, `L` lanes: all channels of all positions, padded to whole
tiles. Arrays are `[P, L]` on the board and `[G, L]` as planes (`tesuji.nets.fourier` says what a
plane is). A position's result has one order of operations, whatever is beside it in the batch.
"""

from __future__ import annotations

import numpy as np
from numba import float32, int64, njit, void

from tesuji.nets.tile import LANES, tile_1, tile_4, tile_6
from tesuji.search.base import FloatArray

RUN = 256  # lanes that a transform treats at once, so that they stay in the second cache
STRIDE = RUN + LANES  # rows a power of two apart would compete for the same lines of a cache

_FLAT = float32[::1]
_BOARD = float32[:, ::1]
_TORUS = (_BOARD, _BOARD, int64[:, ::1], _FLAT, _FLAT)
_FUSED = {"contract", "nsz"}  # as in `tile`
_ZERO = np.float32(0)


@njit(nogil=True)
def _multiply(  # type: ignore[no-untyped-def]
    a, a_first, a_stride, b, b_first, b_stride, c, c_first, c_stride, rows, depth, columns
):
    """Set c to a times b; all are parts of contiguous arrays, as in `tile`."""
    for column in range(0, columns, LANES):
        right = b_first + column
        row = 0
        while row < rows:
            left = a_first + row * a_stride
            to = c_first + row * c_stride + column
            rest = rows - row
            if rest >= 6 and rest != 8:
                tile_6(a, left, a_stride, b, right, b_stride, c, to, c_stride, depth)
                row += 6
            elif rest >= 4:
                tile_4(a, left, a_stride, b, right, b_stride, c, to, c_stride, depth)
                row += 4
            else:
                tile_1(a, left, a_stride, b, right, b_stride, c, to, c_stride, depth)
                row += 1


def pack_planes(weights: FloatArray) -> FloatArray:
    """Return weights `[G, K, N]` as `multiply_planes` reads them, `[G * N / LANES * K, LANES]`."""
    planes, depth, columns = weights.shape
    tiles = weights.reshape(planes, depth, columns // LANES, LANES).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(tiles).reshape(-1, LANES)


@njit(void(_BOARD, int64, _BOARD, _BOARD), nogil=True, cache=True)
def multiply_planes(spectrum, rows, weights, products):  # type: ignore[no-untyped-def]
    """Set products `[G, rows * N]` to spectrum `[G, rows * K]` times weights, plane by plane.

    Weights `[G * N / LANES * K, LANES]` lie as they are read, one tile's columns after another's.
    """
    planes, columns = len(spectrum), products.shape[1] // rows
    depth = weights.size // (planes * columns)
    for plane in range(planes):
        left = plane * spectrum.shape[1]
        for column in range(0, columns, LANES):
            right = (plane * columns + column) * depth
            to = plane * products.shape[1] + column
            _multiply(
                spectrum,
                left,
                depth,
                weights,
                right,
                LANES,
                products,
                to,
                columns,
                rows,
                depth,
                LANES,
            )


@njit(void(_BOARD, _BOARD, _FLAT, _BOARD), nogil=True, cache=True)
def dense(inputs, weights, bias, outputs):  # type: ignore[no-untyped-def]
    """Set outputs `[B, N]` to inputs `[B, K]` times weights `[K, N]`, plus bias `[N]`."""
    depth, columns = weights.shape
    rows = len(inputs)
    _multiply(inputs, 0, depth, weights, 0, columns, outputs, 0, columns, rows, depth, columns)
    for row in range(len(outputs)):
        for column in range(columns):
            outputs[row, column] += bias[column]


@njit(nogil=True)
def _transform(cells, lanes, columns, groups, planes, half, spectrum, first):  # type: ignore[no-untyped-def]
    """Set a run of spectrum `[G, L]` to the planes of cells `[P, RUN]`."""
    m, width = columns.shape
    height = len(cells) // width
    for row in range(height):
        at, to = row * width * STRIDE, row * STRIDE
        _multiply(columns, 0, width, cells, at, STRIDE, half, to, height * STRIDE, m, width, lanes)
    matrix, at, to, stride = 0, 0, first, spectrum.shape[1]
    for group in range(len(groups)):
        depth, rows = groups[group, 0], groups[group, 1]
        _multiply(planes, matrix, depth, half, at, STRIDE, spectrum, to, stride, rows, depth, lanes)
        matrix += rows * depth
        at += depth * STRIDE
        to += rows * stride


@njit(nogil=True)
def _restore(products, first, lanes, columns, groups, planes, half, cells):  # type: ignore[no-untyped-def]
    """Set cells `[P, RUN]` to the board whose planes are a run of products: the inverse."""
    width, m = columns.shape
    height = len(cells) // width
    matrix, at, to, stride = 0, first, 0, products.shape[1]
    for group in range(len(groups)):
        rows, depth = groups[group, 0], groups[group, 1]
        _multiply(planes, matrix, depth, products, at, stride, half, to, STRIDE, rows, depth, lanes)
        matrix += rows * depth
        at += depth * stride
        to += rows * STRIDE
    for row in range(height):
        at, to = row * STRIDE, row * width * STRIDE
        _multiply(columns, 0, m, half, at, height * STRIDE, cells, to, STRIDE, width, m, lanes)


@njit(nogil=True, fastmath=_FUSED)
def _rectify(cells, first, lanes, bias, residual):  # type: ignore[no-untyped-def]
    """Add bias and residual to a run of a board, and cut off what is negative.

    Unsigned lanes spare LLVM the test for negative ones, without which it makes no vectors.
    """
    for cell in range(len(cells)):
        if len(residual):
            for i in range(lanes):
                total = cells[cell, i] + bias[first + i] + residual[cell, first + i]
                cells[cell, i] = max(total, _ZERO)
        else:
            for i in range(lanes):
                cells[cell, i] = max(cells[cell, i] + bias[first + i], _ZERO)


@njit(void(_BOARD, _FLAT, _BOARD, *_TORUS, _BOARD, _BOARD), nogil=True, cache=True)
def activate(  # type: ignore[no-untyped-def]
    products, bias, residual, columns, back_columns, groups, planes, back_planes, board, spectrum
):
    """Set board `[P, L]` to relu(convolution + bias `[L]` + residual), and spectrum to its planes.

    Residual, board and spectrum may each have no rows: then there is none, or none is wanted.
    """
    m, width = columns.shape
    height = groups[0, 0]
    half = np.empty((m * height, STRIDE), np.float32)
    cells = np.empty((height * width, STRIDE), np.float32)
    for start in range(0, products.shape[1], RUN):
        lanes = min(RUN, products.shape[1] - start)
        first, count = np.uint64(start), np.uint64(lanes)
        _restore(products, start, lanes, back_columns, groups, back_planes, half, cells)
        _rectify(cells, first, count, bias, residual)
        for cell in range(len(board)):
            for i in range(count):
                board[cell, first + i] = cells[cell, i]
        if len(spectrum):
            _transform(cells, lanes, columns, groups, planes, half, spectrum, start)
