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


class Torus(NamedTuple):
    """The transform of one board size; the kernels take its first eight arrays."""

    rows: FloatArray  # [N, H] cosines and sines along a column of cells
    columns: FloatArray  # [M, W] cosines and sines along a row of cells
    back_rows: FloatArray  # [H, N]
    back_columns: FloatArray  # [W, M]
    terms: Indices  # [G, 4] the coefficients that a plane is the sum of
    signs: FloatArray  # [G, 4]
    back_terms: Indices  # [N M, 4] the products that a coefficient is the sum of
    back_signs: FloatArray  # [N M, 4]
    board: FloatArray  # [G, P] planes of a board
    taps: FloatArray  # [G, 9] planes of a 3x3 kernel


def torus(height: int, width: int) -> Torus:
    """Return the transform for boards of `height` x `width` cells."""
    rows, columns = _functions(height), _functions(width)
    coefficients = np.einsum("nh,mw->nmhw", rows, columns).reshape(len(rows) * len(columns), -1)
    frequencies = _frequencies(height + 1, width + 1)
    planes = np.concatenate([frequency.planes() for frequency in frequencies])
    back = np.concatenate([frequency.back() for frequency in frequencies], 1)
    taps = [frequency.taps(height + 1, width + 1) for frequency in frequencies]
    return Torus(
        _single(rows),
        _single(columns),
        _single(rows.T),
        _single(columns.T),
        *_four_terms(planes),
        *_four_terms(back),
        _single(planes @ coefficients),
        _single(np.concatenate(taps)),
    )


def transform_kernel(board: Torus, kernel: FloatArray) -> FloatArray:
    """Return the planes `[G, inputs, outputs]` of a convolution `[outputs, inputs, 3, 3]`."""
    outputs, inputs = kernel.shape[:2]
    planes = board.taps @ kernel.reshape(outputs * inputs, 9).T
    return planes.reshape(-1, outputs, inputs).transpose(0, 2, 1)


class _Frequency(NamedTuple):
    """The complex coefficient a + ib at (k, l); of its mirror image at (-k, -l) nothing is kept.

    A product (a + ib)(u + iv) is (x - z) + i(x + y), where x = u(a + b), y = (v - u)a and
    z = (u + v)b. So its planes hold a + b, a and b of a board, and u, v - u and u + v of a kernel.
    """

    k: int
    l: int  # noqa: E741
    a: Doubles  # [N M] signs of the torus coefficients that it is the sum of
    b: Doubles  # [N M] all zero where it is real

    def planes(self) -> Doubles:
        """Return the planes of a board as sums of torus coefficients `[1 or 3, N M]`."""
        if not self.b.any():
            return self.a[None]
        return np.stack([self.a + self.b, self.a, self.b])

    def back(self) -> Doubles:
        """Return the torus coefficients as sums of x, y, z `[N M, 1 or 3]`."""
        if not self.b.any():
            return self.a[:, None]
        return np.stack([self.a + self.b, self.b, -self.a], 1)

    def taps(self, height: int, width: int) -> Doubles:
        """Return the planes of a 3x3 kernel `[1 or 3, 9]`, with the inverse transform's scale."""
        offsets = np.arange(-1, 2)
        angles = self.k * offsets[:, None] / height + self.l * offsets[None] / width
        u = np.cos(2 * np.pi * angles).reshape(1, 9) / (height * width)
        v = -np.sin(2 * np.pi * angles).reshape(1, 9) / (height * width)
        if not self.b.any():
            return u
        return 2 * np.concatenate([u, v - u, u + v])  # twice: the mirror image adds as much


def _frequencies(height: int, width: int) -> list[_Frequency]:
    """Return half of the frequencies of a torus; the others mirror them."""
    sines = height // 2, width // 2  # sine k is function k + this, cosine k is function k
    coefficients = np.eye(height * width).reshape(height, width, -1)
    nothing = np.zeros(height * width)
    frequencies = []
    for k, l in np.ndindex(sines[0] + 1, sines[1] + 1):  # noqa: E741
        wave_k, wave_l = 2 * k % height != 0, 2 * l % width != 0
        cos_cos = coefficients[k, l]
        sin_cos = coefficients[sines[0] + k, l] if wave_k else nothing
        cos_sin = coefficients[k, sines[1] + l] if wave_l else nothing
        both = wave_k and wave_l
        sin_sin = coefficients[sines[0] + k, sines[1] + l] if both else nothing
        frequencies.append(_Frequency(k, l, cos_cos - sin_sin, sin_cos + cos_sin))
        if both:
            frequencies.append(_Frequency(k, -l, cos_cos + sin_sin, sin_cos - cos_sin))
    return frequencies


def _functions(cells: int) -> Doubles:
    """Return the cosines, then the sines, of a circle of `cells + 1` cells at `cells` of them."""
    size = cells + 1
    angles = 2 * np.pi / size * np.arange(cells)
    cosines = [np.cos(k * angles) for k in range(size // 2 + 1)]
    return np.array(cosines + [np.sin(k * angles) for k in range(1, (size + 1) // 2)])


def _four_terms(matrix: Doubles) -> tuple[Indices, FloatArray]:
    """Return the places `[rows, 4]` and values of what is not zero; no row has more than four."""
    terms = np.argsort(matrix == 0, 1, kind="stable")[:, :4]
    return np.ascontiguousarray(terms), _single(np.take_along_axis(matrix, terms, 1))


def _single(matrix: Doubles) -> FloatArray:
    return np.ascontiguousarray(matrix, np.float32)
