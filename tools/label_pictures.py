"""Makes the pictures of docs/tutorial/label.md: drawn chambers, counted on the real page in a real Chromium.

    python tools/label_pictures.py [--out docs/images/label]

Needs playwright and chromium. Takes some minutes; nothing but the drawn recording goes in.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers.browser import browser, click, person, saved, until  # noqa: E402
from helpers.recording_toys import film, pc_field, write_ome  # noqa: E402

OUT = ROOT / "docs" / "images" / "label"
FRAMES = 24
RUN = "import sys; from twincell.cli import run; sys.exit(run(sys.argv[1:]))"


class Tour:
    """Walks through the page and takes pictures on the way."""

    def __init__(self, page: Any, address: str, field: Any, out: Path) -> None:
        self.page, self.address, self.field, self.out = page, address, field, out

    def take(self, name: str) -> None:
        """A picture of what is shown now; the pointer and notices out of the way."""
        self.page.evaluate("document.querySelector('#toasts').replaceChildren()")
        self.page.mouse.move(2, 790)
        self.page.wait_for_timeout(600)
        self.page.screenshot(path=self.out / f"{name}.png")
        print(name, flush=True)

    def go(self, name: str, wait: str) -> None:
        """Another part of the page."""
        self.page.goto(f"{self.address}#/{name}")
        self.page.wait_for_selector(wait)
        self.page.wait_for_timeout(1_000)

    def work(self, name: str) -> None:
        """Wait until a job is done."""
        until(self.page, f"window.twincell.state.job?.kind === '{name}'", 60)
        until(self.page, "window.twincell.state.job.state !== 'running'", 1_800)

    def truth(self, shown: dict[str, Any]) -> int:
        """Cells of a frame."""
        return int(self.field.count(int(shown["chamber"][-2:]) - 1, shown["frame"] - 1))

    def shown(self) -> dict[str, Any]:
        """The frame before the person."""
        found: dict[str, Any] = self.page.evaluate(
            "(({row, chamber, frame}) => ({row, chamber, frame}))(window.twincell.page.frame)"
        )
        return found

    def count(self, frames: int) -> None:
        """Type the truth of some frames."""
        for _ in range(frames):
            shown = self.shown()
            for digit in str(self.truth(shown)):
                self.page.keyboard.press(digit)
            self.page.keyboard.press("Enter")
            until(self.page, f"window.twincell.page.frame.row !== {shown['row']}")
        saved(self.page)

    def walk(self) -> None:
        """All ten pictures in the order of the tutorial."""
        page = self.page
        page.goto(self.address)
        page.get_by_label("phase contrast").check()
        self.take("01-ask")
        page.get_by_role("button", name="Go on").click()
        page.wait_for_selector(".board rect.box", timeout=1_800_000)
        page.locator(".board rect.box").nth(1).focus()
        self.take("02-chambers")
        page.get_by_role("button", name="Cut out and count").click()
        until(page, "window.twincell?.page?.frame", 1_800)
        self.work("count")
        page.goto(f"{self.address}#/count/{FRAMES // 2 - 1}")
        until(page, f"window.twincell.page.frame.row === {FRAMES // 2 - 1}")
        self.dot()
        self.take("03-count")
        page.keyboard.press("Enter")
        page.goto(f"{self.address}#/count/{FRAMES // 2 + 2}")
        until(page, f"window.twincell.page.frame.row === {FRAMES // 2 + 2}")
        self.take("04-carry-on")
        page.keyboard.press("?")
        self.take("05-keys")
        page.keyboard.press("Escape")
        page.keyboard.press("c")
        page.get_by_label("Compare after each frame").check()
        page.locator(".stage canvas").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".said dt")
        self.take("06-compare")
        page.get_by_label("Compare after each frame").uncheck()
        page.locator(".stage canvas").focus()
        page.keyboard.press("n")
        page.wait_for_timeout(1_000)
        self.count(14)
        page.get_by_role("button", name="Learn now").first.click()
        self.work("learn")
        self.go("curves", ".chart path.model")
        self.take("07-learned")
        self.go("review", ".tile")
        page.wait_for_timeout(1_500)
        for k in (0, 1, 3):
            page.locator(".tile").nth(k).click()
        self.take("08-review")
        self.go("growth", "tbody input")
        page.get_by_role("button", name="Fit growth").click()
        self.work("report")
        page.wait_for_selector(".chart .dot")
        self.take("09-growth")
        self.go("files", ".filelist .button")
        self.take("10-files")

    def dot(self) -> None:
        """Click where the model sees cells, which is where they are drawn."""
        row = self.shown()["row"]
        places = self.page.evaluate(f"fetch('api/look/{row}?person=Anna').then((a) => a.json())")["dots"]
        for x, y in places:
            click(self.page, x, y)
        saved(self.page)


def main() -> None:
    """Draws a field of view and walks through the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        field = pc_field(2, 3, seed=11, cells=4, rate=0.04)
        write_ome(Path(folder) / "night.ome.tif", film(field, FRAMES).frames)
        words = ["label", "night.ome.tif", "--model", "any", "--port", "0", "--no-browser", "--json"]
        server = subprocess.Popen(
            [sys.executable, "-c", RUN, *words], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        try:
            address = json.loads(server.stdout.readline())["address"]
            with browser() as running:
                page = person(running, "Anna")
                page.set_default_timeout(600_000)
                Tour(page, address, field, out).walk()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
