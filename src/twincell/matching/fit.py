"""Settings of drawn scenes fitted to unlabelled images: draw, weigh, narrow the limits, draw again."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from twincell.matching.distance import Distance, distance, floor, units
from twincell.matching.images import Real
from twincell.matching.population import Population, draw_trial, look_at
from twincell.matching.posterior import Posterior, weigh
from twincell.matching.priors import STARTS, Limits, Prior, around, broad, changed
from twincell.matching.statistics import Statistics, statistics
from twincell.models.density_network.network import DensityNetwork
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.scene.scene import SIZE

Array = NDArray[np.float64]
Tell = Callable[[str], None]

TRIALS = 120
"""Trials of 16 images each: about a minute and a half of one core."""
KEPT = 2
"""Starting presets that are fitted; the others are left after a look."""
LOOKED = 24
"""Images of each preset at the look, and of each fit that is compared."""
FIRST, FURTHER = 0.4, 3
"""Share of the trials in the first round, of the presets kept; further rounds, of the better one."""
WITHIN: tuple[Limits, ...] = ((0.05, 0.95), (0.2, 0.8), (0.35, 0.65))
"""Quantiles of a setting over the real images that may become its limits. What one image leaves open makes
limits too wide, so nearer ones are tried."""
CARED = {"counts": 2.0, "in view": 2.0, "scene.cells.radius": 2.0, "look.defocus": 2.0}
"""Settings that matter more than others: how many cells, how large, on which side of the focus."""
FRESH = 9
"""Seed of the images that the fit is judged by, on which nothing was chosen."""
ROOM = 0.1
"""Share of their distance by which these are moved apart."""
ROUGHLY = (0.55, 1.8)
"""Radii that are tried, times what the diameter found says; it includes the rim."""
RIM = 1.25
DRAWN_AS_WELL = 0.03
"""Share of the images whose counts are drawn from all that were tried, so that none is impossible."""


@dataclass(frozen=True)
class Scenes:
    """What the real images seem to show, estimated without a label.

    Attributes:
        counts: share of windows of 128 x 128 drawn px with 0, 1, 2, .. cells.
        mean_count: cells per image.
        radius: px of the images, the 5 %, 50 % and 95 % quantiles over images of a typical cell's radius.
        defocus: px^2 of the drawn images, the median; below 0 cells are dark with a light seam.
        settings: median of every setting that was fitted, by its dotted name.
    """

    counts: tuple[float, ...]
    mean_count: float
    radius: tuple[float, float, float]
    defocus: float
    settings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """A preset fitted to images, and how well it fits.

    Attributes:
        preset: to draw from; "fitted" by name.
        start: the shipped preset it came from.
        scenes: what the images show.
        before: distance of that shipped preset; `after`: of the fitted one; `floor`: of two halves of the
            real images.
        others: total distance of every preset that was looked at, as shipped.
        trials: how many were drawn, of 16 images each.
    """

    preset: Preset
    start: str
    scenes: Scenes
    before: Distance
    after: Distance
    floor: Distance
    others: dict[str, float]
    trials: int


@dataclass
class _Work:
    """What all steps of a fit need."""

    real: Real
    seen: Statistics
    network: DensityNetwork
    seed: int
    tell: Tell
    deadline: float
    unit: Tensor = field(default_factory=lambda: torch.ones(0))
    done: int = 0

    def late(self) -> bool:
        return time.process_time() > self.deadline


def fit(
    real: Real,
    network: DensityNetwork,
    starts: tuple[str, ...] = STARTS,
    trials: int = TRIALS,
    minutes: float | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> Fitted:
    """Fits a preset.

    Args:
        real: the images.
        network: what looks at images; the same seed and network give the same preset.
        starts: presets that are tried.
        trials: sets of shared settings that are drawn, 16 images each, over all rounds.
        minutes: of processor time, after which drawing ends and what is there is used; None = all trials.
        seed: of drawing and trees.
        tell: called with lines on what is done.
    """
    end = math.inf if minutes is None else time.process_time() + 60 * minutes
    work = _Work(real, statistics(real.windows, network), network, seed, tell or (lambda line: None), end)
    looked = {name: _looked(work, load_preset(name)) for name in starts}
    work.unit = units(Statistics.cat(list(looked.values())))
    others = {name: distance(work.seen, seen, work.unit).total for name, seen in looked.items()}
    nearest = sorted(others, key=lambda name: others[name])[:KEPT]
    work.tell(f"nearest as shipped: {', '.join(f'{name} {others[name]:.2f}' for name in nearest)}")
    courses = [_Course.begun(work, name, others[name]) for name in nearest]
    for course in courses:
        course.round(work, max(2, round(trials * FIRST / len(courses))))
    best = min(courses, key=lambda course: course.distance)
    rest = max(0, trials - work.done)
    for part in np.array_split(np.arange(rest), FURTHER):
        if len(part) and not work.late():
            best.round(work, len(part))
    shipped = load_preset(best.name)
    before, after = (distance(work.seen, _looked(work, p, FRESH), work.unit) for p in (shipped, best.preset))
    scenes = _scenes(real, best)
    return Fitted(
        best.preset, best.name, scenes, before, after, floor(work.seen, work.unit), others, work.done
    )


@dataclass
class _Course:
    """One starting preset on its way.

    Attributes:
        prior: what was supposed before drawing.
        nearer: what is drawn from next.
        preset: the nearest so far, and its `distance`.
        drawn: all that was drawn on the way; `posterior`: its weights.
    """

    name: str
    prior: Prior
    nearer: Prior
    preset: Preset
    distance: float
    drawn: list[Population] = field(default_factory=list)
    posterior: Posterior | None = None

    @classmethod
    def begun(cls, work: _Work, name: str, distance: float) -> "_Course":
        prior = _prior(work, load_preset(name))
        return cls(name, prior, prior, load_preset(name), distance)

    def round(self, work: _Work, trials: int) -> None:
        """Draws, weighs, and takes the nearest of several ways to set limits."""
        self.drawn += _drawn(work, self.nearer, trials, self.name)
        every = Population.cat(self.drawn)
        seen = every.statistics.values.double().numpy()
        importance = np.array([CARED.get(key, 1.0) for key in every.settings])
        real = work.seen.values.double().numpy()
        self.posterior = weigh(seen, every.table, real, work.seed, importance)
        tried = [narrowed(self.prior, self.posterior, every, within) for within in WITHIN]
        found = [distance(work.seen, _looked(work, preset), work.unit).total for preset in tried]
        work.tell(f"{self.name}: distance {self.distance:.2f}, now {min(found):.2f}")
        nearest = tried[int(np.argmin(found))]
        if min(found) < self.distance:
            self.preset, self.distance = nearest, min(found)
        self.nearer = around(nearest, self.prior)


def _looked(work: _Work, preset: Preset, seed: int = 1) -> Statistics:
    return look_at(preset, LOOKED, work.seed + seed, work.real.side, work.network)


def _prior(work: _Work, preset: Preset) -> Prior:
    """What a preset may become, by what is known of the images before drawing."""
    found, level = work.seen.column("counts"), work.seen.column("level")
    share = (SIZE / work.real.side) ** 2
    most = int(np.clip(math.ceil(1.6 * float(found.quantile(0.98)) * share + 4), 4, 150))
    diameter = work.real.diameter or 0.0
    radius = work.real.scale * diameter / 2 / RIM
    low, high = float(level.quantile(0.02)), float(level.quantile(0.98))
    contrast, share_of_noise = (work.seen.column("level", k).exp() for k in (2, 3))
    noise = contrast * share_of_noise
    return broad(
        preset,
        (max(1.6, ROUGHLY[0] * radius), min(16.0, ROUGHLY[1] * radius)),
        most,
        (max(0.02, low - 0.03), min(0.98, high + 0.03)),
        (0.3 * float(noise.quantile(0.05)), 1.1 * float(noise.quantile(0.95))),
    )


def _drawn(work: _Work, prior: Prior, trials: int, what: str) -> list[Population]:
    """Populations of so many trials, fewer where time is up; at least two."""
    made: list[Population] = []
    for _ in range(trials):
        if len(made) >= 2 and work.late():
            break
        made.append(draw_trial(prior, work.seed, work.done, work.real.side, work.network))
        work.done += 1
        if work.done % 20 == 0:
            work.tell(f"{what}: {work.done} trials drawn")
    return made


def narrowed(prior: Prior, posterior: Posterior, drawn: Population, within: Limits) -> Preset:
    """The preset with limits in which the settings of the real images seem to lie.

    Args:
        within: quantiles over the real images that become limits.
    """
    put: dict[str, Any] = {}
    for key, (lowest, highest) in prior.own.items():
        if key not in drawn.settings:
            continue
        low, high = posterior.quantiles(drawn.settings[key], within)
        apart = ROOM * (high - low)
        put[key] = [max(low - apart, lowest), min(high + apart, highest)]
    put |= {key: posterior.mean(drawn.settings[key]) for key in prior.shared}
    put["scene.counts"] = _counts(prior, posterior, drawn)
    return changed(prior.preset, put, "fitted")


def _counts(prior: Prior, posterior: Posterior, drawn: Population) -> dict[str, Any]:
    most = prior.preset.scene.counts.most
    shares = _softened(posterior.histogram(drawn.settings["counts"], most))
    shares = (1 - DRAWN_AS_WELL) * shares + DRAWN_AS_WELL / (most + 1)
    return {"least": 0, "most": most, "offset": most + 1, "weights": [round(float(s), 5) for s in shares]}


def _softened(shares: Array) -> Array:
    """Each share mixed with its neighbours, 1-2-1: whole numbers of a few images leave gaps."""
    wide = np.concatenate([shares[:1], shares, shares[-1:]])
    return np.asarray((wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4)


def _scenes(real: Real, course: _Course) -> Scenes:
    """What was learned about the scenes, in px of the real images."""
    posterior, drawn = course.posterior, Population.cat(course.drawn).settings
    assert posterior is not None
    radius = posterior.quantiles(drawn["scene.cells.radius"], (0.05, 0.5, 0.95))
    fitted = [key for key in (*course.prior.own, *course.prior.shared) if key in drawn]
    middle = {key: posterior.quantiles(drawn[key], (0.5,))[0] for key in fitted}
    shares = posterior.histogram(drawn["counts"], course.prior.preset.scene.counts.most)
    low, median, high = (value / real.scale for value in radius)
    return Scenes(
        tuple(round(float(share), 4) for share in shares),
        posterior.mean(drawn["in view"]) * real.area,
        (low, median, high),
        middle.get("look.defocus", 0.0),
        middle,
    )
