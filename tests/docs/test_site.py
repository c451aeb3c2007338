"""The site is built without a warning, holds every public name, and loads nothing from another host."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from helpers.shown import ROOT

pytestmark = pytest.mark.slow
LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"([^\"]+)|<link\b[^>]*\bhref=\"([^\"]+)")
IMPORTED = re.compile(r"@import\s|url\(\s*['\"]?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; mkdocs.yml is strict, so that a broken link or a docstring that does not fit fails."""
    out = tmp_path_factory.mktemp("site")
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(out)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return out


def test_the_pages_load_nothing_from_another_host(site: Path) -> None:
    found = []
    for page in site.rglob("*.html"):
        for source in (a or b for a, b in LOADED.findall(page.read_text())):
            if re.match(r"(https?:)?//", source):
                found.append(f"{page.relative_to(site)}: {source}")
    for sheet in site.rglob("*.css"):
        if IMPORTED.search(sheet.read_text()):
            found.append(str(sheet.relative_to(site)))
    assert found == []


def test_the_cards_the_changelog_and_the_notebook_are_in_it(site: Path) -> None:
    cards = {card.parent.name for card in (ROOT / "src/twincell/models").glob("*/README.md")}
    assert cards == {page.stem for page in (site / "methods").glob("*.html")}
    assert (site / "changelog.html").is_file()
    assert "data:image/png" in (site / "tutorial" / "first-recording.html").read_text()


def documented_modules() -> list[str]:
    """Modules of the Python reference."""
    text = (ROOT / "docs/reference/python.md").read_text()
    return [name for name in re.findall(r"^::: (\S+)", text, re.MULTILINE) if is_module(name)]


def is_module(name: str) -> bool:
    """Whether a dotted name is a module, and no object inside of one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True


def public_names(module: ModuleType) -> list[str]:
    """Names of `__all__`; without one, the functions and classes that the module defines."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not name.startswith("_")]
    own = [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    return [name for name in own if not name.startswith("_") and inspect.getdoc(vars(module)[name])]


@pytest.mark.parametrize("name", documented_modules())
def test_every_public_name_of_a_documented_module_is_on_the_page(site: Path, name: str) -> None:
    page = (site / "reference" / "python.html").read_text()
    shown = set(re.findall(r'<h\d id="(twincell[^"]*)"', page))
    module = importlib.import_module(name)
    missing = []
    for public in public_names(module):
        value = getattr(module, public)
        home = f"{getattr(value, '__module__', name)}.{getattr(value, '__qualname__', public)}"
        if not {f"{name}.{public}", home} & shown and callable(value):
            missing.append(public)
    assert missing == []


def test_public_names_have_docstrings() -> None:
    bare = [
        f"{module}.{name}"
        for module in documented_modules()
        for name in public_names(importlib.import_module(module))
        if callable(value := getattr(importlib.import_module(module), name)) and not inspect.getdoc(value)
    ]
    assert bare == []
