"""Shards counted apart, one of them killed and given again, make the table of one process bit for bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from counting.test_parts import SCRIPT, TESTS, recording, whole  # type: ignore[import-not-found] # noqa: F401
from helpers.fake_method import fake_model, write_chamber
from twincell.cli import run


def shard(tmp_path: Path, said: str, out: str = "counts.csv") -> int:
    words = ["count", str(tmp_path / "run"), str(tmp_path / "data"), "--shard", said]
    return run([*words, "--out", str(tmp_path / out)])


def merged(tmp_path: Path, *names: str, out: str = "counts.csv") -> int:
    return run(["merge", *[str(tmp_path / name) for name in names], "--out", str(tmp_path / out)])


@pytest.mark.parametrize("of", [1, 3, 16])
def test_shards_make_the_table_of_one_process(whole: str, tmp_path: Path, of: int) -> None:  # noqa: F811
    for number in range(of, 0, -1):
        assert shard(tmp_path, f"{number}/{of}") == 0
    folders = sorted(path.name for path in tmp_path.glob("counts.csv.shard-*"))
    assert len(folders) == of
    assert merged(tmp_path, *folders) == 0
    assert (tmp_path / "counts.csv").read_text() == whole
    assert not (tmp_path / "counts.csv.parts").exists()
    assert all((tmp_path / name).is_dir() for name in folders)


def test_missing_unfinished_and_foreign_shards_are_named(
    whole: str,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [shard(tmp_path, f"{number}/3") for number in (1, 2)] == [0, 0]
    assert merged(tmp_path, "counts.csv.shard-1-of-3", "counts.csv.shard-2-of-3") == 2
    assert "shard 3 of 3 is not named" in capsys.readouterr().err
    assert shard(tmp_path, "3/3") == 0
    lost = tmp_path / "counts.csv.shard-3-of-3" / "part-000002.csv"
    kept = lost.read_bytes()
    lost.unlink()
    everyone = [f"counts.csv.shard-{number}-of-3" for number in (1, 2, 3)]
    assert merged(tmp_path, *everyone) == 2
    assert "2 of 3 parts are counted; give its command again" in capsys.readouterr().err
    lost.write_bytes(kept)
    fake_model(tmp_path / "other", gain=2.0)
    words = ["count", str(tmp_path / "other"), str(tmp_path / "data"), "--shard", "3/3", "--out"]
    assert run([*words, str(tmp_path / "b.csv")]) == 0
    assert merged(tmp_path, *everyone[:2], "b.csv.shard-3-of-3") == 2
    assert "belongs to another count" in capsys.readouterr().err
    assert merged(tmp_path, "data") == 2
    assert "is no shard of a count" in capsys.readouterr().err
    assert not (tmp_path / "counts.csv").exists()
    assert merged(tmp_path, *everyone) == 0
    assert merged(tmp_path, *everyone) == 2
    assert (tmp_path / "counts.csv").read_text() == whole


def test_images_replaced_between_shards_are_noticed(
    whole: str,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [shard(tmp_path, f"{number}/2") for number in (1, 2)] == [0, 0]
    write_chamber(tmp_path / "data" / "a", [9] * 20)
    assert merged(tmp_path, "counts.csv.shard-1-of-2", "counts.csv.shard-2-of-2") == 2
    assert "images were replaced" in capsys.readouterr().err
    assert not (tmp_path / "counts.csv").exists()


@pytest.mark.parametrize("said", ["0/3", "4/3", "1", "a/b", "1/0"])
def test_impossible_shards_are_refused(
    whole: str,  # noqa: F811
    tmp_path: Path,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shard(tmp_path, said) == 2
    assert "write its number and that of all as 2/8" in capsys.readouterr().err


@pytest.mark.slow
def test_a_shard_killed_and_requeued_goes_on(whole: str, tmp_path: Path) -> None:  # noqa: F811
    words = ["count", str(tmp_path / "run"), str(tmp_path / "data"), "--out", str(tmp_path / "counts.csv")]
    for slow in (True, False):
        script = tmp_path / f"shard_{slow}.py"
        script.write_text(SCRIPT.format(tests=str(TESTS), slow=slow))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])}

    def start(slow: bool, number: int) -> "subprocess.Popen[str]":
        command = [sys.executable, str(tmp_path / f"shard_{slow}.py"), *words, "--shard", f"{number}/2"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    first = start(True, 1)
    assert first.stdout is not None
    assert any("part 2" in line for line in first.stdout)
    first.send_signal(signal.SIGKILL)
    first.wait()
    others = [start(False, number) for number in (1, 2)]
    assert [process.wait(timeout=120) for process in others] == [0, 0]
    assert merged(tmp_path, "counts.csv.shard-1-of-2", "counts.csv.shard-2-of-2") == 0
    assert (tmp_path / "counts.csv").read_text() == whole
