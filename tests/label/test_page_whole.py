"""The whole job by the page alone: a microscope's file to a curve; counting, learning, correcting, again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.browser import browser, frame, person, ready, saved, until
from helpers.recording_toys import film, pc_field, write_ome
from twincell.simulate.recordings import write_chambers

pytestmark = pytest.mark.slow
RUN = "import sys; from twincell.cli import run; sys.exit(run(sys.argv[1:]))"


@contextmanager
def command(*words: str, folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`twincell label` as people start it; its address."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    asked = [sys.executable, "-c", RUN, "label", *words, "--no-browser", "--port", "0", "--json"]
    process = subprocess.Popen(asked, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["address"], process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def ended(page: Any, seconds: float = 900) -> dict[str, Any]:
    """Wait until the job that runs is done; its result."""
    until(page, "window.twincell.state.job && window.twincell.state.job.state !== 'running'", seconds)
    job: dict[str, Any] = page.evaluate("window.twincell.state.job")
    assert job["state"] == "done", job["line"]
    return job


def test_from_a_tiff_to_a_curve_with_the_page_alone(tmp_path: Path) -> None:
    field = pc_field(1, 2, seed=3)
    write_ome(tmp_path / "night.ome.tif", film(field, 8).frames)
    with (
        browser() as running,
        command("night.ome.tif", "--model", "any", folder=tmp_path) as (address, _),
    ):
        page = person(running, "Anna")
        page.goto(address)
        page.get_by_label("phase contrast").check()
        page.get_by_label("whole fields of view").check()
        page.get_by_role("button", name="Go on").click()
        page.wait_for_selector(".board rect.box", timeout=600_000)
        found = page.locator(".board rect.box").count()
        assert found == 2
        # One was found wrong: it is taken away, drawn by hand, and moved a little.
        page.locator(".board rect.box").nth(1).focus()
        page.keyboard.press("Delete")
        assert page.locator(".board rect.box").count() == 1
        corners = [place(page, *corner) for corner in _corners(field.boxes[1], field)]
        page.mouse.move(*corners[0])
        page.mouse.down()
        page.mouse.move(*corners[1], steps=5)
        page.mouse.up()
        assert page.locator(".board rect.box").count() == 2
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft")
        page.get_by_role("button", name="Cut out and count").click()
        until(page, "window.twincell?.page?.frame", 900)
        assert page.evaluate("window.twincell.state.series.map((one) => one.frames)") == [8, 8]
        ended(page)
        for _ in range(2):
            page.keyboard.press("3")
            page.keyboard.press("Enter")
            page.wait_for_timeout(500)
        saved(page)
        page.goto(f"{address}#/curves")
        page.wait_for_selector(".chart path.model")
        page.wait_for_selector(".chart circle.you")
        assert page.wrong == []
    crops = sorted((tmp_path / "night-label" / "chambers" / "images").glob("*/*.png"))
    assert len(crops) == 16


def place(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the field is on the screen."""
    box = page.locator(".board svg").bounding_box()
    width = page.evaluate("document.querySelector('.board svg').viewBox.baseVal.width")
    height = page.evaluate("document.querySelector('.board svg').viewBox.baseVal.height")
    scale = min(box["width"] / width, box["height"] / height)
    left = box["x"] + (box["width"] - width * scale) / 2
    top = box["y"] + (box["height"] - height * scale) / 2
    return left + x * scale, top + y * scale


def _corners(box: tuple[float, float, float, float], field: Any) -> list[tuple[float, float]]:
    x, y, w, h = box
    return [tuple(point) for point in field.to_camera(np.array([(x, y), (x + w, y + h)])).tolist()]


def test_twenty_frames_by_keyboard_learn_error_falls_correct_restart(tmp_path: Path) -> None:
    write_chambers(tmp_path / "new", "drops-bf", 5, 12, 4, labelled_every=0, progress=False)
    truth = pd.read_csv(tmp_path / "new" / "truth.csv").set_index(["chamber", "frame"])["count"]
    with browser() as running:
        with command("new", "--model", "any", folder=tmp_path) as (address, process):
            page = person(running, "Anna")
            ready(page, address)
            ended(page)
            before = _error(page, truth)
            asked = set()  # one of the twenty may be a hidden repeat
            for _ in range(20):
                shown = frame(page)
                asked.add(shown["row"])
                for digit in str(truth[shown["chamber"], shown["frame"]]):
                    page.keyboard.press(digit)
                page.keyboard.press("Enter")
                until(page, f"window.twincell.page.frame.row !== {shown['row']}")
            saved(page)
            page.get_by_role("button", name="Learn now").first.click()
            until(page, "window.twincell.state.job.kind === 'learn'")
            learned = ended(page)["result"]
            assert learned["labels"] == len(asked) >= 17
            assert learned["changed"]
            assert learned["after"] < learned["before"]
            after = _error(page, truth)
            assert after < before / 2
            row = page.evaluate("window.twincell.page.frame.row")
            page.goto(f"{address}#/count/0")
            until(page, "window.twincell.page.frame.row === 0")
            page.keyboard.press("9")
            page.keyboard.press("Enter")
            saved(page)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        with command("new", folder=tmp_path) as (address, _):
            page = person(running, "Anna")
            ready(page, f"{address}#/count/{row}")
            state = page.evaluate("window.twincell.state")
            assert sum(series["known"] for series in state["series"]) >= len(asked)
            assert "learned" in state["model"]
            kept = "fetch('api/frame/0?person=Anna').then((a) => a.json()).then((f) => f.answer.count)"
            assert page.evaluate(kept) == 9


def _error(page: Any, truth: "pd.Series[int]") -> float:
    """Mean absolute error of all curves, frames that a person counted left out."""
    asked = (
        "window.twincell.state.series.map((one) => fetch(`api/curve/${one.number}`).then((a) => a.json()))"
    )
    curves = page.evaluate(f"Promise.all({asked})")
    wrong = [
        abs(round(count) - truth[curve["name"], number])
        for curve in curves
        for number, count, counted in zip(curve["frames"], curve["count"], curve["counted"], strict=True)
        if counted is None
    ]
    return float(np.mean(wrong))
