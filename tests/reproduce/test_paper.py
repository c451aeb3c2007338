"""The paper's experiments through the real command, at toy size; they share one folder and its trainings."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers.reproduce_toys import SMALL, TOY, toy_experiment, write_two_modalities
from twincell.batches.batches import division
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.evaluate.metrics import Figures
from twincell.evaluate.protocols import Trial
from twincell.models.base.file import load_card, load_model
from twincell.presets import load_preset
from twincell.reproduce import ratio, schemes
from twincell.reproduce.curve import Curve
from twincell.reproduce.embedding import KINDS, Embedded, measure
from twincell.reproduce.estimate import operations_per_step
from twincell.reproduce.request import Request
from twincell.reproduce.schemes import speeds
from twincell.reproduce.stage import jobs_of
from twincell.reproduce.synthetic_set import drawn_for
from twincell.reproduce.translation import scores

OUTER = {f"{origin}.{half}" for origin in ("natural", "synthetic") for half in ("encoder", "decoder")}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_two_modalities(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="session")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of results after the transfer schemes; later experiments go on in it."""
    out = tmp_path_factory.mktemp("paper") / "out"
    assert toy_experiment("schemes", data, out) == 0
    return out


def request(data: Path, out: Path, **changes: object) -> Request:
    asked = {"start": None, "seeds": (0,), "modalities": ("bf", "pc"), "folds": 2} | changes
    return Request(manifest=Manifest.read(data), out=out, settings=load_preset("compact"), **asked)  # type: ignore[arg-type]


@pytest.mark.slow
def test_schemes_measures_every_way_to_transfer(done: Path) -> None:
    table = pd.read_csv(done / "schemes.csv")
    last = table[table["method"] == "model"]
    both = set(schemes.NAMES) - {"double"}
    assert set(last[last["modality"] == "bf"]["stage"]) == both
    assert set(last[last["modality"] == "pc"]["stage"]) == both | {"double"}
    assert (last["best_accuracy"] >= last["accuracy"] - 1e-9).all()
    assert (last["synthetic_mae"].isna() == last["stage"].str.startswith("natural-only")).all()
    steps = last.set_index(["modality", "stage"])["steps"]
    assert steps["bf", "scratch"] == 10
    assert steps["bf", "full"] == steps["bf", "scratch-short"] == steps["pc", "double"] == 2
    assert {"constant median", "max-acc", "min-dev"} <= set(table["method"])
    text = (done / "schemes.md").read_text()
    assert "| PC | double transfer | model |" in text
    assert Image.open(done / "schemes.png").size[0] > 500


@pytest.mark.slow
def test_transfers_have_two_synthetic_images_for_each_natural_one(data: Path, tmp_path: Path) -> None:
    asked = request(data, tmp_path)
    for stage in schemes.stages(asked):
        if "natural" in stage.name or stage.name == "synthetic-first-start":
            continue
        ratio_of = stage.settings.batch.synthetic_per_natural
        assert ratio_of == (1 if stage.name.startswith("scratch") else 2), stage.name
    full = next(s for s in schemes.stages(asked) if s.name == "full").settings
    assert (full.batch.size, full.synthetic.pool) == (192, 6000)  # 1:1 has 128 and 3000


@pytest.mark.slow
def test_unlabelled_test_images_are_drawn_again(done: Path) -> None:
    table = pd.read_csv(done / "schemes.csv").set_index(["modality", "stage", "method"]).sort_index()
    figures = json.loads(next((done / "full").glob("*/figures.json")).read_text())
    assert figures["reconstruction"]["n"] > 0
    assert 0 < table.loc[("bf", "full", "model"), "reconstruction"] < 1
    for method in ("model", "max-acc", "min-dev"):
        assert table.loc[("bf", "full", method), ["synthetic_mae", "synthetic_mre"]].notna().all()
        assert figures["synthetic"][method]["n"] == 6


def test_synthetic_test_sets_are_as_large_as_the_papers() -> None:
    trials = {m: Trial("published", m, None, 0, 0, None) for m in ("bf", "pc")}  # type: ignore[arg-type]
    assert [drawn_for(trial, load_preset("compact")) for trial in trials.values()] == [514, 792]


