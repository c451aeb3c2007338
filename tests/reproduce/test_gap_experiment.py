"""`twincell reproduce gap` at toy size: known gaps and stand-ins for real images, and what is refused."""

from pathlib import Path

import pandas as pd
import pytest

from twincell.cli import run
from twincell.gap.controls import CONTROLS
from twincell.gap.shapley import PARTS
from twincell.reproduce import gap
from twincell.simulate.recordings import write_chambers


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "data"
    write_chambers(folder, "optics-bf", 3, 4, 3, labelled_every=2, progress=False)
    return folder


@pytest.mark.slow
def test_every_gap_has_its_row_and_its_page(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("TRIALS", 3), ("STAND_INS", 12), ("LEARNED_FROM", 8)):
        monkeypatch.setattr(gap, name, value)
    out = tmp_path / "out"
    words = ["reproduce", "gap", "--manifest", str(real), "--out", str(out), "--steps", "2"]
    assert run(words) == 0
    found = pd.read_csv(out / "gap.csv").set_index("analysis")
    assert list(found.index) == [*CONTROLS, "bf"]
    for _, row in found.iterrows():
        parts = sum(row[f"worth: {part}"] for part in PARTS)
        all_closed = " + ".join(PARTS)
        assert parts == pytest.approx(row["error: nothing"] - row[f"error: {all_closed}"], abs=1e-3)
    # What is drawn alike is learned once, and then differs by nothing.
    assert found.loc["shifted labels", ["worth: distribution", "worth: photorealism"]].tolist() == [0, 0]
    assert found.loc["other counts", "worth: photorealism"] == 0
    for name in ("control-two-renderers", "real-bf"):
        assert any(out.glob(f"{name}/**/report.html"))
    assert (out / "gap.png").read_bytes().startswith(b"\x89PNG")
    assert "| two renderers |" in (out / "gap.md").read_text()
    models = list((out / "trainings" / "runs").glob("*/model.safetensors"))
    written = [model.stat().st_mtime_ns for model in models]
    assert run([*words, "--rows", "controls"]) == 0
    assert [model.stat().st_mtime_ns for model in models] == written
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--rows", "fake"], "--rows fake"), (["--modalities", "pc"], "pc"), (["--steps", "0"], "--steps")],
)
def test_what_is_not_there_is_refused(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    asked = ["reproduce", "gap", "--manifest", str(real), "--out", str(tmp_path / "out"), *words]
    assert run(asked) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out" / "trainings").exists()
