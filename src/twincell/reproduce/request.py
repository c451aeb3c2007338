"""What the user asked `twincell reproduce` for, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.evaluate.protocols import FOLDS, Trial, chambers_out, of_modality, published

PROTOCOLS = ("leave-chamber-out", "published")
TRANSFER_SHARE = 5
"""The paper trains 50,000 epochs from scratch and 10,000 after a transfer: a fifth."""


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        manifest: all images.
        out: folder of the results; finished trainings in it are not done again.
        settings: of every training whose modality has none of its own.
        start: a model whose weights are the start of trainings that have no other, or None for the settings'
            own.
        seeds: of training.
        modalities: those measured.
        folds: divisions of leave-chamber-out; None = the protocol's own.
        only: folds to run now, so that several machines or processes can share the work; None = all.
        protocol: leave-chamber-out or published, where the experiment leaves the choice.
        own: settings by modality, such as the paper's.
        length: changes that set the length asked for, for trainings with presets of their own.
        rows: parts of an experiment to do now, in its own words; None = all.
        sources: folders of finished trainings to take as they are, by the row they are shown in.
        progress: whether bars and lines are shown.
    """

    manifest: Manifest
    out: Path
    settings: Settings
    start: str | None
    seeds: tuple[int, ...]
    modalities: tuple[str, ...]
    folds: int | None = None
    only: tuple[int, ...] | None = None
    protocol: str = PROTOCOLS[0]
    own: Mapping[str, Settings] = field(default_factory=dict)
    length: Mapping[str, int | None] = field(default_factory=dict)
    rows: tuple[str, ...] | None = None
    sources: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    progress: bool = True

    def settings_for(self, modality: str) -> Settings:
        """The settings of a training from scratch."""
        return self.own.get(modality, self.settings)

    def transfer_settings_for(self, modality: str) -> Settings:
        """The settings of a training that goes on from a model: a fifth as long, as in the paper."""
        return shortened(self.settings_for(modality))

    def pair(self) -> tuple[str, str]:
        """The two modalities between which is transferred: first pc and bf, where both are there.

        Raises:
            UserError: unless exactly two are measured.
        """
        if len(self.modalities) != 2:
            raise UserError(
                f"modalities {', '.join(self.modalities)}: a transfer needs two; give a manifest that has "
                "two, or choose two of its modalities with --modalities"
            )
        first, second = sorted(self.modalities, reverse=True)
        return first, second

    def divisions(self, modality: str, seed: int) -> list[Trial]:
        """The trials of one modality by the protocol asked for; as many folds in every modality.

        A chain of trainings through several modalities stays in the same fold throughout, so that no
        training of it sees the chambers that its last one is measured on.
        """
        if self.protocol == "published":
            return published(self.manifest, modality, seed)
        most = [of_modality(self.manifest, m).table["chamber"].nunique() for m in self.modalities]
        folds = self.folds or min(*[FOLDS.get(m, 4) for m in self.modalities], *most)
        return chambers_out(self.manifest, modality, seed, folds)


def shortened(settings: Settings, parts: int = TRANSFER_SHARE) -> Settings:
    """The settings with training `parts` times shorter, one step or epoch at least."""
    training = settings.training
    return settings.changed(
        {
            "training.steps": training.steps and max(training.steps // parts, 1),
            "training.epochs": training.epochs and max(training.epochs // parts, 1),
        }
    )
