"""What a user did that cannot work, said once: what, where, cure."""

from collections.abc import Sequence


class UserError(Exception):
    """Bad input, found before any work starts; the command line prints it and exits with 2.

    Args:
        problems: one sentence each, naming the place, the value seen and the way out. All problems
            found are reported together, so that a user mends a data set in one go.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: list[str] = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))
