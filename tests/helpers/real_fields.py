"""Multi-chamber recordings put together from the published crops, with known drift, rotation and brightness.

For tests with the marker `real` only: pictures are made in the tests' temporary folders and never kept.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter

DATA = Path(__file__).parents[3] / "shared" / "data" / "cho_k1"
PITCH = 150  # px between the chambers' middles
EDGE = 5  # px over which a crop fades into the field


def chamber_files(modality: str) -> list[list[Path]]:
    """The crops of each published chamber in order of frames, longest series first."""
    series: dict[str, list[tuple[int, Path]]] = {}
    for table in ("train.csv", "test.csv"):
        for name in pd.read_csv(DATA / f"128p_{modality}" / table, header=None)[0]:
            path = DATA / str(name).removeprefix("../data/")
            frame = int(re.findall(r"t(\d+)", path.stem)[-1])
            named = (r"xy(\d+)", path.stem) if modality == "pc" else (r"(\d+)$", path.parent.name)
            chamber = re.findall(*named)[-1]
            series.setdefault(chamber, []).append((frame, path))
    ordered = [[p for _, p in sorted(files)] for files in series.values()]
    return sorted(ordered, key=len, reverse=True)


class RealField:
    """`rows` x `cols` published chambers on one chip; frame t shows each at the same part of its series."""

    def __init__(
        self, modality: str, rows: int, cols: int, frames: int, angle: float, first: int = 0
    ) -> None:
        self.modality, self.angle, self.frames, self.cols = modality, angle, frames, cols
        files = chamber_files(modality)[first : first + rows * cols]
        self.series = [[f[i] for i in np.linspace(0, len(f) - 1, frames).round().astype(int)] for f in files]
        self.margin = 40
        self.shape = (2 * self.margin + rows * PITCH, 2 * self.margin + cols * PITCH)
        self.level = 178.0 if modality == "bf" else 47.0
        rng = np.random.default_rng(5)
        self.field = self.level + 1.5 * gaussian_filter(rng.normal(size=self.shape), 6) * 12
        self.noise = rng.normal(0, 1.2, self.shape)

    def corners(self) -> list[tuple[int, int]]:
        """x, y of each crop's corner on the chip."""
        inset = (PITCH - 128) // 2
        return [
            (self.margin + inset + k % self.cols * PITCH, self.margin + inset + k // self.cols * PITCH)
            for k in range(len(self.series))
        ]

    def chip(self, t: int) -> np.ndarray:
        """The chip at frame t, undrifted, grey 0..255."""
        chip = self.field + np.roll(self.noise, 17 * t, axis=(0, 1))
        ramp = np.clip((np.arange(128) + 0.5) / EDGE, 0, 1)
        ramp = np.minimum(ramp, ramp[::-1])
        fade = np.outer(ramp, ramp)
        for (x, y), files in zip(self.corners(), self.series, strict=True):
            with Image.open(files[t]) as picture:
                crop = np.asarray(picture.convert("L")).astype(float)
            crop += self.level - np.median(np.concatenate([crop[:, :6], crop[:, -6:]], axis=1))
            at = (slice(y, y + 128), slice(x, x + 128))
            chip[at] = fade * crop + (1 - fade) * chip[at]
        return chip

    def frame(self, t: int, drift: Sequence[float], gain: float) -> np.ndarray:
        """The camera's picture, uint8."""
        H, W = self.shape
        c = np.array([(W - 1) / 2, (H - 1) / 2])
        ys, xs = np.mgrid[0:H, 0:W].astype(float)
        xs, ys = xs - c[0] - drift[0], ys - c[1] - drift[1]
        a = np.deg2rad(self.angle)
        at = [-np.sin(a) * xs + np.cos(a) * ys + c[1], np.cos(a) * xs + np.sin(a) * ys + c[0]]
        seen = map_coordinates(spline_filter(self.chip(t)), at, order=3, mode="reflect", prefilter=False)
        return np.clip(np.rint(gain * seen), 0, 255).astype(np.uint8)

    def middles(self) -> np.ndarray:
        """Where the crops' middles lie in an undrifted frame, (N, 2) x, y."""
        H, W = self.shape
        c = np.array([(W - 1) / 2, (H - 1) / 2])
        a = np.deg2rad(self.angle)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        return (np.array(self.corners()) + 63.5 - c) @ turn.T + c
