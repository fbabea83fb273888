"""The folder of a training run: whose it is, and what is in it."""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType

from tesuji.engine.errors import TesujiError
from tesuji.engine.shards import ShardInfo, load_shard_list, recover_shard_list
from tesuji.engine.storage import (
    DamagedFileError,
    exclusive,
    quarantine,
    read_checked,
    remove_leftovers,
)

CONFIG = "config.toml"
_WORK = ("checkpoints", "shards", "policy.json")  # what shows that a run was here

_logger = logging.getLogger(__name__)


class RunFolder:
    """Holds a run's folder for one process."""

    def __init__(self, path: Path, resume: bool) -> None:
        self.path = path
        used = path.is_dir() and any((path / name).exists() for name in _WORK)
        if used and not resume:
            raise TesujiError(
                f"{path} holds a run already; go on with 'tesuji train --resume {path}' or give "
                "another --run-dir"
            )
        if resume and not (path / CONFIG).is_file():
            raise TesujiError(
                f"{path} holds no run to resume (there is no {CONFIG}); start one with --run-dir"
            )
        self._hold = exclusive(path)

    def __enter__(self) -> RunFolder:
        """Take the folder and clear what a killed process left half written."""
        self._hold.__enter__()
        remove_leftovers(self.path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the folder go."""
        self._hold.__exit__(kind, error, trace)

    @staticmethod
    def shards(path: Path) -> list[ShardInfo]:
        """Return the run's shards; a damaged list is set aside and made anew."""
        try:
            return load_shard_list(path)
        except DamagedFileError:
            return recover_shard_list(path)

    @staticmethod
    def lanes(path: Path, lanes: list[dict[str, str]]) -> list[dict[str, str]]:
        """Return the run's lanes; one whose file is damaged starts anew."""
        sound = []
        for lane in lanes:
            file = path / lane["lane_file"]
            try:
                read_checked(file, lane["lane_sha256"])
                sound.append(lane)
            except DamagedFileError as error:
                aside = f"; set aside as {quarantine(file).name}" if file.exists() else ""
                _logger.warning("games in flight %s%s; starting new ones", error, aside)
                sound.append({"lane_file": "", "lane_sha256": ""})
        return sound
