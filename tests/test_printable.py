"""Text from files and names, safe to show."""

import pytest

from twincell.errors import UserError
from twincell.printable import in_html, in_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x7f", "\\x7f"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\udcff", "\\udcff"),
        ("größer, 細胞", "größer, 細胞"),
    ],
)
def test_what_is_not_to_be_seen_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == in_line(text) == shown


def test_a_name_stays_in_its_line() -> None:
    assert printable("a\tb\n") == "a\tb\n"
    assert in_line("a\nb\rc\td") == "a\\nb\\rc\\td"
    assert UserError(["chamber 'a\nb'"]).problems == ["chamber 'a\\nb'"]


def test_html_is_no_markup() -> None:
    assert in_html('<b a="x">\x1b') == "&lt;b a=&quot;x&quot;&gt;\\x1b"
