"""Kill a command at random moments, let it go on, and compare what is left with an undisturbed one.

    python -m helpers.killing JOBS.json KILLS SEED

All that is heavy is loaded once; every attempt is a fork of this process, so that a kill costs no more than
the work it destroys. A job is `{name, folder, words, again, out, leave, complete}`: the command, how it is
called to go on, what it writes, names of files that tell the time of day, and how it says that all is done.
"""

import json
import os
import re
import shutil
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

SECONDS = re.compile(rb'"(seconds|trained_seconds|date|created)": [^,}\n]+')
"""What two undisturbed runs differ in, too."""


def attempt(folder: Path, words: list[str], after: float | None) -> tuple[int | None, str]:
    """Run the command in a fork; its exit code (None: killed at that moment) and what it said."""
    said = folder / "said.txt"
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        with said.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        from twincell.cli import run

        code = 70
        try:
            code = run(words)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    ends = time.monotonic() + (120 if after is None else after)
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), said.read_text(errors="replace")
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None, said.read_text(errors="replace")


def contents(folder: Path, outs: list[str], leave: list[str]) -> dict[str, str]:
    """A hash of every file made, by its name; times of day left out."""
    files = [
        file
        for name in outs
        for file in ([folder / name] if (folder / name).is_file() else sorted((folder / name).rglob("*")))
        if file.is_file()
    ]
    found = {}
    for file in files:
        name = str(file.relative_to(folder))
        half = file.name.startswith(".") and file.suffix == ".tmp"  # never given its name, and hidden
        if not half and not any(re.search(pattern, name) for pattern in leave):
            found[name] = sha256(SECONDS.sub(b"", file.read_bytes())).hexdigest()
    return found


def clean(folder: Path, outs: list[str]) -> None:
    """Remove what a command made."""
    for name in outs:
        for path in folder.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def kill(job: dict, kills: int, rng: np.random.Generator) -> dict:
    """Kill one job so many times; `{name, kills, killed, same, faults}`."""
    folder, outs, leave = Path(job["folder"]), job["out"], job.get("leave", [])
    began = time.monotonic()
    code, said = attempt(folder, job["words"], None)
    whole = time.monotonic() - began
    assert code == 0, (job["name"], said)
    wanted = contents(folder, outs, leave)
    clean(folder, outs)
    found: dict = {"name": job["name"], "seconds": round(whole, 2), "killed": 0, "same": 0, "faults": []}
    while found["killed"] < kills:
        moment = float(rng.uniform(0, whole))
        code, said = attempt(folder, job["words"], moment)
        if code is not None:  # it was faster this time
            whole = min(whole, moment)
            assert code == 0, said
            clean(folder, outs)
            continue
        found["killed"] += 1
        left = sorted(str(p.relative_to(folder)) for name in outs for p in folder.glob(f"{name}*"))
        code, said = attempt(folder, job["again"], None)
        complete = code == 2 and re.search(job.get("complete", "$^"), said)
        now = contents(folder, outs, leave)
        if (code == 0 or complete) and now == wanted:
            found["same"] += 1
        else:
            differ = sorted(name for name in wanted.keys() | now.keys() if wanted.get(name) != now.get(name))
            fault = {"moment": moment, "code": code, "said": said[-800:], "differ": differ, "left": left}
            found["faults"].append(fault)
        clean(folder, outs)
    return found


def main() -> None:
    """Load everything, then kill every job; the findings are printed as JSON, one line a job."""
    jobs, kills, seed = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), int(sys.argv[3])
    import torch

    torch.set_num_threads(1)
    from twincell.models import METHODS

    METHODS.register("fake", "helpers.fake_method")
    import twincell.api
    import twincell.pipeline
    import twincell.preprocess.import_stack
    import twincell.report.pages
    import twincell.training.train  # noqa: F401

    rng = np.random.default_rng(seed)
    for job in jobs:
        print(json.dumps(kill(job, kills, rng)), flush=True)


if __name__ == "__main__":
    main()
