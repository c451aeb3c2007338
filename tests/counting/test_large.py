"""Many chambers: memory stays where it is, and the time left is shown."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from helpers.fake_method import chamber_image, fake_model

TESTS = Path(__file__).parents[1]
SCRIPT = """
import resource, sys
from twincell.models import METHODS
METHODS.register("fake", "helpers.fake_method")
if __name__ == "__main__":
    from twincell.cli import run
    code = run(sys.argv[1:])
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    sys.exit(code)
"""


def counted(folder: Path, name: str, chambers: int, frames: int) -> float:
    """Counts so many chambers in a process of its own; its peak memory in MB."""
    stack = np.stack([chamber_image(2 + t // 60, seed=t) for t in range(frames)])
    source = folder / "stack.ome.tif"
    tifffile.imwrite(source, stack, ome=True, metadata={"axes": "TYX"})
    (folder / name).mkdir()
    for k in range(chambers):
        os.link(source, folder / name / f"chamber{k:04}.ome.tif")
    (folder / "count.py").write_text(SCRIPT)
    args = ["count", str(folder / "run"), str(folder / name), "--out", str(folder / f"{name}.csv")]
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, str(folder / "count.py"), *args],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(ended.stdout.split("peak ")[1]) / 1000


@pytest.mark.slow
def test_memory_hardly_grows_with_the_number_of_chambers(tmp_path: Path) -> None:
    """The whole size, 1,000 chambers of 300 frames, is in docs/howto/count.md with its figures."""
    fake_model(tmp_path / "run")
    few = counted(tmp_path, "few", 5, 300)
    many = counted(tmp_path, "many", 100, 300)
    table = pd.read_csv(tmp_path / "many.csv")
    assert len(table) == 30_000
    assert table.groupby("chamber")["frame"].nunique().eq(300).all()
    assert many < 1000
    assert many < few + 150  # 95 chambers more; 1,000 stay far below 2 GB
