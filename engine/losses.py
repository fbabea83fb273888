"""The losses of the auxiliary heads: the next move's policy, ownership and score lead.

KataGo's (Wu 2019, arXiv:1902.10565): cross-entropy for the reply and for the owner of each cell;
the lead, in sides of the board, by the Huber loss. Targets come under the observations' symmetries.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax, smooth_l1_loss

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.rows import transform_weights
from tesuji.engine.replay import Numbers, ReplayWindow
from tesuji.engine.shards import Positions
from tesuji.engine.training_config import AuxiliaryConfig
from tesuji.nets.model import Outputs

NAMES = ("reply", "ownership", "lead")  # of the losses, in their order


class AuxiliaryLosses:
    """What is learned beside policy and value."""

    def __init__(self, domain: CompiledDomain, config: AuxiliaryConfig) -> None:
        self._domain, self.config = domain, config
        self._side = math.sqrt(math.prod(domain.spec.observation_shape[-2:]))

    def __call__(
        self,
        outputs: Outputs,
        window: ReplayWindow,
        numbers: Numbers,
        positions: Positions,
        symmetries: npt.NDArray[np.int64],
    ) -> Tensor:
        """Return the unweighted losses `[3]`, 0 where there is no head.

        Args:
            outputs: what the network says of the positions under `symmetries`.
            window: where they are from.
            numbers: `[N]` theirs in it.
            positions: as they are stored.
            symmetries: `[N]`.
        """
        device = outputs.policy.device
        parts = [torch.zeros((), device=device) for _ in NAMES]
        if outputs.reply is not None:
            policies, known = window.following(numbers)
            target, weight = (
                torch.from_numpy(array).to(device)
                for array in (self._transformed(policies, symmetries), known)
            )
            each = -(target * log_softmax(outputs.reply, 1)).sum(1)
            parts[0] = (each * weight).sum() / weight.sum().clamp(min=1.0)
        if outputs.owners is not None and outputs.lead is not None:
            owners = self._transformed(positions.owners, symmetries)
            target = torch.from_numpy((owners + 1.0) / 2.0).to(device)
            parts[1] = binary_cross_entropy_with_logits(outputs.owners, target)
            lead = torch.from_numpy(positions.lead / np.float32(self._side)).to(device)
            parts[2] = smooth_l1_loss(outputs.lead, lead)
        return torch.stack(parts)

    def weights(self, device: torch.device) -> Tensor:
        """Return the weight of each loss."""
        config = self.config
        each = [config.reply_weight, config.ownership_weight, config.lead_weight]
        return torch.tensor(each, device=device)

    def _transformed(
        self, weights: npt.NDArray[np.float32], symmetries: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return weights of actions or cells `[N, ...]` where `symmetries` send them."""
        out = np.zeros_like(weights)
        domain = self._domain
        transform_weights(
            domain.kernels.addresses(), domain.instance, symmetries,
            np.ascontiguousarray(weights), out,
        )  # fmt: skip
        return out
