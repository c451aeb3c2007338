"""`benchmarks/run.py` writes what it promises."""

import json
import subprocess
import sys
from pathlib import Path

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
