"""What the value head's numbers stand for: a distribution over a few returns, for every domain.

The head gives logits `[B, K]` over `K` returns, the *support*; their mean is the value. Where
returns lie in [-1, 1] the support is win, draw and loss. Other ranges are cut into bins, as evenly
as `sign(x) (sqrt(|x| + 1) - 1)` makes them (Pohlen et al. 2018), and a return is told by its two
neighbours (MuZero, Schrittwieser et al. 2020, appendix F): cross-entropy keeps gradients of one
size whatever the range.
"""

from __future__ import annotations

import numpy as np

from tesuji.search.base import DomainSpec, FloatArray

WIN_DRAW_LOSS = np.array([1.0, 0.0, -1.0], np.float32)
DRAW = 1  # its place in `WIN_DRAW_LOSS`
_BINS = 65


def value_support(spec: DomainSpec) -> FloatArray:
    """Return the returns `[K]` that a domain's value head tells apart, the highest first."""
    if spec.value_range == (-1.0, 1.0):
        return WIN_DRAW_LOSS
    low, high = (float(np.sign(x) * (np.sqrt(abs(x) + 1.0) - 1.0)) for x in spec.value_range)
    even = np.linspace(high, low, _BINS)
    support = (np.sign(even) * ((np.abs(even) + 1.0) ** 2 - 1.0)).astype(np.float32)
    support[[0, -1]] = spec.value_range[::-1]
    return support


def value_targets(values: FloatArray, support: FloatArray) -> FloatArray:
    """Return distributions `[N, K]` over the support whose means are `values` `[N]`."""
    values = np.clip(values, support[-1], support[0])
    above = np.clip(np.searchsorted(-support, -values, side="right") - 1, 0, len(support) - 2)
    share = (values - support[above + 1]) / (support[above] - support[above + 1])
    targets = np.zeros((len(values), len(support)), np.float32)
    rows = np.arange(len(values))
    targets[rows, above] = share
    targets[rows, above + 1] = 1.0 - share
    return targets


def value_of(logits: FloatArray, support: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return `(value [B], probability of a draw [B])` that logits `[B, K]` say."""
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    if len(support) == len(WIN_DRAW_LOSS):
        return chances[:, 0] - chances[:, 2], chances[:, DRAW]
    return (chances * support).sum(1), np.zeros(len(logits), np.float32)
