"""Work in the background, inputs being set up, and the command: what they refuse and what they say."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from helpers.label_toys import pretend, serving, write_cells
from helpers.recording_toys import film, pc_field, write_ome
from twincell.cli import run
from twincell.errors import UserError
from twincell.label.agreement import agreement_section, spread, within
from twincell.label.answers import Answer
from twincell.label.fields import checked_boxes
from twincell.label.jobs import Job, Jobs, told_progress
from twincell.label.setup import Asked

POSITIONS = [{"name": "night", "width": 300, "height": 200}]


def wait(jobs: Jobs) -> Job:
    end = time.monotonic() + 120
    while jobs.now is None or jobs.now.state == "running" or not jobs.now.ended:
        assert time.monotonic() < end
        time.sleep(0.05)
    return jobs.now


def test_a_job_that_fails_says_why_and_the_next_one_may_start(tmp_path: Path) -> None:
    jobs, done = Jobs(tmp_path), []
    order = {"manifest": str(tmp_path / "none.csv"), "model": "any", "out": str(tmp_path / "counts.csv")}
    assert jobs.start(Job("count", "Counting"), order, done.append)
    assert not jobs.start(Job("count", "Counting"), order, done.append)  # one at a time
    job = wait(jobs)
    assert job.state == "failed"
    assert "none.csv: is missing" in job.line
    assert done == []


def test_a_job_can_be_stopped(tmp_path: Path) -> None:
    jobs, done = Jobs(tmp_path), []
    assert jobs.start(Job("learn", "Learning"), {}, done.append)
    jobs.stop()
    assert wait(jobs).state == "stopped"
    assert done == []


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("counting: 1,024 of 4,096, 3 min left", 0.25),
        ("twincell: cross-validation, part 2 of 4", 0.5),
        ("twincell: leaving the model as it is", None),
    ],
)
def test_progress_is_read_from_what_is_said(line: str, share: float | None) -> None:
    job = Job("count", "Counting")
    told_progress(job, line)
    assert job.share == share
    assert not job.line.startswith("twincell:")


def test_the_spread_of_people_is_what_its_formula_says() -> None:
    found = spread("Anna, again", [(3, 3), (8, 10), (8, 7), (15, 15)])
    assert found.mean == 0.75
    assert found.same == 0.5
    assert found.bias == 0.25
    assert found.one == pytest.approx((5 / 4 / 2) ** 0.5)  # half of the mean squared difference


def test_the_report_tells_of_people_only_where_a_frame_was_counted_twice() -> None:
    def answer(n: int, round_: int, blind: bool = True) -> Answer:
        return Answer("Anna", "a.png", 0, round_, number=n, status="done", blind=blind)

    assert agreement_section([answer(3, 0)]) is None
    assert agreement_section([answer(3, 0), answer(4, 1, blind=False)]) is None
    section = agreement_section([answer(3, 0), answer(4, 1)])
    assert section is not None
    assert "Anna, again" in section.body
    assert [one.pairs for one in within([answer(3, 0), answer(4, 1), answer(4, 2)])] == [2]


@pytest.mark.parametrize(
    "boxes",
    [
        {},
        {"night": []},
        {"day": [[1, 1, 50, 50]]},
        {"night": [[1, 1, 5, 50]]},
        {"night": [[400, 1, 50, 50]]},
        {"night": [[1, 1, float("nan"), 50]]},
        {"night": [[1, 1, 50]]},
        {"night": [[1, 1, 50, 50]] * 501},
    ],
)
def test_boxes_that_are_none_are_refused(boxes: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        checked_boxes(boxes, POSITIONS)


def test_a_folder_of_images_becomes_a_data_set_by_two_words(tmp_path: Path) -> None:
    write_cells(tmp_path / "cells", 1, 4)
    out = tmp_path / "made"
    with serving(tmp_path / "cells" / "ch0", out=out) as page:
        assert page.get("/api/setup")["phase"] == "ask"
        assert page.ask("GET", "/api/state?person=Anna")[0] == 409
        status, headers, picture = page.ask("GET", "/first.png")
        assert (status, headers["content-type"], picture[:4]) == (200, "image/png", b"\x89PNG")
        for wrong in (
            {"modality": "", "fields": False},
            {"modality": "brigt field", "fields": False},
            {"modality": "bf", "minutes": -1, "fields": False},
            {"modality": "bf"},
        ):
            assert page.ask("POST", "/api/setup/words", wrong)[0] == 400, wrong
        assert page.post("/api/setup/words", {"modality": "bf", "minutes": 10, "fields": False}) == {
            "ready": True
        }
        state = page.get("/api/state?person=Anna")
        assert [series["frames"] for series in state["series"]] == [4]
        assert page.get("/api/frame/3?person=Anna")["hours"] == pytest.approx(0.5)
    assert (out / "manifest.csv").is_file()
    assert not list((tmp_path / "cells" / "ch0").glob("*.csv"))  # nothing is written among the images
    with serving(tmp_path / "cells" / "ch0", out=out) as page:  # the same words again go on
        assert page.get("/api/setup")["phase"] == "ready"


@pytest.mark.slow
def test_fields_of_view_are_looked_at_and_cut_out_as_drawn(tmp_path: Path) -> None:
    field = pc_field(1, 2, seed=3)
    file = write_ome(tmp_path / "night.ome.tif", film(field, 6).frames)
    with serving(file, out=tmp_path / "out", asked=Asked()) as page:
        assert page.post("/api/setup/words", {"modality": "pc", "fields": True}) == {"ready": False}
        wait(page.place.jobs)
        setup = page.get("/api/setup")
        assert setup["phase"] == "boxes"
        (position,) = setup["positions"]
        middles = sorted((x + w / 2, y + h / 2) for x, y, w, h in position["boxes"])
        for (x, y), (true_x, true_y) in zip(middles, sorted(field.box_centres().tolist()), strict=True):
            assert abs(x - true_x) < 4
            assert abs(y - true_y) < 4
        kept = position["boxes"][:1]
        assert page.ask("POST", "/api/setup/boxes", {"boxes": {"other": kept}})[0] == 400
        page.post("/api/setup/boxes", {"boxes": {position["name"]: kept}})
        wait(page.place.jobs)
        assert page.get("/api/setup") == {"phase": "ready"}
        assert [series["frames"] for series in page.get("/api/state?person=Anna")["series"]] == [6]


@pytest.mark.slow
def test_report_and_files_hold_what_was_counted(tmp_path: Path) -> None:
    write_cells(tmp_path, 2, 12)
    pretend(tmp_path)
    with serving(tmp_path) as page:
        deeds = [
            {"key": "key-00001", "row": 3, "kind": "number", "number": 2},
            {"key": "key-00002", "row": 3, "kind": "status", "status": "done"},
            {"key": "key-00003", "row": -1, "kind": "condition", "chamber": "ch0", "condition": "fed"},
            {"key": "key-00004", "row": -1, "kind": "condition", "chamber": "ch1", "condition": "low"},
        ]
        page.do("Anna", *deeds)
        page.post("/api/job/report", {})
        job = wait(page.place.jobs)
        assert job.state == "done", job.line
        report = page.get("/api/state?person=Anna")["report"]
        assert {row["chamber"] for row in report["growth"]} == {"ch0", "ch1"}
        assert {row["name"] for row in report["conditions"]} == {"fed", "low"}
        for name in report["files"]:
            status, headers, body = page.ask("GET", f"/files/{name}?save=1")
            assert status == 200
            assert body
            assert "attachment" in headers["content-disposition"]
        _, headers, html = page.ask("GET", "/files/report.html")
        assert "sandbox" in headers["content-security-policy"]
        assert b"counted by a person" in html
        assert b"fed" in page.ask("GET", "/files/manifest.csv")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: is missing"),
        (["a", "b"], "a manifest is labelled alone"),
        (["a", "--labels", "none.csv"], "none.csv: is missing"),
    ],
)
def test_the_command_says_what_is_wrong(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write_cells(tmp_path / name, 1, 1)
    assert run(["label", *words, "--no-browser", "--no-count"]) == 2
    assert said in capsys.readouterr().err


def test_a_taken_port_and_a_second_page_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_cells(tmp_path / "a", 1, 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert run(["label", "a", "--port", port, "--no-browser", "--no-count"]) == 2
    assert "name another --port" in capsys.readouterr().err
    (tmp_path / "a" / ".twincell.lock.label").write_text(json.dumps({"host": "another", "pid": 1}))
    assert run(["label", "a", "--port", "0", "--no-browser", "--no-count"]) == 2
    assert "is writing here" in capsys.readouterr().err
