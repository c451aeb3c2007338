"""One thing wrong with a data set: where, what, and the way out."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from twincell.errors import UserError


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a data set.

    Attributes:
        severity: "error" when work cannot be right with it, "warning" when it can but deserves a look.
        where: the file, or the file and row.
        what: the fault, with the value seen.
        cure: the way out.
    """

    severity: Literal["error", "warning"]
    where: str
    what: str
    cure: str

    def sentence(self) -> str:
        """Place, fault and cure in one line."""
        return f"{self.where}: {self.what}; {self.cure}"

    def as_dict(self) -> dict[str, str]:
        """The fault as plain words, for JSON."""
        return asdict(self)


def error(where: object, what: str, cure: str) -> Fault:
    """A fault that stops work."""
    return Fault("error", str(where), what, cure)


def warning(where: object, what: str, cure: str) -> Fault:
    """A fault that deserves a look."""
    return Fault("warning", str(where), what, cure)


def refuse(faults: Iterable[Fault]) -> None:
    """Stops before any work where there is an error among the faults, naming all of them.

    Raises:
        UserError: one sentence for each error.
    """
    errors = [fault.sentence() for fault in faults if fault.severity == "error"]
    if errors:
        raise UserError(errors)
