"""Reports: one file that opens without a network, holds what it claims, and escapes what it is given."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.fake_method import chamber_image, fake_model, write_chamber
from twincell.cli import run
from twincell.counting import count
from twincell.data.image_spec import ImageSpec
from twincell.data.manifest import Manifest
from twincell.models import METHODS
from twincell.models.base.file import load_model
from twincell.report.chart import Chart, ticks
from twincell.report.films import films
from twincell.report.images import as_grey, overlay, sheet, smaller
from twincell.report.pages import recording_page, training_page
from twincell.report.sections.curves import Film, curves
from twincell.report.sections.examples import where
from twincell.report.sections.growth import growth_section
from twincell.report.sections.notes import caution
from twincell.report.sections.training import course

pytestmark = pytest.mark.usefixtures("fake_method")
VOID = {"meta", "img", "br", "link", "input"}


@pytest.fixture
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


class Reader(HTMLParser):
    """Collects what a page is made of, and fails where a tag is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def counts() -> pd.DataFrame:
    """Two chambers, one with a hostile name, one of whose frames is flagged."""
    rows = []
    for chamber in ("p1", "<b>p2"):
        for frame in range(30):
            rows.append(
                (
                    chamber,
                    frame,
                    frame / 4,
                    f"{chamber}/{frame}.png",
                    2 + frame / 5,
                    2 + frame / 5,
                    1.0,
                    12.0,
                    "",
                )
            )
    columns = ["chamber", "frame", "time_h", "image", "count", "count_frame", "lower", "upper", "flag"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[5, "flag"] = "unreadable: cut <short>; bad frame"
    table.loc[5, "count_frame"] = np.nan
    return table


def test_a_page_needs_no_network_and_no_other_file(counts: pd.DataFrame, tmp_path: Path) -> None:
    film = {"p1": Film([0, 20], [chamber_image(3, 32), chamber_image(9, 32)])}
    path = recording_page(counts, films=film, notes=["skipped <i>notes.txt</i>"]).write(tmp_path / "r.html")
    page = path.read_text()
    read = Reader(page)

    assert not re.search(r"https?:|//[a-z]", page)
    assert all(str(image["src"]).startswith("data:") for image in read.all("img"))
    assert read.all("link") == []
    assert all("src" not in script for script in read.all("script"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html"]


def test_a_page_can_be_read_without_eyes_and_on_paper(counts: pd.DataFrame) -> None:
    page = recording_page(counts, films={"p1": Film([0], [chamber_image(3, 32)])}).html()
    read = Reader(page)
    assert read.all("html")[0]["lang"] == "en"
    assert all(image["alt"] for image in read.all("img"))
    assert all(chart["role"] == "img" for chart in read.all("svg"))
    assert page.count("<svg") == len(re.findall(r"<svg[^>]*><title>[^<]+</title>", page))
    targets = {link["href"] for link in read.all("a")}
    ids = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    assert {str(target)[1:] for target in targets if target} <= ids
    assert all(cell.get("scope") for cell in read.all("th"))
    for medium in ("prefers-color-scheme: dark", "@media print"):
        assert medium in page


def test_names_from_users_are_text_and_never_markup(counts: pd.DataFrame) -> None:
    page = recording_page(counts, notes=["skipped <i>notes.txt</i>"], title="A & B").html()
    read = Reader(page)
    assert "<b>p2" in read.text
    assert "cut <short>" in read.text
    assert read.all("b") == []
    assert read.all("i") == []
    assert "A & B" in read.text


def test_every_frame_can_be_asked_for(counts: pd.DataFrame) -> None:
    film = {"p1": Film([0, 20], [chamber_image(3, 32), chamber_image(9, 32)])}
    section = curves(counts, film, pd.DataFrame({"chamber": ["p1"], "frame": [4], "count": [3.0]}))
    assert section is not None
    charts = Reader(section.body).all("svg")
    assert len(charts) == 2
    data = json.loads(str(charts[0]["data-frames"]))
    assert len(data["frames"]) == 30
    assert data["frames"][5]["text"][:2] == ["frame 5, 1.25 h", "3.0 cells (1–12)"]
    assert any("unreadable" in line for line in data["frames"][5]["text"])
    assert not any("image alone" in line for line in data["frames"][5]["text"])
    assert [data["frames"][i]["tile"] for i in (0, 9, 11, 29)] == [0, 0, 1, 1]
    at = [frame["at"] for frame in data["frames"]]
    assert at == sorted(at)
    assert json.loads(str(charts[1]["data-frames"]))["sprite"] == ""
    assert curves(counts.assign(chamber="")) is None


def test_flags_are_listed_with_their_reasons(counts: pd.DataFrame) -> None:
    read = Reader(caution(counts, ["12 pictures read as one time-lapse"]).body)
    assert "p1 frame 5: unreadable: cut <short>; bad frame" in read.text
    assert "12 pictures read as one time-lapse" in read.text
    assert "No frame is flagged" in caution(counts[counts["flag"] == ""]).lead


def test_growth_names_the_chambers_that_do_not_grow(counts: pd.DataFrame) -> None:
    from twincell.series.growth.analysis import growth

    still = counts.assign(count=3.0, count_frame=3.0, flag="", chamber="still")
    found = growth(pd.concat([counts.assign(flag=""), still], ignore_index=True), first=10)
    section = growth_section(found)
    assert section is not None
    assert "still (" in section.lead
    assert "still" in Reader(section.body).text
    assert growth_section(found[:0]) is None


def test_a_map_is_laid_over_the_place_it_marks() -> None:
    image = np.full((128, 128), 100, np.uint8)
    density = np.zeros((32, 32), np.float32)
    density[4, 20] = 1.0  # one cell in map row 4, column 20: pixels 16-20 and 80-84
    shown = overlay(image, density).astype(int)
    changed = np.abs(shown - 100).sum(2)
    assert np.unravel_index(changed.argmax(), changed.shape)[0] in range(15, 21)
    assert np.unravel_index(changed.argmax(), changed.shape)[1] in range(79, 85)
    assert changed[100:, :60].max() == 0
    assert overlay(image, 0 * density).tolist() == np.dstack([image] * 3).tolist()


def test_where_cells_are_shows_the_models_own_counts(tmp_path: Path) -> None:
    model = load_model(fake_model(tmp_path / "run"))
    images = np.stack([chamber_image(4), chamber_image(7)])
    section = where(model, images, ["a", "b"], [5.0, float("nan")])
    assert section is not None
    read = Reader(section.body)
    assert "a: 4.0 (counted 5)" in read.text
    assert "b: 7.0" in read.text
    assert len(read.all("img")) == 2


def test_images_of_any_size_and_number_type_are_shown(tmp_path: Path) -> None:
    wide = smaller(np.zeros((40, 80), np.uint8), 20)
    assert wide.shape == (20, 20)
    assert wide[5:15].max() == 0  # proportions are kept
    assert wide[:5].min() == wide[15:].min() == 235
    assert np.array_equal(smaller(np.full((8, 8, 3), 7, np.uint8), 8), np.full((8, 8, 3), 7, np.uint8))
    deep = np.array([[0, 32768, 65535]], np.uint16)
    assert as_grey(deep).tolist() == [[0, 128, 255]]
    phase = ImageSpec(dtype="float32", unit="nm of optical path", range=(0, 400))
    assert as_grey(np.array([[0, 200, 900]], np.float32), phase).tolist() == [[0, 128, 255]]
    model = load_model(fake_model(tmp_path / "run"))
    section = where(model, [chamber_image(4), chamber_image(7)[:, :96]], ["square", "narrow"])
    assert section is not None
    assert section.body.count("<img") == 2


def test_films_come_from_the_recording_itself(tmp_path: Path) -> None:
    paths = write_chamber(tmp_path / "night", [1] * 12)
    paths[3].write_text("damaged")
    model = load_model(fake_model(tmp_path / "run"))
    found = films(count(tmp_path / "night", model, progress=False), model)
    assert found["night"].frames == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert len(found["night"].tiles) == 11
    assert found["night"].tiles[0].ndim == 3  # marked with the model's map


def test_the_course_of_a_run_is_drawn_from_its_history() -> None:
    steps = list(range(1, 101))
    history = pd.DataFrame(
        {
            "step": steps, "seconds": steps, "learning_rate": 1e-3, "loss": [1 / s for s in steps],
            "count_error": [9 / s for s in steps], "kl": 0.1,
            "validation_mae": [5.0 if s % 50 == 0 else np.nan for s in steps],
        }
    )  # fmt: skip
    section = course(history)
    assert section is not None
    read = Reader(section.body)
    assert len(read.all("svg")) == 3
    assert "best 5.00" in read.text
    assert course(history[:0]) is None


def test_tiles_keep_their_place() -> None:
    tiles = [np.full((4, 5), value, np.uint8) for value in (1, 2, 3)]
    whole = sheet(tiles, columns=2, gap=1)
    assert whole.shape == (9, 11)
    assert (whole[0, 0], whole[0, 6], whole[5, 0], whole[5, 6]) == (1, 2, 3, 235)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 30, [0, 10, 20, 30]), (0, 1, [0, 0.25, 0.5, 0.75, 1]), (3, 4.1, [3, 3.5, 4])],
)
def test_ticks_are_round_numbers_inside_the_range(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 5) == expected


