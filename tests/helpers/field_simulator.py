"""A small seeded microscope: chambers on a chip, cells that move and divide, and every truth known.

The chip is drawn once at twice the camera's resolution and looked at through a spline, so that any drift and
any rotation is exact to far below the tolerances tested. Dust and uneven light stay with the camera.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter

FINE = 2  # chip pixels per camera pixel
MARGIN = 48  # camera pixels of chip drawn around the field, for drift and rotation


@dataclass
class Field:
    """One position: `rows` x `cols` chambers, each `width` x `height` px, `pitch` px apart (x, y)."""

    modality: str = "bf"
    rows: int = 1
    cols: int = 3
    width: float = 86.0
    height: float = 114.0
    pitch: tuple[float, float] = (140.0, 170.0)
    angle: float = 0.0  # degrees; the chip's x axis turned from the camera's x axis towards its y axis
    seed: int = 0
    cells: int = 6
    rate: float = 0.03  # growth per frame
    noise: float = 0.01
    gap: float = 34.0  # px between the outermost walls and the border of the field
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)  # chip px: x, y, w, h

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.shape = (
            round(2 * self.gap + (self.rows - 1) * self.pitch[1] + self.height),
            round(2 * self.gap + (self.cols - 1) * self.pitch[0] + self.width),
        )
        offset = rng.uniform(-3, 3, 2)
        self.boxes = [
            (
                self.gap + offset[0] + c * self.pitch[0],
                self.gap + offset[1] + r * self.pitch[1],
                self.width,
                self.height,
            )
            for r in range(self.rows)
            for c in range(self.cols)
        ]
        self._coefficients = spline_filter(self._draw_chip(rng), order=3)
        self._camera = self._draw_camera(rng)
        self._cells = [self._start_cells(rng, box) for box in self.boxes]

    # -- the truth ---------------------------------------------------------------------------------

    @property
    def centre(self) -> np.ndarray:
        """x, y of the point the chip is turned about."""
        return np.array([(self.shape[1] - 1) / 2, (self.shape[0] - 1) / 2])

    def to_camera(
        self, points: np.ndarray, drift: tuple[float, float] = (0.0, 0.0), turn: float = 0.0
    ) -> np.ndarray:
        """Chip points (N, 2) x, y as camera points."""
        a = np.deg2rad(self.angle + turn)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        return (np.asarray(points) - self.centre) @ turn.T + self.centre + np.asarray(drift)

    def box_centres(self) -> np.ndarray:
        """Where the chambers' centres lie in an undrifted frame, (N, 2) x, y."""
        return self.to_camera(np.array([(x + w / 2, y + h / 2) for x, y, w, h in self.boxes]))

    # -- the picture -------------------------------------------------------------------------------

    def frame(
        self, t: int, drift: tuple[float, float] = (0.0, 0.0), gain: float = 1.0, turn: float = 0.0
    ) -> np.ndarray:
        """Frame t as float (H, W) about 0..1; `drift` x, y in px, `turn` in degrees on top of `angle`."""
        rng = np.random.default_rng((self.seed, 7, t))
        H, W = self.shape
        ys, xs = np.mgrid[0:H, 0:W].astype(float)
        a = np.deg2rad(self.angle + turn)
        ux, uy = xs - self.centre[0] - drift[0], ys - self.centre[1] - drift[1]
        chip_x = np.cos(a) * ux + np.sin(a) * uy + self.centre[0]
        chip_y = -np.sin(a) * ux + np.cos(a) * uy + self.centre[1]
        at = [(chip_y + MARGIN) * FINE, (chip_x + MARGIN) * FINE]
        image = map_coordinates(self._coefficients, at, order=3, mode="nearest", prefilter=False)
        for cells in self._cells:
            self._draw_cells(image, chip_x, chip_y, cells, t, drift, turn)
        return gain * (image + self._camera + rng.normal(0, self.noise, image.shape))

    def count(self, box: int, t: int) -> int:
        """Cells alive in chamber `box` at frame t."""
        return len(self._alive(self._cells[box], t))

    # -- how it is drawn ---------------------------------------------------------------------------

    def _draw_chip(self, rng: np.random.Generator) -> np.ndarray:
        canvas = Canvas((self.shape[0] + 2 * MARGIN) * FINE, (self.shape[1] + 2 * MARGIN) * FINE)
        lines, glow = np.zeros(canvas.shape), np.zeros(canvas.shape)
        for box in self.boxes:
            for x0, y0, x1, y1 in (bf_walls if self.modality == "bf" else pc_walls)(*box):
                at, xs, ys = canvas.window(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), 4)
                lines[at] = np.maximum(lines[at], line(xs, ys, x0, y0, x1, y1))
            if self.modality != "bf":
                at, xs, ys = canvas.window(box[0], box[1], box[0] + box[2], box[1] + box[3], 0)
                glow[at] += rim_glow(xs, ys, *box)
        texture = gaussian_filter(rng.normal(size=canvas.shape), 12 * FINE)
        texture *= 0.008 / texture.std()
        for _ in range(12 * len(self.boxes)):  # rings and specks that sit on the chip
            x, y = rng.uniform(-20, self.shape[1] + 20), rng.uniform(-20, self.shape[0] + 20)
            r = rng.uniform(1, 9)
            at, xs, ys = canvas.window(x, y, x, y, r + 5)
            ring = np.exp(-(((np.hypot(xs - x, ys - y) - r) / 1.2) ** 2))
            texture[at] += rng.uniform(-0.06, 0.04) * ring * (0.3 + (r < 3))
        if self.modality == "bf":
            return 0.70 + texture - 0.42 * lines + 0.10 * gaussian_filter(lines, 1.6 * FINE)
        return 0.19 + texture / 2 + 0.22 * lines + glow

    def _draw_camera(self, rng: np.random.Generator) -> np.ndarray:
        H, W = self.shape
        ys, xs = np.mgrid[0:H, 0:W].astype(float)
        light = 0.02 * (xs / W - 0.5) - 0.02 * ((ys / H - 0.5) ** 2)
        for _ in range(4):  # dust on the camera side: it does not drift with the chip
            x, y, r = rng.uniform(0, W), rng.uniform(0, H), rng.uniform(6, 14)
            light += 0.025 * np.exp(-(((np.hypot(xs - x, ys - y) - r) / 2) ** 2))
        return light

    def _start_cells(
        self, rng: np.random.Generator, box: tuple[float, float, float, float]
    ) -> dict[str, np.ndarray]:
        x, y, w, h = box
        most = 40
        born = np.floor(
            np.log(np.maximum(np.arange(most) + 1, self.cells) / self.cells) / max(self.rate, 1e-9)
        )
        home = np.stack([rng.uniform(x + 8, x + w - 8, most), rng.uniform(y + 8, y + h - 8, most)], 1)
        return {
            "born": born,
            "home": home,
            "radius": rng.uniform(3.5, 9, most),
            "swing": rng.uniform(2, 14, (most, 2)),
            "pace": rng.uniform(0.02, 0.25, (most, 2)),
            "phase": rng.uniform(0, 6.28, (most, 2)),
            "grain": rng.integers(0, 2**31, most),
            "box": np.array(box),
        }

    def _alive(self, cells: dict[str, np.ndarray], t: int) -> np.ndarray:
        return np.flatnonzero(cells["born"] <= t)

    def _draw_cells(
        self,
        image: np.ndarray,
        chip_x: np.ndarray,
        chip_y: np.ndarray,
        cells: dict[str, np.ndarray],
        t: int,
        drift: tuple[float, float],
        turn: float,
    ) -> None:
        x, y, w, h = cells["box"]
        for k in self._alive(cells, t):
            r = cells["radius"][k]
            at = cells["home"][k] + cells["swing"][k] * np.sin(cells["pace"][k] * t + cells["phase"][k])
            at = np.clip(at, [x + r, y + r], [x + w - r, y + h - r])  # cells lean on the walls, too
            mid = self.to_camera(at[None], drift, turn)[0]
            rows, columns = (slice(max(0, int(m - r - 7)), max(0, int(m + r + 8))) for m in (mid[1], mid[0]))
            px, py = chip_x[rows, columns], chip_y[rows, columns]
            d = np.hypot(px - at[0], py - at[1])
            rim, inside = np.exp(-(((d - r) / 0.9) ** 2)), 1 / (1 + np.exp((d - r) / 0.6))
            grain = np.sin(px * 1.9 + cells["grain"][k] % 97) * np.sin(py * 2.1 + t)
            if self.modality == "bf":
                change = (
                    -0.28 * rim + inside * (0.04 + 0.05 * grain) + 0.06 * np.exp(-(((d - r - 2) / 1.0) ** 2))
                )
            else:
                change = 0.35 * np.exp(-(((d - r - 1) / 1.2) ** 2)) + inside * (-0.04 + 0.05 * grain)
            image[rows, columns] += change


