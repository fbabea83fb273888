"""3x3 convolutions on a small board as products of Fourier coefficients.

A board of `H` x `W` cells with one empty row and column added is periodic without wrapping: the
zero padding of one side serves both. On that torus of `N = H + 1` by `M = W + 1` cells a
convolution multiplies coefficients, frequency by frequency (Mathieu et al. 2013,
arXiv:1312.5851). On 6 x 7 cells 54 of the 56 real coefficients are 27 complex numbers, whose
products take three real multiplications each (Karatsuba): 83 products of two channels' matrices
where the direct sum takes 378. Nothing is approximated but by float32's rounding.

Along rows first: each row of cells becomes a cosine and a sine coefficient for every frequency k.
Then, for each k, these of all rows become the planes of all frequencies (j, k) and (j, -k).

`P` cells of the board, `G` planes (real products), `C` channels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.search.base import FloatArray

Doubles = npt.NDArray[np.float64]


class Torus(NamedTuple):
    """The transform of one board size; the kernels take its first five arrays.

    Group k of rows' coefficients is its cosine for each row, then its sine, if it has one: `R`
    rows of group k become `p` planes. All groups' matrices lie one after another.
    """

    columns: FloatArray  # [M, W] coefficients of a row of cells
    back_columns: FloatArray  # [W, M]
    groups: npt.NDArray[np.int64]  # [L, 2] R and p of each group
    planes: FloatArray  # [sum of p R]
    back_planes: FloatArray  # [sum of R p]
    board: FloatArray  # [G, P] planes of a board
    taps: FloatArray  # [G, 9] planes of a 3x3 kernel


def torus(height: int, width: int) -> Torus:
    """Return the transform for boards of `height` x `width` cells."""
    size = height + 1, width + 1
    waves = [_waves(k, width) for k in range(size[1] // 2 + 1)]
    groups = [
        [
            _Frequency(j, sign * k, size)
            for j in range(size[0] // 2 + 1)
            for sign in _signs(j, k, size)
        ]
        for k in range(len(waves))
    ]
    planes = [np.concatenate([f.planes() for f in group]) for group in groups]
    back = [np.concatenate([f.back() for f in group], 1) for group in groups]
    taps = [f.taps() for group in groups for f in group]
    board = [
        np.einsum("pqh,qw->phw", matrix.reshape(len(matrix), -1, height), wave)
        for matrix, wave in zip(planes, waves, strict=True)
    ]
    columns = np.concatenate(waves)
    return Torus(
        _single(columns),
        _single(columns.T),
        np.array([matrix.shape[::-1] for matrix in planes], np.int64),
        _single(np.concatenate([matrix.ravel() for matrix in planes])),
        _single(np.concatenate([matrix.ravel() for matrix in back])),
        _single(np.concatenate(board).reshape(-1, height * width)),
        _single(np.concatenate(taps)),
    )


def transform_kernel(board: Torus, kernel: FloatArray) -> FloatArray:
    """Return the planes `[G, inputs, outputs]` of a convolution `[outputs, inputs, 3, 3]`."""
    outputs, inputs = kernel.shape[:2]
    planes = board.taps @ kernel.reshape(outputs * inputs, 9).T
    return planes.reshape(-1, outputs, inputs).transpose(0, 2, 1)


class _Frequency(NamedTuple):
    """The complex coefficient a + ib at (j, k); of its mirror image at (-j, -k) nothing is kept.

    A product (a + ib)(u + iv) is (x - z) + i(x + y), where x = u(a + b), y = (v - u)a and
    z = (u + v)b. So its planes hold a + b, a and b of a board, and u, v - u and u + v of a kernel.
    """

    j: int
    k: int
    size: tuple[int, int]  # of the torus

    @property
    def real(self) -> bool:
        """Return whether b is always 0."""
        return not (_is_wave(self.j, self.size[0]) or _is_wave(self.k, self.size[1]))

    def parts(self) -> tuple[Doubles, Doubles]:
        """Return a and b as sums of the group's cosines and sines of all rows `[R]`."""
        cosines, sines = _waves(self.j, self.size[0] - 1, always=True)
        if not _is_wave(self.k, self.size[1]):
            return cosines, sines
        sign = np.sign(self.k)
        return np.concatenate([cosines, -sign * sines]), np.concatenate([sines, sign * cosines])

    def planes(self) -> Doubles:
        """Return the planes of a board `[1 or 3, R]`."""
        a, b = self.parts()
        return a[None] if self.real else np.stack([a + b, a, b])

    def back(self) -> Doubles:
        """Return the rows' coefficients as sums of x, y and z `[R, 1 or 3]`."""
        a, b = self.parts()
        return a[:, None] if self.real else np.stack([a + b, b, -a], axis=1)

    def taps(self) -> Doubles:
        """Return the planes of a 3x3 kernel `[1 or 3, 9]`, with the inverse transform's scale."""
        offsets = np.arange(-1, 2)
        angles = self.j * offsets[:, None] / self.size[0] + self.k * offsets[None] / self.size[1]
        u = np.cos(2 * np.pi * angles).reshape(1, 9) / math.prod(self.size)
        v = -np.sin(2 * np.pi * angles).reshape(1, 9) / math.prod(self.size)
        # Twice where there is a mirror image, which adds as much.
        return u if self.real else 2 * np.concatenate([u, v - u, u + v])


def _is_wave(j: int, size: int) -> bool:
    """Return whether frequency j differs from -j, and so has a sine."""
    return 2 * j % size != 0


def _signs(j: int, k: int, size: tuple[int, int]) -> tuple[int, ...]:
    """Return the signs of k at which (j, k) is a frequency of its own."""
    return (1, -1) if _is_wave(j, size[0]) and _is_wave(k, size[1]) else (1,)


def _waves(j: int, cells: int, always: bool = False) -> Doubles:
    """Return cosine and, if it is not 0 or `always`, sine of frequency j `[1 or 2, cells]`."""
    angles = np.arange(cells, dtype=np.float64) * (2 * np.pi * j / (cells + 1))
    if always or _is_wave(j, cells + 1):
        return np.stack([np.cos(angles), np.sin(angles)])
    return np.stack([np.cos(angles)])


def _single(matrix: Doubles) -> FloatArray:
    return np.ascontiguousarray(matrix, np.float32)
