"""Progress where there is no terminal: lines in place of bars."""

import pytest

from twincell import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that tests move by hand."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_every_ten_seconds_says_how_far_and_how_long(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in progress.track(range(100), "counting", total=100):
        clock[0] += 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "counting: 4 of 100, 5 min left"
    assert lines[1] == "counting: 8 of 100, 5 min left"
    assert len(lines) == 25


def test_work_that_is_done_at_once_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(range(3), "counting", total=3)) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_nothing_is_said_where_nothing_is_wanted(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in progress.track(range(10), "counting", total=10, show=False):
        clock[0] += 60
    assert capsys.readouterr().err == ""


def test_time_left_is_that_of_this_run_not_of_frames_counted_before(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.bar() as shown:
        task = shown.add_task("counting", total=1000, completed=900, note="")
        clock[0] += 20
        shown.advance(task, 10)
    assert capsys.readouterr().err == "counting: 910 of 1,000, 3 min left\n"
