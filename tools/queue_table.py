"""Makes docs/results/queue.csv and queue-images.csv: what asking for the right frames is worth, on real
labels.

    python tools/queue_table.py series MANIFEST COUNTS --out docs/results
    python tools/queue_table.py images LDC --out docs/results

`series`: MANIFEST is imported CHO-K1, COUNTS what `twincell count any MANIFEST --no-counted` says of it.
For each chamber and rule, k of its counted frames are given to the series one after the other as the rule
asks for them; every second counted frame may be asked for, the others are scored, then the other way round.
`images`: LDC is the folder with images/
and counts.csv; labels are asked from one fixed half of its images, errors come from the other half. Goes on
where it stopped.
"""

import argparse
import zlib
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import torch

from twincell.label import queue
from twincell.label.dataset import read_dataset
from twincell.label.features import look
from twincell.models.base.file import load_model
from twincell.series.growth.request import read_counts
from twincell.series.smoothing.chamber import chamber_series
from twincell.series.smoothing.error_model import ErrorModel, spread
from twincell.series.smoothing.intervals import interval, label_probability
from twincell.series.smoothing.posterior import infer

ASKED = (0, 1, 2, 3, 5, 10)
DRAWS = 2
"""Random orders a chamber."""


MOST_FRAMES = 600
"""Frames of a series that are weighed against each other; of a longer one every second, third, ..."""


