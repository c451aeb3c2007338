"""Figure 14 from finished trials whose answers are known, and through the real command."""

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from helpers.reproduce_toys import toy_experiment, write_two_modalities
from twincell.cli import run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_two_modalities(tmp_path_factory.mktemp("two"))


@pytest.fixture
def trials(tmp_path: Path) -> Path:
    """Results of two folds: one exact at 2 cells and one off by one of four, 0 and no label besides."""
    rows = [(2, 2.4), (4, 4.6), (4, 4.0), (0, 3.0), (None, 9.0)], [(2, 3.0), (10, 8.9)]
    for fold, own in enumerate(rows):
        folder = tmp_path / "results" / f"leave-chamber-out-bf-fold{fold}-seed0"
        folder.mkdir(parents=True)
        (folder / "figures.json").write_text(json.dumps({"protocol": "leave-chamber-out", "modality": "bf"}))
        table = pd.DataFrame(own, columns=["label", "predicted"]).assign(modality="bf", chamber="x", frame=0)
        table.to_csv(folder / "frames.csv", index=False)
    return tmp_path / "results"


def test_relative_errors_by_number_of_cells(data: Path, trials: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--manifest", str(data), "--out", str(out), "--from", f"mine={trials}"]
    assert run(["reproduce", "figure14", *words]) == 0
    table = pd.read_csv(out / "figure14.csv")
    mine = table[table["series"] == "mine, chambers held out"].set_index("count")
    assert mine["n"].to_dict() == {2: 2, 4: 2, 10: 1}
    assert mine["mre"].to_dict() == pytest.approx({2: 25.0, 4: 12.5, 10: 10.0})  # 0 or 1 of 2; 1 or 0 of 4
    paper = table[table["paper"] & (table["series"] == "BiT, the paper's")].set_index("count")["mre"]
    assert paper[1] == pytest.approx(36.0)
    assert paper.index.tolist() == list(range(1, 26))
    text = (out / "figure14.md").read_text()
    assert text.startswith("**Not comparable")
    assert "| BF | mine, chambers held out | 5 | 2-10 | 15.83 | 17.00 |" in text
    assert Image.open(out / "figure14.png").size[0] > 900
    assert not list(out.rglob("model.safetensors"))


def test_trainings_are_shared_with_the_protocol(data: Path, tmp_path: Path) -> None:
    out, words = tmp_path / "out", ["--protocol", "published", "--modalities", "pc"]
    assert toy_experiment("published", data, out, *words) == 0
    model = out / "interleaved-pc-fold0-seed0" / "run" / "model.safetensors"
    written = model.stat().st_mtime_ns
    assert toy_experiment("figure14", data, out, *words) == 0
    assert model.stat().st_mtime_ns == written
    table = pd.read_csv(out / "figure14.csv")
    assert set(table["series"]) == {"compact, every 4th training label"}
    assert table["n"].sum() == pd.read_csv(out / "published.csv")["n"].iloc[0]
