"""Names play no tricks on a terminal or a page, a closed pipe ends nothing, and no password is shown."""

import subprocess
import sys
from pathlib import Path

import pytest

from twincell.cli import run
from twincell.errors import UserError
from twincell.printable import in_html, printable
from twincell.report.page import Page, Section
from twincell.tuning.options import TuneOptions
from twincell.tuning.study import masked

COMMAND = [sys.executable, "-c", "import sys; from twincell.cli import main; main()"]
NASTY = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\udcff"


def test_a_reader_that_has_seen_enough_ends_calmly(tmp_path: Path) -> None:
    script = f"set -o pipefail; {sys.executable} -c '{COMMAND[2]}' reproduce --list | head -n 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_the_work_goes_on_to_its_end_when_nobody_reads(tmp_path: Path) -> None:
    words = ["synth", "ellipse-pc", "-n", "2", "--out", "drawn", "--json", "said.json"]
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        said = process.stderr.read() if process.stderr else b""
        assert process.wait() == 0, said
    assert (tmp_path / "said.json").exists()
    assert b"Broken" not in said


def test_names_are_shown_with_control_characters_written_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["count", "cho-pc", str(tmp_path / NASTY), "--out", str(tmp_path / "c.csv")]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert r"\x1b]0;owned\x07\x1b[2J\u202egnp.exe\udcff" in said


def test_pages_show_them_written_out_too() -> None:
    page = Page(title=NASTY[:-1], subtitle="", sections=[Section("s", f"lead {NASTY[:-1]}", "<p>whole</p>")])
    html = page.html()
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "<p>whole</p>" in html
    assert in_html("<a\x1b>") == r"&lt;a\x1b&gt;"


def test_plain_text_of_any_language_stays_as_it_is() -> None:
    text = "Zelle 1\tπ ≤ 3, 细胞 – é\nnext"
    assert printable(text) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:s3cr@t:x@host/db", "postgresql://me:***@host/db"),
        ("mysql://me:s3cret@host/db?password=other&x=1", "mysql://me:***@host/db?password=***&x=1"),
        ("sqlite:///study.db", "sqlite:///study.db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
    ],
)
def test_passwords_of_databases_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_a_database_that_cannot_be_opened_is_named_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    from twincell.tuning.study import _storage

    with pytest.raises(UserError) as fault:
        _storage(tmp_path, "nosuch+driver://me:s3cret@host/db")
    assert "me:***@host" in str(fault.value)
    assert "s3cret" not in str(fault.value)
    assert "s3cret" not in repr(TuneOptions(storage="postgresql://me:s3cret@host/db"))
