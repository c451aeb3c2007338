"""On the published labels: growing chambers and the one that does not; nothing is copied from the images."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twincell.data.cho_k1 import import_cho_k1
from twincell.data.manifest import Manifest
from twincell.series import fit_growth, smooth

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def labels(real_cho_k1: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    out = tmp_path_factory.mktemp("real") / "cho"
    import_cho_k1(real_cho_k1, out, progress=False)
    return Manifest.read(out).table[["chamber", "frame", "count"]]


def test_labels_name_the_chamber_that_does_not_grow_and_those_that_do(labels):
    verdicts = {}
    for name, rows in labels.dropna().sort_values("frame").groupby("chamber"):
        verdicts[name] = fit_growth(rows["frame"].to_numpy(float), rows["count"].to_numpy()).verdict
    assert len(verdicts) == 21
    assert verdicts["bf-1"] == "not growing"
    assert sum(verdict == "growing" for verdict in verdicts.values()) >= 13
    assert all(verdict == "growing" for name, verdict in verdicts.items() if name.startswith("pc"))


def test_noisy_readings_of_real_curves_give_the_labels_growth_rates(labels):
    rng = np.random.default_rng(0)
    parts, truth = [], {}
    for name, rows in labels.sort_values("frame").groupby("chamber"):
        known = rows.dropna()
        truth[name] = fit_growth(known["frame"].to_numpy(float), known["count"].to_numpy())
        curve = np.interp(rows["frame"], known["frame"], known["count"])
        estimate = curve + np.sqrt(curve + 1) * (0.1 * rng.normal() + 0.1 * rng.standard_t(4, len(curve)))
        parts.append(
            pd.DataFrame({"chamber": name, "frame": rows["frame"], "count_frame": estimate.clip(min=0)})
        )
    read = smooth(pd.concat(parts, ignore_index=True))
    near = []
    for name, rows in read.groupby("chamber"):
        found = fit_growth(rows["frame"].to_numpy(float), rows["count"].to_numpy())
        if truth[name].verdict == "growing":
            near.append(abs(found.rate_whole / truth[name].rate_whole - 1) <= 0.1)
    assert np.mean(near) >= 0.8
