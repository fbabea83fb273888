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
Frequencies = list[tuple[int, int]]


class Torus(NamedTuple):
    """The transform of one board size; the arrays are what the kernels take."""

    rows: FloatArray  # [N, H] cosines and sines along a column of cells
    columns: FloatArray  # [M, W] cosines and sines along a row of cells
    reals: Indices  # [R] coefficients that are real frequencies
    pairs: Indices  # [S, 2] real and imaginary part of one frequency
    quads: Indices  # [Q, 4] cos cos, sin sin, sin cos, cos sin of two frequencies
    taps: FloatArray  # [G, 9] planes of a 3x3 kernel

    @property
    def cells(self) -> int:
        """Return `P`, the cells of the board."""
        return int(self.rows.shape[1] * self.columns.shape[1])

    @property
    def planes(self) -> int:
        """Return `G`, the real products that replace a convolution."""
        return len(self.taps)


def torus(height: int, width: int) -> Torus:
    """Return the transform for boards of `height` x `width` cells."""
    rows, columns = _functions(height), _functions(width)
    size = (height + 1, width + 1)
    cosines = [n // 2 + 1 for n in size]  # sine k is function cosines + k - 1

    def index(row: int, column: int) -> int:
        return row * size[1] + column

    reals: list[int] = []
    pairs: list[tuple[int, int]] = []
    quads: list[tuple[int, int, int, int]] = []
    real_at: Frequencies = []
    pair_at: Frequencies = []
    quad_at: Frequencies = []
    for k, l in np.ndindex(cosines[0], cosines[1]):  # noqa: E741
        sine_k, sine_l = cosines[0] + k - 1, cosines[1] + l - 1
        cos_cos = index(k, l)
        match 2 * k % size[0] == 0, 2 * l % size[1] == 0:
            case True, True:
                reals.append(cos_cos)
                real_at.append((k, l))
            case True, False:
                pairs.append((cos_cos, index(k, sine_l)))
                pair_at.append((k, l))
            case False, True:
                pairs.append((cos_cos, index(sine_k, l)))
                pair_at.append((k, l))
            case _:
                sines = index(sine_k, sine_l), index(sine_k, l), index(k, sine_l)
                quads.append((cos_cos, *sines))
                quad_at += [(k, l), (k, -l)]
    return Torus(
        rows.astype(np.float32),
        columns.astype(np.float32),
        np.array(reals, np.int64),
        np.array(pairs, np.int64).reshape(-1, 2),
        np.array(quads, np.int64).reshape(-1, 4),
        _taps(size, real_at, pair_at + quad_at).astype(np.float32),
    )


def transform_kernel(board: Torus, kernel: FloatArray) -> FloatArray:
    """Return the planes `[G, inputs, outputs]` of a convolution `[outputs, inputs, 3, 3]`."""
    outputs, inputs = kernel.shape[:2]
    planes = board.taps @ kernel.reshape(outputs * inputs, 9).T
    return np.ascontiguousarray(planes.reshape(-1, outputs, inputs).transpose(0, 2, 1))


def _functions(cells: int) -> npt.NDArray[np.float64]:
    """Return the cosines, then the sines, of a circle of `cells + 1` cells at `cells` of them."""
    size = cells + 1
    angles = 2 * np.pi / size * np.arange(cells)
    cosines = [np.cos(k * angles) for k in range(size // 2 + 1)]
    return np.array(cosines + [np.sin(k * angles) for k in range(1, (size + 1) // 2)])


def _taps(
    size: tuple[int, int], reals: Frequencies, others: Frequencies
) -> npt.NDArray[np.float64]:
    """Return what each plane holds of the nine taps, with the inverse transform's scale.

    A complex product (a + ib)(u + iv) is made of u(a + b), (v - u)a and (u + v)b, so the planes of
    one frequency hold u, v - u and u + v. Its mirror image, which is never computed, doubles it.
    """
    offsets = np.arange(-1, 2)
    scale = 1 / (size[0] * size[1])
    planes: list[npt.NDArray[np.float64]] = []
    for k, l in reals + others:  # noqa: E741
        angles = 2 * np.pi * (k * offsets[:, None] / size[0] + l * offsets[None] / size[1])
        real, imaginary = np.cos(angles).ravel() * scale, -np.sin(angles).ravel() * scale
        if len(planes) < len(reals):
            planes.append(real)
        else:
            planes += [2 * real, 2 * (imaginary - real), 2 * (real + imaginary)]
    return np.array(planes)
