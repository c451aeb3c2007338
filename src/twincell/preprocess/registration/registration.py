"""Chip drift: where each frame's walls lie, to a small part of a pixel, whatever the cells do.

Coarse by phase correlation of edge maps, then fine by fitting the reference's wall pixels to the frame: a
weighted Gauss-Newton fit (Lucas and Kanade, in Baker and Matthews' inverse compositional form) of shift,
turn, gain and offset in which pixels that disagree, because a cell covers them, lose their vote (Tukey's
biweight).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.registration import phase_cross_correlation

from twincell.preprocess.chambers.walls import Image, WallPoints, gradients

COARSE_SIDE = 512
"""px; coarse registration looks at frames no larger than this."""
STEPS = 12
"""Most fitting steps; four or five are the rule."""
SETTLED = 0.003
"""px; a step smaller than this ends the fit."""
TUKEY = 4.685
"""Standard constant of the biweight."""


@dataclass(frozen=True)
class Motion:
    """How a frame lies against the reference: reference point p is found at turn(p - centre) + centre + (dx,
    dy).

    Attributes:
        dx, dy: shift in px along the camera's axes.
        angle: turn in degrees, positive from x towards y.
        gain, offset: frame = gain * reference + offset, at the walls.
        score: correlation of frame and reference at the walls, -1..1; below about 0.5 it is another scene.
    """

    dx: float = 0.0
    dy: float = 0.0
    angle: float = 0.0
    gain: float = 1.0
    offset: float = 0.0
    score: float = 1.0

    def apply(self, xy: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
        """Where points of the reference, (N, 2) x and y, lie in the frame."""
        a = np.deg2rad(self.angle)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        c = centre(shape)
        return (xy - c) @ turn.T + c + np.array([self.dx, self.dy])

    def undo(self, xy: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
        """Where points of the frame, (N, 2) x and y, lie in the reference."""
        a = np.deg2rad(self.angle)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        c = centre(shape)
        return (xy - c - np.array([self.dx, self.dy])) @ turn + c


def centre(shape: tuple[int, int]) -> NDArray[np.float64]:
    """x, y of an image's middle."""
    return np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])


