"""The notebook tutorial runs from top to bottom and counts what it simulated."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial" / "first-recording.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("tutorial")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def _told(notebook: nbformat.NotebookNode) -> str:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    return "\n".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs)


def test_it_finds_both_chambers_and_counts_them(executed: nbformat.NotebookNode) -> None:
    told = _told(executed)
    assert "'chambers': 2" in told
    errors = [float(e) for e in re.findall(r"mean error .*: +(\d+\.\d+) cells", told)]
    assert len(errors) == 2
    assert errors[0] < 1.0
    assert errors[1] <= errors[0] + 0.1
    assert "growing" in told


def test_it_shows_the_sheet_and_the_curves(executed: nbformat.NotebookNode) -> None:
    outputs = [o for cell in executed.cells if cell.cell_type == "code" for o in cell.outputs]
    assert sum("image/png" in o.get("data", {}) for o in outputs) == 2


def test_the_committed_notebook_holds_no_output() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(
        not cell.outputs and cell.execution_count is None for cell in cells if cell.cell_type == "code"
    )
