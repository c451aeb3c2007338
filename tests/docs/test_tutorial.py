"""The notebook tutorial runs from top to bottom, counts what it simulated, and is stored with its outputs."""

import ast
import importlib
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from helpers.shown import ROOT

NOTEBOOK = ROOT / "docs" / "tutorial" / "first-recording.ipynb"
LARGEST = 400_000
"""Bytes of the stored notebook."""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("tutorial")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def stored() -> nbformat.NotebookNode:
    """The notebook as it lies in the repository."""
    return nbformat.read(NOTEBOOK, as_version=4)


def _told(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in _code(notebook) for output in cell.outputs]
    return "\n".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs)


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _finds_grows_and_errs_little(told: str) -> None:
    assert "'chambers': 2" in told
    errors = [float(e) for e in re.findall(r"mean error .*: +(\d+\.\d+) cells", told)]
    assert len(errors) == 2
    assert errors[0] < 1.0
    assert errors[1] <= errors[0] + 0.1
    assert "growing" in told


def test_it_finds_both_chambers_and_counts_them(executed: nbformat.NotebookNode) -> None:
    _finds_grows_and_errs_little(_told(executed))


def test_it_shows_the_sheet_and_the_curves(executed: nbformat.NotebookNode) -> None:
    assert _images(executed) == 2


def _images(notebook: nbformat.NotebookNode) -> int:
    outputs = [o for cell in _code(notebook) for o in cell.outputs]
    return sum("image/png" in o.get("data", {}) for o in outputs)


def test_the_stored_notebook_shows_what_a_reader_will_see() -> None:
    notebook = stored()
    _finds_grows_and_errs_little(_told(notebook))
    assert _images(notebook) == 2
    assert [cell.execution_count for cell in _code(notebook)] == list(range(1, len(_code(notebook)) + 1))
    assert not re.search(r"Traceback|Warning", _told(notebook))
    assert NOTEBOOK.stat().st_size < LARGEST


def test_the_stored_outputs_name_no_machine() -> None:
    assert str(Path.home()) not in NOTEBOOK.read_text()


def test_it_imports_public_names_alone() -> None:
    """What a reader copies is on the page of the Python reference, and keeps working."""
    public = set(re.findall(r"^::: (\S+)", (ROOT / "docs/reference/python.md").read_text(), re.MULTILINE))
    for cell in _code(stored()):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "twincell":
                assert node.module in public, f"{node.module} is not in the Python reference"
                module = importlib.import_module(str(node.module))
                names = getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
                assert {alias.name for alias in node.names} <= set(names), node.module
