"""Self-play data survives, reads back as stored, and is sampled from the newest part."""

from pathlib import Path

import numpy as np
import pytest

from tesuji.engine.replay import ReplayWindow, WindowConfig
from tesuji.engine.shards import (
    MANIFEST,
    SHARDS,
    Positions,
    ShardInfo,
    decode,
    encode,
    load_shard_list,
    read_shard,
    record_dtype,
    recover_shard_list,
    save_shard_list,
    write_shard,
)
from tesuji.engine.storage import DamagedFileError, StorageError

ROW_SIZE = 24
NUM_ACTIONS = 7
DTYPE = record_dtype(ROW_SIZE, NUM_ACTIONS)


def make(size: int, first: int = 0) -> Positions:
    """Return positions whose `game` counts from `first`."""
    rng = np.random.default_rng(first)
    policy = rng.dirichlet(np.ones(NUM_ACTIONS), size).astype(np.float32)
    return Positions(
        states=rng.integers(0, 256, (size, ROW_SIZE)).astype(np.uint8),
        policy=policy,
        outcome=rng.integers(-1, 2, size).astype(np.float32),
        value=rng.uniform(-1, 1, size).astype(np.float32),
        draw=rng.uniform(0, 1, size).astype(np.float32),
        full=rng.random(size) < 0.25,
        ply=np.arange(size, dtype=np.uint16),
        game=np.arange(first, first + size, dtype=np.uint32),
        owners=np.zeros((size, 0), np.float32),
        lead=np.zeros(size, np.float32),
    )


def make_shards(run: Path, *sizes: int) -> list[ShardInfo]:
    starts = np.cumsum([0, *sizes])
    return [write_shard(run, i, make(size, int(starts[i]))) for i, size in enumerate(sizes)]


def make_window(run: Path, capacity: int, start: int | None = None) -> ReplayWindow:
    return ReplayWindow(run, ROW_SIZE, NUM_ACTIONS, WindowConfig(capacity, start or capacity))


def games(window: ReplayWindow, size: int = 2000) -> set[int]:
    return set(window.sample(np.random.default_rng(0), size).game.tolist())


def damage(run: Path, shard: ShardInfo) -> None:
    path = run / SHARDS / shard.name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def test_a_shard_reads_back_what_was_found(tmp_path: Path) -> None:
    positions = make(100)
    shard = write_shard(tmp_path, 3, positions)
    assert (shard.name, shard.count) == ("000003.npz", 100)
    found = decode(read_shard(tmp_path, shard, DTYPE))
    for name in ("states", "outcome", "full", "ply", "game"):
        np.testing.assert_array_equal(getattr(found, name), getattr(positions, name))
    np.testing.assert_allclose(found.policy, positions.policy, atol=2e-5)
    np.testing.assert_allclose(found.policy.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(found.value, positions.value, atol=5e-4)
    np.testing.assert_allclose(found.draw, positions.draw, atol=5e-4)
    for name, array in found._asdict().items():
        assert array.dtype == getattr(positions, name).dtype


def test_equal_positions_are_equal_bytes(tmp_path: Path) -> None:
    assert write_shard(tmp_path / "a", 0, make(9)) == write_shard(tmp_path / "b", 0, make(9))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": np.full(5, np.nan, np.float32)}, "value holds NaN"),
        ({"policy": np.zeros((5, NUM_ACTIONS), np.float32)}, "sum to 1"),
        ({"ply": np.zeros(4, np.uint16)}, r"ply has shape \(4,\), expected 5 rows"),
        ({"states": np.zeros(5, np.uint8)}, "states has shape"),
    ],
)
def test_positions_that_do_not_fit_are_refused(
    change: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        write_shard(tmp_path, 0, make(5)._replace(**change))


def test_an_empty_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shard 4 would be empty"):
        write_shard(tmp_path, 4, make(0))


def test_two_hundred_random_bit_flips_are_found(tmp_path: Path) -> None:
    (shard,) = make_shards(tmp_path, 50)
    path = tmp_path / SHARDS / shard.name
    good = path.read_bytes()
    rng = np.random.default_rng(1)
    for bit in rng.integers(0, 8 * len(good), 200).tolist():
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedFileError, match=r"000000\.npz is damaged"):
            read_shard(tmp_path, shard, DTYPE)


@pytest.mark.parametrize("dtype", [record_dtype(25, 7), record_dtype(24, 8)])
def test_a_shard_of_another_game_is_refused(dtype: np.dtype[np.void], tmp_path: Path) -> None:
    (shard,) = make_shards(tmp_path, 50)
    with pytest.raises(DamagedFileError, match="a shard of another game"):
        read_shard(tmp_path, shard, dtype)


