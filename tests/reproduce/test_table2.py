"""Table 2 through the real command, at toy size; and its costs."""

import math
from pathlib import Path

import pandas as pd
import pytest

from helpers.reproduce_toys import TOY, toy_experiment, write_two_modalities
from twincell.cli import run
from twincell.models import METHODS
from twincell.models.base.file import ModelCard, save_model
from twincell.presets import load_preset
from twincell.reproduce import paper_figures, table2_table
from twincell.reproduce.cost import Cost, cost_of


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_two_modalities(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of four rows in both modalities and protocols, one of them a preset in a file."""
    out = tmp_path_factory.mktemp("table2") / "out"
    mine = out.with_name("mine.yaml")
    mine.write_text(load_preset("nearest").changed({"name": "mine"}).to_yaml())
    assert toy_experiment("table2", data, out, "--rows", f"twin-vae,double-transfer,nearest,{mine}") == 0
    return out


@pytest.mark.slow
def test_every_row_has_both_protocols_and_its_costs(done: Path) -> None:
    table = pd.read_csv(done / "table2.csv")
    ours = table[table["protocol"] != "the paper's"].set_index(["modality", "row", "protocol"]).sort_index()
    for modality in ("bf", "pc"):
        for row in ("twin-vae", "nearest", "mine", "constant median", "time interpolation"):
            for protocol in ("interleaved", "leave-chamber-out"):
                assert (ours.loc[(modality, row, protocol), "n"] > 0).all(), (modality, row, protocol)
    assert ("pc", "double-transfer", "interleaved") in ours.index
    assert ("bf", "double-transfer", "interleaved") not in ours.index  # back to where it began: one modality
    last = ours[ours["method"] == "Twin-VAE"]
    assert (last["seconds"] > 0).all()
    assert last["machine"].str.startswith(("cpu", "cuda")).all()
    assert last["parameters"].nunique() == last["multiply_adds"].nunique() == 1
    assert {"Twin-VAE max-acc", "Twin-VAE min-dev"} <= set(ours["method"])
    drawn = ours[ours["method"].str.startswith("Twin-VAE")]
    assert drawn[["synthetic_mae", "synthetic_mre", "synthetic_accuracy"]].notna().all(axis=None)
    out = ours.xs("leave-chamber-out", level="protocol")
    assert out.loc[out["method"] == "Twin-VAE", "reconstruction"].between(0, 1).all()
    # Baselines and the paper's rows stand on the same divisions.
    trials = ours[ours["trials"].notna()].reset_index()
    assert (trials.groupby(["modality", "protocol"])["n"].nunique() == 1).all()
    assert set(table["row"]) & {"transfer", "full", "scratch"} == set()  # trained as starts, not asked for


@pytest.mark.slow
def test_the_papers_rows_stand_beside_ours(done: Path) -> None:
    table = pd.read_csv(done / "table2.csv")
    paper = table[table["protocol"] == "the paper's"].set_index(["modality", "row"])
    assert paper.loc[("bf", "Transfer Twin-VAE"), ["mae", "mre", "accuracy", "seconds"]].tolist() == [
        0.52, 5.47, 60.74, 31000,
    ]  # fmt: skip
    assert paper.loc[("pc", "double Transfer Twin-VAE"), "synthetic_accuracy"] == 85
    assert math.isnan(paper.loc[("pc", "BiT"), "mre"])
    text = (done / "table2.md").read_text()
    assert text.startswith("**Not comparable")
    assert "| BiT | the paper's test labels | - | - | 2.20 | - | - | 26.1 | - | - | - | 9,000 " in text


@pytest.mark.slow
def test_finished_trainings_are_shared_and_taken_from_elsewhere(
    data: Path, done: Path, tmp_path: Path
) -> None:
    trained = {path: path.stat().st_mtime_ns for path in done.rglob("model.safetensors")}
    assert toy_experiment("table2", data, done, "--rows", "twin-vae,nearest") == 0
    assert {path: path.stat().st_mtime_ns for path in done.rglob("model.safetensors")} == trained
    words = [
        "--rows",
        "my own,twin-vae",
        "--from",
        f"my own={done / 'nearest'}",
        "--from",
        f"twin-vae={done / 'scratch'}",
    ]
    assert toy_experiment("table2", data, tmp_path / "other", *words) == 0
    assert not list((tmp_path / "other").rglob("model.safetensors"))
    columns = ["modality", "protocol", "n", "trials", "mae", "multiply_adds"]
    first, other = pd.read_csv(done / "table2.csv"), pd.read_csv(tmp_path / "other" / "table2.csv")
    kept = first[first["row"] == "nearest"][columns].reset_index(drop=True)
    assert len(kept) == 4
    pd.testing.assert_frame_equal(other[other["row"] == "my own"][columns].reset_index(drop=True), kept)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rows", "resnet"], "--rows resnet"),
        (["--preset", "best", "--rows", "transfer"], "the paper's Twin-VAE"),
        (["--from", "best=nowhere"], "no finished training"),
        (["--from", "best"], "ROW=FOLDER"),
        (["--rows", "transfer", "--modalities", "pc"], "transfer needs two"),
    ],
)
def test_bad_words_are_answered(
    words: list[str], said: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reproduce", "table2", "--manifest", str(data), "--out", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err


def test_options_without_use_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--manifest", str(data), "--out", str(tmp_path / "out"), *TOY, "--rows", "best"]
    assert run(["reproduce", "translation", *words]) == 2
    assert "--rows: translation has no use for it" in capsys.readouterr().err


def test_multiply_adds_are_those_of_the_layers(tmp_path: Path) -> None:
    settings = load_preset("paper-pc").model
    dumped = settings.model_dump(mode="json")
    card = ModelCard(name="x", method="twin_vae", settings=dumped, modalities=["pc"])
    save_model(tmp_path, METHODS["twin_vae"].build(settings), card)
    cost = cost_of(tmp_path)
    sides, channels = (62, 29, 13, 5, 1), (1, 32, 64, 128, 256, 512)
    encoder = sum(s * s * 25 * a * b for s, a, b in zip(sides, channels[:-1], channels[1:], strict=True))
    bottleneck, regressor = 512 * 2 * 256, 256 * 256 + 256 * 128 + 128
    assert cost.multiply_adds == encoder + bottleneck + regressor
    assert cost.parameters == pytest.approx(11.36e6, rel=1e-3)


def test_random_weights_in_place_of_published_ones_are_named() -> None:
    own = dict.fromkeys(("n", "mae", "mre", "accuracy", "mae_raw", "bias"), 1.0)
    figures = {"protocol": "published", "modality": "bf", "seed": 0, "training_seconds": 1.0}
    measured = table2_table.Measured("bit", figures | {"methods": {"model": own}}, Path())
    with pytest.MonkeyPatch.context() as patch:
        for random, name in ((True, "BiT, from random weights"), (False, "BiT")):
            patch.setattr(table2_table, "cost_of", lambda run, r=random: Cost(1.0, 1.0, "cpu", r))
            table = table2_table.rows_of([measured], ["bf"])
            assert name in set(table["method"][table["protocol"] == "published"])


def test_a_model_that_is_not_there_costs_what_is_not_known(tmp_path: Path) -> None:
    cost = cost_of(tmp_path)
    assert math.isnan(cost.parameters)
    assert cost.machine == Cost().machine == ""


def test_paper_figures_hold_what_the_paper_prints() -> None:
    assert [len(paper_figures.table2(modality)) for modality in ("bf", "pc", "xx")] == [7, 8, 0]
    series = paper_figures.figure14("bf")
    assert {name: len(values) for name, values in series.items()} == {"BiT": 25, "Twin-VAE (earlier)": 25}
    assert series["BiT"][1] == pytest.approx(36)
    assert series["Twin-VAE (earlier)"][25] == pytest.approx(5.8)
