"""Whole commands on names and tables that nobody means: sentences and exit code 2, or a result."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.fake_method import fake_model, write_chamber
from twincell.cli import run
from twincell.cli.show import figures_table
from twincell.models import METHODS

HEADER = "image,count,split,modality,origin,chamber,frame,page\n"


def test_check_says_that_no_image_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.csv").write_text(
        HEADER + "a.png,1,train,bf,natural,A,0,0\nb.png,2,val,bf,natural,A,1,0\n"
    )
    assert run(["check", str(tmp_path)]) == 2
    told = capsys.readouterr().out
    assert "image a.png is missing" in told
    assert "2 errors" in told


@pytest.mark.parametrize("cell", ["a" * 300 + ".png", "a\0b.png", "x/" * 3000 + "a.png"])
def test_check_of_names_no_file_can_have(
    tmp_path: Path, cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manifest.csv").write_text(HEADER + f"{cell},1,train,bf,natural,A,0,0\n")
    assert run(["check", str(tmp_path)]) == 2
    assert "missing" in capsys.readouterr().out


@pytest.mark.parametrize("frame", ["9223372036854775808", "1" * 400, "²", "-1"])
def test_check_of_frames_that_are_none(
    tmp_path: Path, frame: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_text(HEADER + f"a.png,1,train,bf,natural,A,{frame},0\n")
    assert run(["check", str(tmp_path)]) == 2
    assert "is not a whole number from 0" in capsys.readouterr().out


def test_a_name_too_long_for_any_file_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["check", "a" * 300],
        ["growth", "b" * 300 + ".csv", "--out", "x"],
        ["count", "any", "c" * 300],
    ):
        assert run(words) == 2
        assert "Traceback" not in capsys.readouterr().err


def test_names_are_printed_as_they_are_not_as_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "[bold]A[/nope]"
    rows = ["chamber,frame,time_h,count,flag", *(f"{name},{t},{t},{4 * 2 ** (t // 10)}," for t in range(40))]
    (tmp_path / "counts.csv").write_text("\n".join(rows) + "\n")
    assert (
        run(["growth", str(tmp_path / "counts.csv"), "--out", str(tmp_path / "out"), "--plots", "none"]) == 0
    )
    assert name in capsys.readouterr().out
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_text(HEADER + f"a.png,1,train,bf,natural,{name},0,0\n")
    assert run(["check", str(tmp_path)]) == 0
    assert name in capsys.readouterr().out


def test_tables_of_figures_take_any_name() -> None:
    from rich.console import Console

    console = Console(markup=False, width=80)
    with console.capture() as shown:
        console.print(figures_table("[/x] of [bold]", {}, "[/y]"))
    assert "[/x] of [bold]" in shown.get()


def test_no_console_reads_names_as_markup() -> None:
    source = Path(__file__).parents[2] / "src" / "twincell"
    consoles = [
        (file.name, ast.unparse(call))
        for file in source.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Console")
    ]
    assert consoles
    assert [console for console in consoles if "markup=False" not in console[1]] == []


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text exist on Linux alone")
def test_a_folder_whose_name_is_no_text_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/night-\xff\xe9"))
    write_chamber(folder, [3, 4, 5])
    out = tmp_path / "counts.csv"
    assert run(["count", str(fake_model(tmp_path / "run")), str(folder), "--out", str(out)]) == 0
    assert "night" in out.read_text(encoding="utf-8")


def test_bytes_that_are_no_text_are_printed_escaped(tmp_path: Path) -> None:
    script = "import sys; from twincell.cli import main; main()"
    name = os.fsencode(tmp_path) + b"/\xff.csv"
    done = subprocess.run([sys.executable, "-c", script, "check", name], capture_output=True, timeout=120)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"\\udcff" in done.stdout + done.stderr
