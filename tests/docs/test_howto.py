"""The page on counting runs as written, and the page of commands is that of the commands."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from helpers.fake_method import chamber_image, fake_model, write_chamber
from twincell.cli import run
from twincell.cli.reference import page
from twincell.models import METHODS
from twincell.models.base.method import file

DOCS = Path(__file__).parents[2] / "docs"


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


def test_the_page_on_counting_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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

    text = (DOCS / "howto" / "count.md").read_text()
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            assert run(shlex.split(line)[1:]) == 0, line
    for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(compile(block, "count.md", "exec"), {})
    for name in ("counts", "stack", "mine", "alone", "long"):
        assert pd.read_csv(f"{name}.csv")["count_frame"].tolist() == counts
    assert Path("growth/growth.csv").exists()
    assert "Counts over time" in Path("shown.html").read_text()
