"""The page in a real browser: one person counts by mouse and keyboard, two at once lose nothing, all can
use it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.browser import at, axe, browser, click, person, ready, saved, until
from helpers.label_toys import Page, centres, pretend, serving, write_cells

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Page]:
    write_cells(tmp_path / "cells")
    pretend(tmp_path / "cells", bias=1.0)
    with serving(tmp_path / "cells") as page:
        yield page


def test_dots_by_mouse_are_set_moved_named_taken_away_and_undone(running: Any, served: Page) -> None:
    page = person(running, "Anna")
    ready(page, served.url + "#/count/6")
    for x, y in centres(0, 6):
        click(page, x, y)
    saved(page)
    assert page.locator(".answer .big").inner_text() == "3"
    session = served.place.needed_session()
    answer = session.answer("Anna", 6)
    got = sorted((dot["x"], dot["y"]) for dot in answer.dots.values())
    assert np.array(got) == pytest.approx(np.array(sorted(centres(0, 6))), abs=0.2)
    page.keyboard.press("d")
    from_, to = at(page, *centres(0, 6)[0]), at(page, 20, 30)
    page.mouse.move(*from_)
    page.mouse.down()
    page.mouse.move(*to, steps=4)
    page.mouse.up()
    click(page, *centres(0, 6)[1], button="right")
    saved(page)
    assert len(answer.dots) == 2
    assert {dot["label"] for dot in answer.dots.values()} == {"", "dividing"}
    assert any(dot["x"] == pytest.approx(20, abs=0.3) for dot in answer.dots.values())
    page.keyboard.press("Control+z")
    page.keyboard.press("z")
    until(page, "window.twincell.page.stage.dots.length === 3")
    saved(page)
    back = np.array(sorted((dot["x"], dot["y"]) for dot in answer.dots.values()))
    assert back == pytest.approx(np.array(sorted(centres(0, 6))), abs=0.2)
    page.keyboard.press("y")
    saved(page)
    page.reload()
    ready(page, served.url + "#/count/6")
    assert page.evaluate("window.twincell.page.stage.dots.some((dot) => Math.abs(dot.x - 20) < 0.3)")
    page.keyboard.press("y")  # redo lasts over the restart of the page, too
    until(page, "window.twincell.page.stage.dots.length === 2")
    assert page.wrong == []


def test_everything_can_be_done_by_keyboard(running: Any, served: Page) -> None:
    page = person(running, "Anna")
    ready(page, served.url + "#/count/3")
    page.keyboard.press("p")
    for key in ("ArrowRight", "Shift+ArrowUp", "Space", "Shift+ArrowLeft", "Space"):
        page.keyboard.press(key)
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("x")
    saved(page)
    answer = served.place.needed_session().answer("Anna", 3)
    assert sorted(dot["label"] for dot in answer.dots.values()) == ["dead", "not a cell"]
    assert page.locator(".answer .big").inner_text() == "1"
    page.keyboard.press("Enter")
    until(page, "window.twincell.page.frame.row !== 3")
    saved(page)
    assert answer.count == 1
    page.goto(served.url + "#/count/8")
    until(page, "window.twincell.page.frame.row === 8")
    until(page, "window.twincell.page.frame.ghost")
    page.keyboard.press("c")
    saved(page)
    assert len(served.place.needed_session().answer("Anna", 8).dots) == 1  # dirt is not carried on
    page.keyboard.press("s")
    until(page, "window.twincell.page.frame.row !== 8")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    assert page.wrong == []


def test_the_model_is_hidden_until_asked_and_that_is_kept(running: Any, served: Page) -> None:
    page = person(running, "Anna")
    ready(page, served.url + "#/count/5")
    assert page.evaluate("window.twincell.page.stage.seen.length") == 0
    assert "Model" not in page.locator(".side").inner_text()
    served.place.needed_session().learning.seer.look = lambda data, row, cells: {"dots": [[8.0, 10.0]]}  # type: ignore[union-attr,method-assign]
    page.keyboard.press("m")
    page.wait_for_selector(".said dt")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    saved(page)
    records = list(served.place.needed_session().store.since(0))
    assert all(
        record.shown == {"model": True, "asked": True, "count": 3.0, "last": False}
        or record.shown.get("model")
        for record in records
    )
    assert not served.place.needed_session().answer("Anna", 5).blind


def test_two_people_and_two_tabs_lose_nothing(running: Any, served: Page) -> None:
    tabs = [person(running, "Anna"), None, person(running, "Ben")]
    tabs[1] = tabs[0].context.new_page()
    tabs[1].set_default_timeout(120_000)
    for tab in tabs:
        ready(tab, served.url + "#/count/9")
    for k, (x, y) in enumerate([(8, 10), (17, 10), (26, 10), (35, 10), (8, 30), (17, 30)]):
        click(tabs[k % 3], x, y + 2 * k)
    for tab in tabs:
        saved(tab)
    session = served.place.needed_session()
    assert len(session.answer("Anna", 9).dots) == 4
    assert len(session.answer("Ben", 9).dots) == 2
    tabs[0].reload()
    ready(tabs[0], served.url + "#/count/9")
    assert tabs[0].evaluate("window.twincell.page.stage.dots.length") == 4


def test_what_cannot_be_sent_waits_in_the_browser(running: Any, served: Page) -> None:
    page = person(running, "Anna")
    ready(page, served.url + "#/count/4")
    page.context.set_offline(True)
    click(page, 10, 10)
    until(page, "document.querySelector('#saved').textContent.includes('not saved')")
    assert not served.place.needed_session().answer("Anna", 4).dots
    page.context.set_offline(False)
    saved(page)
    assert len(served.place.needed_session().answer("Anna", 4).dots) == 1
    page.context.set_offline(True)
    click(page, 30, 30)
    until(page, "document.querySelector('#saved').textContent.includes('not saved')")
    page.on("dialog", lambda asked: asked.accept())
    page.close(run_before_unload=False)
    again = served.place.needed_session()
    other = person_of(running, page)
    other.context.set_offline(False)
    ready(other, served.url + "#/count/4")
    saved(other)
    assert len(again.answer("Anna", 4).dots) == 2


def person_of(running: Any, closed: Any) -> Any:
    """Another tab of the same browser profile."""
    page = closed.context.new_page()
    page.set_default_timeout(120_000)
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_and_names_for_screen_readers(
    running: Any, served: Page, theme: str, tmp_path: Path
) -> None:
    source = axe(tmp_path)
    if source is None:
        pytest.skip("axe-core cannot be had from npm here")
    page = person(running, "Anna", theme=theme)
    ready(page, served.url + "#/count/6")
    click(page, 10, 10)
    for name in ("count/6", "curves", "review", "growth", "files"):
        page.goto(f"{served.url}#/{name}")
        page.wait_for_timeout(1_500)
        page.evaluate(source)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found["violations"]]
        assert told == [], name


@pytest.mark.parametrize("width", [1280, 800])
def test_nothing_is_cut_off(running: Any, served: Page, width: int) -> None:
    page = person(running, "Anna", width=width)
    ready(page, served.url + "#/count/6")
    for name in ("count/6", "curves", "review", "growth", "files"):
        page.goto(f"{served.url}#/{name}")
        page.wait_for_timeout(800)
        wide = "Math.max(document.documentElement.scrollWidth, document.querySelector('main').scrollWidth)"
        assert page.evaluate(f"{wide} <= innerWidth"), name
    assert page.wrong == []


def test_names_from_the_data_set_are_text_and_nothing_else(running: Any, tmp_path: Path) -> None:
    import pandas as pd

    root = tmp_path / "cells"
    write_cells(root, 2, 3)
    table = pd.read_csv(root / "manifest.csv")
    table["chamber"] = table["chamber"].replace(
        {"ch0": "<img src=x onerror=alert(1)>", "ch1": "'\"><script>alert(2)</script>"}
    )
    table.to_csv(root / "manifest.csv", index=False)
    pretend(root)
    with serving(root) as served:
        page = person(running, "<b>Eve</b>")
        asked: list[str] = []
        page.on("dialog", lambda one: asked.append(one.message) or one.dismiss())
        ready(page, served.url)
        for name in ("count", "curves", "review", "growth", "files"):
            page.goto(f"{served.url}#/{name}")
            page.wait_for_timeout(500)
            assert page.locator("main img[src='x'], main b b").count() == 0
        assert asked == []
        assert page.wrong == []
