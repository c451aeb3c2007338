"""`twincell evaluate`, driven as a user drives it, on a model whose answers are known."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from helpers.fake_method import fake_model, write_chamber
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.models import METHODS
from twincell.models.base.file import load_model

pytestmark = pytest.mark.usefixtures("fake_method")


@pytest.fixture
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two chambers; the images show 0..9 cells, the labels say one more in chamber b."""
    rows = []
    for chamber, more in (("a", 0), ("b", 1)):
        paths = write_chamber(tmp_path / "data" / chamber, list(range(10)))
        for frame, path in enumerate(paths):
            split = "test" if frame % 2 else "train"
            rows.append(
                (
                    str(path.relative_to(tmp_path / "data")),
                    frame + more,
                    split,
                    "pc",
                    "natural",
                    chamber,
                    frame,
                )
            )
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    Manifest(pd.DataFrame(rows, columns=columns), tmp_path / "data").write(tmp_path / "data")
    return tmp_path / "data"


def _change(data: Path, where: str, column: str, value: object) -> None:
    table = pd.read_csv(data / "manifest.csv")
    table.loc[table.eval(where), column] = value
    table.to_csv(data / "manifest.csv", index=False)


def test_the_json_holds_the_contract(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = fake_model(tmp_path / "run")
    assert (
        run(["evaluate", str(model), str(data), "--split", "test", "--json", str(tmp_path / "f.json")]) == 0
    )
    found = json.loads((tmp_path / "f.json").read_text())

    assert set(found) == {
        "n", "mae", "mre", "accuracy", "mae_raw", "bias", "seconds", "per_count", "per_chamber",
    }  # fmt: skip
    assert found["n"] == 10
    assert found["mae"] == pytest.approx(0.5)  # right in chamber a, one too few in chamber b
    assert found["bias"] == pytest.approx(-0.5)
    assert found["accuracy"] == pytest.approx(50)
    assert found["mre"] == pytest.approx(100 * sum(1 / y for y in (2, 4, 6, 8, 10)) / 10)
    assert found["per_chamber"]["a"]["mae"] == 0
    assert found["per_count"]["10"]["mae"] == 1
    assert found["seconds"] > 0
    assert "0.500" in capsys.readouterr().out


def test_baselines_stand_beside_the_model(data: Path, tmp_path: Path) -> None:
    model = fake_model(tmp_path / "run")
    args = ["evaluate", str(model), str(data), "--baselines", "--json", str(tmp_path / "f.json")]
    assert run(args) == 0
    baselines = json.loads((tmp_path / "f.json").read_text())["baselines"]

    # train labels: a 0 2 4 6 8, b 1 3 5 7 9; between two the truth is their mean, after the last one more
    assert baselines["time interpolation"]["mae_raw"] == pytest.approx(1 / 5)
    assert baselines["constant median"]["mae_raw"] == pytest.approx(
        sum(abs(4.5 - y) for y in (1, 3, 5, 7, 9, 2, 4, 6, 8, 10)) / 10
    )


def test_baselines_never_learn_from_what_is_measured(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fake_model(tmp_path / "run")
    for split in ("train", "all"):
        args = ["evaluate", str(model), str(data), "--split", split, "--baselines"]
        assert run([*args, "--json", str(tmp_path / f"{split}.json")]) == 0
        assert "here they are the ones measured" in " ".join(capsys.readouterr().out.split())
        assert "baselines" not in json.loads((tmp_path / f"{split}.json").read_text())


def test_a_split_without_labels_is_an_error_that_says_so(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _change(data, "split == 'test'", "count", math.nan)
    model = fake_model(tmp_path / "run")
    for split, says in (
        ("test", "'test' has 10 images but no count"),
        ("val", "'val' has 0 images"),
        ("tst", "unknown"),
    ):
        assert run(["evaluate", str(model), str(data), "--split", split]) == 2
        told = capsys.readouterr().err
        assert says in told
        assert len(told.splitlines()) == 1
    assert run(["evaluate", str(model), str(data), "--split", "all"]) == 0


def test_unlabelled_images_are_not_even_read(data: Path, tmp_path: Path) -> None:
    _change(data, "split == 'test' and frame == 1", "count", math.nan)
    for chamber in "ab":
        (data / chamber / "t001.png").write_bytes(b"no image")
    assert run(["evaluate", str(fake_model(tmp_path / "run")), str(data)]) == 0


def test_damaged_images_are_reported_together(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "a" / "t001.png").write_bytes((data / "a" / "t001.png").read_bytes()[:50])
    (data / "b" / "t003.png").write_bytes(b"no image")
    assert run(["evaluate", str(fake_model(tmp_path / "run")), str(data)]) == 2
    told = capsys.readouterr().err
    assert "t001.png" in told
    assert "t003.png" in told


def test_another_modality_and_unlike_images_are_told(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (128, 128), 200).save(data / "a" / "t001.png")
    model = fake_model(tmp_path / "run", modality="bf")
    assert run(["evaluate", str(model), str(data)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "trained on bf, these images are pc" in told
    assert "unlike training: 1 of 10 images" in told


def test_from_python(data: Path, tmp_path: Path) -> None:
    from twincell.evaluate.evaluate import evaluate

    result = evaluate(
        load_model(fake_model(tmp_path / "run", gain=2)), Manifest.read(data), "train", progress=False
    )
    assert result.scores.n == 10
    assert result.frames["predicted"].tolist() == [0, 4, 8, 12, 16] * 2
    assert result.scores.per_chamber["a"].bias == pytest.approx(4)


@pytest.mark.parametrize(("splits", "measured"), [("test", "test"), ("val", "val"), ("train", "all")])
def test_without_a_split_what_is_there_is_measured(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], splits: str, measured: str
) -> None:
    _change(data, "split == 'test'", "split", splits)
    model = fake_model(tmp_path / "run")
    assert run(["evaluate", str(model), str(data), "--json", str(tmp_path / "f.json")]) == 0
    n = json.loads((tmp_path / "f.json").read_text())["n"]
    assert n == (20 if measured == "all" else 10)
    said = " ".join(capsys.readouterr().out.split())
    assert f"split {measured}" in said
    assert f"measured on {'all' if measured == 'all' else 'the'} {n} counted images" in said
