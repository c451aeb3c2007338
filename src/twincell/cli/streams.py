"""What the command prints through: names show no tricks, and a reader that has seen enough ends nothing."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from twincell.printable import printable


class Plain(io.TextIOBase):
    """A text stream that shows control characters written out and takes no offence at a closed pipe.

    `| head` closes the pipe once it has its lines. The work goes on to its end: files are still to be
    written. It says that it is no terminal, so that nothing is coloured on its way through; what draws bars
    asks for `terminal`.

    Attributes:
        terminal: the stream behind.
    """

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal
        self._closed_by_reader = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream behind."""
        return getattr(self.terminal, "encoding", None) or "utf-8"

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Colours and cursor movements are not for this stream."""
        return False

    def fileno(self) -> int:
        """The file behind, for those who ask how wide it is."""
        return self.terminal.fileno()

    def write(self, text: str) -> int:
        """Write the text as it may be seen; what the stream cannot spell is written out, too."""
        shown = printable(text)
        shown = shown.encode(self.encoding, "backslashreplace").decode(self.encoding)
        self._try(lambda: self.terminal.write(shown))
        return len(text)

    def flush(self) -> None:
        """Pass on what is held back."""
        self._try(self.terminal.flush)

    def _try(self, act: Any) -> None:
        if self._closed_by_reader:
            return
        try:
            act()
        except BrokenPipeError:
            self._closed_by_reader = True
            # What the stream behind still holds back would raise once more when Python closes it.
            with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self.terminal.fileno())


@contextlib.contextmanager
def plain_streams() -> Iterator[None]:
    """Print through `Plain` while the block runs."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Plain(before[0]), Plain(before[1])
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before
