"""Certificates of steps under an invariant: written by a run, refused when changed."""

import copy
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tesuji.engine.cli import main
from tesuji.engine.interval_reading import Reading, UnreadableError
from tesuji.engine.invariant_verification import InvariantFault, verify_invariant

WORLD = "tesuji/Cart-v0"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the certificate of a run, as it lies in the file."""
    path = tmp_path_factory.mktemp("certificates") / "steps.json"
    words = ["run", WORLD, "--constraint", "x <= 3", "--seed", "3", "--steps", "25"]
    options = ["--certificate", str(path), "--samples", "16", "--iterations", "1"]
    assert main([*words, *options]) == 0
    assert main(["verify", str(path)]) == 0
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_run_is_certified(content: dict[str, Any]) -> None:
    """Every step, with the mode that allowed it."""
    found = verify_invariant(content)
    assert (found.world, found.constraints, found.steps) == (WORLD, ["x <= 3"], 25)
    assert len(content["proof"]) == 64


def _move(content: dict[str, Any]) -> None:
    content["episodes"][0]["steps"][3]["state"][0] = "1/3"


def _push(content: dict[str, Any]) -> None:
    content["episodes"][0]["steps"][3]["action"][0] = "2"


def _begin(content: dict[str, Any]) -> None:
    content["episodes"][0]["start"] = ["3", "2"]


def _widen(content: dict[str, Any]) -> None:
    corners = content["polygons"][0]["corners"]
    content["polygons"][0]["corners"] = [[x, str(2 * Fraction(v))] for x, v in corners]


def _bend(content: dict[str, Any]) -> None:
    content["polygons"][0]["corners"].reverse()


def _let_go(content: dict[str, Any]) -> None:
    content["polygons"][0]["inputs"] = ["0"] * len(content["polygons"][0]["inputs"])


def _tighten(content: dict[str, Any]) -> None:
    content["constraints"] = ["x <= 3", "x_velocity <= 0.1"]


def _enlarge(content: dict[str, Any]) -> None:
    content["modes"][0]["ranges"][0] = ["-5", "3"]


def _shrink(content: dict[str, Any]) -> None:
    content["modes"][0]["ranges"][0] = ["-1", "1"]


def _forget(content: dict[str, Any]) -> None:
    del content["modes"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_move, "the world does not go there"),
        (_push, "the action is none of the world's"),
        (_begin, "starts where no mode holds"),
        (_widen, "does not lead back into it"),
        (_bend, "is not convex"),
        (_let_go, "does not lead back into it"),
        (_tighten, "does not hold in all of a mode's box"),
        (_enlarge, "passes the world's limits"),
        (_shrink, "does not lie in its mode's box"),
        (_forget, "not written as it should be|KeyError|modes"),
    ],
)
def test_a_changed_certificate_is_refused(
    content: dict[str, Any], change: Callable[[dict[str, Any]], None], words: str
) -> None:
    """Whatever was changed."""
    changed = copy.deepcopy(content)
    change(changed)
    with pytest.raises((InvariantFault, KeyError), match=words):
        verify_invariant(changed)


def test_a_damaged_file_is_one_line(
    content: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The digest of the file says so first."""
    path = tmp_path / "steps.json"
    path.write_text(json.dumps({**content, "world": "tesuji/PointMass-v0"}, indent=1))
    assert main(["verify", str(path)]) != 0
    assert "Traceback" not in capsys.readouterr().err


def test_only_linear_worlds_are_certified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elsewhere there is no invariant."""
    assert main(["run", "pendulum", "--certificate", str(tmp_path / "steps.json")]) == 2
    assert "Pendulum-v1 is no linear world" in capsys.readouterr().err


def test_a_start_outside_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """By its seed."""
    words = ["run", "tesuji/DoubleIntegrator-v0", "--constraint", "x >= 3", "--seed", "0"]
    assert main(words) == 2
    assert "seed 0: from the start (" in capsys.readouterr().err


def test_the_reader_over_boxes() -> None:
    """Three-valued, as said."""
    reading = Reading({"x": (Fraction(-1), Fraction(2)), "y": (Fraction(0), Fraction(1))})
    assert reading.holds("limit: abs(x) <= 2") is True
    assert reading.holds("x < 0") is None
    assert reading.holds("not (x + y > -1)") is None
    assert reading.holds("x - y > 3") is False
    assert reading.holds("implies(y > 1, x > 5)") is True
    assert reading.holds("-1 <= x <= 2") is True
    with pytest.raises(UnreadableError, match="z is no number"):
        reading.holds("z < 1")
