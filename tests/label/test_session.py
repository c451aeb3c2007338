"""A data set at work: what is asked next, what stays hidden, what a series becomes, what comes out and in
again."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.label_toys import Page, centres, pretend, serving, write_cells
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.label import queue
from twincell.label.exchange import read_labels
from twincell.label.jobs import Jobs
from twincell.label.session import Session

_keys = iter(f"key-{i:06d}" for i in range(10**6))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_cells(tmp_path)
    return tmp_path


@pytest.fixture
def page(root: Path) -> Iterator[Page]:
    pretend(root, bias=1.0)
    with serving(root) as served:
        yield served


def number(row: int, n: int, round_: int = 0, **how: object) -> list[dict[str, object]]:
    common = {"row": row, "round": round_, **how}
    return [
        {"key": next(_keys), "kind": "number", "number": n, **common},
        {"key": next(_keys), "kind": "status", "status": "done", **common},
    ]


def dots(row: int, places: list[tuple[float, float]]) -> list[dict[str, object]]:
    set_ = [{"id": next(_keys), "x": x, "y": y} for x, y in places]
    return [
        *({"key": next(_keys), "kind": "dot", "row": row, "dot": dot} for dot in set_),
        {"key": next(_keys), "kind": "status", "row": row, "status": "done"},
    ]


def test_an_answer_is_known_at_once_and_corrects_its_series(page: Page) -> None:
    before = page.get("/api/curve/0")
    assert before["count"][5] == pytest.approx(before["count_frame"][5])
    page.do("Anna", *number(5, 2))
    after = page.get("/api/curve/0")
    assert after["counted"][5] == 2
    assert abs(after["count"][6] - 3) < abs(before["count"][6] - 3)  # the model says one too many
    assert page.get("/api/curve/1")["count"] == before["count"][:0] + page.get("/api/curve/1")["count_frame"]


def test_the_model_and_others_are_hidden_until_the_answer(page: Page) -> None:
    page.do("Ben", *number(4, 9))
    frame = page.get("/api/frame/4?person=Anna")
    assert frame["model"] is None
    assert frame["others"] is None
    assert frame["answer"]["count"] is None
    page.do("Anna", *number(4, 2))
    frame = page.get("/api/frame/4?person=Anna")
    assert frame["others"] == [{"person": "Ben", "count": 9, "dots": []}]
    assert frame["model"]["count_frame"] == 3


def test_faint_dots_are_those_of_the_last_frame_the_person_finished(page: Page) -> None:
    page.do("Anna", *dots(3, centres(0, 3)), *number(4, 2))
    ghost = page.get("/api/frame/7?person=Anna")["ghost"]
    assert ghost["back"] == 4
    assert [dot[:2] for dot in ghost["dots"]] == [list(place) for place in centres(0, 3)]
    assert page.get("/api/frame/2?person=Anna")["ghost"] is None
    assert page.get("/api/frame/7?person=Ben")["ghost"] is None
    assert page.get("/api/frame/19?person=Anna")["ghost"] is None  # of another chamber


def test_every_chamber_is_asked_before_any_is_asked_again(page: Page) -> None:
    asked = [row["row"] for row in page.get("/api/next?person=Anna&n=3")]
    assert {row // 12 for row in asked} == {0, 1, 2}
    again = page.get(f"/api/next?person=Anna&n=1&avoid={asked[0]}")
    assert again[0]["row"] != asked[0]
    assert {row["row"] // 12 for row in page.get("/api/next?person=Anna&n=3&series=2")} == {2}


def test_skipped_frames_do_not_come_back_and_are_not_known(page: Page) -> None:
    first = page.get("/api/next?person=Anna")[0]["row"]
    page.do("Anna", {"key": next(_keys), "row": first, "kind": "status", "status": "skipped"})
    assert all(row["row"] != first for row in page.get("/api/next?person=Anna&n=8"))
    assert page.get("/api/state?person=Anna")["series"][first // 12]["known"] == 0


def test_everything_answered_is_the_end(tmp_path: Path) -> None:
    write_cells(tmp_path, 1, 2)
    with serving(tmp_path) as page:
        page.do("Anna", *number(0, 1), *number(1, 1))
        assert page.get("/api/next?person=Anna&n=3") == []


def test_repeats_come_hidden_and_are_told_apart(tmp_path: Path) -> None:
    write_cells(tmp_path, 2, 120)
    with serving(tmp_path) as page:
        repeats = 0
        for _ in range(70):
            asked = page.get("/api/next?person=Anna")[0]
            frame = page.get(f"/api/frame/{asked['row']}?person=Anna&round={asked['round']}")
            assert frame["answer"]["count"] is None  # nothing of the first time is to be seen
            repeats += asked["round"] == 1
            page.do("Anna", *number(asked["row"], 3 + asked["round"], asked["round"]))
        assert 2 <= repeats <= 11
        people = page.get("/api/people")
        (within,) = people["within"]
        assert within["who"] == "Anna, again"
        assert within["pairs"] == repeats
        assert within["mean"] == 1.0
        assert people["between"] == []
        second = [page.get("/api/next?person=Ben")[0]["row"]]
        for _ in range(60):
            page.do("Ben", *number(second[-1], 5))
            second.append(page.get("/api/next?person=Ben")[0]["row"])
        (between,) = page.get("/api/people")["between"]
        assert between["who"] == "Anna and Ben"
        assert between["pairs"] >= 1
        assert between["bias"] == 2.0


def test_answers_after_a_look_at_the_model_are_no_measure_of_people(page: Page) -> None:
    page.do("Anna", *number(4, 2), *number(5, 2, shown={"model": True, "asked": True, "count": 3.0}))
    page.do("Ben", *number(4, 2), *number(5, 2))
    (between,) = page.get("/api/people")["between"]
    assert between["pairs"] == 1


def test_review_puts_the_doubtful_first_and_finds_by_words(page: Page) -> None:
    page.do("Anna", *number(13, 3))
    page.do(
        "Anna", {"key": next(_keys), "row": -1, "kind": "condition", "chamber": "ch1", "condition": "fed"}
    )
    found = page.get("/api/review?person=Anna&condition=FED")
    assert found["total"] == 12
    doubts = [frame["doubt"] for frame in found["frames"]]
    assert doubts == sorted(doubts, reverse=True)
    counted = page.get("/api/review?person=Anna&show=counted")
    assert [(frame["row"], frame["mine"]) for frame in counted["frames"]] == [(13, 3)]
    assert page.get("/api/review?person=Anna&show=differ")["total"] == 1
    assert page.get("/api/review?person=Anna&chamber=nowhere")["total"] == 0
    page.do("Ben", *number(13, 4))
    compared = page.get("/api/review?person=Anna&compare=Ben")
    assert [(frame["row"], frame["others"]) for frame in compared["frames"]] == [(13, [["Ben", 4]])]


def test_labels_go_out_to_manifest_and_points_and_come_in_again(root: Path, tmp_path: Path) -> None:
    with serving(root) as page:
        page.do("Anna", *dots(3, centres(0, 3)), *number(14, 1))
        page.do("Anna", {"key": next(_keys), "row": 30, "kind": "number", "number": 7})  # not finished
        page.do(
            "Anna", {"key": next(_keys), "row": -1, "kind": "condition", "chamber": "ch2", "condition": "low"}
        )
        assert set(page.post("/api/job/write", {})["written"]) == {"manifest.csv", "points.csv"}
    manifest = Manifest.read(root)
    counts = manifest.table["count"]
    assert {row: counts[row] for row in np.flatnonzero(counts.notna())} == {3: 2, 14: 1}
    assert manifest.points[["row", "x", "y"]].to_numpy().tolist() == [[3, *place] for place in centres(0, 3)]
    assert set(manifest.table.loc[24:, "condition"]) == {"low"}
    assert list(root.glob("manifest.2*.csv")), "the manifest of before is kept"
    # What stands in the manifest now is known, and no answer of anybody.
    with serving(root) as page:
        assert page.get("/api/state?person=Ben")["series"][0]["known"] == 1


def test_labels_csv_gives_every_answer_back(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_cells(other)
    session = Session(root, Jobs(root / ".label"))
    from twincell.label.exchange import labels_csv
    from twincell.label.records import Deed

    session.do("Anna", [Deed.model_validate(d) for d in dots(3, [*centres(0, 3), (40.0, 40.0)])])
    dirt = {"id": "dirt-0001", "x": 9, "y": 9, "label": "not a cell"}
    session.do("Ben", [Deed.model_validate({"key": next(_keys), "row": 3, "kind": "dot", "dot": dirt})])
    session.do("Ben", [Deed.model_validate(d) for d in number(14, 1)])
    file = tmp_path / "labels.csv"
    file.write_text(labels_csv(session.dataset, session.store.answers))
    fresh = Session(other, Jobs(other / ".label"))
    assert read_labels(file, fresh.dataset, fresh.store) == 3
    assert read_labels(file, fresh.dataset, fresh.store) == 0  # twice is once
    columns = ["person", "image", "round", "count", "status", "at", "dots"]
    again = pd.read_csv(file)[columns]
    told = pd.read_csv(_written(tmp_path / "again.csv", labels_csv(fresh.dataset, fresh.store.answers)))[
        columns
    ]
    pd.testing.assert_frame_equal(again, told)


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def test_points_and_counts_of_other_programs_are_taken_in(root: Path, tmp_path: Path) -> None:
    session = Session(root, Jobs(root / ".label"))
    points = _written(
        tmp_path / "points.csv", "image,x,y,label\nch0/t003.png,8,10,\nch0/t003.png,17,10,dead\n"
    )
    assert read_labels(points, session.dataset, session.store, "Fiji") == 1
    assert session.answer("Fiji", 3).count == 2
    counts = _written(tmp_path / "table.csv", "image,count\nch1/t004.png,5\nch1/t005.png,\n")
    assert read_labels(counts, session.dataset, session.store) == 1
    assert session.answer("table", 16).count == 5
    session.reload()
    assert session.known == {3: 2, 16: 5}
    for text, wrong in (
        ("image,count\nno.png,1\n", "no images"),
        ("image,count\nch0/t001.png,x\n", "no number"),
        ("a,b\n1,2\n", "no labels|column"),
    ):
        with pytest.raises(UserError, match=wrong):
            read_labels(_written(tmp_path / "wrong.csv", text), session.dataset, session.store)


def test_labels_of_val_and_test_are_never_learned_from(root: Path) -> None:
    table = pd.read_csv(root / "manifest.csv")
    table.loc[12:, "split"] = "test"
    table.to_csv(root / "manifest.csv", index=False)
    pretend(root)
    with serving(root) as page:
        page.do("Anna", *number(3, 2), *dots(14, centres(1, 2)))
        session = page.place.needed_session()
        started = []
        session.learning.jobs.start = lambda job, order, then: bool(started.append(order)) or True  # type: ignore[method-assign]
        page.post("/api/job/learn", {})
        given = Manifest.read(started[0]["labels"])
        assert np.flatnonzero(given.labelled).tolist() == [3]
        assert started[0]["known"] == {"3": 2, "14": 1}


def test_a_model_that_is_no_better_changes_nothing(root: Path) -> None:
    pretend(root)
    with serving(root) as page:
        page.do("Anna", *number(3, 2))
        learning = page.place.needed_session().learning
        ended = {"changed": False, "before": 0.4, "after": 0.4, "labels": 1, "sentence": "", "model": "x"}

        def start(job: object, order: object, then: object) -> bool:
            job.result = ended  # type: ignore[attr-defined]
            then(job)  # type: ignore[operator]
            return True

        learning.jobs.start = start  # type: ignore[method-assign, assignment]
        assert page.post("/api/job/learn", {}) == {"started": True}
        state = page.get("/api/state?person=Anna")
        assert state["model"] == "any"
        assert state["counts"] == 1
        assert state["learned"]["changed"] is False


def test_images_that_stand_alone_are_asked_by_how_little_they_look_alike(tmp_path: Path) -> None:
    write_cells(tmp_path, 0, 0, alone=12)
    pretend_alone(tmp_path)
    with serving(tmp_path) as page:
        asked = [row["row"] for row in page.get("/api/next?person=Anna&n=3")]
        assert asked[0] == 5  # nearest to the middle of all, then the ends
        assert set(asked[1:]) == {0, 11}
        frame = page.get("/api/frame/5?person=Anna")
        assert frame["chamber"] == "single images"
        assert frame["ghost"] is None


def pretend_alone(root: Path) -> None:
    pretend(root)
    values = np.arange(12.0)[:, None] - 5.4
    np.savez(root / ".label" / "counts-1.npz", rows=np.arange(12), features=values)


def test_farthest_in_time_halves_the_largest_gap_and_leaves_no_end_bare() -> None:
    known: set[int] = set()
    for _ in range(7):
        known.add(queue.farthest(100, known))
    gaps = np.diff([0, *sorted(known), 99])
    assert gaps.max() <= 25
    assert min(known) < 20
    assert max(known) > 80
    assert queue.farthest(100, {50}, [10, 49, 51]) == 10
    assert queue.farthest(20_000, set(range(0, 20_000, 2))) % 2 == 1


def test_core_set_takes_the_least_alike() -> None:
    features = np.array([[0.0], [0.1], [5.0], [10.0], [0.2]])
    assert queue.least_alike(features, [0], 2) == [3, 2]
    assert len(queue.least_alike(features, [], 9)) == 5


def test_the_page_is_fast_with_fifty_thousand_frames(tmp_path: Path) -> None:
    import time

    from helpers.label_toys import draw
    from twincell.files import write_atomic
    from twincell.io.encode import png

    image = png(draw(centres(0, 4)))
    rows = []
    for chamber in range(10):
        write_atomic(tmp_path / f"{chamber}.png", image)
        rows += [(f"{chamber}.png", f"ch{chamber}", frame) for frame in range(5_000)]
    table = pd.DataFrame(rows, columns=["image", "chamber", "frame"])
    table = table.assign(
        count=np.nan, split="train", modality="bf", origin="natural", time_h=table["frame"] / 6
    )
    # One file may stand for many pages here: only its name and number are looked at before it is shown.
    Manifest(table.assign(page=table["frame"]), tmp_path).write(tmp_path)
    with serving(tmp_path) as page:
        page.get("/api/state?person=Anna")
        spent = time.process_time()
        for _ in range(5):
            asked = page.get("/api/next?person=Anna&n=3")
            page.do("Anna", *number(asked[0]["row"], 3))
        assert (
            time.process_time() - spent
        ) / 5 < 0.1  # server and browser's asking together, processor seconds
        state = page.get("/api/state?person=Anna")
        assert sum(series["frames"] for series in state["series"]) == 50_000
        assert len(json.dumps(state)) < 20_000
