"""One process at a time in an output folder."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from twincell.errors import UserError
from twincell.locks import NAME, locked

HOLD = """
import sys, time
from twincell.locks import locked
with locked(sys.argv[1]):
    print("in", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> "subprocess.Popen[str]":
    """Another process that holds the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_by_name_and_leaves_the_first_its_lock(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=f"process {holder.pid} on .* is writing here"), locked(tmp_path):
        raise AssertionError("not reached")
    assert json.loads((tmp_path / NAME).read_text())["pid"] == holder.pid


def test_the_lock_of_a_killed_process_is_named_and_taken_over(
    holder: "subprocess.Popen[str]", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["pid"] == os.getpid()
    assert f"the lock of process {holder.pid}, which is gone, is taken over" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_number_used_again_by_another_program_is_no_holder(tmp_path: Path) -> None:
    stale = {"host": socket.gethostname(), "pid": os.getpid(), "start": "1"}
    (tmp_path / NAME).write_text(json.dumps(stale))
    with locked(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["start"] != "1"


def test_the_lock_of_another_computer_is_left_alone(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()  # a number that nobody has here says nothing about another computer
    there = json.dumps({"host": "the-other-one", "pid": ended.pid, "start": ""})
    (tmp_path / NAME).write_text(there)
    with pytest.raises(UserError, match=f"process {ended.pid} on the-other-one"), locked(tmp_path):
        raise AssertionError("not reached")
    assert (tmp_path / NAME).read_text() == there


def test_a_lock_cut_short_by_a_power_cut_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"ho')
    os.utime(tmp_path / NAME, (0, 0))
    with locked(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["pid"] == os.getpid()


def test_an_error_inside_releases_the_lock(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), locked(tmp_path):
        raise RuntimeError
    with locked(tmp_path):
        assert (tmp_path / NAME).exists()


def test_of_many_processes_one_at_a_time_is_inside(tmp_path: Path) -> None:
    """Each adds 1 to a number 20 times, with a pause before writing: without the lock some are lost."""
    code = (
        "import sys, time; from pathlib import Path; from twincell.errors import UserError\n"
        "from twincell.locks import locked\n"
        "n = Path(sys.argv[1]) / 'n'; left = 20\n"
        "while left:\n"
        "    try:\n"
        "        with locked(sys.argv[1]):\n"
        "            k = int(n.read_text()); time.sleep(0.001); n.write_text(str(k + 1)); left -= 1\n"
        "    except UserError: time.sleep(0.002)\n"
    )
    (tmp_path / "n").write_text("0")
    everyone = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(120) for process in everyone] == [0] * 4
    assert (tmp_path / "n").read_text() == "80"