@pytest.mark.parametrize("count", [49, 51, 10**4])
def test_a_shard_of_another_length_is_refused(count: int, tmp_path: Path) -> None:
    (shard,) = make_shards(tmp_path, 50)
    with pytest.raises(DamagedFileError):
        read_shard(tmp_path, ShardInfo(shard.name, shard.sha256, count), DTYPE)


def test_the_list_of_shards_is_kept(tmp_path: Path) -> None:
    assert load_shard_list(tmp_path) == []
    shards = make_shards(tmp_path, 5, 6)
    save_shard_list(tmp_path, shards)
    assert load_shard_list(tmp_path) == shards


def test_a_damaged_list_is_made_anew_of_sound_shards(tmp_path: Path) -> None:
    shards = make_shards(tmp_path, 5, 6, 7)
    save_shard_list(tmp_path, shards)
    damage(tmp_path, shards[1])
    (tmp_path / MANIFEST).write_bytes(b"{}")
    with pytest.raises(DamagedFileError, match=r"manifest\.json is damaged"):
        load_shard_list(tmp_path)
    assert recover_shard_list(tmp_path) == [shards[0], shards[2]] == load_shard_list(tmp_path)
    assert (tmp_path / f"{MANIFEST}.damaged-1").exists()
    assert (tmp_path / SHARDS / "000001.npz.damaged-1").exists()


def test_samples_are_positions_as_stored(tmp_path: Path) -> None:
    window = make_window(tmp_path, 1000)
    assert window.extend(make_shards(tmp_path, 40)) == []
    stored = decode(encode(make(40)))
    sample = window.sample(np.random.default_rng(5), 300)
    for name, array in sample._asdict().items():
        np.testing.assert_array_equal(array, getattr(stored, name)[sample.game])


def test_the_window_holds_the_newest_positions(tmp_path: Path) -> None:
    window = make_window(tmp_path, 25)
    for shard in make_shards(tmp_path, 10, 10, 10, 10):
        window.extend([shard])
    assert (window.total, len(window)) == (40, 25)
    assert games(window) == set(range(15, 40))


def test_a_shard_larger_than_the_window_leaves_its_newest_part(tmp_path: Path) -> None:
    window = make_window(tmp_path, 7)
    window.extend(make_shards(tmp_path, 5, 20))
    assert games(window) == set(range(18, 25))


def test_a_window_filled_again_samples_the_same(tmp_path: Path) -> None:
    shards = make_shards(tmp_path, 8, 9, 10, 11, 12)
    grown, refilled = make_window(tmp_path, 25), make_window(tmp_path, 25)
    for shard in shards:
        grown.extend([shard])
    (tmp_path / SHARDS / shards[0].name).unlink()  # behind the window: not even read
    assert refilled.extend(shards) == []
    samples = [w.sample(np.random.default_rng(3), 99) for w in (grown, refilled)]
    for a, b in zip(*samples, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_damaged_shard_is_named_set_aside_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shards = make_shards(tmp_path, 10, 10, 10)
    damage(tmp_path, shards[1])
    window = make_window(tmp_path, 100)
    (error,) = window.extend(shards)
    assert error.path == tmp_path / SHARDS / "000001.npz"
    assert "set aside as 000001.npz.damaged-1; training goes on without it" in caplog.text
    assert games(window) == {*range(10), *range(20, 30)}


def test_an_empty_window_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty; play games before training"):
        make_window(tmp_path, 5).sample(np.random.default_rng(0), 1)


def test_the_window_leaves_no_file(tmp_path: Path) -> None:
    make_window(tmp_path, 5)
    assert list(tmp_path.iterdir()) == []


def test_a_window_larger_than_the_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot reserve .* MiB for the replay window in"):
        make_window(tmp_path, 1 << 48)


def test_the_window_grows_as_a_power_of_the_positions() -> None:
    config = WindowConfig(capacity=100_000_000, start=250_000, exponent=0.75, slope=0.4)
    assert config.size(1000) == 1000
    assert config.size(250_000) == 250_000
    # KataGo's main run: 241 million positions, a window of 22 million.
    assert config.size(241_000_000) == pytest.approx(22e6, rel=0.06)
    sizes = [config.size(total) for total in range(250_000, 5_000_000, 50_000)]
    assert sizes == sorted(sizes)
    assert WindowConfig(capacity=100, start=100).size(1000) == 100


@pytest.mark.parametrize(
    "values", [(10, 0), (10, 11), (10, 10, 0.0), (10, 10, 0.5, -1.0), (10, 10, 0.5, 2.0)]
)
def test_a_window_that_makes_no_sense_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"^window: "):
        WindowConfig(*values)  # type: ignore[arg-type]
