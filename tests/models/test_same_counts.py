"""The shipped models count drawn chambers as in the first release: same weights, same preprocessing."""

from pathlib import Path

import numpy as np
import pytest

from twincell.models.base.file import load_model

DRAWN = Path(__file__).parents[1] / "data" / "drawn_chambers.npz"
"""12 drawn chambers (128 x 128 uint8), and what each shipped model of release 0.1.0 counted in them."""


@pytest.mark.parametrize(("name", "then"), [("chambers", "any"), ("cho-bf", "cho-bf"), ("cho-pc", "cho-pc")])
def test_a_shipped_model_counts_as_in_the_first_release(name: str, then: str) -> None:
    kept = np.load(DRAWN)
    found = load_model(name).predict(kept["images"]).count.numpy()
    assert np.abs(found - kept[then]).max() <= 1e-4
