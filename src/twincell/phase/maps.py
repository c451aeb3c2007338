"""Phase maps from files: a folder, or a folder a class, of .npy, TIFF or HDF5, in nm of path delay."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.errors import UserError

SUFFIXES = (".npy", ".tif", ".tiff", ".h5", ".hdf5")
"""Files that hold one map (height, width) or several (n, height, width)."""
UNLIKELY_NM = 20.0
"""Cells delay light by more than this; maps that never reach it are radians or micrometres."""
LARGEST_NM = 1e5
TOP = 0.995
"""Quantile of the maps' highest values that becomes 1."""
BELOW = 0.1
"""How far below 0 the scale reaches, as a share of it, for the noise of the background."""


@dataclass(frozen=True)
class MapSet:
    """Phase maps of one size, with or without classes; a `twincell.models.base.run_data.Dataset`.

    Attributes:
        root: where they come from.
        maps: (N, H, W) float32, nm of optical path delay.
        labels: (N,) int64, places in `classes`; None for unlabelled maps.
        classes: names of the classes.
    """

    root: Path
    maps: np.ndarray
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.maps)

    def fingerprint(self) -> str:
        """SHA-256 of the maps' numbers and labels."""
        told = hashlib.sha256(np.ascontiguousarray(self.maps).tobytes())
        if self.labels is not None:
            told.update(repr((self.classes, self.labels.tolist())).encode())
        return told.hexdigest()

    def top(self) -> float:
        """The delay in nm that becomes 1 where these maps are learned from; from 1."""
        return max(float(np.quantile(self.maps.max((1, 2)), TOP)), 1.0)

    def scaled(self, top: float, side: int) -> Tensor:
        """Maps as networks see them: (N, 1, side, side) float32 in [-1, 1], `top` nm becoming 1."""
        images = torch.from_numpy(np.ascontiguousarray(self.maps, dtype=np.float32))[:, None]
        if images.shape[-2:] != (side, side):
            images = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
        return (2 * (images / top + BELOW) / (1 + BELOW) - 1).clamp(-1, 1)

    def select(self, rows: np.ndarray) -> "MapSet":
        """Some of the maps, by a mask or by places."""
        labels = None if self.labels is None else self.labels[rows]
        return MapSet(self.root, self.maps[rows], labels, self.classes)


def read_maps(place: str | Path) -> MapSet:
    """Reads unlabelled maps from a file, or from every file of a folder and the folders in it.

    Raises:
        UserError: one sentence for each file that cannot be read or holds no maps in nm.
    """
    place = Path(place)
    files = _files(place)
    read, problems = _read_all(files)
    problems += _sizes(read)
    if problems:
        raise UserError(problems)
    return MapSet(place, np.concatenate([maps for _, maps in read]))


def read_classes(place: str | Path) -> MapSet:
    """Reads labelled maps from a folder that has a folder for each class, named by it.

    Raises:
        UserError: fewer than two classes, or as `read_maps`.
    """
    place = Path(place)
    if not place.is_dir():
        raise UserError(f"{place}: is no folder; give a folder that holds a folder for each class")
    folders = sorted(inside for inside in place.iterdir() if inside.is_dir() and inside.name[0] != ".")
    if len(folders) < 2:
        raise UserError(
            f"{place}: holds {len(folders)} folders and at least two classes are needed; make one for each "
            "class and put its maps in"
        )
    read, problems, labels = [], [], []
    for label, folder in enumerate(folders):
        try:
            own, faults = _read_all(_files(folder))
        except UserError as error:
            own, faults = [], error.problems
        read += own
        problems += faults
        labels += [label] * sum(len(maps) for _, maps in own)
    problems += _sizes(read)
    if problems:
        raise UserError(problems)
    classes = tuple(folder.name for folder in folders)
    return MapSet(place, np.concatenate([maps for _, maps in read]), np.array(labels), classes)


def read_array(path: str | Path) -> np.ndarray:
    """The one array of a .npy, TIFF or HDF5 file, as it is stored.

    Raises:
        UserError: another kind of file, a damaged one, or an HDF5 file without exactly one array of numbers.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: is none of {', '.join(SUFFIXES)}; store it as one of these")
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix.lower() in (".h5", ".hdf5"):
            return _read_hdf5(path)
        return np.asarray(tifffile.imread(path))
    except (OSError, ValueError, EOFError, tifffile.TiffFileError) as error:
        if isinstance(error, FileNotFoundError):
            raise UserError(f"{path}: there is no such file; correct the name") from error
        raise UserError(f"{path}: cannot be read ({error}); copy it again") from error


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise UserError(f"{place}: there is no such file or folder; correct the name")
    files = sorted(p for p in place.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)
    if not files:
        raise UserError(f"{place}: holds no file ending in {', '.join(SUFFIXES)}; put phase maps there")
    return files


def _read_all(files: Sequence[Path]) -> tuple[list[tuple[Path, np.ndarray]], list[str]]:
    read, problems = [], []
    for path in files:
        try:
            maps = read_array(path)
        except UserError as error:
            problems += error.problems
            continue
        faults = list(_faults(path, maps))
        problems += faults
        if not faults:
            read.append((path, maps.reshape(-1, *maps.shape[-2:]).astype(np.float32)))
    return read, problems


def _faults(path: Path, maps: np.ndarray) -> Iterator[str]:
    if maps.ndim not in (2, 3) or 0 in maps.shape or maps.dtype.kind not in "fiu":
        yield (
            f"{path}: holds an array of shape {maps.shape} and type {maps.dtype}; store real numbers as "
            "(height, width) or (maps, height, width)"
        )
    elif not np.isfinite(maps).all():
        yield f"{path}: holds {int((~np.isfinite(maps)).sum())} values that are no numbers; fill or leave out"
    elif not UNLIKELY_NM < maps.max() < LARGEST_NM:
        yield (
            f"{path}: its highest value is {maps.max():.3g}, which is no cell's delay in nm; multiply "
            "radians by wavelength / (2 pi), micrometres by 1000"
        )


def _sizes(read: Sequence[tuple[Path, np.ndarray]]) -> list[str]:
    if not read:
        return []
    first, size = read[0][0], read[0][1].shape[1:]
    return [
        f"{path}: its maps have {maps.shape[2]} x {maps.shape[1]} px and those of {first} {size[1]} x "
        f"{size[0]}; crop all maps to one size around the cell"
        for path, maps in read
        if maps.shape[1:] != size
    ]


def _read_hdf5(path: Path) -> np.ndarray:
    try:
        import h5py
    except ImportError as error:
        raise UserError(f"{path}: HDF5 needs h5py; pip install h5py") from error
    with h5py.File(path) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        if len(names) != 1:
            raise UserError(
                f"{path}: holds {len(names)} arrays ({', '.join(names[:5])}); store one array of maps a file"
            )
        return np.asarray(file[names[0]])
