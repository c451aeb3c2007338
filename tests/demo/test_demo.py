"""The demo at toy size: every step of it runs, and it tells the truth about itself."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.demo import run as demo
from twincell.training.adaptation import Effort

TOY = demo.Plan(frames=12, chambers=3, new_chambers=1, counted_every=6)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Adaptations of two steps, with one view."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("twincell.training.adaptation.selection.effort_for", lambda *_: Effort(steps=(2,)))
        patch.setattr("twincell.training.adaptation.search.SCALES", (1.0,))
        patch.setattr("twincell.training.adaptation.search.OWN_CONTRASTS", (1.0,))
        patch.setattr("twincell.training.adaptation.search.INVERTED", (-1.0,))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, quick: None) -> Path:
    """One demo for all tests: the real command, with little of everything."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "Plan", lambda: TOY)
        patch.chdir(folder)
        assert run(["demo", "--seed", "3", "--json", "figures.json"]) == 0
    return folder


def test_it_leaves_the_models_the_tables_and_the_page(made: Path) -> None:
    out = made / "twincell-demo"
    names = ("model-pc-clicked/model.json", "model-bf-counted/model.json", "model-bf-clicked/model.json")
    for name in (*names, "growth.csv", "report.html"):
        assert (out / name).is_file()
    counts = pd.read_csv(out / "counts.csv")
    assert sorted(counts["chamber"].unique()) == ["bf-sim03", "pc-sim03"]
    assert len(counts) == 24
    for name in names:
        assert json.loads((out / name).read_text())["data"]["labelled"] == 6


def test_the_same_frames_are_counted_and_clicked(made: Path) -> None:
    root = made / "twincell-demo" / "bright-field"
    counted, clicked = Manifest.read(root / "counted.csv"), Manifest.read(root / "clicked.csv")
    pd.testing.assert_series_equal(counted.table["count"], clicked.table["count"])
    learned = (counted.table["split"] == "train").to_numpy() & counted.labelled
    assert learned.sum() == 6
    assert len(counted.points) == 0
    per_image = clicked.points.groupby("row").size()
    assert per_image.tolist() == counted.table["count"][learned].tolist()
    # A click is near a cell, and not in its middle.
    truth = pd.read_csv(root / "truth-places.csv")
    own = truth[truth["image"].isin(counted.table["image"][learned])]
    away = np.hypot(own["x"].to_numpy() - clicked.points["x"], own["y"].to_numpy() - clicked.points["y"])
    assert 0.5 < away.mean() < 3


def test_no_count_of_the_new_chambers_is_used(made: Path) -> None:
    for folder in ("phase-contrast", "bright-field"):
        new = pd.read_csv(made / "twincell-demo" / folder / "new-chambers.csv")
        assert new["count"].isna().all()


def test_the_errors_told_are_those_of_the_table_against_the_truth(made: Path) -> None:
    out = made / "twincell-demo"
    counts = pd.read_csv(out / "counts.csv")
    truths = []
    for folder, modality in (("phase-contrast", "pc-"), ("bright-field", "bf-")):
        table = pd.read_csv(out / folder / "truth.csv")
        truths.append(table.assign(chamber=modality + table["chamber"]))
    both = counts.merge(pd.concat(truths), on=["chamber", "frame"], suffixes=("", "_true"))
    assert len(both) == 24
    told = json.loads((made / "figures.json").read_text())
    for name, column in (("series", "count"), ("frame", "count_frame")):
        error = np.abs(np.rint(both[column]) - both["count_true"]).mean()
        assert told[name]["mae"] == pytest.approx(error)
    inside = (both["lower"] <= both["count_true"]) & (both["count_true"] <= both["upper"])
    assert told["coverage"] == pytest.approx(100 * inside.mean())


def test_the_page_holds_the_story(made: Path) -> None:
    page = (made / "twincell-demo" / "report.html").read_text()
    for title in (
        "What was done",
        "Counts over time",
        "What counts and clicks buy",
        "Growth against the truth",
    ):
        assert f">{title}</h2>" in page
    assert "http" not in page
    told = json.loads((made / "figures.json").read_text())
    assert f"{told['series']['mae']:.2f}" in page


@pytest.mark.slow
def test_run_again_it_takes_the_next_free_folder_and_overwrites_none(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (made / "twincell-demo" / "report.html").stat().st_mtime_ns
    monkeypatch.setattr(demo, "Plan", lambda: TOY)
    monkeypatch.chdir(made)
    assert run(["demo"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "twincell-demo-2/report.html"
    assert (made / "twincell-demo" / "report.html").stat().st_mtime_ns == before
    assert run(["demo", "--out", "twincell-demo"]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
