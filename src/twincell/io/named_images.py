"""Single images of a folder as recordings: their names say the moment, the position and the channel."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.faults import FaultError
from twincell.io.bit_depth import settle_depth
from twincell.io.filenames import NamedFile, missing_numbers, natural_key, number_files
from twincell.io.images import read_pixels
from twincell.io.open_files import OpenFiles
from twincell.io.readers.base import FrameError
from twincell.io.reading import Reading
from twincell.io.recording import Frame, Recording
from twincell.io.usual import usual_kind


def image_recordings(
    paths: Sequence[Path], name: str, source: str, reading: Reading, files: OpenFiles
) -> list[Recording]:
    """The recordings that some images make up, one per position.

    Args:
        paths: images of one folder.
        name: of the recording.
        source: the folder, or the image where there is but one.
        reading: how to read them.
        files: opens the first one for its pixel size and depth.

    Raises:
        UserError: names that can be read in no or in several ways (unless `reading.loose`).
    """
    if reading.axes and reading.axes.strip().upper() not in ("TYX", "YX"):
        raise UserError(
            f"{source}: --axes {reading.axes} is for stacks; the order of single images is in their names, "
            "which --names describes, for example --names 'img_{P}_t{T}.tif'"
        )
    said = reading.names is not None or reading.channel is not None or reading.z is not None
    paths = sorted(paths, key=natural_key)
    if reading.single:
        return [_alone(paths, name, source, reading, files)]
    try:
        chosen = _chosen(number_files(paths, source, reading.names), source, reading)
    except UserError as failure:
        if said or not reading.loose:
            raise
        recording = _alone(paths, name, source, reading, files)
        reason = failure.problems[0].removeprefix(f"{source}: ").split("; ")[0]
        recording.notes.append(f"{name}: {len(paths)} images taken each for itself: {reason}")
        return [recording]
    by_position: dict[int | None, list[NamedFile]] = defaultdict(list)
    for file in chosen:
        by_position[file.numbers.get("P")].append(file)
    digits = max(2, len(str(max((p or 0) for p in by_position))))
    recordings = []
    for p, group in sorted(by_position.items(), key=lambda item: item[0] or 0):
        group = sorted(group, key=lambda file: file.numbers.get("T", 1))
        numbers = [file.numbers.get("T", 1) for file in group]
        letters = ("P" if p is not None else "") + ("T" if len(group) > 1 else "") + "YX"
        own = name if p is None else f"{name}-xy{p:0{digits}}"
        made = _recording([file.path for file in group], numbers, own, letters, source, reading, files)
        made.missing = missing_numbers(numbers)
        made.alone = letters == "YX"
        recordings.append(made)
    return recordings


def _alone(paths: Sequence[Path], name: str, source: str, reading: Reading, files: OpenFiles) -> Recording:
    made = _recording(paths, range(len(paths)), name, "YX", source, reading, files)
    made.alone = True
    return made


def _recording(
    paths: Sequence[Path],
    numbers: Sequence[int],
    name: str,
    axes: str,
    source: str,
    reading: Reading,
    files: OpenFiles,
) -> Recording:
    frames = [
        Frame(number, partial(read_image, path), path.name, None, path)
        for number, path in zip(numbers, paths, strict=True)
    ]
    shape, dtype, highest = usual_kind(frames, source, None, reading.loose)
    pixel_size_um, bits, kind = _facts(paths[0], files)
    depth = settle_depth(dtype, highest, reading.bit_depth, bits, kind)
    return Recording(
        name=name,
        source=source,
        axes=axes,
        axes_from="--names" if reading.names else "file names",
        frames=frames,
        shape=shape,
        dtype=dtype,
        pixel_size_um=reading.pixel_size_um or pixel_size_um,
        interval_min=reading.interval_min,
        depth=depth,
        notes=[f"{name}: {depth.note(dtype)}"] if depth else [],
        files=files,
        of_images=True,
    )


def read_image(path: Path, page: int = 0) -> NDArray[Any]:
    """One image in its own numbers.

    Raises:
        FrameError: it cannot be read.
    """
    try:
        return read_pixels(path, page)
    except FaultError as failure:
        raise FrameError("unreadable", f"{failure.fault.where} {failure.fault.what}") from failure


def _facts(path: Path, files: OpenFiles) -> tuple[float | None, int | None, str]:
    """What the first image's metadata says: pixel size, bits, and whose metadata it is."""
    try:
        stack = files.stack(path)
    except UserError:  # damaged: one frame among others
        return None, None, ""
    return stack.pixel_size_um, stack.bits, stack.axes_from


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
