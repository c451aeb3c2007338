"""`twincell gap` and its controls through real trainings, at toy size."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.gap import GapOptions
from twincell.gap.controls import CONTROLS, measure_control
from twincell.gap.gap import Gap
from twincell.gap.generator import preset_text
from twincell.gap.measured import REAL
from twincell.gap.shapley import DISTRIBUTION, LABEL, PARTS, PHOTOREALISM, SUBSETS, name_of
from twincell.presets import load_preset
from twincell.simulate.presets import load_preset as load_scenes
from twincell.simulate.recordings import write_chambers


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four drawn chambers that stand in for real ones, and a file of what draws them."""
    folder = tmp_path_factory.mktemp("gap")
    write_chambers(folder / "real", "optics-bf", 4, 4, 3, labelled_every=2, progress=False)
    (folder / "truth.yaml").write_text(preset_text(load_scenes("optics-bf"), "truth"))
    return folder


def words(real: Path, out: Path, *more: str) -> list[str]:
    return [
        "gap",
        str(real / "real"),
        "ellipse-bf",
        "--match",
        str(real / "truth.yaml"),
        "--out",
        str(out),
        *more,
    ]


@pytest.mark.slow
def test_the_command_writes_everything_and_does_nothing_twice(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gap"
    asked = words(real, out, "--steps", "2", "--seeds", "0", "--images", "8")
    assert run([*asked, "--json", str(tmp_path / "found.json")]) == 0
    assert "| distribution + label + photorealism |" in capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text())
    assert set(found["errors"]) >= {REAL, *map(name_of, SUBSETS)}
    assert sum(found["worth"][part]["value"] for part in PARTS) == pytest.approx(
        found["errors"]["nothing"]["value"] - found["errors"][name_of(frozenset(PARTS))]["value"], abs=1e-3
    )
    written = {"report.html", "gap.md", "gap.csv", "gap.json", "gap.png", "images.csv", "better.yaml"}
    assert written <= {path.name for path in out.iterdir()}
    models = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/model.safetensors")}
    assert len(models) == 6  # four of drawn images, one by counts alone, one of real images
    assert run(asked) == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob("runs/*/model.safetensors")} == models
    images = pd.read_csv(out / "images.csv")
    assert len(images) == found["images"]
    assert run([*asked[:2], "ellipse-pc", *asked[3:]]) == 2
    assert "name another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--seeds", "0,0"], "each once"),
        (["--match", "nowhere.yaml"], "nowhere.yaml"),
        (["--modality", "pc"], "no natural image"),
    ],
)
def test_bad_input_is_refused_before_any_work(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: list[str], said: str
) -> None:
    asked = words(real, tmp_path / "gap")
    if change[0] == "--match":
        del asked[asked.index("--match") : asked.index("--match") + 2]
    assert run([*asked, *change]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "gap" / "runs").exists()


def test_labels_of_few_chambers_are_refused(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Manifest.read(real / "real")
    names = list(dict.fromkeys(whole.table["chamber"]))[:2]
    few = whole.select(whole.table["chamber"].isin(names).to_numpy())
    few.write(tmp_path / "few" / "manifest.csv")
    asked = words(real, tmp_path / "gap")
    asked[1] = str(tmp_path / "few")
    assert run(asked) == 2
    assert "labels of 2 chambers" in capsys.readouterr().err


def settings(steps: int) -> Any:
    return load_preset("gap").changed({"training.steps": steps})


@pytest.mark.slow
def test_controls_name_what_differs(tmp_path: Path) -> None:
    """Half as many images and steps as in the docs; what is not different is worth nothing."""
    options = GapOptions(
        images=60, labels=20, seeds=(0,), settings=settings(250), progress=False, kept=tmp_path / "trainings"
    )
    found: dict[str, Gap] = {name: measure_control(name, tmp_path / name, 60, options) for name in CONTROLS}
    for name, control in CONTROLS.items():
        named = found[name].split.order[: len(control.parts)]
        assert set(named) == set(control.parts), name
    apart = {name: {part: own.split.worth[part].value for part in PARTS} for name, own in found.items()}
    assert apart["shifted labels"][DISTRIBUTION] == apart["shifted labels"][PHOTOREALISM] == 0
    assert apart["other counts"][PHOTOREALISM] == 0
    assert found["shifted labels"].split.worth[LABEL].lower > 0
