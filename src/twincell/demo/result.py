"""How much of everything a demo makes, and what came out of it."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from twincell.evaluate.evaluate import Evaluation
from twincell.evaluate.metrics import Figures
from twincell.report.sections.curves import Film

FOLDERS = {"pc": "phase-contrast", "bf": "bright-field"}
"""Where the chambers of each modality lie in the demo's folder."""


NAMES = {"pc": "phase contrast", "bf": "bright field"}
"""What people call them."""
START = "any"
"""The shipped model that adapts."""


@dataclass(frozen=True)
class Plan:
    """How much of everything; the defaults take three minutes on two free cores.

    Attributes:
        frames: of each chamber; an hour apart.
        chambers: of either microscope, to label frames in.
        new_chambers: of either that are only counted.
        counted_every: every how many frames of a chamber to label a person labelled one, beginning later in
            each chamber than in the one before.
        compared_every: every how many frames of a new chamber models are compared on.
        both: modalities whose frames are learned from counted as well as clicked.
    """

    frames: int = 60
    chambers: int = 12
    new_chambers: int = 2
    counted_every: int = 36
    compared_every: int = 3
    both: tuple[str, ...] = ("bf",)


@dataclass
class Demo:
    """What came out.

    Attributes:
        out: the folder.
        labels: frames labelled to learn from, by modality.
        evaluations: by what was done, on the new chambers, each frame from its image alone.
        counts: the table of counts.csv of all new chambers.
        films: some frames of each of their chambers, to be seen on the page.
        notes: what was decided and found while counting.
        truth: (N,) true cells in each row of `counts`.
        growth: growth.csv with the true doubling time.
        seconds: by step.
    """

    out: Path
    labels: dict[str, int] = field(default_factory=dict)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    counts: pd.DataFrame = field(default_factory=pd.DataFrame)
    films: dict[str, Film] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    truth: list[float] = field(default_factory=list)
    growth: pd.DataFrame = field(default_factory=pd.DataFrame)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def report(self) -> Path:
        """The page."""
        return self.out / "report.html"

    def as_json(self) -> dict[str, object]:
        """`{report, seconds, evaluations: {name: figures}, series, frame: figures, coverage, flagged}`.

        Coverage and flagged in percent of the frames counted.
        """
        lower, upper = self.counts["lower"].to_numpy(), self.counts["upper"].to_numpy()
        inside = [low <= n <= high for low, n, high in zip(lower, self.truth, upper, strict=True)]
        return {
            "report": str(self.report),
            "seconds": {name: round(seconds, 1) for name, seconds in self.seconds.items()},
            "evaluations": {name: e.scores.as_json() for name, e in self.evaluations.items()},
            "series": vars(Figures.of(self.counts["count"].to_numpy(float), self.truth)),
            "frame": vars(Figures.of(self.counts["count_frame"].to_numpy(float), self.truth)),
            "coverage": 100 * sum(inside) / len(inside),
            "flagged": 100 * float((self.counts["flag"] != "").mean()),
        }
