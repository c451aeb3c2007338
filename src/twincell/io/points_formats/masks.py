"""Label images, one number a cell, as Cellpose and StarDist write them: cells by their centres of mass."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.io.images import read_pixels
from twincell.io.points_formats.table import table, unreadable

AS_LABELS = "save the masks as a PNG or TIFF label image, in which each cell has a number of its own"


def read(path: Path) -> pd.DataFrame:
    """The centres of the labels 1, 2, ... of an image, or of a `.npy` array without objects."""
    from scipy import ndimage  # half a second, and counting needs it not

    labels = _array(path) if path.suffix.lower() == ".npy" else np.asarray(read_pixels(path))
    if labels.ndim != 2 or labels.dtype.kind not in "iub":
        what = f"it has shape {labels.shape} and type {labels.dtype}"
        raise unreadable(path, what, AS_LABELS)
    numbers = np.unique(labels[labels > 0])
    if len(numbers) == 1 and ndimage.label(labels > 0)[1] > 1:
        raise unreadable(path, "it says cell or no cell only, which joins cells that touch", AS_LABELS)
    centres = ndimage.center_of_mass(labels > 0, labels, numbers) if len(numbers) else []
    return table(("", 0, float(x) + 0.5, float(y) + 0.5, "") for y, x in centres)


def _array(path: Path) -> NDArray[Any]:
    try:
        loaded: NDArray[Any] = np.load(path, allow_pickle=False)
    except ValueError as problem:
        if "pickle" in str(problem).lower():
            raise unreadable(
                path, "it is a pickle, which could run any program when opened", AS_LABELS
            ) from problem
        raise unreadable(path, problem) from problem
    except (OSError, EOFError) as problem:
        raise unreadable(path, problem) from problem
    return loaded
