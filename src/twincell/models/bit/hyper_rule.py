"""BiT's HyperRule: resolution, length and learning rate from the data alone (Kolesnikov et al. 2020, 3.3)."""

from dataclasses import dataclass

SMALL = 96 * 96
"""Images with fewer pixels than this are small."""


@dataclass(frozen=True)
class HyperRule:
    """What the rule says.

    Attributes:
        precrop: side that images are resized to before a random crop, in pixels.
        crop: side of the crop, which the network sees.
        steps: of training.
        warmup: share of the steps over which the learning rate rises from zero.
        drops: shares of the steps after which the learning rate is divided by 10.
        mixup: alpha of mixup; 0 = none.
    """

    precrop: int
    crop: int
    steps: int
    warmup: float
    drops: tuple[float, float, float]
    mixup: float


def hyper_rule(height: int, width: int, images: int) -> HyperRule:
    """The rule for so many training images of height x width pixels."""
    precrop, crop = resolution(height, width)
    if images < 20_000:
        return HyperRule(precrop, crop, 500, 0.2, (0.4, 0.6, 0.8), 0.0)
    if images < 500_000:
        return HyperRule(precrop, crop, 10_000, 0.05, (0.3, 0.6, 0.9), 0.1)
    return HyperRule(precrop, crop, 20_000, 0.025, (0.3, 0.6, 0.9), 0.1)


def resolution(height: int, width: int) -> tuple[int, int]:
    """Sides before and after the crop."""
    return (160, 128) if height * width < SMALL else (512, 480)
