"""Try a built wheel as a stranger would: for each Python a clean environment, then draw, train, count, demo.

    python tools/try_wheel.py build/wheel/twincell-*.whl python3.11 python3.12 --json tried.json

Nothing of the checkout is on the path: the commands run in an empty folder.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS = {
    "doctor": ["doctor"],
    "draw": ["synth", "ellipse-pc", "-n", "24", "--seed", "1", "--out", "drawn"],
    "list": ["manifest", "drawn/images", "--modality", "pc", "--split", "train", "--out", "listed"],
    "train": [
        "train",
        "listed",
        "--preset",
        "compact",
        "--steps",
        "4",
        "--set",
        "synthetic.pool=24",
        "--out",
        "run",
    ],
    "count": ["count", "cho-pc", "drawn", "--out", "shipped.csv", "--report", "report.html"],
    "count with the run": ["count", "run", "drawn", "--out", "own.csv"],
    "demo": ["demo", "--out", "demo"],
}
"""What is done in each environment, in this order."""
MADE = ["shipped.csv", "own.csv", "report.html", "run/model.safetensors", "demo/report.html"]


def main() -> int:
    """Try every Python named; exit code 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("python", nargs="+", help="interpreters, such as python3.12")
    parser.add_argument("--torch-index", help="take torch from here, such as the index of its CPU builds")
    parser.add_argument(
        "--without", action="append", default=[], choices=list(STEPS), help="leave a step out"
    )
    parser.add_argument("--json", type=Path, help="write what was found here")
    asked = parser.parse_args()
    found = [
        tried(python, asked.wheel.resolve(), asked.torch_index, asked.without) for python in asked.python
    ]
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(any(one["failed"] for one in found))


def tried(python: str, wheel: Path, torch_index: str | None, without: list[str]) -> dict[str, object]:
    """Install the wheel for one Python and take every step; what failed is named, with what it said."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        subprocess.run([python, "-m", "venv", str(home / "env")], check=True)
        pip = [str(home / "env/bin/pip"), "install", "--quiet"]
        if torch_index:
            subprocess.run([*pip, "torch", "--index-url", torch_index], check=True)
        subprocess.run([*pip, str(wheel)], check=True)
        code = "import sys, torch; print(sys.version.split()[0], torch.__version__)"
        version = run([str(home / "env/bin/python"), "-c", code], home)[1].split()
        found: dict[str, object] = {
            "python": version[0],
            "torch": version[1],
            "installed_MB": round(size_of(home / "env") / 1e6),
            "failed": [],
        }
        failed: list[str] = []
        for name, words in STEPS.items():
            if name in without:
                continue
            code_, said, seconds = run([str(home / "env/bin/twincell"), *words], home)
            found[f"{name}, processor s"] = seconds
            if code_:
                failed.append(f"{name}: {said.strip().splitlines()[-1] if said.strip() else code_}")
        if not without:
            failed += [f"{name} was not made" for name in MADE if not (home / name).is_file()]
        found["failed"] = failed
        print(json.dumps(found), flush=True)
        return found


def run(command: list[str], home: Path) -> tuple[int, str, float]:
    """Exit code, what was said, and the processor seconds that a command took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return ended.returncode, ended.stdout + ended.stderr, round(seconds, 1)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
