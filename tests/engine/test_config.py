from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from tesuji.engine.config import ConfigError, keys, load_toml, merge, narrow, save_toml, to_toml
from tesuji.search.config import PUCT, Gumbel


@dataclass(frozen=True)
class Net:
    channels: int = 64
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ValueError(f"channels must be at least 1, got {self.channels}")


@dataclass(frozen=True)
class Run:
    game: str
    minutes: float = 10.0
    out: Path | None = None
    limit: int | None = 3
    device: Literal["cpu", "cuda"] = "cpu"
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, str] = (1, "a")
    quick: bool = False
    net: Net = field(default_factory=lambda: Net(channels=48))
    search: PUCT | Gumbel = field(default_factory=PUCT)


@dataclass(frozen=True, kw_only=True)
class Command(Run):
    verbose: bool = False


CHANGED = Run(
    game='a "game" \\ ü\n',
    minutes=1e-7,
    out=Path("x/y"),
    limit=None,
    device="cuda",
    sizes=(),
    pair=(2, "b"),
    quick=True,
    net=Net(channels=1, dropout=0.25),
    search=Gumbel(lookahead=2),
)


def read(tmp_path: Path, text: str) -> Run:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return load_toml(Run, path)


@pytest.mark.parametrize("config", [Run("tic_tac_toe"), CHANGED], ids=["defaults", "changed"])
def test_a_saved_configuration_reads_back_the_same(tmp_path: Path, config: Run) -> None:
    save_toml(tmp_path / "run.toml", config)
    assert load_toml(Run, tmp_path / "run.toml") == config


def test_a_file_is_silent_about_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, 'game = "x"') == Run("x")


def test_a_nested_table_changes_only_its_own_keys(tmp_path: Path) -> None:
    config = read(tmp_path, 'game = "x"\nminutes = 3\n[net]\ndropout = 0.5')
    assert config.net == Net(channels=48, dropout=0.5)
    assert config.minutes == 3.0


def test_kind_picks_one_of_several_dataclasses(tmp_path: Path) -> None:
    config = read(tmp_path, 'game = "x"\n[search]\nkind = "gumbel"\nmax_considered = 4')
    assert config.search == Gumbel(max_considered=4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('gaem = "x"', "run.toml: unknown key 'gaem'; did you mean 'game'?"),
        (
            'game = "x"\n[net]\nchanels = 3',
            "unknown key 'net.chanels'; did you mean 'net.channels'",
        ),
        ('game = "x"\nchannels = 3', "unknown key 'channels'; did you mean 'net.channels'?"),
        ('game = "x"\nqqq = 3', "unknown key 'qqq'; keys: game, minutes"),
        ("minutes = 3", "run.toml: game is missing"),
        ("game = 3", "game must be a string, got 3"),
        ('game = "x"\nminutes = true', "minutes must be a number, got True"),
        ('game = "x"\nlimit = "ten"', """limit must be a whole number or "none", got 'ten'"""),
        ('game = "x"\ndevice = "tpu"', "device must be 'cpu' or 'cuda', got 'tpu'"),
        ('game = "x"\nsizes = [1, "b"]', "sizes must be a whole number, got 'b'"),
        ('game = "x"\npair = [1]', "pair must be an array, got [1]"),
        ('game = "x"\nnet = 3', "net must be a table, got 3"),
        ('game = "x"\n[net]\nchannels = 0', "run.toml: [net] channels must be at least 1, got 0"),
        ('game = "x"\n[search]\nkind = "alpha"', "search.kind must be 'puct' or 'gumbel'"),
        ("game = ", "run.toml: is not TOML: "),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_toml(Run, tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_toml(Run, tmp_path)
    (tmp_path / "bad.toml").write_bytes(b"game = '\xff'")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_toml(Run, tmp_path / "bad.toml")


def test_a_missing_field_may_have_a_stand_in() -> None:
    assert merge(Run, {"minutes": 2}, "x", missing="later").game == "later"


def test_the_fields_of_a_command_stay_out_of_the_run() -> None:
    config = narrow(Run, Command("x", minutes=2.0, verbose=True))
    assert config == Run("x", minutes=2.0)
    assert type(config) is Run


def test_keys_are_dotted_where_nested() -> None:
    names = [key for key, _ in keys(Run)]
    assert {"game", "net", "net.channels", "search.c_init", "search.max_considered"} <= set(names)
    assert set(names) >= {f.name for f in dataclasses.fields(Run)}


def test_what_toml_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot hold a set"):
        to_toml(Run("x", sizes={1}))  # type: ignore[arg-type]
