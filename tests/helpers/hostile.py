"""Input that nobody means, for property tests: words, numbers, values and files."""

import time
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from twincell.errors import UserError

LONGEST = 5.0  # seconds of work that one case may take
ODD_WORDS = [
    "", " ", "nan", "NA", "inf", "-1", "1e999", "9" * 19, "9" * 400,
    "0x10", "1_000", "²", "2²3", "٣", "1,5", "=1+1",
    "a" * 300, "a\0b", "../..", "/", ".", "~", "[bold]A[/nope]", "\x1b[31m",
    "\udcff", "﻿", '"', "'", "\n", "\r", ";",
    "true", "null", "train", "natural", "bf", "0", "1", "1.0", "-0", "9223372036854775808",
]  # fmt: skip
words = st.sampled_from(ODD_WORDS) | st.text(max_size=12)
numbers = st.integers() | st.floats() | st.sampled_from([2**31, 2**63, -(2**63), 10**400, 0, 1])
plain = st.none() | st.booleans() | numbers | words
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)


def refused(call: Callable[[], Any]) -> UserError | None:
    """The refusal of a call, None where it went well; other exceptions, and a long time, fail the test."""
    began = time.process_time()
    try:
        call()
    except UserError as problem:
        if not all(said.strip() and len(said) < 20_000 for said in problem.problems or [""]):
            raise AssertionError("a refusal has to say something, and not all") from problem
        return problem
    finally:
        assert time.process_time() - began < LONGEST
    return None


@st.composite
def flipped(draw: st.DrawFn, original: bytes) -> bytes:
    """The bytes with some of them changed, put in, taken out, or the end cut off."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        what = draw(st.sampled_from(["change", "change", "insert", "remove", "cut"]))
        if what == "change" and data:
            data[place] = draw(st.integers(0, 255))
        elif what == "insert":
            data[place:place] = draw(st.binary(max_size=4))
        elif what == "remove":
            del data[place : place + draw(st.integers(1, 8))]
        elif draw(st.booleans()):
            del data[place:]
    return bytes(data)