def test_min_dev_is_the_smallest_relative_deviation(tmp_path: Path) -> None:
    curve = Curve(tmp_path, None, {})  # type: ignore[arg-type]
    network = torch.nn.Linear(1, 1)
    labels = np.array([1.0, 20.0])
    for step, counts in enumerate(([2.0, 20.0], [1.0, 18.0])):  # MAE 0.5 and 1, MRE 50 and 5 %
        torch.nn.init.constant_(network.weight, step)
        curve._remember(Figures.of(counts, labels), network)
    assert float(curve.state_dict()["weights"]["min-dev"]["weight"]) == 1
    assert float(curve.state_dict()["weights"]["max-acc"]["weight"]) == 0  # a tie


@pytest.mark.slow
def test_frozen_parts_keep_every_bit(done: Path) -> None:
    parts = pd.read_csv(done / "schemes-parts.csv").set_index(["modality", "stage"])["unchanged"]
    for modality in ("bf", "pc"):
        assert parts[modality, "full"] == "none"
        assert parts[modality, "frozen-core"] == "core"
        assert set(parts[modality, "frozen-outer"].split(", ")) == OUTER


@pytest.mark.slow
def test_a_double_transfer_never_sees_the_chambers_it_is_measured_on(data: Path, tmp_path: Path) -> None:
    asked = request(data, tmp_path, folds=None)
    jobs = {job.run: job for job in jobs_of(asked, schemes.stages(asked))}
    doubles = [job for job in jobs.values() if job.stage == "double"]
    assert len(doubles) == 4
    for job in doubles:
        table = job.trial.manifest.table
        held_out = set(table["chamber"][table["split"] == "test"])
        middle = jobs[Path(str(job.start))]
        first = jobs[Path(str(middle.start))]
        assert (first.trial.modality, middle.trial.modality, job.trial.modality) == ("pc", "bf", "pc")
        learned = first.trial.manifest.select("train").table["chamber"]
        assert held_out
        assert not held_out & set(learned)


@pytest.mark.slow
def test_both_checkpoints_are_models_of_their_own(done: Path) -> None:
    folder = done / "scratch" / "leave-chamber-out-bf-fold0-seed0"
    curve = pd.read_csv(folder / "run" / "curve.csv")
    assert set(curve["images"]) == {"test", "validation"}
    assert sorted(set(curve["step"])) == list(range(1, 11))
    figures = json.loads((folder / "figures.json").read_text())["methods"]
    for name, column in (("max-acc", "accuracy"), ("min-dev", "mre")):
        assert load_card(folder / "run" / f"{name}.safetensors").steps == 10
        seen = curve[curve["images"] == "validation"]
        best = seen[column].max() if name == "max-acc" else seen[column].min()
        steps = seen["step"][seen[column] == best]
        test = curve[(curve["images"] == "test") & curve["step"].isin(steps)]
        assert np.isclose(test["mae"], figures[name]["mae"]).any()
        load_model(folder / "run" / f"{name}.safetensors")


@pytest.mark.slow
def test_a_second_run_trains_nothing(data: Path, done: Path) -> None:
    written = {path: path.stat().st_mtime_ns for path in done.rglob("figures.json")}
    assert toy_experiment("schemes", data, done) == 0
    assert {path: path.stat().st_mtime_ns for path in done.rglob("figures.json")} == written


@pytest.mark.slow
def test_decoder_tells_what_a_step_costs(data: Path, done: Path) -> None:
    assert toy_experiment("decoder", data, done) == 0
    table = pd.read_csv(done / "decoder.csv")
    assert set(table["stage"].dropna()) == {"full", "decoder-0.1", "decoder-0.01", "decoder-0", "decoder-off"}
    cost = json.loads((done / "decoder-step.json").read_text())
    told = (done / "decoder.md").read_text()
    assert f"{cost['seconds'] / cost['seconds_off']:.2f} times as long" in told
    assert f"{cost['operations'] / cost['operations_off']:.2f} times as many" in told
    trained = load_card(done / "decoder-0.1" / "leave-chamber-out-bf-fold0-seed0" / "run").training
    assert trained["model"]["loss"]["natural"]["reconstruction"] == pytest.approx(10)
    off = load_card(done / "decoder-off" / "leave-chamber-out-bf-fold0-seed0" / "run").training
    assert off["model"]["loss"]["decode"] is False


