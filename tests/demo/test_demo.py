"""The demo at toy size: every step of it runs, and it tells the truth about itself."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twincell.cli import run
from twincell.demo import run as demo

TOY = demo.Plan(
    frames=12, chambers=2, few_chambers=1, new_chambers=1, counted_every=3, few_every=4,
    steps=3, few_steps=2, drawn=32, few_drawn=32, batch=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One demo for all tests: the real command, with little of everything."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "Plan", lambda: TOY)
        patch.chdir(folder)
        assert run(["demo", "--seed", "3", "--json", "figures.json"]) == 0
    return folder


def test_it_leaves_the_models_the_tables_and_the_page(made: Path) -> None:
    out = made / "twincell-demo"
    for name in ("model-pc/model.json", "model-bf/model.safetensors", "growth.csv", "report.html"):
        assert (out / name).is_file()
    counts = pd.read_csv(out / "counts.csv")
    assert sorted(counts["chamber"].unique()) == ["bf-sim01", "pc-sim02"]
    assert len(counts) == 24
    card = json.loads((out / "model-bf" / "model.json").read_text())
    assert card["modalities"] == ["bf"]


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
    for title in ("What was done", "Counts over time", "To another microscope", "Growth against the truth"):
        assert f">{title}</h2>" in page
    assert "http" not in page
    told = json.loads((made / "figures.json").read_text())
    assert f"{told['series']['mae']:.2f}" in page


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