def test_a_chart_puts_data_where_the_axes_say() -> None:
    chart = Chart((0, 10), (0, 100), 200, 100)
    chart.dots([10], [100], "model", names=["top <right>"])
    chart.line([0, 5, 10], [0, float("nan"), 100], "model")
    assert chart.at_x(10) == 200 - chart.right
    assert chart.at_y(100) == chart.top
    assert chart.at_y(0) == 100 - chart.bottom
    svg = chart.svg()
    assert svg.count("<polyline") == 2  # the line breaks where nothing is known
    assert "top &lt;right&gt;" in svg


def test_evaluate_writes_a_report_and_overwrites_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write_chamber(tmp_path / "data", [1, 2, 3, 4])
    rows = [(p.name, i + 1, "test", "pc", "natural", "c", i) for i, p in enumerate(paths)]
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "data" / "manifest.csv", index=False)
    model, report = str(fake_model(tmp_path / "run")), str(tmp_path / "r.html")
    args = ["evaluate", model, str(tmp_path / "data"), "--report", report]
    assert run(args) == 0
    read = Reader((tmp_path / "r.html").read_text())
    assert "Predicted against counted" in read.text
    assert "Where the cells are" in read.text
    assert len([c for c in read.all("circle") if "model" in str(c["class"])]) == 4
    assert run(args) == 2
    assert "--report" in capsys.readouterr().err


