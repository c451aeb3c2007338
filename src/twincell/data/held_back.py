"""Which rows of a new manifest are validated on, where nobody has said so."""

import numpy as np
import pandas as pd

SHARE = 0.2  # of the counted chambers or images


def split_off(table: pd.DataFrame, seed: int) -> tuple[pd.Series, str]:
    """A split for each row, and one sentence on how it was made.

    A fifth of the counted chambers, at least one, is kept aside whole, since frames of one time-lapse
    resemble each other; images that stand alone are chambers of their own here. Where one chamber holds
    all counts, its last frames are.

    Args:
        table: `unit` (what has to stay together), `frame` and `count` (NaN = not counted).
        seed: which of the chambers or images.
    """
    split = pd.Series("train", table.index)
    counted = table[table["count"].notna()]
    units = counted["unit"].drop_duplicates().tolist()
    if len(counted) < 2:
        said = "only one image is" if len(counted) else "no image is"
        return split, f"{said} counted, so all are in split train and nothing is kept aside to measure on"
    if len(units) == 1:
        at = counted["frame"].sort_values().iloc[-max(1, round(SHARE * len(counted)))]
        split[(table["unit"] == units[0]) & (table["frame"] >= at)] = "val"
        return split, (
            f"warning: all counts are of one chamber, so its frames from {at} on are split val; they "
            "resemble those before them, and figures on them flatter: count some frames of another chamber"
        )
    number = max(1, round(SHARE * len(units)))
    kept = {units[i] for i in np.random.default_rng(seed).permutation(len(units))[:number]}
    split[table["unit"].isin(kept)] = "val"
    what = "images" if not counted["unit"].duplicated().any() else "chambers"
    return split, f"{number} of {len(units)} counted {what} are split val, chosen by seed {seed}"
