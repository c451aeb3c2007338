"""`twincell reproduce series` at toy size: from a finished leave-chamber-out folder to its tables."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.training_toys import write_toy_data
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.evaluate.protocols import chambers_out
from twincell.reproduce import series
from twincell.series import accuracy as measure

PARTS = ["chambers", "labels", "growth", "survival", "foretold", "reliability"]
TABLES = ["series", *(f"series-{part}" for part in PARTS)]


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Path, Path]:
    """A manifest, and the folder of a leave-chamber-out whose model reads a tenth too much."""
    data = write_toy_data(tmp_path / "toys")
    out = tmp_path / "out"
    for trial in chambers_out(Manifest.read(data), "pc", 0, 2):
        rows = trial.manifest.select("test").table[["modality", "chamber", "frame", "count"]]
        rows = rows.rename(columns={"count": "label"}).assign(std=np.nan, novelty=np.nan)
        rows["predicted"] = 1.1 * rows["label"].fillna(3.0)
        rows["in_series"] = rows["predicted"]
        (out / trial.name).mkdir(parents=True)
        rows.to_csv(out / trial.name / "frames.csv", index=False)
        (out / trial.name / "figures.json").write_text(json.dumps({"modality": "pc", "methods": {}}))
    return data, out


@pytest.mark.slow
def test_all_measures_are_told_from_finished_trials(
    finished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(series, "SIMULATED", 4)
    monkeypatch.setattr(series, "KNOWN", 2)
    monkeypatch.setattr(measure, "EVALUATIONS", 2)
    monkeypatch.setattr(measure, "FIRSTS", (8,))
    data, out = finished
    assert run(["reproduce", "series", "--manifest", str(data), "--out", str(out), "--folds", "2"]) == 0
    text = (out / "series.md").read_text()
    assert text.strip() in capsys.readouterr().out
    assert "within 10 % in" in text
    tables = {name: pd.read_csv(out / f"{name}.csv") for name in TABLES}
    counts = tables["series"]
    assert set(counts["modality"]) == {"pc", "all"}
    assert set(counts["shown"]) == {0, 5}
    assert set(tables["series-chambers"]["chamber"]) == {"c0", "c1", "c2", "c3"}
    labels = tables["series-labels"]
    none = labels[labels["shown"] == 0]
    assert not none.duplicated(["chamber", "frame"]).any()
    assert len(none) == counts.loc[(counts["modality"] == "all") & (counts["shown"] == 0), "n"].item()
    assert np.allclose(none["alone"], 1.1 * none["label"], rtol=1e-4)
    assert set(tables["series-survival"]["kind"]) == {"recorded", "simulated"}
