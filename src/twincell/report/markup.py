"""Pieces of HTML that sections are made of; whatever they are given is escaped."""

from collections.abc import Sequence

from twincell.printable import in_html as escape
from twincell.report.images import Colour, Grey, data_uri


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str = "",
    strong: Sequence[int] = (),
    text: Sequence[int] = (),
) -> str:
    """A table; the rows in `strong` stand out, the columns in `text` (and the first) are set to the left."""

    def cells(values: Sequence[str], tag: str) -> str:
        parts = []
        for i, value in enumerate(values):
            kind = "th" if tag == "th" or i == 0 else "td"
            scope = ' scope="col"' if tag == "th" else ' scope="row"' if i == 0 else ""
            left = ' class="text"' if i in text else ""
            parts.append(f"<{kind}{scope}{left}>{escape(value)}</{kind}>")
        return "".join(parts)

    body = "".join(
        f"<tr{' class=strong' if i in strong else ''}>{cells(row, 'td')}</tr>" for i, row in enumerate(rows)
    )
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{said}<thead><tr>{cells(head, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def figure(content: str, caption: str = "", title: str = "", note: str = "") -> str:
    """A chart or picture (HTML) with its title above and its caption below."""
    above = f"<h3>{escape(title)} <span>{escape(note)}</span></h3>" if title else ""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{above}{content}{below}</figure>"


def picture(image: Grey | Colour, alt: str, quality: int = 88) -> str:
    """An image inside the page."""
    height, width = image.shape[:2]
    return f'<img src="{data_uri(image, quality)}" alt="{escape(alt)}" width="{width}" height="{height}">'


def tiles(images: Sequence[Grey | Colour], captions: Sequence[str], alt: str) -> str:
    """Small pictures side by side, each with its caption."""
    parts = [figure(picture(i, f"{alt}: {c}"), c) for i, c in zip(images, captions, strict=True)]
    return f'<div class="tiles">{"".join(parts)}</div>'


def keys(entries: Sequence[tuple[str, str]]) -> str:
    """What the colours mean: (kind, meaning) pairs."""
    items = "".join(f'<li class="{kind}">{escape(meaning)}</li>' for kind, meaning in entries)
    return f'<ul class="keys">{items}</ul>'


def listing(lines: Sequence[str]) -> str:
    """A plain list."""
    return '<ul class="plain">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def fold(summary: str, content: str) -> str:
    """Content (HTML) that opens on a click."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def code(text: str) -> str:
    """A block of plain text."""
    return f"<pre>{escape(text)}</pre>"


def number(value: float, form: str = ".2f") -> str:
    """A number, or a dash where there is none."""
    return "–" if value != value else f"{value:{form}}"
