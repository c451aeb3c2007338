"""Put small defects in, one at a time, and see whether the tests that should notice do.

    python tools/mutate.py                 # all of tools/defects.yaml; exit code 1 below 90 %
    python tools/mutate.py --only review   # one group
    python tools/mutate.py --json found.json

A copy of the repository is worked in, never the repository. What is heavy is loaded once: each defect is
tried in a fork of this process, which loads the package anew. A defect is seen where a test that passes
without it fails.
"""

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tools" / "defects.yaml"
GOAL = 0.9
"""Share of defects that the tests have to see."""
COPIED = ("src", "tests", "docs", "tools", "pyproject.toml", "README.md", "CONTRIBUTING.md", "Makefile")
LONGEST = 600
"""Seconds after which a defect that makes the tests hang counts as seen."""


@dataclass(frozen=True)
class Defect:
    """One replacement in one file.

    Attributes:
        group: review (named by reviewers of release 1) or own.
        file: below src/twincell.
        old: text that stands there exactly once; `new` takes its place.
        tests: what should fail, as pytest names it, below tests.
    """

    group: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file, relative to the repository."""
        return Path("src/twincell") / self.file

    def applied(self, root: Path) -> str:
        """The file's text with the defect.

        Raises:
            ValueError: the old text is not there, or more than once.
        """
        text = (root / self.path).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.path}: {self.old!r} stands there {text.count(self.old)} times")
        return text.replace(self.old, self.new)


def read_defects() -> list[Defect]:
    """The list, in its order."""
    told = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return [
        Defect(group, each["file"], each["old"], each["new"], tuple(each["tests"].split()))
        for group, listed in told.items()
        for each in listed
    ]


def main() -> int:
    """Try all; print each and the share seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", help="a group: review or own")
    parser.add_argument("--file", help="defects of files whose path holds this")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many of the list's first")
    parser.add_argument("--json", type=Path, help="write what was found here")
    asked = parser.parse_args()
    defects = [
        defect
        for defect in read_defects()
        if asked.only in (None, defect.group) and (asked.file or "") in defect.file
    ][asked.skip :]
    copy = copied()
    load_heavy()
    sound: dict[tuple[str, ...], bool] = {}
    found = []
    for defect in defects:
        if defect.tests not in sound:
            sound[defect.tests] = run_tests(copy, defect.tests) == 0
        whole = (copy / defect.path).read_text(encoding="utf-8")
        (copy / defect.path).write_text(defect.applied(copy), encoding="utf-8")
        began = time.monotonic()
        code = run_tests(copy, defect.tests)
        (copy / defect.path).write_text(whole, encoding="utf-8")
        # 1: tests failed. 2 to 5: they could not even be collected, or none was. Anything else: it crashed.
        state = "seen" if sound[defect.tests] and code not in (0, 4, 5) else "NOT SEEN"
        state = state if sound[defect.tests] else "NO TEST (fails without it, too)"
        shown = (defect.new.strip() or "(taken out)").splitlines()[0]
        line = f"{state:9} {defect.group:6} {defect.file}: {shown}"
        print(f"{line}  ({time.monotonic() - began:.0f} s)", flush=True)
        found.append({"file": defect.file, "group": defect.group, "new": defect.new, "state": state})
        if asked.json:
            asked.json.write_text(json.dumps(found, indent=1) + "\n")
    seen = sum(one["state"] == "seen" for one in found)
    print(f"{seen} of {len(found)} defects are seen, {100 * seen / max(len(found), 1):.0f} %")
    return int(seen < GOAL * len(found))


def copied() -> Path:
    """A fresh copy of what the tests need."""
    copy = ROOT / "build" / "mutate"
    shutil.rmtree(copy, ignore_errors=True)
    for name in COPIED:
        source = ROOT / name
        leave = shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=leave)
        elif source.is_file():
            shutil.copy2(source, copy / name)
    return copy


def load_heavy() -> None:
    """Load what no defect is put into."""
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    import lightning
    import matplotlib.pyplot
    import pandas
    import pytest
    import scipy.optimize
    import statsmodels.api
    import torch

    torch.set_num_threads(1)
    _ = lightning, matplotlib, pandas, pytest, scipy, statsmodels


def run_tests(copy: Path, tests: tuple[str, ...]) -> int:
    """Run tests of the copy in a fork of this process; their exit code."""
    child = os.fork()
    if child == 0:
        import pytest

        os.chdir(copy)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        sys.path.insert(0, str(copy / "src"))
        os.environ["PYTHONPATH"] = str(copy / "src")
        words = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *(f"tests/{test}" for test in tests)]
        code = 70
        try:
            code = int(pytest.main(words))
        finally:
            os._exit(code)
    ends = time.monotonic() + LONGEST
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return 124


if __name__ == "__main__":
    sys.exit(main())
