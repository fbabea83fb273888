"""Compiled kernels of the native evaluator: matrix products, and Fourier transforms of boards.

`P` cells of the board, `G` planes, `L` lanes: all channels of all positions, padded to whole
tiles. Arrays are `[P, L]` on the board and `[G, L]` as planes (`tesuji.nets.fourier` says what a
plane is). A position's result has one order of operations, whatever is beside it in the batch.
"""

from __future__ import annotations

import numpy as np
from numba import float32, int64, njit, void

from tesuji.nets.tile import LANES, tile_1, tile_2, tile_3, tile_4, tile_6

RUN = 512  # lanes that a transform treats at once, so that they stay in the second cache

_FLAT = float32[::1]
_BOARD = float32[:, ::1]
_TORUS = (_BOARD, _BOARD, int64[::1], int64[:, ::1], int64[:, ::1])
_FUSED = {"contract", "nsz"}  # as in `tile`
_ZERO = np.float32(0)


@njit(nogil=True)
def _multiply(  # type: ignore[no-untyped-def]
    a, a_first, a_stride, b, b_first, b_stride, c, c_first, c_stride, rows, depth, columns
):
    """Set c to a times b; all are parts of flat arrays, as in `tile`."""
    for column in range(0, columns, LANES):
        right = b_first + column
        row = 0
        while row < rows:
            left = a_first + row * a_stride
            to = c_first + row * c_stride + column
            rest = rows - row
            if rest > 8 or rest == 6:
                tile_6(a, left, a_stride, b, right, b_stride, c, to, c_stride, depth)
                row += 6
            elif rest >= 4:
                tile_4(a, left, a_stride, b, right, b_stride, c, to, c_stride, depth)
                row += 4
            elif rest == 3:
                tile_3(a, left, a_stride, b, right, b_stride, c, to, c_stride, depth)
                row += 3
            elif rest == 2:
                tile_2(a, left, a_stride, b, right, b_stride, c, to, c_stride, depth)
                row += 2
            else:
                tile_1(a, left, a_stride, b, right, b_stride, c, to, c_stride, depth)
                row += 1


@njit(
    void(_BOARD, int64, float32[:, :, ::1], _BOARD),
    nogil=True,
    cache=True,
)
def multiply_planes(spectrum, rows, weights, products):  # type: ignore[no-untyped-def]
    """Set products `[G, L']` to spectrum `[G, L]`, as `rows` x K, times weights `[G, K, N]`."""
    planes, depth, columns = weights.shape
    a, b, c = spectrum.reshape(-1), weights.reshape(-1), products.reshape(-1)
    for plane in range(planes):
        _multiply(
            a,
            plane * spectrum.shape[1],
            depth,
            b,
            plane * depth * columns,
            columns,
            c,
            plane * products.shape[1],
            columns,
            rows,
            depth,
            columns,
        )


@njit(void(_BOARD, _BOARD, _FLAT, _BOARD), nogil=True, cache=True)
def dense(inputs, weights, bias, outputs):  # type: ignore[no-untyped-def]
    """Set outputs `[B, N]` to inputs `[B, K]` times weights `[K, N]`, plus bias `[N]`."""
    depth, columns = weights.shape
    a, b, c = inputs.reshape(-1), weights.reshape(-1), outputs.reshape(-1)
    _multiply(a, 0, depth, b, 0, columns, c, 0, columns, len(inputs), depth, columns)
    for row in range(len(outputs)):
        for column in range(columns):
            outputs[row, column] += bias[column]


@njit(nogil=True, inline="always")
def _three(planes, first, start, end):  # type: ignore[no-untyped-def]
    """Return the three planes of one frequency."""
    return planes[first, start:end], planes[first + 1, start:end], planes[first + 2, start:end]


@njit(nogil=True, fastmath=_FUSED)
def _combine(torus, start, end, reals, pairs, quads, spectrum):  # type: ignore[no-untyped-def]
    """Write a run of planes: the factors a + b, a and b of each complex coefficient a + ib."""
    plane = 0
    for index in reals:
        spectrum[plane, start:end] = torus[index, : end - start]
        plane += 1
    for pair in range(len(pairs)):
        real, imaginary = torus[pairs[pair, 0]], torus[pairs[pair, 1]]
        first, second, third = _three(spectrum, plane, start, end)
        for i in range(end - start):
            first[i] = real[i] + imaginary[i]
            second[i] = real[i]
            third[i] = imaginary[i]
        plane += 3
    for quad in range(len(quads)):
        cos_cos, sin_sin = torus[quads[quad, 0]], torus[quads[quad, 1]]
        sin_cos, cos_sin = torus[quads[quad, 2]], torus[quads[quad, 3]]
        first, second, third = _three(spectrum, plane, start, end)
        for i in range(end - start):
            second[i] = cos_cos[i] - sin_sin[i]
            third[i] = sin_cos[i] + cos_sin[i]
            first[i] = second[i] + third[i]
        first, second, third = _three(spectrum, plane + 3, start, end)
        for i in range(end - start):
            second[i] = cos_cos[i] + sin_sin[i]
            third[i] = sin_cos[i] - cos_sin[i]
            first[i] = second[i] + third[i]
        plane += 6


