"""Nearest neighbours: what is near, how many of them, and the model file that remembers them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.baseline_toys import trained, twice_the_same
from twincell.cli import run
from twincell.models.base.file import load_model
from twincell.models.nearest.choice import errors_by_k
from twincell.models.nearest.network import Nearest


def test_an_image_is_counted_as_the_ones_it_looks_like() -> None:
    torch.manual_seed(0)
    known = torch.rand(6, 1, 128, 128)
    network = Nearest(side=16)
    network.remember(network.embed(known), torch.tensor([1.0, 2, 3, 4, 5, 6]), k=1)
    brighter = (known * 0.5 + 0.2 + 0.01 * torch.rand(6, 1, 128, 128)).flip(0)
    assert network(brighter).tolist() == [6, 5, 4, 3, 2, 1]


def test_neighbours_and_their_mean_restated() -> None:
    rng = np.random.default_rng(0)
    known, asked = rng.random((9, 1, 8, 8), np.float32), rng.random((2, 1, 8, 8), np.float32)
    counts = rng.integers(1, 20, 9).astype(np.float32)
    network = Nearest(side=4)
    network.remember(network.embed(torch.from_numpy(known)), torch.from_numpy(counts), k=3)

    def embedded(image: np.ndarray) -> np.ndarray:
        small = image.reshape(4, 2, 4, 2).mean((1, 3)).ravel()
        small = small - small.mean()
        return small / np.sqrt((small**2).sum())

    for image, predicted in zip(asked, network(torch.from_numpy(asked)).tolist(), strict=True):
        distance = [np.linalg.norm(embedded(image[0]) - embedded(other[0])) for other in known]
        assert predicted == pytest.approx(counts[np.argsort(distance)[:3]].mean(), abs=1e-5)


def test_k_is_judged_on_other_chambers_alone() -> None:
    known = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    counts = torch.tensor([1.0, 1.0, 9.0, 9.0])
    same = errors_by_k(known, counts, ("a", "a", "b", "b"), most=5)
    assert same == [8.0, 8.0]  # only the other chamber's two speak
    alone = errors_by_k(known, counts, ("a",) * 4, most=2)
    assert alone == [0.0, 4.0]
    assert errors_by_k(known[:1], counts[:1], ("a",), most=3) == []


def test_the_command_fits_it_and_its_file_counts_the_same(toys: Path, tmp_path: Path) -> None:
    card = trained(toys, tmp_path, "nearest")
    assert 1 <= card.metrics["tuned"]["k"] <= 15
    twice_the_same(toys, tmp_path)


def test_validated_chambers_are_not_remembered(toys: Path, tmp_path: Path) -> None:

    assert (
        run(["train", str(toys), "--preset", "nearest", "--out", str(tmp_path / "run"), "--validate", "auto"])
        == 0
    )
    model = load_model(tmp_path / "run")
    assert len(model.network.counts) == 9
    assert model.card.metrics["validation"]["mae"] >= 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "synthetic.source=pool"], "synthetic.source=none"),
        (["--start", "cho-pc"], "leave out the start"),
        (["--max-minutes", "5"], "leave out --max-minutes"),
        (["--epochs", "3"], "give it with --steps"),
        (["--set", "teacher.kind=time"], "teacher.kind=none"),
    ],
)
def test_what_a_fitted_method_cannot_use_is_refused(
    words: list[str], said: str, toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:

    assert run(["train", str(toys), "--preset", "nearest", "--out", str(tmp_path / "run"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_it_takes_part_in_experiments_and_counts_folders(toys: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--manifest", str(toys), "--preset", "nearest", "--folds", "2", "--out", str(out)]
    assert run(["reproduce", "leave-chamber-out", *words]) == 0
    table = pd.read_csv(out / "leave-chamber-out.csv").set_index("method")
    assert table.loc["model", "n"] == 12
    (model,) = out.glob("**/*fold0*/run")
    counts = tmp_path / "counts.csv"
    assert run(["count", str(model), str(toys), "--out", str(counts)]) == 0
    assert pd.read_csv(counts)["count_frame"].notna().all()


def test_a_finished_fit_is_left_alone_and_another_is_refused(
    toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:

    command = ["train", str(toys), "--preset", "nearest", "--out", str(tmp_path / "run")]
    assert run(command) == 0
    written = (tmp_path / "run" / "model.safetensors").stat().st_mtime_ns
    assert run([*command, "--resume"]) == 0
    assert (tmp_path / "run" / "model.safetensors").stat().st_mtime_ns == written
    assert run(command) == 2
