"""What `twincell growth` may be asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GrowthOptions:
    """How chambers are fitted, and what is written of them.

    Attributes:
        by: column of conditions; None = no comparison.
        counted: let the manifest's counts correct the series (smooths anew).
        events: also list divisions and losses (smooths anew).
        first: frames from which survival is foretold.
        horizon: frames that survival looks ahead.
        minutes: between two frames, where the counts table has no `time_h`.
        plots: "png", "svg" or "none".
        seed: of the drawn paths behind the events' probabilities.
        manifest: where conditions or counted frames stand.
        resume: go on in a folder that was left unfinished; chambers done are not done again.
        json: a file that gets all results, too.
    """

    by: str | None = None
    counted: bool = False
    events: bool = False
    first: int = 150
    horizon: int = 200
    minutes: float | None = None
    plots: str = "png"
    seed: int = 0
    manifest: Path | None = None
    resume: bool = False
    json: Path | None = None
