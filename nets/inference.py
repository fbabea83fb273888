"""A trained network made ready to be run: batch norm folded, value logits turned into a value."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from tesuji.nets.model import MLP, ConvNorm, ResNet
from tesuji.nets.value import WIN_DRAW_LOSS


class InferenceNet(nn.Module):
    """A network's `(logits [B, A], value [B], draw [B])`; the network itself is left as it was."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).cpu().float().eval()
        if isinstance(self.model, MLP | ResNet):
            self.model.auxiliary = None  # only training hears these heads
        for module in list(self.model.modules()):
            if isinstance(module, ConvNorm):
                module.fold()
        self.requires_grad_(False)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return `(logits [B, A], value [B], draw [B])`."""
        logits, value_logits = self.model(observations)
        chances = torch.softmax(value_logits, 1)
        support = self.model.get_buffer("support")
        if len(support) == len(WIN_DRAW_LOSS):
            win, draw, loss = chances.unbind(1)
            return logits, win - loss, draw
        value = (chances.float() * support.float()).sum(1)
        return logits, value, torch.zeros_like(value)
