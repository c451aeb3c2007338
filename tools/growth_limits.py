"""How often the 95 % limits of growth rates hold the rate that simulated chambers grow at.

python tools/growth_limits.py --out docs/results/growth-limits.csv
"""

import argparse
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd

from twincell.files import write_atomic
from twincell.series import fit_growth
from twincell.series.smoothing.simulate import Culture, true_counts

CASES = {
    "usual": Culture(division=0.012, loss=0.002),
    "slow": Culture(division=0.007, loss=0.001, start=4),
    "fast": Culture(division=0.018, loss=0.001),
    "lag of 80 frames": Culture(division=0.014, loss=0.002, lag=80),
    "many losses": Culture(division=0.018, loss=0.008, start=4),
}
FRAMES, FEWEST = 300, 20


def held(culture: Culture, chambers: int, seed: int) -> dict[str, float]:
    """Shares of chambers whose limits hold the rate, lie above it and below it, in percent."""
    rate, found = culture.division - culture.loss, []
    for chamber in range(chambers):
        counts = true_counts(culture, FRAMES, np.random.default_rng([seed, chamber])).astype(float)
        if len(counts) >= FEWEST and counts.any():
            found.append(fit_growth(np.arange(len(counts), dtype=float), counts))
    low, high = (np.array([getattr(fit, name) for fit in found]) for name in ("rate_low", "rate_high"))
    known = np.isfinite(low)
    return {
        "chambers": int(known.sum()),
        "rate": rate,
        "median_rate": float(np.nanmedian([fit.rate for fit in found])),
        "held": 100 * float(((low <= rate) & (rate <= high))[known].mean()),
        "above": 100 * float((low > rate)[known].mean()),
        "below": 100 * float((high < rate)[known].mean()),
        "median_width": float(np.median((high - low)[known])),
    }


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--chambers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rows = []
    for name, culture in CASES.items():
        started = process_time()
        found = held(culture, asked.chambers, asked.seed)
        rows.append({"case": name} | found | {"cpu_seconds": process_time() - started})
    write_atomic(asked.out, pd.DataFrame(rows).to_csv(index=False, float_format="%.5g"))


if __name__ == "__main__":
    main()
