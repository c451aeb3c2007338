"""One thing wrong with a data set: where, what, and the way out."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from twincell.errors import UserError

PLACES_NAMED = 10  # so many places of one and the same fault are named, the rest counted


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a data set.

    Attributes:
        severity: "error" when work cannot be right with it, "warning" when it can but deserves a look.
        where: the file, or the file and line.
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


class FaultError(UserError):
    """Data that cannot be used; `fault` says where, what and the way out."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.sentence())


def error(where: object, what: str, cure: str) -> Fault:
    """A fault that stops work."""
    return Fault("error", str(where), what, cure)


def warning(where: object, what: str, cure: str) -> Fault:
    """A fault that deserves a look."""
    return Fault("warning", str(where), what, cure)


def gather(faults: Iterable[Fault]) -> list[Fault]:
    """Joins faults that differ only in their place, so that a mistake made in each row is said once."""
    places: dict[tuple[Literal["error", "warning"], str, str], list[str]] = {}
    for fault in faults:
        places.setdefault((fault.severity, fault.what, fault.cure), []).append(fault.where)
    return [Fault(severity, _join(where), what, cure) for (severity, what, cure), where in places.items()]


def refuse(faults: Iterable[Fault]) -> None:
    """Stops before any work where there is an error among the faults, naming all of them.

    Raises:
        UserError: one sentence for each kind of error, with the places it was seen at.
    """
    errors = [fault.sentence() for fault in gather(faults) if fault.severity == "error"]
    if errors:
        raise UserError(errors)


def _join(places: list[str]) -> str:
    more = len(places) - PLACES_NAMED
    return ", ".join(places[:PLACES_NAMED]) + (f" and {more:,} more" if more > 0 else "")
