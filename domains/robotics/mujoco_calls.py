"""MuJoCo's own C functions in a compiled loop: many trajectories, step after step, on all cores.

`mujoco.rollout` makes the same calls of `mj_step`, and leaves positions and velocities only. The
loop here also leaves what MuJoCo computes on the way (positions of bodies, forces of contacts),
which rewards read, and does what an environment does between two steps (mocap bodies, limits of
speed). A simulation is its block of memory (`snapshots.py`), seen as *cells* of 64 bits.

Dimensions: `B` trajectories, `S` starts, `H` steps, `K` substeps, `N` cells.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import mujoco
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core import config as numba_config
from numba.extending import intrinsic

from tesuji.domains.robotics.mujoco_memory import memory

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TIME = int(mujoco.mjtState.mjSTATE_TIME)
_FUNCTIONS = (
    "mj_step", "mj_rnePostConstraint", "mj_forward", "mj_getState", "mj_setState", "mj_jacSite",
)  # fmt: skip
_STEP, _FORCES, _FORWARD, _GET, _SET, _JACOBIAN = range(len(_FUNCTIONS))

# What an environment does besides: nothing, Fetch's gripper, PointMaze's limit of speed.
PLAIN, GRIPPER, POINT = range(3)
_SPEED = 5.0  # of PointMaze
_REACH = np.float32(0.05)  # of Fetch's actions, m


class Loop(NamedTuple):
    """What the loop does with each step; cells are numbered as in the block of memory.

    Attributes:
        kind: what the environment does besides.
        num_substeps: `K`.
        timestep: of a substep, in seconds.
        forces: whether it has forces of contacts computed after a step.
        control: first cell of the controls.
        positions: cells of positions and velocities, copied after each substep `[M]`.
        read: cells that are copied after each step `[R]`.
        places: of Fetch: cells of the mocap body's position and quaternion, of those of the body
            welded to it, then for each control the cell that it is relative to, or -1.
        fingers: cells of positions that Fetch holds at 0.
        velocity: first cell of the velocities, and how many there are.
        sites: whose velocities are computed after a step, 6 numbers each.
    """

    kind: int
    num_substeps: int
    timestep: float
    forces: bool
    control: int
    positions: Ints
    read: Ints
    places: Ints
    fingers: Ints
    velocity: tuple[int, int]
    sites: Ints


def addresses() -> Ints:
    """Return the addresses of MuJoCo's functions.

    Raises:
        RuntimeError: the library is not where it is expected.
    """
    folder = Path(mujoco.__file__).parent
    found = [path for path in folder.glob("*mujoco*") if path.suffix not in {".py", ""}]
    if not found:
        raise RuntimeError(f"no library of MuJoCo lies in {folder}")
    library = ctypes.CDLL(str(found[0]))
    return np.array(
        [ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in _FUNCTIONS],
        np.int64,
    )


def _caller(num_pointers: int, num_numbers: int) -> Callable[..., None]:
    """Return a function that calls the C function at an address with pointers, then C ints."""
    if numba_config.DISABLE_JIT:
        kinds = [ctypes.c_void_p] * num_pointers + [ctypes.c_int] * num_numbers
        prototype = ctypes.CFUNCTYPE(None, *kinds)
        return lambda address, arguments: prototype(int(address))(*(int(a) for a in arguments))

    def call(typing_context, address, arguments):  # type: ignore[no-untyped-def]
        signature = types.void(address, arguments)

        def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
            pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            kinds = [pointer] * num_pointers + [number] * num_numbers
            function = ir.FunctionType(ir.VoidType(), kinds).as_pointer()
            values = cgutils.unpack_tuple(builder, args[1], len(kinds))
            given = [
                builder.inttoptr(value, kind) if kind is pointer else builder.trunc(value, kind)
                for value, kind in zip(values, kinds, strict=True)
            ]
            builder.call(builder.inttoptr(args[0], function), given)
            return context.get_dummy_value()

        return signature, generate

    return intrinsic(call)  # type: ignore[no-any-return]


_call = _caller(2, 0)
_call_state = _caller(3, 1)
_call_site = _caller(4, 1)


@njit(cache=True, nogil=True)
def _prepare(calls, handles, cells, action, loop):  # type: ignore[no-untyped-def]
    # What the environment does with an action before MuJoCo steps.
    control, places = loop.control, loop.places
    if loop.kind == POINT:
        first, count = loop.velocity
        for i in range(first, first + count):
            cells[i] = min(max(cells[i], -_SPEED), _SPEED)
        _call(calls[_FORWARD], handles)
    if loop.kind != GRIPPER:
        for i in range(action.shape[0]):
            cells[control + i] = action[i]
        return
    for i in range(3):  # the mocap body begins where the body is that follows it
        cells[places[0] + i] = cells[places[2] + i] + np.float32(_REACH * np.float32(action[i]))
    for i in range(4):  # and turns by the quaternion (1, 0, 1, 0), which MuJoCo normalises
        cells[places[1] + i] = cells[places[3] + i] + (1.0 if i % 2 == 0 else 0.0)
    width = action[3] if len(loop.fingers) == 0 else 0.0
    for i in range(len(places) - 4):
        relative = places[4 + i]
        cells[control + i] = width if relative < 0 else cells[relative] + width


@njit(cache=True, nogil=True)
def _hold(calls, handles, cells, fingers):  # type: ignore[no-untyped-def]
    # After the last substep Fetch holds its fingers shut.
    if len(fingers):
        for i in fingers:
            cells[i] = 0.0
        _call(calls[_FORWARD], handles)


@njit(cache=True, nogil=True)
def _read(calls, handles, cells, loop, jacobian, out):  # type: ignore[no-untyped-def]
    # What the environment reads after a step.
    if loop.forces:
        _call(calls[_FORCES], handles)
    for i in range(len(loop.read)):
        out[i] = cells[loop.read[i]]
    place = len(loop.read)
    first, count = loop.velocity
    for site in loop.sites:
        jacobian[:] = 0.0
        where = jacobian.ctypes.data
        linear, angular = np.int64(where), np.int64(where + 8 * 3 * count)
        _call_site(calls[_JACOBIAN], (handles[0], handles[1], linear, angular, site))
        for i in range(6):
            speed = 0.0
            for j in range(count):
                speed += jacobian[i, j] * cells[first + j]
            out[place + i] = speed
        place += 6


@njit(cache=True, nogil=True)
def _roll(calls, handles, cells, starts, rows, actions, loop, jacobian, out):  # type: ignore[no-untyped-def]
    """Step every trajectory from its start; `rows` says which of `starts` that is.

    The last cell of a start is its time. A trajectory ends where time does not go on as it should:
    MuJoCo has reset an unstable simulation. `out` keeps what it had there.
    """
    clock = np.zeros(1)
    when = np.int64(clock.ctypes.data)
    last = starts.shape[1] - 1
    for b in range(actions.shape[0]):
        start = starts[rows[b]]
        cells[:] = start[:last]
        clock[0] = start[last]
        _call_state(calls[_SET], (handles[0], handles[1], when, _TIME))
        for h in range(actions.shape[1]):
            before = clock[0]
            _prepare(calls, handles, cells, actions[b, h], loop)
            for k in range(loop.num_substeps):
                _call(calls[_STEP], handles)
                if k == loop.num_substeps - 1:
                    _hold(calls, handles, cells, loop.fingers)
                for i in range(len(loop.positions)):
                    out.moving[b, h, k, i] = cells[loop.positions[i]]
            _call_state(calls[_GET], (handles[0], handles[1], when, _TIME))
            _read(calls, handles, cells, loop, jacobian, out.read[b, h])
            out.sound[b, h] = clock[0] > before + (loop.num_substeps - 0.5) * loop.timestep
            if h == 0 and b < len(out.after):
                out.after[b, :last] = cells
                out.after[b, last] = clock[0]
            if not out.sound[b, h]:
                break


class Passed(NamedTuple):
    """What trajectories left.

    Attributes:
        moving: positions and velocities after each substep `[B, H, K, M]`.
        read: cells and velocities after each step `[B, H, R]`.
        sound: whether time went on `[B, H]`; what is after a step that is not, is 0.
        after: cells and time after the first step, of the first trajectories `[..., N + 1]`.
    """

    moving: Floats
    read: Floats
    sound: npt.NDArray[np.bool_]
    after: Floats


class Simulation(NamedTuple):
    """One MuJoCo simulation to step in: addresses of model and data, and its cells `[N]`."""

    data: Any
    handles: tuple[int, int]
    cells: Floats


def simulation(model: Any) -> Simulation:
    """Return a new simulation of `model`."""
    data = mujoco.MjData(model)
    return Simulation(data, (model._address, data._address), memory(data).view(np.float64))


def roll_part(
    calls: Ints,
    worker: Simulation,
    starts: Floats,
    rows: Ints,
    actions: Floats,
    loop: Loop,
    out: Passed,
) -> None:
    """Fill `out` with trajectories of `actions [B, H, D]` from `starts [S, N + 1]`."""
    jacobian = np.zeros((6, loop.velocity[1]))
    _roll(calls, worker.handles, worker.cells, starts, rows, actions, loop, jacobian, out)
