"""What the pages show: fenced blocks, inline commands, and the reasons of blocks that no test runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "src").rglob("*.md")),
]
FENCE = re.compile(
    r"(?:^[ ]*<!-- not run: (?P<reason>[^>]*?) -->\n)?"
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]*)")?[^\n]*\n(?P<text>.*?)^```',
    re.MULTILINE | re.DOTALL,
)
INLINE = re.compile(r"`(twincell [a-z][^`]*)`")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        title: the file that it is, where it is one.
        reason: why no test runs it; empty where one does.
    """

    page: Path
    language: str
    text: str
    title: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """The page as one names it from the repository's root."""
        return self.page.relative_to(ROOT).as_posix()

    def lines(self) -> list[str]:
        """Commands of a shell block: continued lines joined, comments and blank lines left out."""
        joined = re.sub(r"\\\n\s*", " ", self.text).splitlines()
        return [line for line in joined if line.strip() and not line.startswith("#")]


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page in these languages, in order; of all where none is named."""
    found = [
        Block(page, match["language"], match["text"], match["title"] or "", (match["reason"] or "").strip())
        for match in FENCE.finditer(page.read_text())
    ]
    return [block for block in found if not languages or block.language in languages]


def inline_commands(page: Path) -> Iterator[str]:
    """`twincell ...` as it stands inside of sentences and tables."""
    text = FENCE.sub("", page.read_text())
    yield from (" ".join(match.split()) for match in INLINE.findall(text))