class Coarse:
    """Finds whole-pixel shifts against one reference by phase correlation of edge maps."""

    def __init__(self, reference: Image) -> None:
        self.step = max(1, -(-max(reference.shape) // COARSE_SIDE))
        self.edges = self._edges(reference)

    def shift(self, frame: Image) -> tuple[float, float]:
        """(dx, dy) of a smoothed frame, within about half a pixel."""
        found, _, _ = phase_cross_correlation(self._edges(frame), self.edges, upsample_factor=4)
        return float(found[1]) * self.step, float(found[0]) * self.step

    def _edges(self, image: Image) -> Image:
        s = self.step
        H, W = (n // s * s for n in image.shape)
        small = image[:H, :W].reshape(H // s, s, W // s, s).mean((1, 3)) if s > 1 else image
        gx, gy = gradients(small)
        strength = np.hypot(gx, gy)
        limit = np.quantile(strength, 0.98) + 1e-12
        strength = np.minimum(strength, limit) / limit  # one bright speck must not outvote the walls
        strength -= strength.mean()
        return strength * np.outer(_taper(strength.shape[0]), _taper(strength.shape[1]))


def _taper(n: int) -> NDArray[np.float64]:
    """Fades the outer eighth of an axis, so that the picture's border is no edge of its own."""
    ramp = np.clip((np.arange(n) + 0.5) / (n / 8), 0, 1)
    ramp = np.minimum(ramp, ramp[::-1])
    return np.sin(np.pi / 2 * ramp) ** 2


def fit_motion(frame: Image, walls: WallPoints, start: Motion) -> Motion:
    """Fits a frame's motion from a start within about 2 px.

    Args:
        frame: (H, W) smoothed like the reference.
        walls: the reference's wall pixels.
        start: where to begin; its dx, dy and angle are used.

    Returns:
        The motion, with score. A frame that shows no walls gives a low score, never an error.
    """
    c = centre(frame.shape)
    arm = walls.xy - c
    jacobian = np.column_stack(
        [
            walls.gradient,
            np.deg2rad(1.0) * (walls.gradient[:, 1] * arm[:, 0] - walls.gradient[:, 0] * arm[:, 1]),
        ]
    )
    motion = start
    for _ in range(STEPS):
        seen, inside = _sample(frame, motion.apply(walls.xy, frame.shape))
        if inside.sum() < 50:
            return Motion(motion.dx, motion.dy, motion.angle, 1.0, 0.0, 0.0)
        step = _robust_step(seen[inside], walls.value[inside], jacobian[inside], walls.weight[inside])
        # The reference moved by `step` fits the frame as it lies; so the frame moves by its inverse.
        a = np.deg2rad(motion.angle)
        dx = motion.dx - (np.cos(a) * step[0] - np.sin(a) * step[1])
        dy = motion.dy - (np.sin(a) * step[0] + np.cos(a) * step[1])
        motion = Motion(float(dx), float(dy), float(motion.angle - step[2]))
        if abs(step[0]) + abs(step[1]) < SETTLED and abs(step[2]) < 0.002:
            break
    return _scored(frame, walls, motion)


def _robust_step(
    seen: NDArray[np.float64],
    value: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    trust: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The step (px, px, degrees) that makes `value + jacobian @ step` a linear function of `seen`."""
    columns = np.column_stack([-jacobian, seen, np.ones_like(seen)])
    # Columns of one size keep the normal equations well conditioned.
    size = np.abs(columns).max(0) + 1e-12
    columns = columns / size
    weight = trust
    answer = np.zeros(columns.shape[1])
    for _ in range(3):
        weighted = columns * weight[:, None]
        answer = np.linalg.lstsq(weighted.T @ columns, weighted.T @ value, rcond=1e-12)[0]
        residual = np.abs(value - columns @ answer)
        scale = 1.4826 * np.median(residual) + 1e-12
        weight = trust * np.clip(1 - (residual / (TUKEY * scale)) ** 2, 0, None) ** 2
    answer = answer / size
    return np.clip(answer[:3], [-2, -2, -0.5], [2, 2, 0.5])


def _scored(frame: Image, walls: WallPoints, motion: Motion) -> Motion:
    """The motion with the frame's gain, offset and correlation at the walls."""
    seen, inside = _sample(frame, motion.apply(walls.xy, frame.shape))
    if inside.sum() < 50:
        return Motion(motion.dx, motion.dy, motion.angle, 1.0, 0.0, 0.0)
    gain, offset, score = _agreement(seen[inside], walls.value[inside], walls.weight[inside])
    return Motion(motion.dx, motion.dy, motion.angle, gain, offset, score)


def wall_score(frame: Image, walls: WallPoints, which: NDArray[np.intp], motion: Motion) -> float:
    """How well some walls, by index, agree with a smoothed frame: a correlation, -1..1; 0 if not in view."""
    if which.size < 50:
        return 1.0  # too few to tell anything against the frame
    seen, inside = _sample(frame, motion.apply(walls.xy[which], frame.shape))
    if inside.sum() < 50:
        return 0.0
    return _agreement(seen[inside], walls.value[which][inside], walls.weight[which][inside])[2]


def _agreement(
    seen: NDArray[np.float64], value: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Gain, offset and correlation of seen = gain * value + offset."""
    weight = weight / weight.sum()
    ds, dv = seen - weight @ seen, value - weight @ value
    variance, covariance = weight @ dv**2, weight @ (ds * dv)
    gain = covariance / (variance + 1e-24)
    score = covariance / np.sqrt(variance * (weight @ ds**2) + 1e-24)
    return float(gain), float(weight @ seen - gain * (weight @ value)), float(score)


def _sample(frame: Image, xy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The frame at points, and which of them lie inside it."""
    H, W = frame.shape
    inside = (xy[:, 0] >= 0) & (xy[:, 0] <= W - 1) & (xy[:, 1] >= 0) & (xy[:, 1] <= H - 1)
    return map_coordinates(frame, [xy[:, 1], xy[:, 0]], order=1, mode="nearest", output=np.float64), inside


def register(frame: Image, walls: WallPoints, coarse: Coarse, last: Motion, good: float = 0.8) -> Motion:
    """A frame's motion: from where the last frame lay, or where that fails from a coarse search.

    Args:
        frame: (H, W) smoothed.
        last: motion of the frame before; chips creep, so this is nearly always near enough.
        good: a score at which the fit from `last` is taken without a second look.
    """
    near = fit_motion(frame, walls, last)
    if near.score >= good and abs(near.dx - last.dx) + abs(near.dy - last.dy) < 1.5:
        return near
    dx, dy = coarse.shift(frame)
    tries = [near, fit_motion(frame, walls, Motion(dx, dy, last.angle))]
    if max(t.score for t in tries) < good:
        # From further away: the walls blurred to 3 px reach 6 px, and then the sharp fit follows.
        blurred = gaussian_filter(frame, 2.5)
        wide = fit_motion(blurred, walls, Motion(dx, dy, last.angle))
        tries.append(fit_motion(frame, walls, wide))
    return max(tries, key=lambda t: t.score)
