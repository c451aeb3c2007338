"""Frames of known chambers read within their whole recording and its counted frames.

So `twincell count` reads a manifest that has counts; only that standing dirt is left in here.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.evaluate.protocols import Trial

if TYPE_CHECKING:
    from twincell.models.base.file import LoadedModel

ALONE, COUNTED = "model, whole recording", "model, whole recording and its counted training frames"


def read_recordings(trial: Trial, model: "LoadedModel") -> dict[str, NDArray[np.float64]]:
    """Counts of all labelled test frames from their chambers' recordings, training and test frames together.

    Args:
        trial: whose chambers have both; no label of its test frames is looked at.
        model: counts every frame.

    Returns:
        (n,) cells for the labelled test rows in their order, by what was read: the images alone, and with
        the training labels as counted frames.
    """
    from twincell.data.store import ImageStore
    from twincell.series.smoothing.smooth import smooth

    table = trial.manifest.table
    test = (table["split"] == "test").to_numpy()
    rows = trial.manifest.select(
        trial.manifest.natural & table["chamber"].isin(table["chamber"][test]).to_numpy()
    )
    frames = rows.table[["chamber", "frame"]].copy()
    frames["count_frame"] = model.predict(ImageStore.load(rows, progress=False).images).count.double().numpy()
    labelled = rows.table[(rows.table["split"] == "train") & rows.table["count"].notna()]
    asked = table[test & table["count"].notna().to_numpy()][["chamber", "frame"]]
    read = {ALONE: smooth(frames), COUNTED: smooth(frames, labelled[["chamber", "frame", "count"]])}
    return {name: _of(asked, found) for name, found in read.items()}


def _of(asked: pd.DataFrame, found: pd.DataFrame) -> NDArray[np.float64]:
    """(n,) counts of the asked frames, in their order."""
    return asked.merge(found, on=["chamber", "frame"], how="left")["count"].to_numpy(np.float64)