def test_a_training_run_is_told_with_its_course_and_settings(tmp_path: Path) -> None:
    paths = write_chamber(tmp_path / "data", [1, 2, 3, 4, 5, 6])
    rows = [
        (p.name, i + 1, ["train", "val", "test"][i % 3], "pc", "natural", "c", i) for i, p in enumerate(paths)
    ]
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    manifest = Manifest(pd.DataFrame(rows, columns=columns), tmp_path / "data")
    folder = fake_model(tmp_path / "run")
    (folder / "settings.yaml").write_text("training:\n  steps: 7\n")
    history = {"step": [1, 7], "seconds": [1, 2], "loss": [3.0, 1.0], "count_error": [2.0, 1.0]}
    pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
    read = Reader(training_page(folder, load_model(folder), manifest).html())
    for word in (
        "Split val",
        "Split test",
        "Training",
        "time interpolation",
        "steps: 7",
        "Where the cells are",
    ):
        assert word in read.text, word
    assert len([c for c in read.all("circle") if "model" in str(c["class"])]) == 4


def test_counting_writes_a_report_beside_the_table(tmp_path: Path) -> None:
    write_chamber(tmp_path / "night", [2 + frame // 5 for frame in range(20)])
    out, page = tmp_path / "counts.csv", tmp_path / "night.html"
    args = ["count", str(fake_model(tmp_path / "run")), str(tmp_path / "night"), "--minutes", "30"]
    assert run([*args, "--out", str(out), "--report", str(page)]) == 0
    read = Reader(page.read_text())
    assert "Cells in night" in read.text
    assert "20 images read as one time-lapse" in read.text
    data = json.loads(str(next(c for c in read.all("svg") if "data-frames" in c)["data-frames"]))
    assert [frame["tile"] for frame in data["frames"]] == list(range(20))
    assert run([*args, "--out", str(tmp_path / "b.csv"), "--report", str(page)]) == 2
    assert not (tmp_path / "b.csv").exists()
