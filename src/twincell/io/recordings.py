"""The front door: opens what the user names, files and folders alike, as recordings."""

from collections.abc import Sequence
from pathlib import Path

from twincell.errors import UserError
from twincell.io.axes import parse_axes, pick, settle_axes
from twincell.io.bit_depth import settle_depth
from twincell.io.filenames import listed, names_apart, natural_key, stem_of, word
from twincell.io.named_images import image_recordings
from twincell.io.open_files import OpenFiles, StackFrames
from twincell.io.readers import Format, format_of, known_formats
from twincell.io.readers.base import FrameError, require_size
from twincell.io.reading import Reading
from twincell.io.recording import Recording
from twincell.io.usual import usual_kind

__all__ = ["Reading", "open_recordings"]


def open_recordings(paths: Sequence[str | Path], reading: Reading | None = None) -> list[Recording]:
    """All recordings in the files and folders named; nothing but headers and a few images is read.

    A file with several images is a recording, or one for each of its positions. Single images of one folder
    belong together, in the order that their names give. A folder that holds neither stands for the folders
    inside.

    Args:
        paths: files of any format in `twincell.io.readers`, and folders of such.
        reading: how to read them.

    Returns:
        One per position, names all different.

    Raises:
        UserError: one sentence for each file that cannot be used, all at once.
    """
    door = _Door(reading or Reading())
    recordings: list[Recording] = []
    singles: list[Path] = []
    problems: list[str] = []
    for path in (Path(p) for p in paths):
        try:
            if door.kind(path) == "image":
                singles.append(path)
            else:
                recordings += door.open(path)
        except UserError as error:
            problems += error.problems
        except OSError as failure:  # a name longer than any file's, a folder that may not be looked into
            problems.append(f"{path}: cannot be opened ({failure.strerror}); check the path")
    for folder in dict.fromkeys(path.parent for path in singles):
        own = [path for path in singles if path.parent == folder]
        try:
            recordings += door.images(own, folder, alone=len(own) == 1)
        except UserError as error:
            problems += error.problems
    if not problems and not recordings:
        problems.append("no file is named; name at least one file or folder")
    if problems:
        raise UserError(problems)
    for recording, name in zip(recordings, names_apart([r.name for r in recordings]), strict=True):
        if recording.name != name:
            old = recording.name
            recording.notes.append(f"{recording.source}: {old} is called {name}, for there is another {old}")
        recording.name = name
    return recordings


