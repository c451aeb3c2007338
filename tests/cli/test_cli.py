"""The command as a whole: codes, errors, help."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from twincell import __version__, cli
from twincell.errors import Stopped, UserError


def verb(error: BaseException) -> typer.Typer:
    """A command whose one verb fails so; it goes through the same root as all verbs."""
    app = cli.root()

    @app.command()
    def fail() -> None:
        raise error

    return app


def test_help_names_every_verb_and_each_verb_has_help_with_an_example() -> None:
    runner = CliRunner()
    whole = runner.invoke(cli.build(), ["--help"], terminal_width=200)
    assert whole.exit_code == 0
    places = [whole.output.find(f"\n  {name} ") for name in cli.VERBS]
    assert places == sorted(places)  # in the order of a user's work
    assert -1 not in places
    for name in cli.VERBS:
        own = runner.invoke(cli.build(), [name, "--help"])
        assert own.exit_code == 0
        if "COMMAND" not in own.output:
            assert f"twincell {name}" in " ".join(own.output.split()).partition("Example")[2], name


def test_sub_verbs_have_help_with_an_example() -> None:
    result = CliRunner().invoke(cli.build(), ["import", "cho-k1", "--help"])
    assert "Example: twincell import cho-k1" in " ".join(result.output.split())


def test_bad_input_is_one_line_per_fault_and_code_2() -> None:
    result = CliRunner().invoke(verb(UserError(["a.png: is missing", "b.png: is empty"])), ["fail"])
    assert result.exit_code == 2
    assert result.stderr == "twincell: a.png: is missing\ntwincell: b.png: is empty\n"
    assert "Traceback" not in result.output


def test_ctrl_c_is_one_calm_line_and_code_130() -> None:
    result = CliRunner().invoke(verb(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == 130
    assert result.stderr == "twincell: stopped\n"


def test_work_stopped_by_a_signal_is_one_calm_line_and_the_shells_code() -> None:
    stopped = Stopped(15, "stopped after step 3 of 9; go on with --resume")
    result = CliRunner().invoke(verb(stopped), ["fail"])
    assert result.exit_code == 143
    assert result.stderr == "twincell: SIGTERM: stopped after step 3 of 9; go on with --resume\n"


def test_a_full_disk_or_a_closed_folder_is_said_without_a_traceback() -> None:
    result = CliRunner().invoke(verb(PermissionError(13, "Permission denied", "/root/x")), ["fail"])
    assert result.exit_code == 2
    assert result.stderr == "twincell: /root/x: Permission denied\n"


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.EFBIG])
def test_a_drive_that_is_gone_is_said_without_a_traceback(number: int) -> None:
    result = CliRunner().invoke(verb(OSError(number, os.strerror(number), "z/x.tif")), ["fail"])
    assert result.exit_code == 2
    assert result.stderr == f"twincell: z/x.tif: {os.strerror(number)}\n"


def test_full_memory_is_said_without_a_traceback() -> None:
    result = CliRunner().invoke(verb(MemoryError()), ["fail"])
    assert result.exit_code == 2
    assert result.stderr.startswith("twincell: the memory is full; close other programs")


def test_our_own_mistakes_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(verb(ZeroDivisionError()), ["fail"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["no-such-verb"], 2),
        (["check"], 2),
        (["check", "x", "--no-such"], 2),
    ],
)
def test_run_gives_the_exit_code(arguments: list[str], code: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == code
    assert capfd.readouterr()


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"twincell {__version__}\n"


def test_the_installed_command_ends_with_the_code(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "twincell"
    done = subprocess.run([program, "check", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "manifest.csv: is missing" in done.stdout


def test_looking_at_data_needs_no_torch(imported: Path) -> None:
    code = (
        "import sys; from twincell import cli; code = cli.run(['check', sys.argv[1]])\n"
        "assert code == 0 and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(imported)], capture_output=True, check=True)


def test_help_comes_fast_because_nothing_heavy_is_imported() -> None:
    heavy = ("torch", "numpy", "pandas", "pydantic", "lightning", "matplotlib", "scipy", "sklearn", "rich")
    code = (
        "import sys, time; from twincell import cli; assert cli.run(['--help']) == 0\n"
        f"print([m for m in {heavy} if m in sys.modules], time.process_time(), file=sys.stderr)"
    )
    spent = []
    for _ in range(3):  # the best of three: the first may have to compile
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        loaded, seconds = done.stderr.rsplit(maxsplit=1)
        assert loaded == "[]"
        spent.append(float(seconds))
    assert min(spent) < 0.3


def test_python_m_twincell_is_the_same_command() -> None:
    words = [sys.executable, "-m", "twincell", "--version"]
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout.startswith("twincell ")


@pytest.mark.parametrize("said", [None, "ACTIVE"])
def test_waiting_threads_sleep_soon_unless_a_user_says_otherwise(
    said: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    if said is not None:
        monkeypatch.setenv("OMP_WAIT_POLICY", said)
    monkeypatch.setattr(sys, "argv", ["twincell", "--version"])
    with pytest.raises(SystemExit):
        cli.main()
    assert ("GOMP_SPINCOUNT" in os.environ) == (said is None)