def telling(
    counts: np.ndarray,
    known: list[int],
    fast: float,
    errors: ErrorModel | None = None,
    among: list[int] | None = None,
) -> int:
    """The frame whose count takes most variance off all frames of its series.

    The slow error is a Gaussian process (see `chamber_bias`); counting a frame shows it there, and by its
    covariance elsewhere. In cells it is sqrt(n + 1) times as large, so full frames are worth more.

    Args:
        counts: (F,) what is thought of each frame now, cells.
        known: frames counted.
        fast: the chamber's fast error, which blurs what a counted frame shows.
        errors: constants.
        among: frames that may be asked; by default all.
    """
    errors = errors or ErrorModel()
    free = np.setdiff1d(np.arange(len(counts)) if among is None else np.array(among), list(known))
    step = max(1, len(counts) // MOST_FRAMES)
    at = np.union1d(np.arange(0, len(counts), step), [*known, *(among or ())]).astype(int)
    scale = spread(np.nan_to_num(np.asarray(counts, float)[at]))
    covariance, noise = _left(at, np.flatnonzero(np.isin(at, list(known))), fast, errors)
    gain = ((covariance * scale[:, None]) ** 2).sum(0) / (np.diag(covariance) + noise)
    gain[~np.isin(at, free)] = -np.inf
    return int(at[gain.argmax()]) if np.isfinite(gain).any() else int(free[0])


def _left(frames: np.ndarray, known: np.ndarray, fast: float, errors: ErrorModel) -> tuple[np.ndarray, float]:
    """Covariance (F, F) of the slow error at `frames` once some of them are known, and the noise of one
    look."""
    apart = np.abs(frames[:, None] - frames[None])
    prior = errors.persistent + (1 - errors.persistent) * np.exp(-apart / errors.memory)
    covariance, noise = errors.slow**2 * prior, errors.label**2 + fast**2
    for at in known:  # one by one: each takes off what it tells
        column = covariance[:, at].copy()
        covariance -= np.outer(column, column) / (column[at] + noise)
    return covariance, noise


class Trial:
    """A chamber whose frames are asked for by one rule; `known` are the places that were answered.

    Every second counted frame may be asked for, the others are scored: the same for every rule, or those that
    ask for the hardest frames would be scored on the easy ones that are left.
    """

    def __init__(self, rows: pd.DataFrame, rule: str, draw: int, half: int) -> None:
        self.rows, self.rule, self.draw, self.half = rows.reset_index(drop=True), rule, draw, half
        counted = np.flatnonzero(self.rows["label"].notna()).tolist()
        self.labelled, self.scored = counted[half::2], counted[1 - half :: 2]
        self.known: list[int] = []
        self.name = f"{self.rows['chamber'].iloc[0]}|{rule}|{draw}|{half}"
        mark = zlib.crc32(self.rows["chamber"].iloc[0].encode())
        self.order = np.random.default_rng([draw, mark]).permutation(self.labelled).tolist()
        self.count = self.rows["count_frame"].to_numpy(float)
        self.variance = np.zeros(len(self.rows))
        self.fast = 0.15

    def take(self, other: "Trial") -> None:
        """Know what another trial of the same chamber read."""
        self.count, self.variance, self.fast = other.count, other.variance, other.fast

    def may(self, k: int) -> bool:
        """Whether so many frames can be asked for."""
        return len(self.labelled) >= k and bool(self.scored)

    def ask(self, k: int) -> None:
        """Know k frames."""
        if self.rule == "regular":
            self.known = [self.labelled[at] for at in queue.regular(len(self.labelled), k)]
        while len(self.known) < k:
            self.known.append(self.next())

    def next(self) -> int:
        """The frame that the rule asks for."""
        n, free = len(self.rows), [at for at in self.labelled if at not in self.known]
        if self.rule == "random":
            return next(at for at in self.order if at not in self.known)
        if self.rule == "farthest in time":
            return queue.farthest(n, self.known, free)
        if self.rule == "variance":
            return max(free, key=lambda at: self.variance[at])
        if self.rule == "telling":
            return telling(self.count, self.known, self.fast, among=free)
        if self.rule == "in stages":  # first a look over time, then variance, then disagreement
            if len(self.known) < 2:
                return queue.farthest(n, self.known, free)
            if len(self.known) < 5:
                return max(free, key=lambda at: self.variance[at])
            return max(free, key=lambda at: abs(self.count[at] - self.rows["count_frame"][at]))
        raise ValueError(self.rule)


RULES = ("regular", "random", "farthest in time", "telling", "variance", "in stages")
ADAPTIVE = ("telling", "variance", "in stages")
"""Rules that look at what is known so far."""


def series(manifest: Path, counts: Path, out: Path, progress: Callable[[str], None]) -> None:
    """Every chamber and rule, k frames after k frames."""
    table = _labelled(manifest, counts)
    trials = []
    for _, rows in table.groupby("chamber", sort=False):
        for rule in RULES:
            for draw in range(DRAWS if rule == "random" else 1):
                trials += [Trial(rows, rule, draw, half) for half in (0, 1)]
    found: list[dict[str, object]] = []
    for k in range(max(ASKED) + 1):
        # Before anything is asked all rules are one; those that look at counts are read at every step.
        live = [t for t in trials if t.may(k) and (k in ASKED or t.rule in ADAPTIVE)]
        for trial in live:
            trial.ask(k)
        began = process_time()
        if k == 0:
            firsts = {(t.rows["chamber"].iloc[0], t.half): t for t in reversed(live)}
            found += _read(list(firsts.values()), k)
            for trial in live:
                trial.take(firsts[trial.rows["chamber"].iloc[0], trial.half])
        else:
            found += _read(live, k)
        progress(f"{k} frames: {len(live)} series, {process_time() - began:.0f} CPU s")
        table = pd.DataFrame(found)
        table.to_csv(out / "queue.csv", index=False, float_format="%.5g", lineterminator="\n")
    progress(told(table))


def told(table: pd.DataFrame) -> str:
    """The CSV as Markdown: MAE over all scored labels +- standard error over chambers, and coverage."""
    lines = ["| | rule | " + " | ".join(f"{k} asked" for k in ASKED) + " | coverage, 3 asked |"]
    none = table[table["asked"] == 0]
    asked = table[table["asked"] > 0]
    for (modality, rule), own in asked.groupby(["modality", "rule"], sort=False):
        own = pd.concat([none[none["modality"] == modality], own])
        cells = []
        for k in ASKED:
            some = own[own["asked"] == k].assign(sum=lambda t: t["mae"] * t["n"])
            if some.empty:
                cells.append("")
                continue
            per = some.groupby("chamber")[["sum", "n"]].sum()
            mean, share = per["sum"].sum() / per["n"].sum(), per["n"] / per["n"].sum()
            apart = per["sum"] / per["n"] - mean
            error = float(np.sqrt(((share * apart) ** 2).sum() * len(per) / max(len(per) - 1, 1)))
            cells.append(f"{mean:.3f} +- {error:.3f}")
        three = own[own["asked"] == 3]
        covered = (three["coverage"] * three["n"]).sum() / three["n"].sum()
        lines.append(f"| {modality} | {rule} | " + " | ".join(cells) + f" | {covered:.1f} % |")
    return "\n".join(lines)


def _labelled(manifest: Path, counts: Path) -> pd.DataFrame:
    listed = read_dataset(manifest).manifest.table
    said = read_counts(counts)[["image", "count_frame"]]
    table = listed.merge(said, on="image", validate="one_to_one")
    table = table.rename(columns={"count": "label"}).sort_values(
        ["modality", "chamber", "frame"], kind="stable"
    )
    table["chamber"] = (
        table["modality"] + "-" + table["chamber"].str.removeprefix("pc-").str.removeprefix("bf-")
    )
    return table[["modality", "chamber", "frame", "image", "label", "count_frame"]].reset_index(drop=True)


def _read(trials: list[Trial], k: int) -> list[dict[str, object]]:
    """Reads every series with what is known of it; scores it at the numbers of `ASKED`."""
    errors = ErrorModel()
    parts = []
    for trial in trials:
        counted = trial.rows["label"].where(trial.rows.index.isin(trial.known))
        parts.append(trial.rows[["frame", "count_frame"]].assign(chamber=trial.name, counted=counted))
    recordings = {one.chamber: one for one in chamber_series(pd.concat(parts), errors)}
    posteriors = infer([recordings[trial.name] for trial in trials], errors)
    n = np.arange(posteriors[0].probability.shape[1], dtype=float)
    found = []
    for trial, posterior in zip(trials, posteriors, strict=True):
        place = posterior.recording.place
        mean = posterior.mean
        trial.count = mean[place]
        trial.variance = (posterior.probability @ n**2 - mean**2)[place]
        trial.fast = posterior.recording.fast
        if k in ASKED:
            left = trial.scored
            written = label_probability(posterior.probability[place[left]], errors.label)
            lower, upper = interval(written, errors.level_for(k))
            truth = trial.rows["label"].to_numpy(float)[left]
            count = trial.count[left]
            lower, upper = np.minimum(lower, np.floor(count)), np.maximum(upper, np.ceil(count))
            found.append(
                {
                    "modality": trial.rows["modality"].iloc[0],
                    "chamber": trial.rows["chamber"].iloc[0],
                    "rule": trial.rule,
                    "draw": trial.draw,
                    "half": trial.half,
                    "asked": k,
                    "n": len(left),
                    "mae": np.abs(np.rint(count) - truth).mean(),
                    "coverage": 100 * ((lower <= truth) & (truth <= upper)).mean(),
                    "width": (upper - lower).mean(),
                }
            )
    return found


def images(folder: Path, out: Path, progress: Callable[[str], None]) -> None:
    """Adapts `any` to images of LDC that were asked for, and counts the other half."""
    from twincell.training.adaptation import Labelled, choose
    from twincell.training.adaptation.view import View, count

    model = load_model("any")
    counts = pd.read_csv(folder / "counts.csv")
    from twincell.io.images import read_grey

    pictures = [read_grey(folder / name, convert=True) for name in counts["image"]]
    prepared = [model.prepare(torch.from_numpy(image.copy())[None]) for image in pictures]
    half = np.random.default_rng(0).permutation(len(pictures))
    pool, held = np.sort(half[: len(half) // 2]), np.sort(half[len(half) // 2 :])
    features = np.array([look(model, pictures[i]) for i in pool])
    file = out / "queue-images.csv"
    done = pd.read_csv(file) if file.is_file() else pd.DataFrame(columns=["rule", "asked", "draw"])
    for draw in range(3):
        chance = np.random.default_rng([draw, 7])
        first = int(chance.integers(len(pool)))
        for rule, asked in (("random", 10), ("random", 20), ("core-set", 10)):
            if ((done["rule"] == rule) & (done["asked"] == asked) & (done["draw"] == draw)).any():
                continue
            order = np.random.default_rng([draw, 11]).permutation(len(pool)).tolist()
            at = order[:asked] if rule == "random" else queue.least_alike(features, [], asked, start=first)
            rows = pool[at]
            began = process_time()
            labelled = Labelled.of(
                [prepared[i] for i in rows], counts["count"].to_numpy(float)[rows].tolist()
            )
            chosen = choose(model.network, labelled, seed=draw)
            view = chosen.view if chosen.changed else View()
            said = count(chosen.network, [prepared[i] for i in held], view, flips=True).numpy()
            truth = counts["count"].to_numpy(float)[held]
            new = {
                "rule": rule, "asked": asked, "draw": draw, "n": len(held),
                "mae": np.abs(np.rint(said) - truth).mean(), "exact": 100 * (np.rint(said) == truth).mean(),
                "steps": chosen.steps, "cpu_s": round(process_time() - began),
            }  # fmt: skip
            done = pd.concat([done, pd.DataFrame([new])], ignore_index=True)
            done.to_csv(file, index=False, float_format="%.5g", lineterminator="\n")
            progress(str(new))


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("series", "images"))
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.what == "series":
        series(asked.inputs[0], asked.inputs[1], asked.out, print)
    else:
        images(asked.inputs[0], asked.out, print)


if __name__ == "__main__":
    main()
