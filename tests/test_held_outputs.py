"""Where another living process holds an output folder, every verb is refused and changes nothing.

`test_two_at_once` shows with real pairs of processes that a verb holds its folder while it works.
"""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from helpers.fake_method import fake_model, write_chamber
from helpers.make_published import make_published
from helpers.training_toys import toy_settings, write_toy_data
from twincell.cli import run
from twincell.locks import NAME, _started
from twincell.models import METHODS
from twincell.models.base.file import ModelCard, save_model

CASES = {
    "count": ("out.csv.parts", "count model night --modality pc --out out.csv"),
    "import stack": ("out", "import stack night --modality pc --interval 5 --out out"),
    "import cho-k1": (f".|{NAME}.out", "import cho-k1 published --out out"),
    "manifest": ("out", "manifest night --modality pc --minutes 5 --out out"),
    "synth": ("out", "synth ellipse-pc -n 2 --out out"),
    "train": ("out", "train toys --preset small.yaml --out out"),
    "transfer": ("out", "transfer twin toys --preset small.yaml --out out"),
    "growth": ("out", "growth counts.csv --plots none --out out"),
    "run": ("out/.run", "run night --modality pc --model model --minutes 5 --out out"),
    "translate": ("out", "translate twin night/t000.png --out out"),
    "demo": ("out", "demo --out out"),
}  # fmt: skip


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_chamber(folder / "night", [2, 3, 4, 5, 6, 7])
    fake_model(folder / "model")
    write_toy_data(folder / "toys")
    make_published(folder / "published")
    settings = toy_settings(training__steps=2)
    (folder / "small.yaml").write_text(settings.to_yaml())
    card = ModelCard(
        name="twin", method=settings.method, settings=settings.model.model_dump(mode="json"),
        modalities=["pc"], twincell_version="0",
    )  # fmt: skip
    save_model(folder / "twin", METHODS[settings.method].build(settings.model), card)
    frames = range(20)
    table = {"chamber": "A", "frame": frames, "count_frame": [3 * 1.05**frame for frame in frames]}
    pd.DataFrame(table).to_csv(folder / "counts.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def other() -> Iterator[int]:
    """The number of another living process."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process.pid
        process.kill()


@pytest.mark.parametrize("case", CASES)
def test_a_verb_is_refused_and_changes_nothing(
    case: str,
    inputs: Path,
    other: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path in inputs.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(METHODS, "_modules", METHODS._modules | {"fake": "helpers.fake_method"})
    held, words = CASES[case]
    folder, _, name = held.partition("|")
    Path(folder).mkdir(parents=True, exist_ok=True)
    lock = Path(folder) / (name or NAME)
    lock.write_text(json.dumps({"host": socket.gethostname(), "pid": other, "start": _started(other)}))
    if case == "run":  # a folder without it is another program's, and refused as such
        (Path(folder) / "job.json").write_text("{}")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run(words.split()) == 2
    said = capsys.readouterr().err
    assert f"process {other} on {socket.gethostname()} is writing here" in said, said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