class _Door:
    """Opens paths in one way of reading; keeps a few of their files open meanwhile."""

    def __init__(self, reading: Reading) -> None:
        self._reading, self._files = reading, OpenFiles()
        self._declared = parse_axes(reading.axes) if reading.axes else None

    def kind(self, path: Path) -> str:
        """ "stack", "image", "folder", "damaged" (one of the first two) or "other"."""
        known = format_of(path)
        if known is None:
            return "folder" if path.is_dir() else "other"
        if known.holds != "either" or not path.exists():
            return "image" if known.holds == "one" else "stack"
        try:
            return "image" if self._files.stack(path).own_axes in ("YX", "YXS") else "stack"
        except UserError:
            return "image" if self._reading.loose else "damaged"

    def open(self, path: Path) -> list[Recording]:
        """The recordings of a stack or folder.

        Raises:
            UserError: it cannot be used.
        """
        if not path.exists():
            raise UserError(f"{path}: is missing; check the path")
        known = format_of(path)
        if known is not None:
            return self._stack(path, known)
        if path.is_dir():
            return self._folder(path)
        raise UserError(
            f"{path}: is of a kind that is not read ({path.suffix or 'no suffix'}); read are "
            f"{known_formats()}, and folders of them"
        )

    def images(self, paths: Sequence[Path], folder: Path, alone: bool = False) -> list[Recording]:
        """Single images of one folder; one `alone` is named by itself, not by its folder."""
        name = stem_of(paths[0]) if alone else folder.resolve().name or str(folder)
        source = paths[0] if alone else folder
        return image_recordings(paths, word(name), str(source), self._reading, self._files)

    # -- stacks --------------------------------------------------------------------------------------

    def _stack(self, path: Path, known: Format) -> list[Recording]:
        stack = self._files.stack(path)
        axes, axes_from = settle_axes(
            self._declared,
            stack.own_axes,
            stack.axes_from,
            stack.shape,
            str(path),
            self._reading.override_axes,
            stack.notes,
        )
        if not stack.any_order and not axes.endswith(("YX", "YXS")):
            raise UserError(
                f"{path}: --axes {axes} does not end in YX (or YXS), as every {known.name} file does"
            )
        chosen = pick(axes, stack.shape, self._reading.channel, self._reading.z, str(path), stack.channels)
        sizes = dict(zip(axes, stack.shape, strict=True))
        try:
            require_size([sizes[a] for a in "YXS" if a in sizes])
        except FrameError as failure:
            raise UserError(f"{path}: {failure.detail}; copy it again from the source") from failure
        stem = word(stem_of(path))
        said = [f"{path.name}: {note}" for note in stack.notes]
        positions, moments = sizes.get("P", 1), sizes.get("T", 1)
        recordings = []
        for p in range(positions):
            index = chosen | {"P": p}
            times = [stack.time_s(axes, index | {"T": t}) for t in range(moments)]
            known_times = times if any(t is not None for t in times) else ()
            frames = StackFrames(self._files, path, axes, index, moments, known_times)
            shape, dtype, highest = usual_kind(
                frames, str(path), (sizes["Y"], sizes["X"]), self._reading.loose
            )
            depth = settle_depth(dtype, highest, self._reading.bit_depth, stack.bits, stack.axes_from)
            name = f"{stem}-p{p + 1:0{len(str(positions))}}" if positions > 1 else stem
            recordings.append(
                Recording(
                    name=name,
                    source=str(path),
                    axes=axes,
                    axes_from=axes_from,
                    frames=frames,
                    shape=shape,
                    dtype=dtype,
                    pixel_size_um=self._reading.pixel_size_um or stack.pixel_size_um,
                    interval_min=self._reading.interval_min or stack.interval_min,
                    extra={"shape": list(stack.shape), "channels": list(stack.channels)},
                    depth=depth,
                    notes=[*said, *([f"{name}: {depth.note(dtype)}"] if depth else [])],
                    files=self._files,
                    chosen=index,
                )
            )
        return recordings

    # -- folders -------------------------------------------------------------------------------------

    def _folder(self, path: Path) -> list[Recording]:
        inside = sorted((p for p in path.iterdir() if not p.name.startswith(".")), key=natural_key)
        kinds = {p: self.kind(p) for p in inside}
        if any(kind == "stack" for kind in kinds.values()):
            kinds = {p: "stack" if kind == "damaged" else kind for p, kind in kinds.items()}
        stacks = [p for p, kind in kinds.items() if kind == "stack"]
        images = [p for p, kind in kinds.items() if kind in ("image", "damaged")]
        other = [p.name for p, kind in kinds.items() if kind == "other"]
        folders = [p for p, kind in kinds.items() if kind == "folder" and _holds_images(p)]
        if stacks and images and not self._reading.loose:
            raise UserError(
                f"{path}: holds both single images ({images[0].name}, ...) and stacks ({stacks[0].name}, "
                "...); name the files you mean, or move one kind away"
            )
        if not stacks and not images and not folders:
            raise UserError(f"{path}: holds no image; name the folder that has the images in it")
        recordings: list[Recording] = []
        problems: list[str] = []
        for entry in stacks or (folders if not images else []):
            try:
                recordings += self.open(entry)
            except UserError as error:
                problems += error.problems
        if problems:
            raise UserError(problems)
        if images:
            recordings += self.images(images, path)
        notes = []
        if other:
            notes.append(skipped_note(path, other))
        if folders and (stacks or images):
            names = listed([p.name for p in folders])
            notes.append(f"{path}: skipped the folders inside ({names}); name them too")
        recordings[0].notes[:0] = notes
        return recordings


def skipped_note(folder: Path, names: Sequence[str]) -> str:
    """What is said of files that are left out of a folder."""
    return f"{folder}: skipped {listed(names)}, no image by the name"


def _holds_images(folder: Path) -> bool:
    return any(format_of(path) is not None for path in folder.iterdir())
