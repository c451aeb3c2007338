"""What ends work early: what a user did that cannot work (what, where, cure), or a signal."""

from collections.abc import Sequence

from twincell.printable import in_line


class UserError(Exception):
    """Bad input, found before any work starts; the command line prints it and exits with 2.

    Args:
        problems: one sentence each, naming the place, the value seen and the way out. All problems
            found are reported together, so that a user mends a data set in one go.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        told = [problems] if isinstance(problems, str) else problems
        self.problems: list[str] = [in_line(problem) for problem in told]  # a name may hold a line's end
        super().__init__("\n".join(self.problems))


class Stopped(Exception):  # noqa: N818 - no error: it was asked for
    """Work was asked to stop before its end; what is done is kept. The command line exits with 128 + signal.

    Attributes:
        signal: the number of the signal that asked.
    """

    def __init__(self, signal: int, message: str) -> None:
        super().__init__(message)
        self.signal = signal
