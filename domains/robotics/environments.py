"""Gymnasium environments by name, and one clear line where there is none.

A name is an id of Gymnasium's registry, such as `HalfCheetah-v5`, or the same in snake case and
without its version, such as `half_cheetah`. Gymnasium-Robotics and MiniGrid are registered where
they are installed.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled

from tesuji.domains.robotics.linear_world import register_worlds

Env = gymnasium.Env[Any, Any]

gymnasium.register(
    id="tesuji/FetchTwoBlocks-v0",
    entry_point="tesuji.domains.robotics.fetch_blocks:FetchTwoBlocksEnv",
    max_episode_steps=400,
)

_PLUGINS = ("gymnasium_robotics", "minigrid")
_FETCH_BREAKS = (3, 12)  # Gymnasium-Robotics reads a field that this version of MuJoCo renamed


class EnvironmentRefusedError(ValueError):
    """An environment cannot be made, or cannot be planned in; the message says what to do."""


def make_environment(name: str, **options: Any) -> Env:
    """Return the environment `name`.

    Args:
        name: an id of Gymnasium's registry, or that in snake case without the version.
        **options: what the environment takes, such as `render_mode`.

    Raises:
        EnvironmentRefusedError: no such id, a library is missing, or it does not take `options`.
    """
    known = environment_id(name)
    if known.startswith("tesuji/"):
        _register_plugins()  # quietly: ours are built on theirs
    try:
        return gymnasium.make(known, disable_env_checker=True, **options)
    except DependencyNotInstalled as error:
        raise EnvironmentRefusedError(f"{known}: {error}") from None
    except ModuleNotFoundError as error:
        raise EnvironmentRefusedError(
            f"{known} needs {error.name}, which is not installed; pip install 'tesuji[robotics]'"
        ) from None
    except (TypeError, AttributeError, ImportError, OSError, gymnasium.error.Error) as error:
        raise EnvironmentRefusedError(f"{known}: {_reason(error)}") from None


def environment_id(name: str) -> str:
    """Return the id that `name` means.

    Raises:
        EnvironmentRefusedError: there is none; the message suggests near ones or names families,
            or the members of the family that `name` is.
    """
    register_worlds()
    wanted = _plain(name)
    for plugins in (False, True):  # they take their time
        if plugins:
            _register_plugins()
        if name in gymnasium.registry:
            return name
        by_name: dict[str, list[str]] = {}
        for each in gymnasium.registry:
            by_name.setdefault(_plain(each), []).append(each)
            by_name.setdefault(_plain(_unversioned(each).rpartition("/")[2]), []).append(each)
        if wanted in by_name:
            return max(by_name[wanted], key=_version)
    missing = [each for each in _PLUGINS if importlib.util.find_spec(each) is None]
    more = f" ({' and '.join(missing)} not installed: tesuji[robotics])" if missing else ""
    raise EnvironmentRefusedError(f"no environment is called {name!r}; {_near(name)}{more}")


def has_continuous_actions(env: Env) -> bool:
    """Return whether the actions of an environment are vectors of numbers."""
    return isinstance(env.action_space, gymnasium.spaces.Box)


def make_drawn_environment(name: str) -> Env:
    """Return the environment `name`, to be drawn: by a camera that follows, where it has one.

    Raises:
        EnvironmentRefusedError: as `make_environment`.
    """
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        # Without a screen; read when MuJoCo and pygame are loaded.
        os.environ.setdefault("MUJOCO_GL", "egl")
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*possible render_modes.*")  # it is said below
        env = make_environment(name, render_mode="rgb_array")
    if "rgb_array" not in env.metadata.get("render_modes", ()):
        raise EnvironmentRefusedError(f"{name} draws no pictures")
    model = getattr(env.unwrapped, "model", None)
    cameras = [model.camera(i).name for i in range(model.ncam)] if model is not None else []
    if "track" not in cameras:
        return env
    env.close()
    return make_environment(name, render_mode="rgb_array", camera_name="track")


def draw(env: Env) -> npt.NDArray[np.uint8]:
    """Return a picture `[H, W, 3]` of an environment that renders `rgb_array`.

    Raises:
        EnvironmentRefusedError: nothing can be drawn on this machine.
    """
    faults: tuple[type[Exception], ...] = (
        RuntimeError, ImportError, AttributeError, OSError, gymnasium.error.Error,
    )  # fmt: skip
    if "mujoco" in sys.modules:
        faults = (*faults, sys.modules["mujoco"].FatalError)
    try:
        return np.asarray(env.render(), np.uint8)
    except faults as error:
        raise EnvironmentRefusedError(
            f"this machine cannot draw ({type(error).__name__}: {error}); MuJoCo needs libegl1 or "
            "libosmesa6, and MUJOCO_GL=egl or osmesa"
        ) from None


def _register_plugins() -> None:
    for plugin in _PLUGINS:
        if importlib.util.find_spec(plugin) is not None and plugin not in sys.modules:
            with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
                module = importlib.import_module(plugin)
            gymnasium.register_envs(module)


def _reason(error: Exception) -> str:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    version = importlib.metadata.version("mujoco") if importlib.util.find_spec("mujoco") else "0.0"
    parts = tuple(int(part) for part in version.split(".")[:2])
    if isinstance(error, AttributeError) and parts >= _FETCH_BREAKS:
        return (
            f"Gymnasium-Robotics does not work with MuJoCo {version} ({reason}); "
            "pip install 'mujoco<3.12'"
        )
    return reason


def _near(name: str) -> str:
    """Return what may have been meant by a name that none has."""
    newest: dict[str, str] = {}
    for each in sorted(gymnasium.registry, key=_version):
        if isinstance(gymnasium.registry[each].entry_point, str):
            newest[_plain(_unversioned(each))] = each
    families: dict[str, list[str]] = {}
    for each in newest.values():
        families.setdefault(_family(each), []).append(each)
    if name in families:
        return f"that is a family: {', '.join(sorted(families[name]))}"
    near = difflib.get_close_matches(_plain(_unversioned(name)), newest, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(newest[each] for each in near)}?"
    known = ", ".join(f"{family} ({len(each)})" for family, each in sorted(families.items()))
    return f"families, whose names `tesuji run FAMILY` lists: {known}"


def _family(name: str) -> str:
    """Return the folder of environments that one comes from, such as `mujoco` or `minigrid`."""
    parts = str(gymnasium.registry[name].entry_point).partition(":")[0].split(".")
    after = parts.index("envs") + 1 if "envs" in parts else len(parts)
    return parts[after] if after < len(parts) else parts[0]


def _unversioned(name: str) -> str:
    return re.sub(r"-v\d+$", "", name)


def _version(name: str) -> int:
    found = re.search(r"-v(\d+)$", name)
    return int(found[1]) if found else -1


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
