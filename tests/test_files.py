"""Writing that never loses or overwrites."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twincell.errors import UserError
from twincell.files import fresh_dir, fresh_file, sha256, write_atomic


def test_text_and_bytes_are_written_and_nothing_is_left_beside(tmp_path: Path) -> None:
    write_atomic(tmp_path / "new" / "a.txt", "größer\n")
    write_atomic(tmp_path / "new" / "b.bin", b"\0\1")
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "größer\n"
    assert (tmp_path / "new" / "b.bin").read_bytes() == b"\0\1"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.txt", "b.bin"]


def test_others_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    assert write_atomic(tmp_path / "a", "x").stat().st_mode == plain.stat().st_mode


def test_a_failing_write_leaves_the_old_content_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_atomic(tmp_path / "a.txt", "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed at any moment of writing over and over, the file is one of the contents in full."""
    path = tmp_path / "a.txt"
    code = (
        "import sys, itertools; from twincell.files import write_atomic\n"
        "for i in itertools.count(): write_atomic(sys.argv[1], str(i % 10) * 200_000)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)])
    try:
        deadline = time.monotonic() + 30
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    text = path.read_text()
    assert len(text) == 200_000
    assert len(set(text)) == 1


def test_an_existing_folder_with_files_is_refused_unless_resuming(tmp_path: Path) -> None:
    out = fresh_dir(tmp_path / "a" / "b")
    assert out.is_dir()
    assert fresh_dir(out) == out  # still empty
    (out / "result.csv").write_text("precious")
    with pytest.raises(UserError, match="nothing is overwritten; name another folder with --out"):
        fresh_dir(out)
    assert fresh_dir(out, resume=True) == out
    with pytest.raises(UserError, match="is a file, not a folder"):
        fresh_dir(out / "result.csv")
    assert (out / "result.csv").read_text() == "precious"


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    target = fresh_file(tmp_path / "new" / "counts.csv")
    assert target.parent.is_dir()
    target.write_text("precious")
    with pytest.raises(UserError, match="nothing is overwritten"):
        fresh_file(target)


def test_sha256_is_the_known_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256(path) == hashlib.sha256(b"abc").hexdigest()
