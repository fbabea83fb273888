"""The memory of MuJoCo's simulations: where their state lies.

All arrays of `mjData` but those in its arena lie in one block: `mjSTATE_INTEGRATION` without the
time, the warm start of the next step, and what the last step computed.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

_LARGE = 4096  # bytes


def integration_state(model: Any, data: Any) -> npt.NDArray[np.float64]:
    """Return MuJoCo's `mjSTATE_INTEGRATION`: what its next steps follow from."""
    import mujoco  # noqa: PLC0415 - only where an environment has one

    spec = mujoco.mjtState.mjSTATE_INTEGRATION
    state = np.empty(mujoco.mj_stateSize(model, spec))
    mujoco.mj_getState(model, data, state, spec)
    return state


def memory(data: Any) -> npt.NDArray[np.uint8]:
    """Return the memory of all arrays of `data` that do not lie in its arena.

    Raises:
        RuntimeError: they do not lie in one block, in this version of MuJoCo.
    """
    first = data.qpos.ctypes.data
    end = first + int(data.nbuffer)
    for name in ("qvel", "xpos", "xipos", "site_xpos", "cvel", "cfrc_ext", "sensordata"):
        array = getattr(data, name)
        if array.size and not first <= array.ctypes.data < end - array.nbytes + 1:
            raise RuntimeError(f"MuJoCo keeps {name} elsewhere; this version is not supported")
    memory = (ctypes.c_uint8 * int(data.nbuffer)).from_address(first)
    return np.ctypeslib.as_array(memory)


def memory_parts(model: Any, data: Any) -> list[memoryview]:
    """Return the memory of `data` that is state, or what Python may read of it.

    Which boxes around meshes were looked at is left out: it is drawn, no more, and is the most.

    Raises:
        RuntimeError: the state is not there, in this version of MuJoCo.
    """
    block, drawn = memory(data), data.bvh_active
    first = drawn.ctypes.data - data.qpos.ctypes.data
    parts = [block.data]
    if drawn.nbytes >= _LARGE and 0 <= first < len(block):
        parts = [block[:first].data, block[first + drawn.nbytes :].data]
    before, time = integration_state(model, data), data.time
    kept = [bytes(part) for part in parts]
    for part in parts:
        part[:] = bytes(len(part))
    data.time = -1.0
    for part, content in zip(parts, kept, strict=True):
        part[:] = content
    data.time = time
    if not np.array_equal(integration_state(model, data), before):
        raise RuntimeError("this version of MuJoCo keeps its state elsewhere; not supported")
    return parts
