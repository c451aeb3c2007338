"""Execute the tutorial and store it with its outputs.

python tools/tutorial.py
"""

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial" / "first-recording.ipynb"
KEPT = {"text/plain", "image/png"}
"""Kinds of output that are stored."""


def main() -> None:
    """Runs it in an empty folder; only code, outputs and their numbers are kept."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [
                o for o in cell.outputs if o.get("name") != "stderr"
            ]  # of this machine's packages
            for output in cell.outputs:
                for kind in {*output.get("data", {})} - KEPT:
                    del output["data"][kind]  # the same again
    notebook.metadata.pop("language_info", None)
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()
