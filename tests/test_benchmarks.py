"""`benchmarks/run.py` writes what it promises."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "benchmarks" / "run.py"


def test_a_quick_run_writes_the_list(tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    command = [sys.executable, RUN, "fetch-batch", "--quick", "--json", target]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "fetch-batch" in done.stdout
    (figure,) = json.loads(target.read_text())
    assert set(figure) == {"name", "ours", "peer", "ratio", "unit"}
    assert figure["name"] == "fetch-batch"
    assert figure["ratio"] == figure["ours"] / figure["peer"]
    assert figure["unit"] == "images/s"


def test_an_unknown_benchmark_is_refused_with_the_known_names() -> None:
    done = subprocess.run([sys.executable, RUN, "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown benchmark nonsense" in done.stderr
    assert "fetch-batch" in done.stderr


@pytest.mark.parametrize(("name", "usual"), [("single-images", 12.0), ("count-files-one-look", 2.0)])
def test_no_ratio_falls_by_a_third(name: str, usual: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """In processor time, ours and the peer in turns, so that a busy machine changes little; best of two."""
    monkeypatch.syspath_prepend(str(RUN.parent))
    bench = importlib.import_module("files").BENCHES[name]
    ratios = []
    while len(ratios) < 2 and (not ratios or ratios[-1] < usual * 2 / 3):
        ratios.append(bench(True, time.process_time).ratio)
    assert max(ratios) > usual * 2 / 3, f"{name}: {ratios}, usually {usual}"
