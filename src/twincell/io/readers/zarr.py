"""OME-Zarr images and plain Zarr arrays through zarr, one chunk at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.io.readers.base import FrameError, Stack, cut_out, first_line, micrometres, minutes

LETTER = {
    "t": "T",
    "time": "T",
    "c": "C",
    "channel": "C",
    "z": "Z",
    "y": "Y",
    "x": "X",
    "p": "P",
    "position": "P",
}


class ZarrStack(Stack):
    """An OME-Zarr image (0.4 or 0.5), several as bioformats2raw writes them, or an array; see `Stack`."""

    any_order = True
    axes_from = "OME metadata"

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            import zarr
        except ImportError as failure:
            raise UserError(f"{path}: Zarr needs a further package; pip install zarr") from failure
        try:
            node = zarr.open(str(path), mode="r")
        except Exception as failure:  # zarr and its stores raise many kinds
            raise UserError(
                f"{path}: cannot be opened as Zarr ({first_line(failure)}); name the folder that holds "
                ".zattrs, .zarray or zarr.json"
            ) from failure
        self._arrays = [node] if isinstance(node, zarr.Array) else self._images(node)
        shapes = {a.shape for a in self._arrays}
        if len(shapes) > 1:
            raise UserError(
                f"{path}: holds images of different sizes ({sorted(shapes)}); name each one by itself"
            )
        if isinstance(node, zarr.Array):
            self._read_dimension_names(node)
        several = len(self._arrays) > 1
        shape = tuple(shapes.pop())
        self.shape = (len(self._arrays), *shape) if several else shape
        if several and self.own_axes:
            self.own_axes = "P" + self.own_axes

    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:  # noqa: D102
        inner = axes[1:] if len(self._arrays) > 1 else axes
        array = self._arrays[index["P"]] if len(self._arrays) > 1 else self._arrays[0]
        try:
            image = cut_out(array, inner, index)
            blank = bool((image == array.fill_value).all()) and array.nchunks_initialized < array.nchunks
        except Exception as failure:  # a chunk that is cut short or not what its codec expects
            raise FrameError(
                "unreadable", f"chunk of {self.path.name} at {index}: {first_line(failure)}"
            ) from failure
        if blank:  # Zarr makes up what is not there
            raise FrameError("missing", f"no chunk of {self.path.name} at {index} is there")
        return image

    def close(self) -> None:  # noqa: D102
        self._arrays = []

    def _images(self, group: Any) -> list[Any]:
        """The full-resolution arrays of a group; their axes and scale are read from the first."""
        attributes = _ome(group)
        if "multiscales" in attributes:
            return [self._image(group, attributes)]
        if "plate" in attributes or "well" in attributes:
            raise UserError(f"{self.path}: is a whole plate; name one of its images, e.g. {self.path}/A/1/0")
        numbered = sorted((name for name in group.group_keys() if name.isascii() and name.isdigit()), key=int)
        images = [group[name] for name in numbered if "multiscales" in _ome(group[name])]
        if not images:
            raise UserError(
                f"{self.path}: is a Zarr group without OME metadata; name an array inside it and --axes"
            )
        return [self._image(image, _ome(image)) for image in images]

    def _image(self, group: Any, attributes: dict[str, Any]) -> Any:
        scales = attributes["multiscales"][0]
        first = scales["datasets"][0]
        axes = scales.get("axes") or []
        axes = [a if isinstance(a, dict) else {"name": a} for a in axes]
        letters = [LETTER.get(str(a.get("name", "")).lower(), "?") for a in axes]
        self.own_axes = "".join(letters) if letters and "?" not in letters else None
        for step in [
            *first.get("coordinateTransformations", []),
            *scales.get("coordinateTransformations", []),
        ]:
            if step.get("type") == "scale":
                self._read_scale(letters, axes, step["scale"])
        channels = attributes.get("omero", {}).get("channels", [])
        self.channels = [str(c.get("label", "")) for c in channels]
        return group[first["path"]]

    def _read_scale(
        self, letters: Sequence[str], axes: Sequence[dict[str, Any]], scale: Sequence[float]
    ) -> None:
        for letter, axis, step in zip(letters, axes, scale, strict=False):
            if letter == "X" and axis.get("unit"):
                self.pixel_size_um = self.pixel_size_um or micrometres(step, axis["unit"])
            if letter == "T" and axis.get("unit"):
                self.interval_min = self.interval_min or minutes(step, axis["unit"])

    def _read_dimension_names(self, array: Any) -> None:
        """Zarr 3 arrays may name their dimensions; nothing else in an array says what they are."""
        names = getattr(array.metadata, "dimension_names", None) or []
        letters = [LETTER.get(str(n).lower(), "?") for n in names]
        self.own_axes = "".join(letters) if letters and "?" not in letters else None
        self.axes_from = "dimension names"


def _ome(group: Any) -> dict[str, Any]:
    attributes = dict(group.attrs)
    return attributes.get("ome", attributes)
