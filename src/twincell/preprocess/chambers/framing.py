"""How a chamber fills its crop and how bright it is there: what a model has learnt to expect.

The published crops carry no scale in micrometres. What they have in common is how the chamber fills the
square, so that is what fixes the scale here: a crop made with `bf` or `pc` shows cells at the size the
published ones do.
"""

from dataclasses import dataclass

from twincell.errors import UserError


@dataclass(frozen=True)
class Framing:
    """One kind of chamber.

    Attributes:
        name: the word for `--template`.
        aspect: width / height of the chamber's walls, or None for any.
        fill: height of the chamber / side of the square crop.
        middle: where the chamber's middle lies in the crop, x and y as parts of its side.
        background: grey level 0..1 that the crop's median is brought to, or None for a stretch of the whole
            range.
        bright: grey level 0..1 of the 99th percentile of the crop, or None to leave contrast as the light
            made it.
        about: one line for the help.
    """

    name: str
    aspect: float | None
    fill: float
    middle: tuple[float, float]
    background: float | None
    bright: float | None
    about: str


# Measured on the published chambers, each one's median image: walls as they are found here (in the middle of
# a double wall), levels of the whole smoothed crop.
FRAMINGS = {
    f.name: f
    for f in (
        Framing("bf", 0.752, 0.887, (0.502, 0.506), 0.70, None, "bright field: pillars above, a comb below"),
        Framing("pc", 0.986, 0.858, (0.506, 0.496), 0.196, 0.367, "phase contrast: a square with channels"),
        Framing("box", None, 0.89, (0.5, 0.5), None, None, "any straight-walled chamber"),
    )
}


def framing_for(name: str | None, modality: str) -> Framing:
    """The framing of that name; without one, that of the modality, or `box` for other modalities.

    Raises:
        UserError: for a name that is not known.
    """
    if name is None:
        return FRAMINGS.get(modality, FRAMINGS["box"])
    if name not in FRAMINGS:
        raise UserError(f"--template {name!r} is not known; name one of {', '.join(FRAMINGS)}")
    return FRAMINGS[name]
