"""Small charts as inline SVG: axes, bands, lines, dots. Colours are the page's: light, dark or paper.

matplotlib is left out on purpose: its SVG fixes colours and fonts, and a page with forty chambers needs
charts of a few kilobytes each whose points a reader may ask about.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from twincell.printable import in_html as escape

Numbers = Sequence[float]


@dataclass
class Chart:
    """One chart in data units; `svg()` draws it.

    Args:
        x: range of the horizontal axis.
        y: range of the vertical axis.
        width, height: of the picture in CSS pixels; it scales down with the page.
        x_label, y_label: what the axes show, with units.
        title: one sentence of what is to be seen, for readers who cannot see it.
        log: logarithmic vertical axis; its range must then be above 0.
        small: fewer ticks and less room around, for small multiples.
        rows: names in place of numbers on the vertical axis, at 0, 1, 2, ...
        data: attributes of the element for the page's script.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = 460
    height: int = 280
    x_label: str = ""
    y_label: str = ""
    title: str = ""
    log: bool = False
    small: bool = False
    rows: Sequence[str] = ()
    data: dict[str, str] = field(default_factory=dict)
    _marks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Gives ranges of no extent some, so that there is always a scale."""
        self.x = _wide(self.x)
        self.y = _wide(self.y)
        self.left = 8 + 7 * max(map(len, self.rows)) if self.rows else 30 if self.small else 50
        self.bottom = 20 if self.small else 42
        if self.small:  # room for labels where there are any
            self.left += 14 if self.y_label else 0
            self.bottom += 14 if self.x_label else 0
        self.top = self.right = 8

    def at_x(self, value: float) -> float:
        """Pixels from the left."""
        low, high = self.x
        return self.left + (value - low) / (high - low) * (self.width - self.left - self.right)

    def at_y(self, value: float) -> float:
        """Pixels from the top."""
        low, high = self.y
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, low))
        share = (value - low) / (high - low)
        return self.height - self.bottom - share * (self.height - self.bottom - self.top)

    def line(self, xs: Numbers, ys: Numbers, kind: str) -> None:
        """A line in the colour `kind`; it breaks where a value is NaN."""
        for piece in _pieces(xs, ys):
            points = " ".join(f"{self.at_x(x):.1f},{self.at_y(y):.1f}" for x, y in piece)
            self._marks.append(f'<polyline class="line {kind}" points="{points}"/>')

    def band(self, xs: Numbers, lower: Numbers, upper: Numbers, kind: str) -> None:
        """The area between two lines."""
        for piece in _pieces(xs, lower, upper):
            edge = [f"{self.at_x(x):.1f},{self.at_y(high):.1f}" for x, _, high in piece]
            edge += [f"{self.at_x(x):.1f},{self.at_y(low):.1f}" for x, low, _ in reversed(piece)]
            self._marks.append(f'<polygon class="band {kind}" points="{" ".join(edge)}"/>')

    def dots(
        self, xs: Numbers, ys: Numbers, kind: str, radius: float = 2.2, names: Sequence[str] = ()
    ) -> None:
        """Dots, each with its name to read on hover."""
        for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
            if math.isfinite(x) and math.isfinite(y):
                name = f"<title>{escape(names[i])}</title>" if names else ""
                place = f'cx="{self.at_x(x):.1f}" cy="{self.at_y(y):.1f}" r="{radius}"'
                self._marks.append(f'<circle class="dot {kind}" {place}>{name}</circle>')

    def bars(self, xs: Numbers, ys: Numbers, kind: str, share: float = 0.8) -> None:
        """Bars of one unit's width from zero up."""
        half = share / 2
        for x, y in zip(xs, ys, strict=True):
            if math.isfinite(y):
                left, top = self.at_x(x - half), self.at_y(y)
                size = f'width="{self.at_x(x + half) - left:.1f}" height="{self.at_y(self.y[0]) - top:.1f}"'
                self._marks.append(f'<rect class="bar {kind}" x="{left:.1f}" y="{top:.1f}" {size}/>')

    def svg(self) -> str:
        """The chart as an `svg` element."""
        data = "".join(f' data-{name}="{escape(value)}"' for name, value in self.data.items())
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        head = f'<svg class="chart" role="img" {size}{data}><title>{escape(self.title)}</title>'
        return head + self._axes() + "".join(self._marks) + "</svg>"

    def _axes(self) -> str:
        across, up = self.width - self.right, self.height - self.bottom
        parts = []
        named = dict(enumerate(self.rows))
        for value in named or ticks(*self.y, 5 if self.small else 6, self.log):
            y, name = self.at_y(value), named.get(int(value), f"{value:g}")
            parts.append(f'<line class="grid" x1="{self.left}" x2="{across}" y1="{y:.1f}" y2="{y:.1f}"/>')
            place = f'x="{self.left - 5}" y="{y + 3.5:.1f}"'
            parts.append(f'<text class="tick" {place} text-anchor="end">{escape(name)}</text>')
        for value in ticks(*self.x, 5 if self.small else 7):
            x = self.at_x(value)
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{up + 14}" text-anchor="middle">{value:g}</text>'
            )
        parts.append(f'<line class="axis" x1="{self.left}" x2="{across}" y1="{up}" y2="{up}"/>')
        middle = (self.left + across) / 2
        if self.x_label:
            place = f'x="{middle:.0f}" y="{self.height - 6}"'
            parts.append(f'<text class="label" {place} text-anchor="middle">{escape(self.x_label)}</text>')
        if self.y_label:
            turned = f'transform="translate(12 {(self.top + up) / 2:.0f}) rotate(-90)"'
            parts.append(f'<text class="label" {turned} text-anchor="middle">{escape(self.y_label)}</text>')
        return "".join(parts)


def ticks(low: float, high: float, most: int, log: bool = False) -> list[float]:
    """Round values between two limits, at most `most` of them; powers of ten where `log`."""
    if log:
        first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]
    raw = (high - low) / max(most - 1, 1)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next((size * k for k in (1, 2, 2.5, 5, 10) if size * k >= raw - 1e-12), 10 * size)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 10) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _pieces(*columns: Numbers) -> list[list[tuple[float, ...]]]:
    """Runs of rows without a NaN."""
    pieces: list[list[tuple[float, ...]]] = [[]]
    for row in zip(*columns, strict=True):
        if all(math.isfinite(value) for value in row):
            pieces[-1].append(row)
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _wide(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    return limits if high != low else (low, low + 1)