@pytest.mark.slow
def test_a_step_without_decoder_is_really_cheaper(data: Path) -> None:
    on = load_preset("compact").changed({"batch.size": 8})
    off = on.changed({"model.loss.decode": False})
    rows = Manifest.read(data)
    saved = operations_per_step(on, rows) / operations_per_step(off, rows)
    # Layer by layer from the shapes, the paper's network needs 226 million multiply-adds and 105 without.
    assert saved > 2


@pytest.mark.slow
def test_ratio_goes_from_a_quarter_to_ten(data: Path, done: Path) -> None:
    assert toy_experiment("ratio", data, done) == 0
    table = pd.read_csv(done / "ratio.csv")
    assert set(table["stage"].dropna()) == {f"ratio-{r:g}" for r in ratio.RATIOS}
    for drawn in ratio.RATIOS:
        trained = load_card(done / f"ratio-{drawn:g}" / "leave-chamber-out-bf-fold0-seed0" / "run").training
        assert trained["batch"]["synthetic_per_natural"] == drawn
        # Ratio times as many synthetic images as the 8 of the ratio 1, and always 4 natural ones in a step.
        assert trained["synthetic"]["pool"] == 8 * drawn
        own, synthetic = division(load_preset("compact").changed({"batch": trained["batch"]}), 1000)
        assert (own, synthetic) == (4, 4 * drawn)
    assert (done / "ratio.png").exists()


@pytest.mark.slow
def test_embedding_draws_maps_and_measures_them(data: Path, done: Path) -> None:
    pytest.importorskip("umap")
    assert toy_experiment("embedding", data, done) == 0
    table = pd.read_csv(done / "embedding.csv").set_index("stage")
    assert set(table.index) == {"scratch", "full", "ratio-0.25", "ratio-2", "ratio-10"}
    assert table["origin_accuracy"].between(0, 100).all()
    points = pd.read_csv(done / "embedding-points.csv")
    assert set(points["kind"]) == set(KINDS)
    assert np.isfinite(points[["x", "y"]].to_numpy()).all()
    assert (done / "embedding.png").exists()


@pytest.mark.slow
def test_translation_asks_the_counter_about_every_picture(data: Path, done: Path) -> None:
    assert toy_experiment("translation", data, done) == 0
    table = pd.read_csv(done / "translation.csv")
    assert set(zip(table["modality"], table["stage"], table["to"], strict=True)) == {
        (m, s, to) for m in ("bf", "pc") for s in ("scratch", "full") for to in ("natural", "synthetic")
    }
    pictures = pd.read_csv(done / "translation-pictures.csv")
    own = pictures[(pictures["modality"] == "bf") & (pictures["stage"] == "full")]
    assert len(own[own["to"] == "synthetic"]) == 8  # half of 4 frames of 4 held-out chambers
    assert len(list(done.glob("translation-*-to-synthetic.png"))) == 4


