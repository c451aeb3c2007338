"""The list of defects stays true to the code: each can be put in, and its tests are there."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from helpers.shown import ROOT

TOOL = runpy.run_path(str(ROOT / "tools" / "mutate.py"))
DEFECTS: list[Any] = TOOL["read_defects"]()


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: f"{d.file}: {d.new.strip()[:30]}")
def test_it_can_be_put_in_and_its_tests_are_there(defect: Any) -> None:
    changed = defect.applied(ROOT)
    assert changed != (ROOT / defect.path).read_text(encoding="utf-8")
    compile(changed, defect.file, "exec")  # a defect, not a slip of the pen
    assert [test for test in defect.tests if not (ROOT / "tests" / Path(test)).is_file()] == []


def test_fifty_are_our_own_and_none_is_there_twice() -> None:
    assert sum(defect.group == "own" for defect in DEFECTS) >= 50
    assert len({(defect.file, defect.old, defect.new) for defect in DEFECTS}) == len(DEFECTS)
