"""A model as one file for other engines, checked against the package before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from twincell.counting.inputs import Choices, gather
from twincell.counting.reader import Reader
from twincell.data.image_spec import ImageSpec
from twincell.errors import UserError
from twincell.export.engines import Images, counter, files_of, from_onnx, require
from twincell.export.graph import CountingGraph
from twincell.export.int8 import quantised
from twincell.export.onnx_file import onnx_bytes
from twincell.export.options import ExportOptions
from twincell.export.timing import milliseconds
from twincell.faults import Fault
from twincell.files import check_outputs, write_new
from twincell.models.base.file import LoadedModel, load_model
from twincell.simulate import synthesise

CLOSE = 0.01
"""Cells that the file's counts may differ from the package's."""
FRAMES = 128
"""Of the user's frames, so many are looked at, evenly chosen."""
FEWEST = 16
"""Frames that int8 is calibrated on, at least."""


@dataclass(frozen=True)
class Exported:
    """What was written, and how it compares.

    Attributes:
        files: what was written; the first one is the model.
        size: height and width in px of the images it counts.
        tells: names of its outputs, see `twincell.models.base.method.Prediction`.
        frames: images it was compared on.
        apart: largest difference of its counts from the package's, in cells.
        ms: milliseconds an image on this machine, in batches of 16; of `float32` and, if made, of `int8`.
        lost: mean difference of the int8 counts from those of float32, in cells; None without int8.
    """

    files: list[Path]
    size: tuple[int, int]
    tells: tuple[str, ...]
    frames: int
    apart: float
    ms: dict[str, float]
    lost: float | None


def export(
    model: str | Path | LoadedModel,
    out: str | Path,
    frames: Sequence[str | Path] = (),
    options: ExportOptions | None = None,
) -> Exported:
    """Write a model as ONNX or OpenVINO: from grey bytes to counts, map and trust in one graph.

    Args:
        model: a run folder, a model file, the name of a model that ships, or a loaded model.
        out: the file, with or without its suffix (.onnx, or .xml with .bin beside).
        frames: images such as it will count: it is compared on them, and int8 is calibrated on them; none:
            compared on drawn chambers.
        options: the form, the images' size, int8.

    Raises:
        UserError: what cannot be exported; counts that differ; int8 that loses too much or is not faster.
    """
    asked = options or ExportOptions()
    require(asked.form, asked.int8)
    places = _places(Path(out), asked.form)
    check_outputs({"--out": places[0], "--out (its .bin)": places[-1] if len(places) > 1 else None}, frames)
    loaded = model if isinstance(model, LoadedModel) else load_model(model)
    if asked.diameter is not None and not loaded.measures:
        raise UserError(
            f"diameter {asked.diameter:g}: model {loaded.card.name} knows cells of one size, scales nothing; "
            "leave it out, or use a model that does, such as any"
        )
    size = asked.size or loaded.card.view
    images = _read(frames, size) if frames else _drawn(size)
    if asked.int8 and (not frames or len(images) < FEWEST):
        raise UserError(
            f"int8 is calibrated on your own frames: name at least {FEWEST} images of {size[1]} x {size[0]} "
            f"pixels after the model, found {len(images) if frames else 0}"
        )
    spec = ImageSpec(cell_diameter_px=asked.diameter)
    graph = CountingGraph(loaded, size, spec).eval()
    made = from_onnx(onnx_bytes(graph, torch.from_numpy(images[:2]), loaded.card), asked.form)
    ours = loaded.predict(images, spec=spec).count.numpy()
    count = counter(made, asked.form)
    apart = float(np.abs(count(images) - ours).max())
    if not apart <= CLOSE:
        raise UserError(
            f"model {loaded.card.name}: as {asked.form} it counts up to {apart:.3g} cells otherwise than the "
            "package; nothing is written: please report it"
        )
    lost = None
    if asked.int8:
        made, small, lost = quantised(made, asked.form, images, asked.lost)
        ms = milliseconds({"float32": count, "int8": small}, images)
        _require_gain(ms)
    else:
        ms = milliseconds({"float32": count}, images)
    files = [
        write_new(place, content)
        for place, content in zip(places, files_of(made, asked.form).values(), strict=True)
    ]
    return Exported(files, size, graph.tells, len(images), apart, ms, lost)


def _places(out: Path, form: str) -> list[Path]:
    suffixes = {"onnx": [".onnx"], "openvino": [".xml", ".bin"]}[form]
    base = out.with_suffix("") if out.suffix in (".onnx", ".xml", ".bin") else out
    if out.suffix in (".onnx", ".xml", ".bin") and out.suffix != suffixes[0]:
        raise UserError(f"{out}: a file of format {form} ends in {suffixes[0]}")
    return [base.with_name(base.name + suffix) for suffix in suffixes]


def _read(inputs: Sequence[str | Path], size: tuple[int, int]) -> Images:
    """(N, 1, H, W) uint8, up to `FRAMES` of the frames that have the size."""
    frames = gather([*inputs], Choices())
    with Reader(frames, None) as reader:
        rows = np.linspace(0, len(frames) - 1, min(len(frames), FRAMES)).round().astype(int)
        read = reader.read_all([int(row) for row in rows])
    images = [image for image in read if not isinstance(image, Fault)]
    fit = [image for image in images if image.shape == size]
    if len(fit) < 2:
        found = sorted({f"{image.shape[1]} x {image.shape[0]}" for image in images})
        raise UserError(
            f"{inputs[0]}: fewer than two frames of {size[1]} x {size[0]} pixels can be read"
            + (f", they have {', '.join(found[:3])}; say --size" if found else "; check the files")
        )
    return np.stack(fit)[:, None]


def _drawn(size: tuple[int, int]) -> Images:
    """(8, 1, H, W) uint8, drawn chambers at this size."""
    drawn = synthesise("optics-bf", 8, seed=1).images
    scaled = torch.nn.functional.interpolate(drawn, size, mode="bicubic").clamp(0, 1)
    return (scaled * 255).round().byte().numpy()


def _require_gain(ms: dict[str, float]) -> None:
    if ms["int8"] >= ms["float32"]:
        raise UserError(
            f"int8 is not faster on this machine ({ms['int8']:.2f} ms an image, float32 "
            f"{ms['float32']:.2f}); nothing is written: export without --int8"
        )
