"""A microscope: complex transmission of the object, through a pupil, to intensity.

The object multiplies the light's amplitude by t = exp(-a + i p), absorption a and phase p (rad). The pupil
acts on the spatial frequencies f (cycles / px) of that field; the camera sees the squared modulus.

* Bright field: P(f) = A(f) exp(i pi z f^2) - a defocus z (px^2: wavelength times distance) turns phase into
  contrast.
* Phase contrast: P(f) = A(f) exp(i pi z f^2) (1 - (1 - T e^{-i q}) R(f)) - the ring R around f = 0 shifts the
  direct light by q = pi/2 and passes the share T of its amplitude. The ring has a width: it also catches some
  light of large, smooth objects, which appears as the halo around them (Zernike 1942).

In both, P(0) acts on the object's own light as 1: what an image of a part of a wide field lacks in its mean
is diffracted, not lost. In phase contrast that leaves the ground brighter the more cells there are.

A(f) is the aperture times the envelope of a source of finite size, which washes out fine fringes out of
focus.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from twincell.simulate.render.field import Grid
from twincell.simulate.render.texture import bell


@dataclass
class Pupil:
    """A microscope's settings for N images, each (N,).

    Attributes:
        defocus: px^2; > 0 one side of the focus, < 0 the other.
        aperture: cycles / px, frequency at which half the amplitude passes.
        source: cycles / px, radius of the light source as seen in the pupil.
        ring_width: cycles / px, radius of the phase ring's blurred image; 0 = no ring (bright field).
        ring_amplitude: share of the direct light's amplitude that the ring passes.
        oblique: (N, 2) px, light from one side: slopes of the phase towards it brighten, those away from it
            darken.
        veil: stray light, added to the brightness.
    """

    defocus: Tensor
    aperture: Tensor
    source: Tensor
    ring_width: Tensor
    ring_amplitude: Tensor
    oblique: Tensor
    veil: Tensor


def transfer(pupil: Pupil, grid: Grid) -> Tensor:
    """(N, side, side) complex pupil on the frequencies of a grid.

    All its factors are Gaussians, which separate in x and y, or linear. So it is a sum of outer products.
    """
    f = torch.fft.fftfreq(grid.side, device=pupil.defocus.device) * grid.scale
    square = f**2
    # A source of radius s shifts the fringes of frequency f by z s f: a Gaussian envelope in z s f.
    damping = math.log(2) / pupil.aperture**2 + 2 * (math.pi * pupil.defocus * pupil.source) ** 2
    envelope = torch.exp(-(damping[:, None] * square).clamp(max=30.0))
    line = torch.polar(envelope, math.pi * pupil.defocus[:, None] * square)
    ring = bell(f / pupil.ring_width.clamp(min=1e-6)[:, None]) * (pupil.ring_width > 0)[:, None]
    # 1 - (1 - T e^{-i pi/2}) R = 1 - (1 + i T) R: thick objects turn dark (positive contrast).
    lost = torch.complex(torch.ones_like(pupil.ring_amplitude), pupil.ring_amplitude)[:, None]
    slope_x, slope_y = pupil.oblique[:, :1] * f, pupil.oblique[:, 1:] * f
    rows = torch.stack(
        [line * (1 + slope_y), line, -lost * line * ring * (1 + slope_y), -lost * line * ring], 2
    )
    columns = torch.stack([line, line * slope_x, line * ring, line * ring * slope_x], 1)
    through = rows @ columns
    # The image is a small part of a wide field: what it lacks in the mean is diffracted light.
    through[:, 0, 0] = 1.0
    return through


def intensity(light: Tensor, pupil: Pupil, grid: Grid) -> Tensor:
    """(N, 128, 128) brightness; where there is no object it is `empty_level`.

    Args:
        light: (N, side, side) complex transmission of the object minus 1, so 0 where there is nothing.
    """
    pupils = transfer(pupil, grid)
    direct = torch.where(pupil.ring_width > 0, -1j * pupil.ring_amplitude, 1.0 + 0j)
    frames = []
    # One by one: a transform that fits the cache is twice as fast.
    for field, through, background in zip(light, pupils, direct, strict=True):
        image = torch.fft.ifft2(torch.fft.fft2(field) * through) + background
        frames.append(F.avg_pool2d((image.real**2 + image.imag**2)[None], grid.scale)[0])
    seen = torch.stack(frames)[:, grid.pad : -grid.pad, grid.pad : -grid.pad]
    return seen + pupil.veil[:, None, None]


def empty_level(pupil: Pupil) -> Tensor:
    """(N,) brightness without any object."""
    return torch.where(pupil.ring_width > 0, pupil.ring_amplitude**2, 1.0) + pupil.veil
