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
from twincell.files import (
    BLOCK,
    BLOCKS,
    check_outputs,
    fresh_dir,
    fresh_file,
    sha256,
    stamp,
    write_atomic,
    write_new,
)


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


# -- outputs of a verb -------------------------------------------------------------------------------


def test_an_output_that_is_an_input_is_refused_also_with_force_and_through_links(tmp_path: Path) -> None:
    labels = write_atomic(tmp_path / "manifest.csv", "made by hand")
    (tmp_path / "link.json").symlink_to(labels)
    for force in (False, True):
        for name in ("manifest.csv", "sub/../manifest.csv", "link.json"):
            with pytest.raises(UserError, match="is an input of this command"):
                check_outputs({"--json": tmp_path / name}, [labels], force)
    assert labels.read_text() == "made by hand"


def test_outputs_that_exist_are_folders_or_share_a_name_are_refused_together(tmp_path: Path) -> None:
    old = write_atomic(tmp_path / "old.html", "x")
    asked = {
        "--report": old,
        "--out": tmp_path / "new.csv",
        "--json": tmp_path / "." / "new.csv",
        "--points": tmp_path,
        "--plot": None,
    }
    with pytest.raises(UserError) as caught:
        check_outputs(asked)
    assert [problem.split(":")[0].split()[0] for problem in caught.value.problems] == [
        "--report",
        "--json",
        "--points",
    ]
    check_outputs({"--report": old, "--out": tmp_path / "new.csv"}, force=True)


def test_a_file_made_while_the_work_ran_is_kept_and_the_result_goes_beside_it(tmp_path: Path) -> None:
    first = write_new(tmp_path / "counts.csv", "one")
    second = write_new(tmp_path / "counts.csv", "two")
    third = write_new(tmp_path / "counts.csv", "three")
    assert [path.name for path in (first, second, third)] == ["counts.csv", "counts-2.csv", "counts-3.csv"]
    assert [path.read_text() for path in (first, second, third)] == ["one", "two", "three"]
    assert write_new(first, "anew", force=True) == first
    assert first.read_text() == "anew"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_drive_without_links_still_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    assert write_new(tmp_path / "a.csv", "one").read_text() == "one"
    assert write_new(tmp_path / "a.csv", "two").name == "a-2.csv"
    assert (tmp_path / "a.csv").read_text() == "one"


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    assert write_atomic(tmp_path / ("n" * 251 + ".csv"), "x").read_text() == "x"


def test_a_stamp_sees_new_content_of_the_same_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "frame.raw"
    path.write_bytes(bytes(1_000_000))
    facts = path.stat()
    before = stamp(path)
    path.write_bytes(b"\1" * 1_000_000)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    after = stamp(path)
    assert before["size"] == after["size"]
    assert before["modified_ns"] == after["modified_ns"]
    assert before["content"] != after["content"]


@pytest.mark.parametrize("block", [1, 7, 15])
def test_a_quick_stamp_looks_at_blocks_all_over_the_file(block: int, tmp_path: Path) -> None:
    path = tmp_path / "frame.raw"
    path.write_bytes(bytes(1_000_000))
    before = stamp(path)["content"]
    with path.open("r+b") as file:
        file.seek(block * (1_000_000 - BLOCK) // (BLOCKS - 1))
        file.write(b"\1")
    assert stamp(path)["content"] != before


def test_only_a_whole_stamp_reads_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "frame.raw"
    path.write_bytes(bytes(1_000_000))
    quick, whole = stamp(path)["content"], stamp(path, whole=True)["content"]
    with path.open("r+b") as file:
        file.seek(10_000)  # between two of the blocks a quick stamp looks at
        file.write(b"\1")
    assert stamp(path)["content"] == quick
    assert stamp(path, whole=True)["content"] != whole


def test_the_stamp_of_a_folder_sees_every_file_below(tmp_path: Path) -> None:
    write_atomic(tmp_path / "store" / "c" / "0", "chunk")
    before = stamp(tmp_path / "store")["content"]
    write_atomic(tmp_path / "store" / "c" / "1", "chunk")
    assert stamp(tmp_path / "store")["content"] != before
