"""What `twincell reproduce` may be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twincell.training.options import Changes


@dataclass(frozen=True)
class ReproduceOptions:
    """Which trainings of an experiment are done, and how.

    Attributes:
        preset: settings of every training; None = the experiment's own.
        start: a model whose weights are the start of trainings that have no other; None = the settings' own.
        changes: what is said in place of the preset's settings.
        seeds: of training.
        modalities: those measured; empty = all of the manifest's natural images.
        folds: divisions of leave-chamber-out; None = the protocol's own.
        only: folds to run now; None = all.
        protocol: leave-chamber-out or published, where the experiment leaves the choice.
        rows: parts of the experiment to do now, in its own words; None = all.
        sources: folders of finished trainings to take as they are, by the row they are shown in.
        paper_scale: the paper's own settings and lengths.
    """

    preset: str | None = None
    start: str | None = None
    changes: Changes = field(default_factory=Changes)
    seeds: tuple[int, ...] = (0,)
    modalities: tuple[str, ...] = ()
    folds: int | None = None
    only: tuple[int, ...] | None = None
    protocol: str = "leave-chamber-out"
    rows: tuple[str, ...] | None = None
    sources: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    paper_scale: bool = False
