"""Text from files and names, safe to show: nothing in it moves a cursor or hides other text."""

import re
from html import escape

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters; a tab and a line's end are layout of our own
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # those that turn the direction of reading round
    "\u2028\u2029\ufeff"
    "\ud800-\udfff]"  # bytes of a name that is not UTF-8
)


def printable(text: str) -> str:
    r"""The text with characters that are not to be seen written out, such as `\x1b` for escape."""
    return _UNSEEN.sub(_written_out, text)


def in_line(text: str) -> str:
    r"""The same in one line: tabs and line ends, which a name may hold, are written out, too (`\n`)."""
    return printable(text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t"))


def in_html(text: str) -> str:
    """The same as it may stand in HTML, in text and in attributes."""
    return escape(printable(text))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