class Canvas:
    """The chip's own pixels, and windows of them with their places in camera pixels."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = (height, width)

    def window(self, left: float, top: float, right: float, bottom: float, reach: float) -> tuple:
        """The slices around a rectangle, and x and y there."""
        rows, columns = (
            slice(max(0, int((low - reach + MARGIN) * FINE)), min(n, int((high + reach + MARGIN) * FINE) + 1))
            for low, high, n in ((top, bottom, self.shape[0]), (left, right, self.shape[1]))
        )
        ys, xs = np.mgrid[rows, columns] / FINE - MARGIN
        return (rows, columns), xs, ys


def line(xs: np.ndarray, ys: np.ndarray, x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """A wall seen from above: a soft stroke 0.8 px wide."""
    length = np.hypot(x1 - x0, y1 - y0)
    along = np.clip(((xs - x0) * (x1 - x0) + (ys - y0) * (y1 - y0)) / length**2, 0, 1)
    return np.exp(-0.5 * ((np.hypot(xs - x0 - along * (x1 - x0), ys - y0 - along * (y1 - y0))) / 0.8) ** 2)


def bf_walls(x: float, y: float, w: float, h: float) -> list[tuple[float, float, float, float]]:
    """Three pillars at the top, a comb at the bottom."""
    walls = [(x, y, x, y + h), (x + w, y, x + w, y + h), (x, y + h, x + w, y + h)]
    walls += [
        (x, y, x + 3, y),
        (x + w - 3, y, x + w, y),
        (x + 3, y - 16, x + 3, y),
        (x + w - 3, y - 16, x + w - 3, y),
    ]
    for k in range(3):
        left = x + w * (0.165 + 0.27 * k)
        right = left + 0.13 * w
        walls += [
            (left, y, right, y),
            (left, y - 10, left, y),
            (right, y - 10, right, y),
            (left, y - 10, right, y - 10),
        ]
    walls += [(x + w * (k + 0.5) / 12, y + h, x + w * (k + 0.5) / 12, y + h + 14) for k in range(12)]
    return walls


def pc_walls(x: float, y: float, w: float, h: float) -> list[tuple[float, float, float, float]]:
    """A double bright rim with a channel above and one below."""
    walls = []
    for inset in (0.0, 2.6):
        west, r, t, b = x + inset, x + w - inset, y + inset, y + h - inset
        near, far = x + w * 0.42 + inset, x + w * 0.58 - inset
        walls += [(west, t, west, b), (r, t, r, b)]
        for level, out in ((t, y - 18), (b, y + h + 18)):
            walls += [
                (west, level, near, level),
                (far, level, r, level),
                (near, level, near, out),
                (far, level, far, out),
            ]
    return walls


def rim_glow(xs: np.ndarray, ys: np.ndarray, x: float, y: float, w: float, h: float) -> np.ndarray:
    """The shade-off inside a phase contrast chamber: bright near the walls."""
    depth = np.minimum(np.minimum(xs - x, x + w - xs), np.minimum(ys - y, y + h - ys))
    return np.where(depth > 0, 0.10 * np.exp(-np.maximum(depth, 0) / 9), 0.0)


def wander(frames: int, seed: int, step: float = 0.4, jumps: tuple[int, ...] = ()) -> np.ndarray:
    """A drift (frames, 2) x, y in px: slow, never a whole number, with sudden jumps where asked."""
    rng = np.random.default_rng((seed, 11))
    path = np.cumsum(rng.normal(0, step, (frames, 2)), 0) + np.outer(np.arange(frames), rng.normal(0, 0.1, 2))
    for at in jumps:
        path[at:] += rng.uniform(-6, 6, 2)
    return path - path[0]


def eight_bit(image: np.ndarray) -> np.ndarray:
    """Float 0..1 as uint8."""
    return np.clip(np.rint(255 * image), 0, 255).astype(np.uint8)


def twelve_bit(image: np.ndarray) -> np.ndarray:
    """Float 0..1 as the uint16 of a 12-bit camera, 0..4095."""
    return np.clip(np.rint(3300 * image + 100), 0, 4095).astype(np.uint16)
