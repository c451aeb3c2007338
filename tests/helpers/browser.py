"""A real Chromium for tests of the page: found on this machine, or the tests are skipped with the reason."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
WAIT = 120_000
"""ms; machines that run tests are busy."""
AXE = "axe-core@4.14.1"


@contextmanager
def browser() -> Iterator[Any]:
    """A running Chromium."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


def person(running: Any, name: str, width: int = 1280, height: int = 800, theme: str = "light") -> Any:
    """A fresh page of somebody's own browser profile; errors on it fail the test that looks at
    `page.wrong`."""
    context = running.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    context.add_init_script(
        f"localStorage.getItem('twincell.person') || localStorage.setItem('twincell.person', '{name}')"
    )
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.wrong.append(said.text))
    return page


def until(page: Any, holds: str, seconds: float = WAIT / 1000) -> None:
    """Wait until an expression holds on the page, whose own rules forbid scripts that wait there (eval)."""
    end = time.monotonic() + seconds
    while True:
        try:
            if page.evaluate(f"Boolean({holds})"):
                return
        except Exception as problem:  # playwright's own; the page loads itself anew when a data set is made
            if "context was destroyed" not in str(problem):
                raise
        assert time.monotonic() < end, f"never: {holds}"
        page.wait_for_timeout(50)


def ready(page: Any, url: str) -> None:
    """Open an address and wait for a frame."""
    page.goto(url)
    until(page, "window.twincell?.page?.frame && document.querySelector('.strip img')")


def frame(page: Any) -> dict[str, Any]:
    """The frame that is shown."""
    shown: dict[str, Any] = page.evaluate(
        "(({row, round, chamber, frame}) => ({row, round, chamber, frame}))(window.twincell.page.frame)"
    )
    return shown


def saved(page: Any) -> None:
    """Wait until all that was done is on the disk."""
    until(page, "document.querySelector('#saved').textContent === 'saved'")


def click(page: Any, x: float, y: float, **how: Any) -> None:
    """Click a place in px of the frame."""
    left, top = at(page, x, y)
    page.mouse.click(left, top, **how)


def at(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a place of the frame is on the screen."""
    box = page.locator(".stage canvas").bounding_box()
    left, top = page.evaluate(f"window.twincell.page.stage.at({x}, {y})")
    return box["x"] + left, box["y"] + top


def axe(folder: Path) -> str | None:
    """axe-core's source, from the npm registry; None where npm cannot give it."""
    if shutil.which("npm") is None:
        return None
    done = subprocess.run(
        ["npm", "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        return None
    archive = folder / done.stdout.split()[-1]
    shutil.unpack_archive(archive, folder / "axe", "gztar")
    return (folder / "axe" / "package" / "axe.min.js").read_text()