@njit(nogil=True, fastmath=_FUSED)
def _separate(products, start, end, reals, pairs, quads, torus):  # type: ignore[no-untyped-def]
    """Read a run of planes: the inverse of `_combine`, after the multiplication."""
    plane = 0
    for index in reals:
        torus[index, : end - start] = products[plane, start:end]
        plane += 1
    for pair in range(len(pairs)):
        real, imaginary = torus[pairs[pair, 0]], torus[pairs[pair, 1]]
        first, second, third = _three(products, plane, start, end)
        for i in range(end - start):
            real[i] = first[i] - third[i]
            imaginary[i] = first[i] + second[i]
        plane += 3
    for quad in range(len(quads)):
        one, two = torus[quads[quad, 0]], torus[quads[quad, 1]]
        first, second, third = _three(products, plane, start, end)
        fourth, fifth, sixth = _three(products, plane + 3, start, end)
        for i in range(end - start):
            a, b = first[i] - third[i], fourth[i] - sixth[i]
            one[i] = a + b
            two[i] = b - a
        one, two = torus[quads[quad, 2]], torus[quads[quad, 3]]
        for i in range(end - start):
            a, b = first[i] + second[i], fourth[i] + fifth[i]
            one[i] = a + b
            two[i] = a - b
        plane += 6


@njit(nogil=True)
def _transform(board, first, lanes, rows, columns, half, torus):  # type: ignore[no-untyped-def]
    """Set torus `[N M, RUN]` to the coefficients of a run of board `[P, L]`."""
    (n, height), (m, width) = rows.shape, columns.shape
    stride = board.shape[1]
    a, b, c, d = columns.reshape(-1), board.reshape(-1), half.reshape(-1), torus.reshape(-1)
    for row in range(height):
        start = row * width * stride + first
        _multiply(a, 0, width, b, start, stride, c, row * m * RUN, RUN, m, width, lanes)
    a = rows.reshape(-1)
    for column in range(m):
        start = column * RUN
        _multiply(a, 0, height, c, start, m * RUN, d, start, m * RUN, n, height, lanes)


@njit(nogil=True)
def _restore(torus, lanes, rows, columns, half, cells):  # type: ignore[no-untyped-def]
    """Set cells `[P, RUN]` to the board whose coefficients torus holds: `_transform`'s inverse."""
    (height, n), (width, m) = rows.shape, columns.shape
    a, b, c, d = rows.reshape(-1), torus.reshape(-1), half.reshape(-1), cells.reshape(-1)
    for column in range(m):
        start = column * RUN
        _multiply(a, 0, n, b, start, m * RUN, c, start, m * RUN, height, n, lanes)
    a = columns.reshape(-1)
    for row in range(height):
        start = row * m * RUN
        _multiply(a, 0, m, c, start, RUN, d, row * width * RUN, RUN, width, m, lanes)


@njit(void(_BOARD, *_TORUS, _BOARD), nogil=True, cache=True)
def analyse(board, rows, columns, reals, pairs, quads, spectrum):  # type: ignore[no-untyped-def]
    """Set spectrum `[G, L]` to the planes of board `[P, L]`."""
    (n, height), m = rows.shape, columns.shape[0]
    half = np.empty((height * m, RUN), np.float32)
    torus = np.empty((n * m, RUN), np.float32)
    for start in range(0, board.shape[1], RUN):
        end = min(start + RUN, board.shape[1])
        _transform(board, start, end - start, rows, columns, half, torus)
        _combine(torus, start, end, reals, pairs, quads, spectrum)


@njit(nogil=True, fastmath=_FUSED)
def _rectify(cells, start, end, bias, residual):  # type: ignore[no-untyped-def]
    """Add bias and residual to a run of a board, and cut off what is negative."""
    for cell in range(len(cells)):
        here, offset = cells[cell], bias[start:end]
        if len(residual):
            skipped = residual[cell, start:end]
            for i in range(end - start):
                here[i] = max(here[i] + offset[i] + skipped[i], _ZERO)
        else:
            for i in range(end - start):
                here[i] = max(here[i] + offset[i], _ZERO)


@njit(void(_BOARD, _FLAT, _BOARD, *_TORUS, _BOARD, _BOARD), nogil=True, cache=True)
def activate(products, bias, residual, rows, columns, reals, pairs, quads, board, spectrum):  # type: ignore[no-untyped-def]
    """Set board `[P, L]` to relu(convolution + bias `[L]` + residual), and spectrum to its planes.

    Residual, board and spectrum may each have no rows: then there is none, or none is wanted.
    """
    (n, height), (m, width) = rows.shape, columns.shape
    inverse_rows, inverse_columns = rows.T.copy(), columns.T.copy()
    half = np.empty((height * m, RUN), np.float32)
    torus = np.empty((n * m, RUN), np.float32)
    cells = np.empty((height * width, RUN), np.float32)
    for start in range(0, products.shape[1], RUN):
        end = min(start + RUN, products.shape[1])
        _separate(products, start, end, reals, pairs, quads, torus)
        _restore(torus, end - start, inverse_rows, inverse_columns, half, cells)
        _rectify(cells, start, end, bias, residual)
        for cell in range(len(board)):
            board[cell, start:end] = cells[cell, : end - start]
        if len(spectrum):
            _transform(cells, 0, end - start, rows, columns, half, torus)
            _combine(torus, start, end, reals, pairs, quads, spectrum)
