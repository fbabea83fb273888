"""What an episode looked like: a film of it, and a plot of rewards, margins and interventions."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.environments import draw
from tesuji.engine.errors import UsageError
from tesuji.engine.pictures import KINDS
from tesuji.engine.storage import atomic_write

if TYPE_CHECKING:
    from tesuji.engine.episodes import Episode

_MOST_FRAMES = 1000
_HEIGHT = 240  # pixels of a film at most


class Film:
    """Pictures of an environment that renders `rgb_array`.

    Args:
        env: the environment.
    """

    def __init__(self, env: Any) -> None:
        self._env = env
        self._frames: list[npt.NDArray[np.uint8]] = []

    def add(self) -> None:
        """Take a picture.

        Raises:
            EnvironmentRefusedError: nothing can be drawn on this machine.
        """
        if len(self._frames) < _MOST_FRAMES:
            frame = draw(self._env)
            step = max(1, frame.shape[0] // _HEIGHT)
            self._frames.append(np.ascontiguousarray(frame[::step, ::step]))

    def write(self, path: Path) -> None:
        """Write the film as GIF or MP4, at the environment's speed, up to 25 pictures a second.

        Without a picture nothing is written.
        """
        import imageio.v3 as imageio  # noqa: PLC0415 - an extra

        if not self._frames:
            return

        fps = float(self._env.metadata.get("render_fps", 25))
        every = max(1, round(fps / 25))
        frames = np.stack(self._frames[::every])
        if path.suffix.lower() == ".gif":
            options: dict[str, Any] = {"extension": ".gif", "loop": 0}
            options["duration"] = 1000 * every / fps
        else:
            rows, columns = (size // 2 * 2 for size in frames.shape[1:3])  # as H.264 wants them
            frames = frames[:, :rows, :columns]
            options = {"extension": ".mp4", "plugin": "pyav", "codec": "libx264"}
            options["fps"] = fps / every
        content = io.BytesIO()
        imageio.imwrite(content, frames, **options)
        atomic_write(path, content.getvalue())


def check_film(film: Path | None, plot: Path | None) -> None:
    """Raise an error where a film or a plot cannot be written.

    Raises:
        UsageError: another kind of file, or what writes it is not installed.
    """
    if film is not None and film.suffix.lower() not in (".gif", ".mp4"):
        raise UsageError(f"a film is written as .gif or .mp4, got {str(film)!r}")
    if film is not None and film.suffix.lower() == ".mp4" and find_spec("av") is None:
        raise UsageError(
            "MP4 needs PyAV, which no extra installs, for its wheels carry encoders under the GPL: "
            "pip install av, or write a .gif"
        )
    if film is not None and find_spec("imageio") is None:
        raise UsageError("a film needs imageio: pip install 'tesuji[robotics]'")
    if plot is not None and plot.suffix.lower() not in KINDS:
        raise UsageError(f"a plot is written as .svg or .png, got {str(plot)!r}")
    if plot is not None and find_spec("matplotlib") is None:
        raise UsageError("a plot needs matplotlib: pip install 'tesuji[plots]'")


def write_plot(path: Path, episode: Episode, name: str) -> None:
    """Draw the return so far, margins, and interventions."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    rows = 2 if episode.margins else 1
    figure = Figure(figsize=(8, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    steps = range(1, len(episode.rewards) + 1)
    axes[0].plot(steps, np.cumsum(episode.rewards), color="#2060a0")
    axes[0].set_ylabel("return so far")
    axes[0].set_title(f"{name}, seed {episode.seed}")
    if episode.margins:
        for constraint, margin in episode.margins.items():
            axes[1].plot(steps[: len(margin)], margin, label=constraint, linewidth=1)
        axes[1].axhline(0.0, color="#c03030", linewidth=1)
        axes[1].set_ylabel("margin (violated below 0)")
        axes[1].legend(loc="upper right", fontsize="small")
    for each in axes:
        for step in episode.stepped_in:
            each.axvline(step + 1, color="#e0a030", linewidth=0.8, alpha=0.6)
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1].set_xlabel("step (orange: interventions)" if episode.stepped_in else "step")
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:].lower(), dpi=120)
    atomic_write(path, content.getvalue())
