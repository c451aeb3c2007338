"""What a counting run learns from: the rows of a manifest trained and validated on, and their images."""

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from twincell.batches.batches import Batches, steps_per_epoch
from twincell.batches.pseudo_labels import teach
from twincell.config import Settings
from twincell.data.image_spec import ImageSpec
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.models.base.file import TrainingData
from twincell.models.base.method import AnySize, counting_method
from twincell.models.base.run_data import ValidationError
from twincell.models.density_network.network import DensityNetwork
from twincell.simulate.clean_backgrounds import Density
from twincell.training.validation import count_error


@dataclass(frozen=True)
class CountingData:
    """The images of a run; a `twincell.models.base.run_data.RunData`.

    Attributes:
        settings, seed: of the run.
        train: images learned from.
        kept_aside: labelled natural images validated on; None without validation.
        description: one line on what was chosen, for people.
        targets: (N,) soft counts in place of the labels of `train`, or None.
        weights: (N,) trust in each target, from 0, or None.
        density: what the start finds in images, to keep cells out of the backgrounds that are drawn over.
        kept: folder in which drawn images are kept while the run is not finished, or None.
    """

    settings: Settings
    seed: int
    train: ImageStore
    kept_aside: ImageStore | None
    description: str
    targets: Tensor | None = None
    weights: Tensor | None = None
    density: Density | None = None
    kept: Path | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Steps that draw as many natural images as there are (synthetic ones where none is natural)."""
        return steps_per_epoch(self.train, self.settings)

    @property
    def modalities(self) -> list[str]:
        """Those of the natural images; of the synthetic ones where no natural image is learned from."""
        natural = self.settings.batch.natural
        pairs = zip(self.train.modalities, self.train.natural.tolist(), strict=True)
        return sorted({modality for modality, own in pairs if own == natural})

    @property
    def image(self) -> ImageSpec:
        """The images of the manifest, in windows of the size that the network sees."""
        return self.train.spec.framed(self.settings.batch.window)

    @property
    def scale(self) -> float:
        """How many times the training images were enlarged."""
        return self.train.scale

    @property
    def validation(self) -> ValidationError | None:
        """The MAE of rounded counts on the images kept aside."""
        if self.kept_aside is None:
            return None
        return count_error(self.kept_aside, counting_method(METHODS[self.settings.method]))

    def seen_by(self, start: nn.Module) -> "CountingData":
        """The same data, drawn over backgrounds in which `start`, as it is now, finds no cell."""
        if not isinstance(start, DensityNetwork):
            return self
        return replace(self, density=torch.no_grad()(copy.deepcopy(start).eval()))

    def batches(self, device: torch.device, progress: bool) -> Batches:
        """The batches of the run, made on `device`."""
        targets, weights = self.targets, self.weights
        if targets is None:
            targets, weights = teach(self.train, self.settings.teacher) or (None, None)
        return Batches(
            self.train,
            self.settings,
            self.seed,
            targets,
            weights,
            device,
            progress,
            self.density,
            self.kept,
        )

    def summary(self) -> TrainingData:
        """Numbers of natural images, of labelled ones among them, and of chambers."""
        store = self.train
        chambers = {c for c, own in zip(store.chambers, store.natural.tolist(), strict=True) if own}
        return TrainingData(
            images=int(store.natural.sum()),
            labelled=int((~store.counts.isnan() & store.natural).sum()),
            chambers=len(chambers),
        )


def load_run_data(
    manifest: Manifest,
    settings: Settings,
    seed: int,
    progress: bool = True,
    targets: Tensor | None = None,
    weights: Tensor | None = None,
) -> CountingData:
    """Reads the rows of split train, and those validated on.

    Validation images are the labelled natural rows of split val. Where there are none and
    `training.validation` is `auto`, whole training chambers are kept aside, labelled or not (frames of one
    time-lapse resemble each other too much to validate on); with fewer than 3 labelled chambers nothing is.

    Raises:
        UserError: when there is nothing to learn counts from.
    """
    train, validated, how = choose_rows(manifest, settings, seed)
    _refuse_nothing(manifest, settings, train)
    window = settings.batch.window
    whole = not isinstance(METHODS[settings.method], AnySize)
    store = ImageStore.load(manifest.select(train), progress=progress).fitted(window, resize=whole)
    labelled = int((~store.counts.isnan()).sum())
    description = f"{len(store)} images, {labelled} counted; {how}"
    aside = None
    if validated.any():
        aside = ImageStore.load(manifest.select(validated), progress=False)
        aside = aside.fitted(window, resize=True) if whole else aside.like(store)
    return CountingData(settings, seed, store, aside, description, targets, weights)


def check_run_data(manifest: Manifest, settings: Settings, seed: int) -> None:
    """Checks by the table alone, reading no image, whether `load_run_data` finds anything to learn from.

    Raises:
        UserError: when there is nothing to learn counts from.
    """
    _refuse_nothing(manifest, settings, choose_rows(manifest, settings, seed)[0])


def _refuse_nothing(manifest: Manifest, settings: Settings, train: np.ndarray) -> None:
    if not train.any():
        raise UserError(
            f"{manifest.root}: the manifest has no row of split train; set the split of some rows"
        )
    labelled = train & manifest.labelled & (manifest.natural if settings.synthetic.source == "none" else True)
    if not settings.synthetic.drawn and not labelled.any():
        raise UserError(
            f"{manifest.root}: no training image has a count and none is drawn, so there is nothing to learn "
            "from; fill the count column of some rows or set synthetic.source=pool"
        )


def choose_rows(manifest: Manifest, settings: Settings, seed: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Masks (N,) of rows trained and validated on, and how the latter were chosen."""
    table, training = manifest.table, settings.training
    train = (table["split"] == "train").to_numpy()
    testable = manifest.natural & manifest.labelled
    rows = testable & (table["split"] == "val").to_numpy()
    none = np.zeros(len(table), dtype=bool)
    if training.validation == "none":
        return train, none, "no validation"
    if rows.any():
        return train, rows, f"validated on {rows.sum()} rows of split val"
    chambers = table["chamber"].to_numpy()
    labelled = np.unique(chambers[train & testable])
    if training.validation == "rows" or len(labelled) < 3:
        return train, none, "no validation"
    kept = max(1, round(training.validation_share * len(labelled)))
    aside = np.random.default_rng(seed).permutation(labelled)[:kept]
    apart = np.isin(chambers, aside) & manifest.natural
    return (
        train & ~apart,
        train & apart & manifest.labelled,
        f"validated on chambers {', '.join(sorted(aside))}",
    )
