"""`twincell import cho-k1` as a user calls it."""

import json
import shutil
from pathlib import Path

import pytest

from twincell.cli import run


def test_import_then_check_agree(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    summary = tmp_path / "import.json"
    assert run(["import", "cho-k1", str(published), "--out", str(out), "--json", str(summary)]) == 0
    assert json.loads(summary.read_text())["labelled"] == 18
    told = capsys.readouterr().out
    assert "72 images, 18 labelled, 6 chambers" in told
    assert f"Wrote {out / 'manifest.csv'}" in told
    assert run(["check", str(out)]) == 0
    assert "72 images, 18 labelled, 6 chambers" in capsys.readouterr().out


def test_all_faults_are_said_at_once_with_code_2(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(published, tmp_path / "published"))
    gone = sorted(folder.rglob("*.jpg"))[::20]
    for path in gone:
        path.unlink()
    assert run(["import", "cho-k1", str(folder), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert all(str(path) in told for path in gone)
    assert "Traceback" not in told
    assert not (tmp_path / "out" / "manifest.csv").exists()


def test_an_import_never_writes_over_an_earlier_one(
    published: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (dataset / "manifest.csv").read_bytes()
    assert run(["import", "cho-k1", str(published), "--out", str(dataset)]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
    assert (dataset / "manifest.csv").read_bytes() == before


@pytest.mark.slow
@pytest.mark.real
def test_the_real_data_in_one_command(
    real_cho_k1: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", "cho-k1", str(real_cho_k1), "--out", str(tmp_path / "out")]) == 0
    assert "6,239 images, 490 labelled, 21 chambers" in capsys.readouterr().out
