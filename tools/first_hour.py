"""Type the commands of docs/tutorial/first-hour.md beside drawn chambers and take pictures of the screen.

    python tools/first_hour.py [--browser chromium]

Each block of commands becomes docs/tutorial/images/first-hour-N.png; the report and the growth curves are
photographed, too. A browser (Chromium) draws both.
"""

import argparse
import contextlib
import html
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from PIL import Image, ImageChops

from twincell.cli import run
from twincell.simulate.recordings import recording
from twincell.simulate.scene import growth_settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tutorial" / "first-hour.md"
PICTURES = PAGE.parent / "images"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
COLUMNS = 108
"""Characters of a line of the screen."""
LIFE = {"frame_interval_h": 0.5, "start_cells": [2, 3], "doubling_h": [14, 18], "resting_chambers": 0.0}
SCREEN = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; background: #fff }}
pre {{ margin: 0; padding: 14px 18px; background: #1d2330; color: #dde3ee; font: 14px/1.45 "DejaVu Sans Mono",
monospace; white-space: pre-wrap; overflow-wrap: anywhere; width: {columns}ch; border-radius: 6px;
display: inline-block }}
b {{ color: #8fd0ff; font-weight: 600 }}
</style><pre>{text}</pre>"""


def main() -> None:
    """Draw the chambers, type, and photograph."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--browser", default=shutil.which("chromium") or "chromium")
    browser = parser.parse_args().browser
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        draw_chambers()
        for number, block in enumerate(BLOCK.findall(PAGE.read_text()), 1):
            shown = "".join(typed(line) for line in block.strip().splitlines())
            page = Path("screen.html")
            page.write_text(SCREEN.format(columns=COLUMNS, text=shown))
            photograph(browser, page, PICTURES / f"first-hour-{number}.png", 1000, 1600)
        photograph(browser, Path("report.html"), PICTURES / "first-hour-report.png", 1100, 1500, whole=True)
        curves = next(Path("growth").glob("curves-01.*"))
        shutil.copyfile(curves, PICTURES / "first-hour-growth.png")


def draw_chambers() -> None:
    """`my/chamber`: one chamber, a PNG a frame. `my/images`: five, every fifth frame counted in a table."""
    growth = growth_settings(LIFE)
    write(Path("my/chamber"), recording("optics-pc", 60, seed=8, growth=growth).images)
    for k in range(5):
        made = recording("optics-pc", 20, seed=6, chamber_id=k, growth=growth)
        folder = Path(f"my/images/C{k}")
        write(folder, made.images)
        counted = range(0, 20, 5)
        table = {"image": [f"t{frame:03d}.png" for frame in counted], "count": made.counts[list(counted)]}
        pd.DataFrame(table).to_csv(folder / "counts.csv", index=False)


def write(folder: Path, images: "object") -> None:
    """A PNG a frame."""
    folder.mkdir(parents=True)
    for frame, pixels in enumerate(images):  # type: ignore[arg-type, var-annotated]
        Image.fromarray(pixels).save(folder / f"t{frame:03d}.png")


def typed(line: str) -> str:
    """A command and what it said, as HTML; progress is left out, and this machine's folders and name."""
    said = io.StringIO()
    os.environ["COLUMNS"] = str(COLUMNS)
    words = line.split()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run(words[1:])
    kept = [row for row in said.getvalue().splitlines() if not re.match(r"\S.*: [\d,]+ of [\d,]+", row)]
    text = "\n".join(kept).replace(os.getcwd(), "~").replace(tempfile.gettempdir(), "~/tmp")
    ended = f"\n(exit code {code})" if code else ""
    return f"<b>$ {html.escape(line)}</b>\n{html.escape(text + ended)}\n"


def photograph(browser: str, page: Path, out: Path, width: int, height: int, whole: bool = False) -> None:
    """A picture of a page; without `whole` the blank around what is shown is cut off."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={profile}", f"--window-size={width},{height}", "--virtual-time-budget=2000",
            f"--screenshot={out}", page.resolve().as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    picture = Image.open(out).convert("RGB")
    if not whole:
        box = ImageChops.difference(picture, Image.new("RGB", picture.size, "white")).getbbox()
        picture = picture.crop(box)
    picture.quantize(64).save(out, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
