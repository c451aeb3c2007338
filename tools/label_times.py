"""Makes docs/results/label-times.csv: how long the page lets a person wait, with 50,000 frames, in a real
Chromium.

    python tools/label_times.py --out docs/results

First frame: from the address being opened to the first frame painted. Next frame: from Enter to the next
    frame painted;
images are of 128 x 128 px. Person: what a scripted hand needs beyond looking, at the usual times of the
keystroke-level model (Card, Moran & Newell 1980: a key 0.28 s, pointing 1.1 s, a button pressed and let go
0.2 s), the waits measured.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers.browser import browser, person, saved, until  # noqa: E402
from helpers.label_toys import centres, draw, serving  # noqa: E402
from twincell.data.manifest import Manifest  # noqa: E402
from twincell.files import write_atomic  # noqa: E402
from twincell.io.encode import tiff_stack  # noqa: E402

CHAMBERS, FRAMES, ASKED, OPENED = 100, 500, 40, 5
KEY, POINT, PRESS = 0.28, 1.1, 0.2
CELLS = 8


def write_many(root: Path) -> None:
    """50,000 frames of 128 x 128 px in 100 stacks, which are one on the disk."""
    shown = np.stack([draw(centres(0, frame % 24), side=128) for frame in range(FRAMES)])
    rows = []
    first = write_atomic(root / "000.tif", tiff_stack(shown))
    for chamber in range(CHAMBERS):
        if chamber:
            os.link(first, root / f"{chamber:03d}.tif")
        rows += [(f"{chamber:03d}.tif", f"ch{chamber:03d}", frame, frame) for frame in range(FRAMES)]
    table = pd.DataFrame(rows, columns=["image", "chamber", "frame", "page"])
    table = table.assign(
        count=np.nan, split="train", modality="bf", origin="natural", time_h=table["frame"] / 6
    )
    Manifest(table, root).write(root)


def measured(root: Path) -> list[dict[str, object]]:
    """Opens the page a few times, counts some frames."""
    first, following = [], []
    with serving(root) as served, browser() as running:
        for _ in range(OPENED):
            page = person(running, "Anna")
            began = time.perf_counter()
            page.goto(served.url, wait_until="commit")
            until(page, "window.twincell?.page?.frame && window.twincell.page.stage.picture")
            first.append(time.perf_counter() - began)
            page.context.close()
        page = person(running, "Anna")
        page.goto(served.url)
        until(page, "window.twincell?.page?.frame")
        page.wait_for_timeout(1_000)
        for _ in range(ASKED):
            row = page.evaluate("window.twincell.page.frame.row")
            page.keyboard.press("5")
            # Timed inside the browser: from the key to the frame being painted.
            following.append(page.evaluate(
                """(row) => new Promise((done) => {
                    const began = performance.now();
                    const look = () => (window.twincell.page.frame.row !== row &&
                    !window.twincell.page.stage.waiting
                        ? done(performance.now() - began) : requestAnimationFrame(look));
                    document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
                    look();
                })""", row) / 1000)  # fmt: skip
            page.wait_for_timeout(250)
        saved(page)
    wait = float(np.median(following))
    rows = [("first frame, s", first), ("next frame, s", following)]
    table: list[dict[str, object]] = [
        {
            "what": name,
            "n": len(v),
            "median": np.median(v),
            "p95": np.quantile(v, 0.95),
            "load": os.getloadavg()[0],
        }
        for name, v in rows
    ]
    hands = {
        "number typed (two digits and Enter), s": 3 * KEY,
        f"{CELLS} dots clicked and Enter, s": CELLS * (POINT + PRESS) + KEY,
        "accepted in review, 60 a page, s": (2 * KEY + 2 * (POINT + PRESS)) / 60,
    }
    by_hand = [{"what": k, "n": 1, "median": v + wait, "p95": "", "load": ""} for k, v in hands.items()]
    return [*table, *by_hand]


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        write_many(Path(folder))
        table = pd.DataFrame(measured(Path(folder)))
    print(table.to_string())
    table.to_csv(out / "label-times.csv", index=False, float_format="%.3f", lineterminator="\n")


if __name__ == "__main__":
    main()
