"""Which images a run learns from and which it is validated on."""

from dataclasses import dataclass

import numpy as np

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.models.base.method import AnySize


@dataclass(frozen=True)
class Material:
    """The images of a run.

    Attributes:
        train: images learned from.
        validation: labelled natural images kept aside; None without validation.
        described: one line on what was chosen, for people.
    """

    train: ImageStore
    validation: ImageStore | None
    described: str


def load_material(manifest: Manifest, settings: Settings, seed: int, progress: bool = True) -> Material:
    """Reads the rows of split train, and those validated on.

    Validation images are the labelled natural rows of split val. Where there are none and
    `training.validation` is `auto`, whole training chambers are kept aside, labelled or not (frames of one
    time-lapse resemble each other too much to validate on); with fewer than 3 labelled chambers nothing is.

    Raises:
        UserError: when there is nothing to learn counts from.
    """
    train, validation, how = choose(manifest, settings, seed)
    _refuse_nothing(manifest, settings, train)
    window = settings.batch.window
    whole = not isinstance(METHODS[settings.method], AnySize)
    store = ImageStore.load(manifest.select(train), progress=progress).fitted(window, resize=whole)
    labelled = int((~store.counts.isnan()).sum())
    described = f"{len(store)} images, {labelled} counted; {how}"
    if not validation.any():
        return Material(store, None, described)
    kept = ImageStore.load(manifest.select(validation), progress=False)
    kept = kept.fitted(window, resize=True) if whole else kept.like(store)
    return Material(store, kept, described)


def check_material(manifest: Manifest, settings: Settings, seed: int) -> None:
    """Looks at the table alone, and at no image, whether `load_material` would find anything to learn from.

    Raises:
        UserError: when there is nothing to learn counts from.
    """
    _refuse_nothing(manifest, settings, choose(manifest, settings, seed)[0])


def _refuse_nothing(manifest: Manifest, settings: Settings, train: np.ndarray) -> None:
    if not train.any():
        raise UserError(
            f"{manifest.root}: the manifest has no row of split train; set the split of some rows"
        )
    counted = train & manifest.labelled & (manifest.natural if settings.synthetic.source == "none" else True)
    if not settings.synthetic.drawn and not counted.any():
        raise UserError(
            f"{manifest.root}: no training image has a count and none is drawn, so there is nothing to learn "
            "from; fill the count column of some rows or set synthetic.source=pool"
        )


def choose(manifest: Manifest, settings: Settings, seed: int) -> tuple[np.ndarray, np.ndarray, str]:
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
    known = np.unique(chambers[train & testable])
    if training.validation == "rows" or len(known) < 3:
        return train, none, "no validation"
    kept = max(1, round(training.validation_share * len(known)))
    aside = np.random.default_rng(seed).permutation(known)[:kept]
    apart = np.isin(chambers, aside) & manifest.natural
    return (
        train & ~apart,
        train & apart & manifest.labelled,
        f"validated on chambers {', '.join(sorted(aside))}",
    )
