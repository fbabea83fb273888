"""3x3 convolutions on a small board as products of Fourier coefficients.

A board of `H` x `W` cells with one empty row and column added is periodic without wrapping: the
zero padding of one side serves both. On that torus of `N = H + 1` by `M = W + 1` cells a
convolution multiplies coefficients, frequency by frequency (Mathieu et al. 2013,
arXiv:1312.5851). On 6 x 7 cells 54 of the 56 real coefficients are 27 complex numbers, whose
products take three real multiplications each (Karatsuba): 83 products of two channels' matrices
where the direct sum takes 378. Nothing is approximated but by float32's rounding.

`P` cells of the board, `G` planes (real products), `C` channels.

A torus coefficient with index `p * M + q` belongs to the p-th row and q-th column function:
cosines by frequency, then sines. The four that share frequencies (k, l) make two complex numbers:

    (cos cos - sin sin) + i (sin cos + cos sin)   at ( k, l)
    (cos cos + sin sin) + i (sin cos - cos sin)   at ( k, -l)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.search.base import FloatArray

Indices = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Frequencies = list[tuple[int, int]]


class Torus(NamedTuple):
    """The transform of one board size; the kernels take its first seven arrays."""

    rows: FloatArray  # [N, H] cosines and sines along a column of cells
    columns: FloatArray  # [M, W] cosines and sines along a row of cells
    back_rows: FloatArray  # [H, N]
    back_columns: FloatArray  # [W, M]
    reals: Indices  # [R] coefficients that are real frequencies
    pairs: Indices  # [S, 2] real and imaginary part of one frequency
    quads: Indices  # [Q, 4] cos cos, sin sin, sin cos, cos sin of two frequencies
    board: FloatArray  # [G, P] planes of a board
    taps: FloatArray  # [G, 9] planes of a 3x3 kernel


def torus(height: int, width: int) -> Torus:
    """Return the transform for boards of `height` x `width` cells."""
    rows, columns = _functions(height), _functions(width)
    reals, pairs, quads, frequencies = _frequencies(height + 1, width + 1)
    both = np.einsum("nh,mw->nmhw", rows, columns).reshape(len(rows) * len(columns), -1)
    return Torus(
        _single(rows),
        _single(columns),
        _single(rows.T),
        _single(columns.T),
        reals,
        pairs,
        quads,
        _single(_board_planes(both, reals, pairs, quads)),
        _single(_tap_planes((height + 1, width + 1), frequencies, len(reals))),
    )


def _frequencies(height: int, width: int) -> tuple[Indices, Indices, Indices, Frequencies]:
    """Return reals, pairs, quads, and the frequencies that they make, in this order."""
    cosines = [height // 2 + 1, width // 2 + 1]  # sine k is function cosines + k - 1
    reals, pairs, quads = [], [], []
    frequencies: tuple[Frequencies, Frequencies, Frequencies] = ([], [], [])
    for k, l in np.ndindex(cosines[0], cosines[1]):  # noqa: E741
        cos, sin = k * width, (cosines[0] + k - 1) * width
        sine_l = cosines[1] + l - 1
        match 2 * k % height == 0, 2 * l % width == 0:
            case True, True:
                reals.append(cos + l)
                frequencies[0].append((k, l))
            case True, False:
                pairs.append((cos + l, cos + sine_l))
                frequencies[1].append((k, l))
            case False, True:
                pairs.append((cos + l, sin + l))
                frequencies[1].append((k, l))
            case _:
                quads.append((cos + l, sin + sine_l, sin + l, cos + sine_l))
                frequencies[2].extend([(k, l), (k, -l)])
    return (
        np.array(reals, np.int64),
        np.array(pairs, np.int64).reshape(-1, 2),
        np.array(quads, np.int64).reshape(-1, 4),
        [*frequencies[0], *frequencies[1], *frequencies[2]],
    )


def transform_kernel(board: Torus, kernel: FloatArray) -> FloatArray:
    """Return the planes `[G, inputs, outputs]` of a convolution `[outputs, inputs, 3, 3]`."""
    outputs, inputs = kernel.shape[:2]
    planes = board.taps @ kernel.reshape(outputs * inputs, 9).T
    return np.ascontiguousarray(planes.reshape(-1, outputs, inputs).transpose(0, 2, 1))


def _functions(cells: int) -> Doubles:
    """Return the cosines, then the sines, of a circle of `cells + 1` cells at `cells` of them."""
    size = cells + 1
    angles = 2 * np.pi / size * np.arange(cells)
    cosines = [np.cos(k * angles) for k in range(size // 2 + 1)]
    return np.array(cosines + [np.sin(k * angles) for k in range(1, (size + 1) // 2)])


def _single(matrix: Doubles) -> FloatArray:
    return np.ascontiguousarray(matrix, np.float32)


def _board_planes(torus: Doubles, reals: Indices, pairs: Indices, quads: Indices) -> Doubles:
    """Return what each plane holds of the cells, from what each coefficient does.

    The planes of a complex coefficient a + ib are a + b, a and b.
    """
    a, b = torus[pairs.T]
    r, s, t, u = torus[quads.T]
    of_pairs = np.stack([a + b, a, b], 1)
    of_quads = np.stack([r - s + t + u, r - s, t + u, r + s + t - u, r + s, t - u], 1)
    cells = torus.shape[1]
    return np.concatenate([torus[reals], of_pairs.reshape(-1, cells), of_quads.reshape(-1, cells)])


def _tap_planes(size: tuple[int, int], frequencies: Frequencies, reals: int) -> Doubles:
    """Return what each plane holds of the nine taps, with the inverse transform's scale.

    A complex product (a + ib)(u + iv) is made of u(a + b), (v - u)a and (u + v)b, so the planes of
    one frequency hold u, v - u and u + v. Its mirror image, which is never computed, doubles it.
    The first frequencies are the `reals`.
    """
    offsets = np.arange(-1, 2)
    scale = 1 / (size[0] * size[1])
    planes: list[Doubles] = []
    for k, l in frequencies:  # noqa: E741
        angles = 2 * np.pi * (k * offsets[:, None] / size[0] + l * offsets[None] / size[1])
        real, imaginary = np.cos(angles).ravel() * scale, -np.sin(angles).ravel() * scale
        if len(planes) < reals:
            planes.append(real)
        else:
            planes += [2 * real, 2 * (imaginary - real), 2 * (real + imaginary)]
    return np.array(planes)
