"""Bring into the site what lies outside of docs/: the methods' cards, the changelog, and the notebook.

mkdocs calls `on_files` and `on_page_markdown` (see `hooks` in mkdocs.yml). Sources stay where a reader of the
repository expects them, with links that lead there too; the links are turned to the site's pages here.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(\]\()([^)\s#]+)")
NOTEBOOK = "tutorial/first-recording.ipynb"


def sources() -> dict[str, str]:
    """Pages of the site and the files, seen from the root, that they are made of."""
    cards = sorted((ROOT / "src/twincell/models").glob("*/README.md"))
    pages = {f"methods/{card.parent.name}.md": card.relative_to(ROOT).as_posix() for card in cards}
    return pages | {
        "contributing.md": "CONTRIBUTING.md",
        "changelog.md": "CHANGELOG.md",
        "tutorial/first-recording.md": f"docs/{NOTEBOOK}",
    }


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages; the notebook itself stays out of the built folder."""
    for page, source in sources().items():
        path = ROOT / source
        text = as_markdown(path) if path.suffix == ".ipynb" else path.read_text()
        files.append(File.generated(config, page, content=relinked(text, page, source)))
    notebook = files.get_file_from_path(NOTEBOOK)
    if notebook is not None:
        files.remove(notebook)
    return files


def on_page_markdown(markdown: str, page: Any, **about: Any) -> str:
    """Turns the links of the pages that are in docs/ already."""
    place = page.file.src_uri
    return markdown if place in sources() else relinked(markdown, place, f"docs/{place}")


def relinked(text: str, page: str, source: str) -> str:
    """`text`, written for the file `source`, with its links made to lead on from `page` of the site."""
    moved = {source: page for page, source in sources().items()}

    def turned(link: re.Match[str]) -> str:
        if "://" in link[2] or link[2].startswith("mailto:"):
            return link[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[2]))
        if target in moved:
            target = moved[target]
        elif target.startswith("docs/"):
            target = target.removeprefix("docs/")
        else:
            return link[0]  # nothing of the site: mkdocs says so
        return link[1] + posixpath.relpath(target, posixpath.dirname(page) or ".")

    return LINK.sub(turned, text)


def as_markdown(notebook: Path) -> str:
    """A notebook as a page: its texts, its code, and what came out of it."""
    parts = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        parts += [shown for output in cell.outputs if (shown := _shown(output))]
    return "\n\n".join(parts) + "\n"


def _shown(output: Any) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        return f'<img alt="output" src="data:image/png;base64,{"".join(data["image/png"].split())}">'
    text = output.get("text", "") or data.get("text/plain", "")
    return f"```text\n{text.rstrip()}\n```" if text.strip() else ""