@pytest.mark.slow
def test_embedding_names_the_package_it_lacks(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    assert toy_experiment("embedding", data, tmp_path / "out") == 2
    assert "pip install umap-learn" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*/"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("schemes", ["--modalities", "pc"], "a transfer needs two"),
        ("translation", ["--protocol", "sideways"], "--protocol sideways"),
        ("schemes", ["--rows", "full,melt"], "--rows melt: no such training"),
    ],
)
def test_what_an_experiment_cannot_do_is_said_before_work(
    name: str, words: list[str], said: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert toy_experiment(name, data, tmp_path / "out", *words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_paper_scale_says_how_long_and_then_trains(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [
        "--manifest",
        str(data),
        "--out",
        str(out),
        "--modalities",
        "bf",
        "--paper-scale",
        "--epochs",
        "1",
    ]
    assert run(["reproduce", "published", *words, *SMALL]) == 0
    told = capsys.readouterr().out
    assert told.index("one after the other") < told.index("| bf | interleaved | model |")
    trained = load_card(out / "interleaved-bf-fold0-seed0" / "run").training
    assert trained["training"]["optimizer"] == "radam"
    assert trained["name"] == "paper-bf"
    assert "optimizer: radam" in (out / "settings.yaml").read_text()


@pytest.mark.slow
def test_methods_without_decoders_cannot_be_looked_through(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--manifest", str(data), "--out", str(tmp_path / "out"), "--preset", "best"]
    assert run(["reproduce", "translation", *words]) == 2
    assert "has no decoders" in capsys.readouterr().err


@pytest.mark.slow
def test_the_published_protocol_serves_transfers_too(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["reproduce", "translation", "--manifest", str(data), "--out", str(out), "--protocol",
                "published", *TOY]) == 0  # fmt: skip
    assert (out / "full" / "interleaved-pc-fold0-seed0" / "figures.json").exists()


@pytest.mark.slow
def test_rows_bring_what_they_start_from(data: Path, tmp_path: Path) -> None:
    asked = request(data, tmp_path, rows=("double",))
    assert [job.stage for job in schemes.jobs(asked)][:3] == ["scratch", "full", "double"]
    assert {job.stage for job in schemes.jobs(asked)} == {"scratch", "full", "double"}


@pytest.mark.slow
def test_transfers_are_a_fifth_as_long(data: Path, tmp_path: Path) -> None:
    asked = request(data, tmp_path)
    paper = {m: load_preset(f"paper-{m}") for m in ("bf", "pc")}
    assert asked.transfer_settings_for("bf").training.steps == asked.settings.training.steps // 5
    scaled = request(data, tmp_path, own=paper)
    assert scaled.transfer_settings_for("bf").training.epochs == 10_000
    assert scaled.transfer_settings_for("bf").model.loss.pixels == "bce"  # type: ignore[attr-defined]


def test_times_faster_is_read_off_the_curves() -> None:
    steps = pd.Series([20, 40, 60, 80, 100])
    along = {
        ("bf", "scratch"): pd.DataFrame({"step": steps, "accuracy": 0.0, "mae": [5, 4, 3, 2.5, 2]}),
        ("bf", "full"): pd.DataFrame({"step": steps / 5, "accuracy": 0.0, "mae": [4, 2, 1.8, 1.7, 1.6]}),
        ("bf", "thaw"): pd.DataFrame({"step": steps / 5, "accuracy": 0.0, "mae": [4, 3, 3, 3, 3]}),
    }
    found = speeds(along).set_index("stage")
    assert found.loc["full", "steps"] == 8
    assert found.loc["full", "speed_up"] == pytest.approx(100 / 8)
    assert np.isnan(found.loc["thaw", "speed_up"])


def test_an_embedding_of_two_clouds_tells_origin_and_count() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 30, 200).astype(float)
    vectors = rng.normal(0, 0.1, (200, 4)).astype(np.float32)
    vectors[:, 0] += counts
    kinds = np.array([KINDS[0], KINDS[2]] * 100)
    groups = np.array([f"c{i % 10}" for i in range(200)])
    mixed = measure(Embedded(vectors, kinds, counts, groups))
    assert 35 < mixed["origin_accuracy"] < 65
    assert mixed["natural_r2"] > 0.99
    vectors[kinds == KINDS[2], 1] += 5
    assert measure(Embedded(vectors, kinds, counts, groups))["origin_accuracy"] == 100


def test_scores_of_translations_by_hand() -> None:
    frames = pd.DataFrame(
        {"label": [1, 2, 9], "count": [1.2, 3.0, 8.0], "count_translated": [1.0, 2.4, 10.0]}
    )
    found = scores(frames)
    assert found["agreement"] == pytest.approx(100 / 3)
    assert found["difference"] == pytest.approx((0.2 + 0.6 + 2) / 3)
    assert found["blind"] == pytest.approx((1.8 + 0 + 5) / 3)
    assert found["mae"] == pytest.approx((0 + 1 + 1) / 3)
    assert found["mae_translated"] == pytest.approx((0 + 0 + 1) / 3)
