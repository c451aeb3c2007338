"""Drawn images, what each was drawn with, and what statistics see of them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from twincell.matching.priors import Prior, drawn_as, trial
from twincell.matching.statistics import Statistics, statistics
from twincell.models.density_network.network import DensityNetwork
from twincell.simulate.presets import Preset
from twincell.simulate.synthesise import synthesise, synthesise_noted

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """N drawn images.

    Attributes:
        statistics: what is seen of them.
        settings: (N,) what each was drawn with, by setting; "counts": its cells, "in view": those in the
            window that is compared.
    """

    statistics: Statistics
    settings: dict[str, Array]

    @property
    def table(self) -> Array:
        """(N, K) all settings."""
        return np.stack(list(self.settings.values()), 1)

    @staticmethod
    def cat(parts: "list[Population]") -> "Population":
        """Several behind one another, all drawn from one preset."""
        names = parts[0].settings
        return Population(
            Statistics.cat([part.statistics for part in parts]),
            {name: np.concatenate([part.settings[name] for part in parts]) for name in names},
        )


def draw_trial(prior: Prior, seed: int, number: int, side: int, network: DensityNetwork) -> Population:
    """The images of one trial: shared settings at random, own ones as each image draws them.

    Args:
        seed, number: trial `number` of a seed is always the same.
        side: px, of the window in the middle that is compared.
    """
    preset, shared = trial(prior, np.random.default_rng([seed, number]))
    made, noted = synthesise_noted(preset, seed, number)
    n = len(made.images)
    drawn = {key: drawn_as(preset, key) for key in prior.own}
    own = {key: noted[name].double().numpy() for key, name in drawn.items() if name in noted}
    corner = (made.images.shape[-1] - side) // 2
    places = made.centres - corner
    seen = ((places >= 0) & (places < side)).all(-1).sum(1)
    settings = own | {key: np.full(n, value) for key, value in shared.items()}
    settings |= {"counts": made.counts.double().numpy(), "in view": seen.double().numpy()}
    window = made.images[..., corner : corner + side, corner : corner + side]
    return Population(statistics(window.contiguous(), network), settings)


def look_at(preset: Preset, n: int, seed: int, side: int, network: DensityNetwork) -> Statistics:
    """Statistics of n images of a preset as it is, in the window that is compared."""
    images = synthesise(preset, n, seed).images
    corner = (images.shape[-1] - side) // 2
    window = images[..., corner : corner + side, corner : corner + side]
    return statistics(torch.as_tensor(window).contiguous(), network)
