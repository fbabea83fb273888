"""The problems that a prover learns from: a folder of TPTP files, or Robinson arithmetic."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from tesuji.domains.proving.clausify import TooLargeError, clausify
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.robinson import robinson
from tesuji.domains.proving.tptp import read_problem
from tesuji.domains.proving.tptp_lexer import TptpError
from tesuji.engine.errors import UsageError
from tesuji.engine.selfplay import mix_seed
from tesuji.engine.theorem_config import ROBINSON, TheoremTrainConfig
from tesuji.engine.theorem_policy import Known, Theorem


def is_held_back(name: str, percent: int) -> bool:
    """Return whether a problem of this name is only searched."""
    return zlib.crc32(name.encode()) % 100 < percent


class Problems:
    """The problems of a run, checked before the run's folder is made."""

    def __init__(self, config: TheoremTrainConfig) -> None:
        self._config, self._files = config, list[Path]()
        if config.game == ROBINSON:
            return
        folder = Path(config.problems).expanduser()
        if not config.problems or not folder.is_dir():
            raise UsageError(
                f"give the folder of TPTP problems: --problems FOLDER (got {config.problems!r}); "
                f"{ROBINSON} needs none"
            )
        self._files = sorted(folder.rglob("*.p"))
        if not self._files:
            raise UsageError(f"there are no problems (*.p) in {folder}")

    def read(self, known: Known) -> Iterator[Theorem | str]:
        """Read or make each problem; what cannot be read comes as the reason."""
        if self._config.game == ROBINSON:
            yield from self._robinson(known)
        for file in self._files:
            try:
                yield Theorem(file.name, make_matrix(clausify(read_problem(file))), known)
            except (TptpError, TooLargeError, OSError, UnicodeError) as error:
                yield f"{file.name}: {error}"

    def is_trial(self, theorem: Theorem) -> bool:
        """Return whether a problem is held back; its name alone says so."""
        return is_held_back(theorem.name, self._config.proving.held_back)

    def _robinson(self, known: Known) -> Iterator[Theorem]:
        # From small numbers to large ones, so that there is something to begin with; nested from
        # the start, since how arguments are evaluated is learned early and for good.
        settings = self._config.proving
        for number in range(settings.theorems):
            part = (number + 1) / settings.theorems
            problem = robinson(
                1 + number % settings.stages, mix_seed(self._config.seed, 3, number) % 2**32,
                max(1, round(part * settings.operand)), settings.operations,
            )  # fmt: skip
            yield Theorem(f"{problem.name}", make_matrix(clausify(problem)), known)
