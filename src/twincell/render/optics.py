"""A microscope: complex transmission of the object, through a pupil, to intensity.

The object multiplies the light's amplitude by t = exp(-a + i p), absorption a and phase p (rad). The pupil acts on
the spatial frequencies f (cycles / px) of that field; the camera sees the squared modulus.

* Bright field: P(f) = A(f) exp(i pi z f^2) - a defocus z (px^2: wavelength times distance) turns phase into contrast.
* Phase contrast: P(f) = A(f) exp(i pi z f^2) (1 - (1 - T e^{-i q}) R(f)) - the ring R around f = 0 shifts the direct
  light by q = pi/2 and passes the share T of its amplitude. The ring has a width: it also catches some light of
  large, smooth objects, which appears as the halo around them (Zernike 1942).

A(f) is the aperture times the envelope of a source of finite size, which washes out fine fringes out of focus.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Pupil:
    """A microscope's settings for N images, each (N,).

    Attributes:
        defocus: px^2; > 0 one side of the focus, < 0 the other.
        aperture: cycles / px, frequency at which half the amplitude passes.
        source: cycles / px, radius of the light source as seen in the pupil.
        ring_width: cycles / px, radius of the phase ring's blurred image; 0 = no ring (bright field).
        ring_amplitude: share of the direct light's amplitude that the ring passes.
    """

    defocus: Tensor
    aperture: Tensor
    source: Tensor
    ring_width: Tensor
    ring_amplitude: Tensor


def transfer(pupil: Pupil, side: int, scale: int) -> Tensor:
    """(N, side, side) complex pupil on the frequency grid of an image of `side` samples, `scale` samples per px."""
    f = torch.fft.fftfreq(side, device=pupil.defocus.device) * scale
    square = f[:, None] ** 2 + f[None] ** 2

    def each(value: Tensor) -> Tensor:
        return value[:, None, None]

    chi = math.pi * each(pupil.defocus) * square
    damping = -math.log(2) * square / each(pupil.aperture) ** 2
    # A source of radius s shifts the fringes of frequency f by z s f: a Gaussian envelope in z s f.
    damping = damping - 2 * (math.pi * each(pupil.defocus * pupil.source)) ** 2 * square
    amplitude = damping.exp()
    ring = torch.where(each(pupil.ring_width) > 0, (-square / each(pupil.ring_width.clamp(min=1e-6)) ** 2).exp(), 0.0)
    # 1 - (1 - T e^{-i pi/2}) R = (1 - R) - i T R: thick objects turn dark (positive contrast)
    through = torch.complex(1 - ring, -each(pupil.ring_amplitude) * ring)
    return torch.polar(amplitude, chi) * through


def intensity(phase: Tensor, absorption: Tensor, pupil: Pupil, scale: int) -> Tensor:
    """(N, H, W) brightness of an object given its phase (rad) and absorption, both (N, H, W); empty = 1 in BF."""
    light = torch.polar((-absorption).exp(), phase)
    light = torch.fft.ifft2(torch.fft.fft2(light) * transfer(pupil, phase.shape[-1], scale))
    return light.real**2 + light.imag**2


def empty_level(pupil: Pupil) -> Tensor:
    """(N,) brightness without any object."""
    return torch.where(pupil.ring_width > 0, pupil.ring_amplitude**2, 1.0)
