"""Contact sheets: what was found and how it was treated, to be checked by eye in a minute."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twincell.io.recording import Recording
from twincell.preprocess.chambers.layout import Chamber, Layout
from twincell.preprocess.paths import image_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PER_SHEET = 8
"""Chambers on one sheet."""
ACROSS = 10
"""Crops of a chamber, spread over its time."""
FOLDER = "contact_sheets"


def draw_contact_sheets(
    out: Path, recording: Recording, layout: Layout, lines: Sequence[dict[str, Any]]
) -> list[Path]:
    """Draws a position's sheets, `contact_sheets/NAME.png` and, for many chambers, `NAME-2.png` ...

    On top the upright reference with the chambers found in it, the drift and the brightness; below, for each
    chamber, crops spread over the recording. Skipped frames are marked in the curves.
    """
    (out / FOLDER).mkdir(exist_ok=True)
    groups = [layout.chambers[k : k + PER_SHEET] for k in range(0, len(layout.chambers), PER_SHEET)]
    files = []
    for k, group in enumerate(groups, 1):
        file = out / FOLDER / (f"{recording.name}.png" if k == 1 else f"{recording.name}-{k}.png")
        _draw(file, out, recording, layout, lines, group)
        files.append(file)
    return files


def _draw(
    file: Path,
    out: Path,
    recording: Recording,
    layout: Layout,
    lines: Sequence[dict[str, Any]],
    group: Sequence[Chamber],
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.4 + 1.25 * len(group)), dpi=110, layout="constrained")
    grid = figure.add_gridspec(1 + len(group), 3, height_ratios=[4.0, *[1.25] * len(group)])
    _reference(figure.add_subplot(grid[0, 0]), layout, group)
    _drift(figure.add_subplot(grid[0, 1]), lines)
    _light(figure.add_subplot(grid[0, 2]), lines)
    for row, chamber in enumerate(group, 1):
        axes = figure.add_subplot(grid[row, :])
        _crops(axes, out, recording, chamber, lines)
    figure.suptitle(
        f"{recording.name}: {len(lines)} frames, {_skipped(lines)}, "
        f"turned by {layout.reference.angle:.2f}°, "
        f"{len(layout.chambers)} chambers",
        fontsize=11,
    )
    # The suffix stays .png under the temporary name, from which matplotlib takes the format.
    temporary = file.with_name(f".{file.stem}.tmp.png")
    figure.savefig(temporary)
    temporary.replace(file)


def _skipped(lines: Sequence[dict[str, Any]]) -> str:
    faults = Counter(line["fault"] for line in lines if line["fault"])
    listed = f" ({', '.join(f'{n} {fault}' for fault, n in sorted(faults.items()))})" if faults else ""
    return f"{faults.total()} skipped{listed}"


def _reference(axes: "Axes", layout: Layout, group: Sequence[Chamber]) -> None:
    low, high = np.percentile(layout.upright.image[layout.upright.inside], [0.5, 99.8])
    axes.imshow(layout.upright.image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    shown = {c.number for c in group}
    for c in layout.chambers:
        colour = "#e4572e" if c.number in shown else "#8a8a8a"
        x, y = [c.box.x, c.box.x + c.box.w], [c.box.y, c.box.y + c.box.h]
        axes.plot([x[0], x[1], x[1], x[0], x[0]], [y[0], y[0], y[1], y[1], y[0]], color=colour, lw=1)
        axes.text(x[0] + 2, y[0] + 2, str(c.number), color=colour, va="top", fontsize=10, weight="bold")
        # Corners of the crop: first and last sample of the cutter's first and last rows.
        corners = layout.upright.from_reference(c.cutter.points[[0, 0, -1, -1, 0], [0, -1, -1, 0, 0]])
        axes.plot(corners[:, 0], corners[:, 1], color=colour, lw=0.7, ls=":")
    axes.set_title("median frame, walls and crops found", fontsize=9)
    axes.set_axis_off()


def _drift(axes: "Axes", lines: Sequence[dict[str, Any]]) -> None:
    good = [line["motion"] for line in lines if not line["fault"]]
    curves = {name: [motion[name] for motion in good] for name in ("dx", "dy")}
    _curves(axes, lines, "drift, px", curves, ("#2e6fe4", "#e4572e"))


def _light(axes: "Axes", lines: Sequence[dict[str, Any]]) -> None:
    good = [line for line in lines if not line["fault"]]
    curves = {
        "brightness": [line["gain"] for line in good],
        "sharpness": [line["focus"] for line in good],
    }
    _curves(axes, lines, "light and sharpness, 1 = usual", curves, ("#2e6fe4", "#3a9a5b"))


def _curves(
    axes: "Axes",
    lines: Sequence[dict[str, Any]],
    title: str,
    curves: Mapping[str, Sequence[float]],
    colours: Sequence[str],
) -> None:
    """What was found in the good frames, over the frames' numbers; skipped frames are marked."""
    number = [line["number"] for line in lines if not line["fault"]]
    for (name, values), colour in zip(curves.items(), colours, strict=True):
        axes.plot(number, values, ".-", ms=3, lw=0.8, color=colour, label=name)
    _mark_skipped(axes, lines)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("frame", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)


def _mark_skipped(axes: "Axes", lines: Sequence[dict[str, Any]]) -> None:
    for line in lines:
        if line["fault"]:
            axes.axvline(line["number"], color="#c9c9c9", lw=0.8, zorder=0)


def _crops(
    axes: "Axes", out: Path, recording: Recording, chamber: Chamber, lines: Sequence[dict[str, Any]]
) -> None:
    there = [line["number"] for line in lines if chamber.number in line["chambers"]]
    chosen = (
        [there[i] for i in np.unique(np.linspace(0, len(there) - 1, ACROSS).round().astype(int))]
        if there
        else []
    )
    pictures: list[NDArray[np.uint8]] = []
    for number in chosen:
        with Image.open(out / image_path(recording.name, chamber.number, number)) as picture:
            pictures.append(np.asarray(picture))
    axes.set_axis_off()
    side, step = chamber.cutter.size, chamber.cutter.size + 4
    strip = np.full((side, step * ACROSS - 4), 255, np.uint8)
    for k, one in enumerate(pictures):
        strip[:, k * step : k * step + side] = one
        axes.text(k * step + 2, 2, f"{chosen[k]}", va="top", fontsize=7, color="#e4572e")
    axes.imshow(strip, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    flagged = sum(bool(line["flag"]) or chamber.number in line["hidden"] for line in lines)
    title = f"chamber {chamber.number}: {len(there)} images, {flagged} flagged; the red numbers are frames"
    axes.set_title(title, fontsize=8, loc="left", pad=2)
