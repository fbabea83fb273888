"""A trained network made ready to be run: batch norm folded, win-draw-loss turned into a value."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from tesuji.nets.model import ConvNorm


class InferenceNet(nn.Module):
    """A network's `(logits [B, A], value [B], draw [B])`; the network itself is left as it was."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).cpu().float().eval()
        for module in list(self.model.modules()):
            if isinstance(module, ConvNorm):
                module.fold()
        self.requires_grad_(False)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return `(logits [B, A], value [B], draw [B])`."""
        logits, wdl_logits = self.model(observations)
        win, draw, loss = torch.softmax(wdl_logits, 1).unbind(1)
        return logits, win - loss, draw
