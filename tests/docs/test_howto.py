"""How-to pages that do something a test can judge: what they show runs, and the right thing comes of it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import twincell
from helpers.desk import Store, run_page, run_script
from helpers.fake_method import chamber_image, fake_model, write_chamber
from helpers.shown import ROOT, Block, blocks
from twincell.cli import run
from twincell.cli.reference import page
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.io import readers
from twincell.models import METHODS
from twincell.models.base import file
from twincell.simulate import synthesise

DOCS = ROOT / "docs"


def test_the_page_of_commands_is_up_to_date() -> None:
    assert (DOCS / "reference" / "commands.md").read_text() == page(), (
        "run: python -m twincell.cli.reference docs/reference/commands.md"
    )


def test_every_command_has_an_example_that_is_a_command_of_its_own() -> None:
    sections = page().split("\n## ")[1:]
    assert len(sections) >= 8
    for section in sections:
        name = section.splitlines()[0]
        examples = re.findall(r"```sh\n(.*?)\n```", section)
        assert examples, name
        assert all(example.startswith(name) for example in examples), name


def shown(name: str) -> list[Block]:
    """The blocks of a how-to page that run."""
    return [block for block in blocks(DOCS / "howto" / f"{name}.md") if not block.reason]


def test_the_page_on_counting_runs(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    monkeypatch.setattr(file, "SHIPPED", tmp_path / "shipped")
    fake_model(tmp_path / "shipped")
    for suffix in (".json", ".safetensors"):
        (tmp_path / f"shipped/model{suffix}").rename(tmp_path / f"shipped/cho-pc{suffix}")
    counts = [2 + frame // 6 for frame in range(24)]
    write_chamber(tmp_path / "recording", counts, "t{}.png")
    stack = np.stack([chamber_image(n, seed=i) for i, n in enumerate(counts)])
    tifffile.imwrite("stack.tif", stack, photometric="minisblack")
    rows = [
        (path.name, counts[i] if i % 8 == 0 else "", "test", "pc", "natural", "a", i)
        for i, path in enumerate(write_chamber(tmp_path / "mine", counts))
    ]
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    pd.DataFrame(rows, columns=columns).to_csv("mine/manifest.csv", index=False)

    run_page(shown("count"), tmp_path, store)
    for name in ("counts", "stack", "mine", "alone", "long"):
        assert pd.read_csv(f"{name}.csv")["count_frame"].tolist() == counts
    assert Path("growth/growth.csv").exists()
    assert "Counts over time" in Path("shown.html").read_text()


def test_the_import_page_makes_a_manifest_of_a_folder(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "A").mkdir(parents=True)
    for frame in (1, 2, 40):
        pixels = np.random.default_rng(frame).integers(0, 256, (128, 128), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "mine" / "A" / f"t{frame:03d}.png")
    run_page(shown("import"), tmp_path, store)
    counts = Manifest.read(tmp_path / "mine").table.set_index("frame")["count"]
    assert counts[1] == 2
    assert counts[40] == 9
    assert np.isnan(counts[2])
    assert run(["check", "mine"]) == 0


def test_a_reader_added_as_the_page_says_is_counted_and_refuses_what_is_cut(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(readers, "FORMATS", [*readers.FORMATS])
    names = run_page(shown("add-a-reader"), tmp_path, store)
    table, night = names["counts"], names["night"]
    assert len(table) == 8
    assert np.abs(table["count_frame"] - night.counts).mean() < 1.5
    whole = (tmp_path / "night.raw8").read_bytes()
    (tmp_path / "cut.raw8").write_bytes(whole[: 12 + 5 * 128 * 128 + 7])
    cut = twincell.count("cut.raw8", model="cho-pc", modality="pc", progress=False)
    assert list(cut["count_frame"].isna()) == [False] * 5 + [True] * 3
    (tmp_path / "empty.raw8").write_bytes(b"")
    with pytest.raises(UserError, match="no raw8 header"):
        twincell.count("empty.raw8", model="cho-pc", modality="pc", progress=False)


def test_a_network_added_as_the_page_says_trains_and_counts(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(METHODS, "_modules", dict(METHODS._modules))
    names = run_page(shown("add-a-network"), tmp_path, store)
    assert names["model"].card.method == "dots"
    assert len(names["counts"]) == 24
    drawn = synthesise("optics-pc", 32, seed=9)
    found = names["model"].predict(drawn.images).count
    assert np.corrcoef(found, drawn.counts)[0, 1] > 0.5
    assert (tmp_path / "runs" / "dots" / "model.safetensors").is_file()


@pytest.mark.slow
def test_an_exported_model_counts_alike_without_twincell(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(shown("add-an-export"), tmp_path, store)
    told = run_script(["count_anywhere.py", "cho-pc.pt2", "chamber.png"])
    image = np.array(Image.open("chamber.png"))
    counted = float(twincell.load("cho-pc").predict(image[None]).count[0])
    assert counted > 1
    assert float(re.findall(r"counts ([0-9.]+) cells", told)[0]) == pytest.approx(counted, abs=1e-3)
