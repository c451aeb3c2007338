"""Opens what the user names, files and folders alike, as recordings."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.faults import FaultError
from twincell.io.axes import parse_axes, pick, settle_axes
from twincell.io.filenames import NamedFile, missing_numbers, number_files
from twincell.io.images import read_pixels
from twincell.io.readers import tiff
from twincell.io.readers.base import FrameError, Stack
from twincell.io.readers.czi import CziStack
from twincell.io.readers.nd2 import Nd2Stack
from twincell.io.readers.tiff import TiffStack
from twincell.io.readers.zarr import ZarrStack
from twincell.io.recording import Frame, Recording, grey

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", *tiff.SUFFIXES)
LOOKED_AT = 9  # images of a folder opened to learn their usual size and type


@dataclass(frozen=True)
class Reading:
    """How files are to be read; None means: as the file says.

    Attributes:
        axes: letters of TPCZYXS, slowest first; `override_axes` lets them stand against the file's metadata.
        names: pattern of single images' names, e.g. "img_{P}_t{T}.tif".
        channel, z: 1-based.
        pixel_size_um, interval_min: instead of the file's own.
    """

    axes: str | None = None
    override_axes: bool = False
    names: str | None = None
    channel: int | None = None
    z: int | None = None
    pixel_size_um: float | None = None
    interval_min: float | None = None


def open_recordings(paths: Sequence[str | Path], reading: Reading | None = None) -> list[Recording]:
    """All recordings in the files and folders named; nothing but headers and a few images is read.

    Args:
        paths: TIFF, OME-TIFF, ND2, CZI, OME-Zarr; folders of single images or of such stacks.
        reading: how to read them.

    Returns:
        One per position, names all different.

    Raises:
        UserError: one sentence for each file that cannot be used, all at once.
    """
    reading = reading or Reading()
    if reading.axes:
        parse_axes(reading.axes)
    recordings: list[Recording] = []
    problems: list[str] = []
    for path in (Path(p) for p in paths):
        try:
            recordings += _open(path, reading)
        except UserError as error:
            problems += error.problems
    if not problems and not recordings:
        problems.append("no file is named; name at least one file or folder")
    if problems:
        raise UserError(problems)
    return _with_own_names(recordings)


def _open(path: Path, reading: Reading) -> list[Recording]:
    if not path.exists():
        raise UserError(f"{path}: is missing; check the path")
    suffix = path.suffix.lower()
    if suffix == ".zarr" or (
        path.is_dir() and any((path / n).exists() for n in (".zattrs", ".zarray", "zarr.json"))
    ):
        return _stack(path, ZarrStack, reading)
    if path.is_dir():
        return _folder(path, reading)
    if suffix == ".nd2":
        return _stack(path, Nd2Stack, reading)
    if suffix == ".czi":
        return _stack(path, CziStack, reading)
    if suffix in tiff.SUFFIXES:
        return _stack(path, TiffStack, reading)
    if suffix in IMAGES:
        return _images([path], path.stem, str(path), reading)
    raise UserError(
        f"{path}: is of a kind that is not read ({suffix or 'no suffix'}); read are TIFF, OME-TIFF, ND2, "
        "CZI, OME-Zarr and folders of single images"
    )


# -- stacks ------------------------------------------------------------------------------------------


def _stack(path: Path, kind: Callable[[Path], Stack], reading: Reading) -> list[Recording]:
    stack = kind(path)
    declared = parse_axes(reading.axes) if reading.axes else None
    axes, axes_from = settle_axes(
        declared, stack.own_axes, stack.axes_from, stack.shape, str(path), reading.override_axes
    )
    chosen = pick(axes, stack.shape, reading.channel, reading.z, str(path), stack.channels)
    sizes = dict(zip(axes, stack.shape, strict=True))
    recordings = []
    stem = word(path.name.removesuffix(path.suffix).removesuffix(".ome"))
    digits = len(str(sizes.get("P", 1)))
    for p in range(sizes.get("P", 1)):
        frames = []
        for t in range(sizes.get("T", 1)):
            index = chosen | {"T": t, "P": p}
            load = partial(stack.plane, axes, index)
            frames.append(Frame(t + 1, load, f"{path.name} frame {t + 1}", stack.time_s(axes, index)))
        name = f"{stem}-p{p + 1:0{digits}}" if "P" in axes and sizes["P"] > 1 else stem
        recordings.append(
            _recording(name, str(path), axes, axes_from, frames, stack, reading, (sizes["Y"], sizes["X"]))
        )
    return recordings


def _recording(
    name: str,
    source: str,
    axes: str,
    axes_from: str,
    frames: list[Frame],
    stack: Stack,
    reading: Reading,
    shape: tuple[int, int],
) -> Recording:
    return Recording(
        name=name,
        source=source,
        axes=axes,
        axes_from=axes_from,
        frames=frames,
        shape=shape,
        dtype=_usual(frames, source, shape)[1],
        pixel_size_um=reading.pixel_size_um or stack.pixel_size_um,
        interval_min=reading.interval_min or stack.interval_min,
        extra={"shape": list(stack.shape), "channels": list(stack.channels)},
    )


# -- folders -----------------------------------------------------------------------------------------


def _folder(path: Path, reading: Reading) -> list[Recording]:
    inside = [p for p in path.iterdir() if not p.name.startswith(".")]
    stacks = sorted(p for p in inside if p.suffix.lower() in (".nd2", ".czi", ".zarr"))
    images = [p for p in inside if p.suffix.lower() in IMAGES and p.is_file()]
    if stacks and images:
        raise UserError(
            f"{path}: holds both single images ({images[0].name}, ...) and stacks ({stacks[0].name}, ...); "
            "name the files you mean, or move one kind away"
        )
    if not stacks and not images:
        raise UserError(f"{path}: holds no image; name the folder that has the images in it")
    tiffs = [p for p in images if p.suffix.lower() in tiff.SUFFIXES]
    if tiffs and _pages(tiffs[0]) > 1:
        stacks = sorted(tiffs)
    if not stacks:
        return _images(images, word(path.resolve().name), str(path), reading)
    recordings: list[Recording] = []
    problems: list[str] = []
    for stack in stacks:
        try:
            recordings += _open(stack, reading)
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)
    return recordings


def _pages(path: Path) -> int:
    """Pictures in a TIFF; 1 where it cannot be read, which is said when its frame's turn comes."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return len(file.pages)
    except Exception:  # damaged: one frame among others
        return 1


