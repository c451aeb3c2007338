"""A report: sections in an order, put into one HTML file that opens anywhere without a network."""

import platform
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from twincell.files import write_atomic
from twincell.printable import printable

PACKAGES = ("twincell", "torch", "lightning", "numpy", "pandas", "scipy")


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Attributes:
        title: a few words.
        lead: what is to be seen and how to read it, in plain words.
        body: HTML; everything in it that comes from users is escaped already.
    """

    title: str
    lead: str
    body: str

    @property
    def anchor(self) -> str:
        """The title as the target of a link."""
        return "".join(c if c.isalnum() else "-" for c in self.title.lower())


@dataclass(frozen=True)
class Figure:
    """One headline number: what it is, its value, and what it is compared with."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: what was done.
        subtitle: to what, in one line.
        figures: up to six headline numbers.
        sections: in the order they are read; None entries are left out.
        command: how to repeat it.
    """

    title: str
    subtitle: str
    sections: list[Section | None]
    figures: list[Figure] = field(default_factory=list)
    command: str = ""

    def html(self) -> str:
        """The page as one text; nothing in it refers to another host or file."""
        environment = Environment(
            loader=PackageLoader("twincell.report", "templates"),
            autoescape=select_autoescape(["html"]),
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template("page.html").render(
            page=self,
            sections=[section for section in self.sections if section is not None],
            safe=Markup,
            versions=versions(),
        )

    def write(self, path: str | Path) -> Path:
        """Writes the page, whole or not at all; returns the path."""
        return write_atomic(path, self.html())


def _shown(value: Any) -> Any:
    """Names in the page's own words, control characters written out; what is HTML already stays HTML."""
    if isinstance(value, Markup):
        return Markup(printable(value))
    return printable(value) if isinstance(value, str) else value


def versions() -> dict[str, str]:
    """What the page was made with."""
    found = {"Python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def command_line() -> str:
    """The command that is running, as one would type it again."""
    words = ["twincell" if i == 0 else word for i, word in enumerate(sys.argv)]
    return " ".join(f"'{word}'" if " " in word else word for word in words)
