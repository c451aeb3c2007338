"""From brightness to pixels: natural backgrounds, shading, gain, noise."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from twincell.simulate.draws import Draws, slow_drift
from twincell.simulate.render.settings import BackgroundSettings, CameraSettings
from twincell.simulate.render.texture import stock, window


def pick_backgrounds(settings: BackgroundSettings, backgrounds: Tensor, draws: Draws) -> Tensor:
    """(N, H, W) one natural background per image, shifted by up to `shift` px and perhaps flipped.

    Args:
        backgrounds: (M, 1, H, W) or (M, H, W) in [0, 1].
    """
    stock = backgrounds.reshape(-1, *backgrounds.shape[-2:]).to(draws.device)
    which = (draws.uniform("background.which") * len(stock)).long().clamp(max=len(stock) - 1)
    picture = stock[which]
    h, w = picture.shape[-2:]
    border = int(settings.shift)
    padded = F.pad(picture[:, None], (border,) * 4, mode="replicate")[:, 0] if border else picture
    offset = (draws.uniform("background.shift", 2) * (2 * border + 1)).long().clamp(max=2 * border)
    rows = torch.arange(h, device=draws.device) + offset[:, :1]
    columns = torch.arange(w, device=draws.device) + offset[:, 1:]
    if settings.flip_y:
        rows = torch.where(draws.bernoulli("background.flip-y", 0.5, 1), rows.flip(1), rows)
    if settings.flip_x:
        columns = torch.where(draws.bernoulli("background.flip-x", 0.5, 1), columns.flip(1), columns)
    first = torch.arange(len(picture), device=draws.device)
    return padded[first[:, None, None], rows[:, :, None], columns[:, None, :]]


def over(background: Tensor, seen: Tensor, empty: Tensor) -> Tensor:
    """Cells seen in an empty field of the given brightness (N,), laid over a background: what darkens
    multiplies, what brightens adds, so that light walls do not outshine everything where a halo meets them.
    """
    empty = empty[:, None, None]
    return background * (seen / empty).clamp(max=1) + (seen - empty).clamp(min=0)


def soften(picture: Tensor, sigma: Tensor, most: float) -> Tensor:
    """(N, H, W) filtered by a Gaussian of standard deviation sigma (N,) <= most px; borders repeat.

    Passes of the kernel (w, 1 - 2 w, w) in both directions with w = sigma^2 / 2, few enough to keep w below
    1/4.
    """
    passes = max(1, math.ceil(most**2 / 0.5))
    w = sigma**2 / (2 * passes)
    line = torch.stack([w, 1 - 2 * w, w], 1)
    kernel = (line[:, :, None] * line[:, None, :])[:, None]
    for _ in range(passes):
        wide = F.pad(picture[None], (1, 1, 1, 1), mode="replicate")
        picture = F.conv2d(wide, kernel, groups=len(picture))[0]
    return picture


def expose(settings: CameraSettings, picture: Tensor, draws: Draws) -> Tensor:
    """Shading, gain about the picture's mean, offset and noise; (N, H, W) in [0, 1]."""
    h, w = picture.shape[1:]

    def own(x: Tensor) -> Tensor:
        return x[:, None, None]

    if settings.shading:
        slope = settings.shading * draws.uniform("camera.shading", 3, low=-1.0)
        y, x = (
            torch.linspace(-1, 1, h, device=picture.device),
            torch.linspace(-1, 1, w, device=picture.device),
        )
        plane = own(slope[:, 0]) * x + own(slope[:, 1]) * y[:, None]
        picture = picture * (1 + plane + own(slope[:, 2]) * (x**2 + y[:, None] ** 2 - 0.67))
    if settings.gain != (1.0, 1.0):
        mean = picture.mean((1, 2), keepdim=True)
        picture = (picture - mean) * own(draws.between("camera.gain", settings.gain)) + mean
    if settings.offset != (0.0, 0.0):
        picture = picture + own(draws.between("camera.offset", settings.offset))
    if draws.frames is not None:
        picture = picture * (1 + settings.drift * own(slow_drift(draws, "camera.drift")))
    if settings.noise[1] > 0:
        picture = picture + own(draws.between("camera.noise", settings.noise)) * window(
            stock((0.0,), draws.device)[0], draws.per_frame, "camera.window", h
        )
    return picture.clamp(0, 1)
