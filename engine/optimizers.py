"""The state of an optimizer as named arrays, for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, parameters: Sequence[torch.nn.Parameter]
) -> dict[str, npt.NDArray[Any]]:
    """Return what an optimizer knows of each parameter, as `NUMBER.NAME`."""
    return {
        f"{number}.{name}": np.array(value.detach().numpy())
        for number, parameter in enumerate(parameters)
        for name, value in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Sequence[torch.nn.Parameter],
    tensors: Mapping[str, npt.NDArray[Any]],
) -> None:
    """Give an optimizer what `optimizer_tensors` said."""
    for number, parameter in enumerate(parameters):
        optimizer.state[parameter] = {
            name.partition(".")[2]: torch.from_numpy(value)
            for name, value in tensors.items()
            if name.startswith(f"{number}.")
        }
