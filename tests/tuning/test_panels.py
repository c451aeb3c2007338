"""Figure 9's panels through the real command, at toy size."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from helpers.reproduce_toys import toy_experiment, write_two_modalities
from twincell.tuning.panels import Panel, draw

LINE = [(0, 2, 0.1), (1, 1, 0.2)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_two_modalities(tmp_path_factory.mktemp("two"))


@pytest.mark.slow
def test_each_parameter_is_varied_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["--modalities", "pc", "--seeds", "0,1"]
    rows = ["--rows", "learning rate schedule"]
    assert toy_experiment("tuning", data, out, *words, *rows) == 0
    table = pd.read_csv(out / "tuning.csv")
    varied = table.groupby("parameter")["value"].apply(list).to_dict()
    assert varied["learning rate schedule"] == ["constant", "cosine"]  # one-cycle is the preset's
    assert set(table["trials"]) == {2}
    preset = table[table["parameter"] == "preset"].iloc[0]
    assert preset["difference"] == 0
    others = table[table["parameter"] != "preset"]
    assert (others["difference"] + preset["mae"]).tolist() == pytest.approx(others["mae"].tolist())
    run = out / "tuning" / "learning-rate-schedule=cosine" / "leave-chamber-out-pc-fold0-seed1" / "run"
    assert "schedule: cosine" in (run / "settings.yaml").read_text()
    assert Image.open(out / "tuning-pc.png").size[0] > 400
    assert "| learning rate schedule | cosine |" in (out / "tuning.md").read_text()
    assert toy_experiment("tuning", data, out, *words, "--rows", "nonsense") == 2
    assert "--rows nonsense: is no parameter" in capsys.readouterr().err


def test_panels_draw_every_kind_of_axis() -> None:
    common = {"chosen": None, "stopped": (), "own": 1, "unit": ""}
    panels = [
        Panel("a", scale="log", values=[0.1, 1, 10], errors=[2, 1, 9], line=[], ticks=[0.1, 1, 10], **common),
        Panel("b", scale="linear", values=[0, 1], errors=[2, 1], line=LINE, ticks=[0, 1], **common),
        Panel("c", scale=None, values=[1, "x"], errors=[2, 1], line=[], ticks=[1, "x"], **common),
    ]  # fmt: skip
    figure = draw(panels, "error", "seed", "")
    drawn = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left")[-1] for axes in drawn] == ["a", "b", "c"]
    assert all(axes.get_yscale() == "log" for axes in drawn)  # 9 is more than four times 1
    assert drawn[0].get_xlim()[0] < -1 < 1 < drawn[0].get_xlim()[1]  # places are logarithms