def _images(paths: Sequence[Path], name: str, source: str, reading: Reading) -> list[Recording]:
    if reading.axes and reading.axes.strip().upper() not in ("TYX", "YX"):
        raise UserError(
            f"{source}: --axes {reading.axes} is for stacks; the order of single images is in their names, "
            "which --names describes, for example --names 'img_{P}_t{T}.tif'"
        )
    files = number_files(paths, source, reading.names)
    files = _chosen(files, source, reading)
    by_position: dict[int | None, list[NamedFile]] = defaultdict(list)
    for file in files:
        by_position[file.numbers.get("P")].append(file)
    digits = max(2, len(str(max((p or 0) for p in by_position))))
    recordings = []
    for p, group in sorted(by_position.items(), key=lambda item: item[0] or 0):
        group = sorted(group, key=lambda f: f.numbers.get("T", 1))
        numbers = [f.numbers.get("T", 1) for f in group]
        frames = [
            Frame(n, partial(_read_image, f.path), f.path.name) for n, f in zip(numbers, group, strict=True)
        ]
        shape, dtype = _usual(frames, source, None)
        letters = ("P" if p is not None else "") + ("T" if len(group) > 1 else "") + "YX"
        recordings.append(
            Recording(
                name=name if p is None else f"{name}-xy{p:0{digits}}",
                source=source,
                axes=letters,
                axes_from="--names" if reading.names else "file names",
                frames=frames,
                shape=shape,
                dtype=dtype,
                pixel_size_um=reading.pixel_size_um,
                interval_min=reading.interval_min,
                missing=missing_numbers(numbers),
            )
        )
    return recordings


def _chosen(files: list[NamedFile], source: str, reading: Reading) -> list[NamedFile]:
    """The files of the channel and focal plane asked for."""
    problems = []
    for letter, number, option in (("C", reading.channel, "--channel"), ("Z", reading.z, "--z")):
        there = sorted({f.numbers[letter] for f in files if letter in f.numbers})
        listed = ", ".join(map(str, there))
        if len(there) > 1 and number is None:
            problems.append(
                f"{source}: the names give several of {letter} ({listed}); choose one with {option}"
            )
        elif there and number is not None and number not in there:
            problems.append(f"{source}: {option} {number} is not there; the names give {listed}")
        elif there and number is not None:
            files = [f for f in files if f.numbers.get(letter) == number]
    if problems:
        raise UserError(problems)
    return files


def _read_image(path: Path) -> NDArray[Any]:
    try:
        return read_pixels(path)
    except FaultError as failure:
        raise FrameError("unreadable", f"{failure.fault.where} {failure.fault.what}") from failure


def _usual(
    frames: Sequence[Frame], source: str, shape: tuple[int, int] | None
) -> tuple[tuple[int, int], np.dtype[Any]]:
    """The size and number type most of a few frames have; damaged ones have no say."""
    places = np.unique(np.linspace(0, len(frames) - 1, LOOKED_AT).round().astype(int))
    kinds: Counter[tuple[tuple[int, int], np.dtype[Any]]] = Counter()
    fault = "no frames"
    for i in places:
        try:
            picture = grey(frames[i].load())
        except FrameError as failure:
            fault = str(failure)
            continue
        if shape is None or picture.shape == shape:
            kinds[(picture.shape[0], picture.shape[1]), picture.dtype] += 1
    if not kinds:
        raise UserError(
            f"{source}: none of {len(places)} frames looked at can be read ({fault}); copy it again"
        )
    usual = kinds.most_common(1)[0][0]
    if usual[1].kind not in "uif" or usual[1].itemsize > 8:
        raise UserError(f"{source}: holds {usual[1]} pixels; save it as 8- or 16-bit grey")
    return usual


def word(name: str) -> str:
    """A name that may stand in a path: letters, digits, dot, dash, underscore."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-") or "recording"


def _with_own_names(recordings: list[Recording]) -> list[Recording]:
    """Names made different where two files are called alike in different folders."""
    seen: Counter[str] = Counter()
    many = Counter(r.name for r in recordings)
    for recording in recordings:
        if many[recording.name] > 1:
            seen[recording.name] += 1
            recording.name = f"{recording.name}-{seen[recording.name]}"
    return recordings
