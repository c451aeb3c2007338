"""All images of a manifest, read once and kept as they are; nothing is read again while training."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from twincell.data.image_spec import ImageSpec
from twincell.data.manifest import Manifest
from twincell.data.places import outside_fault
from twincell.data.read_all import Pixels, read_all, size_fault
from twincell.data.resize import into_view, magnify
from twincell.faults import Fault, refuse


@dataclass(frozen=True)
class ImageStore:
    """The images and what is known of each, index by index.

    Attributes:
        images: (N, 1, H, W) on the device asked for, uint8 where the files are, else float32, in the numbers
            of `spec`. H and W are the largest there are; a smaller image lies in the first rows and columns.
        counts: (N,) float32, cells; NaN = unlabelled.
        natural: (N,) bool, from a microscope (False: drawn).
        chambers: N names, one per time-lapse.
        frames: (N,) int64, number inside the time-lapse.
        modalities: N words, bf, pc or others.
        spec: what the numbers mean.
        sizes: (N, 2) int64, height and width of each image.
        points: (N, K, 2) float32, x and y in px from the corner of the first pixel; NaN = no cell.
        placed: (N,) bool, images whose cells are all in `points` (none where the count is 0).
        scale: how many times the images were enlarged since they were read.
        window: side of the square windows they were made ready for; 0 = none.
    """

    images: Tensor
    counts: Tensor
    natural: Tensor
    chambers: list[str]
    frames: Tensor
    modalities: list[str]
    spec: ImageSpec = field(default_factory=ImageSpec)
    sizes: Tensor = field(default_factory=lambda: torch.zeros(0, 2, dtype=torch.int64))
    points: Tensor = field(default_factory=lambda: torch.zeros(0, 0, 2))
    placed: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))
    scale: float = 1.0
    window: int = 0

    def __post_init__(self) -> None:
        n = len(self.images)
        if len(self.sizes) != n:  # not given: all of one size, no place known
            object.__setattr__(self, "sizes", torch.tensor(self.images.shape[2:]).expand(n, 2))
        if len(self.placed) != n:
            object.__setattr__(self, "points", torch.zeros(n, 0, 2))
            object.__setattr__(self, "placed", torch.zeros(n, dtype=torch.bool))

    @classmethod
    def load(
        cls, manifest: Manifest, device: str | torch.device = "cpu", progress: bool = True
    ) -> "ImageStore":
        """Reads every image of the manifest.

        Raises:
            UserError: one sentence for each image that cannot be read, is not of the manifest's type or size,
                or has places outside of it.
        """
        spec, points = manifest.spec, manifest.points
        marked = {int(part["row"].iloc[0]): part for _, part in points.groupby("row")}
        images: list[Pixels] = []
        faults: list[Fault] = []
        read = read_all(manifest.paths, manifest.table["page"].tolist(), progress, spec=spec)
        for row, (path, image) in enumerate(zip(manifest.paths, read, strict=True)):
            if isinstance(image, Fault):
                faults.append(image)
                continue
            fault = size_fault(image, path, spec)
            if fault is None and row in marked:
                fault = outside_fault(marked[row], image.shape, path)
            if fault:
                faults.append(fault)
            images.append(image)
        refuse(faults)
        table = manifest.table
        canvas, sizes = _canvas(images, np.uint8 if spec.dtype == "uint8" else np.float32)
        placed = torch.tensor((table["count"] == 0).to_numpy())
        placed[list(marked)] = True
        return cls(
            images=canvas.to(device),
            counts=torch.tensor(table["count"].to_numpy(np.float32)).to(device),
            natural=torch.tensor(manifest.natural).to(device),
            chambers=table["chamber"].tolist(),
            frames=torch.tensor(table["frame"].to_numpy(np.int64)).to(device),
            modalities=table["modality"].tolist(),
            spec=spec,
            sizes=sizes,
            points=_padded({row: part[["x", "y"]].to_numpy() for row, part in marked.items()}, len(table)),
            placed=placed,
        )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def of_one_size(self) -> bool:
        """Whether all images have the size of `images`."""
        return bool((self.sizes == torch.tensor(self.images.shape[2:])).all())

    @property
    def needs_views(self) -> bool:
        """Whether some image is not of the size of the window they were made ready for."""
        return not (self.of_one_size and tuple(self.images.shape[2:]) == (self.window, self.window))

    def whole(self) -> Tensor | list[Tensor]:
        """Each image at its own size, as models take them: (N, 1, H, W), or N times (1, h, w)."""
        if self.of_one_size:
            return self.images
        return [image[:, :h, :w] for image, (h, w) in zip(self.images, self.sizes.tolist(), strict=True)]

    def fitted(self, window: int, resize: bool = False) -> "ImageStore":
        """The images ready for square windows of `window` pixels, no counted cell out of reach.

        A window may crop an image whose cells have places, or whose count is not known; of one that has a
        count alone it has to show everything. Where one of those is larger than the window, all images are
        shrunk by the one factor that brings the largest of them in: cells keep their relative sizes. With
        `resize` each image is resized by itself until it just fits, for networks that take whole images.
        """
        if resize:
            if self.of_one_size and tuple(self.images.shape[2:]) == (window, window):
                return replace(self, window=window)
            return self._resized(None, window)
        whole = (~self.counts.isnan()).cpu() & ~self.placed
        largest = int(self.sizes[whole].max()) if bool(whole.any()) else 0
        return replace(self, window=window) if largest <= window else self._resized(window / largest, window)

    def like(self, other: "ImageStore") -> "ImageStore":
        """The images enlarged as those of a fitted store were."""
        return (
            replace(self, window=other.window)
            if other.scale == 1
            else self._resized(other.scale, other.window)
        )

    def subset(self, index: Tensor | np.ndarray | list[int]) -> "ImageStore":
        """The images at these positions, in that order, or under this boolean mask (N,)."""
        chosen = torch.as_tensor(index, device=self.images.device)
        if chosen.dtype == torch.bool:
            chosen = chosen.nonzero().squeeze(1)
        chosen = chosen.long()
        positions = chosen.tolist()
        here = chosen.cpu()
        return replace(
            self,
            images=self.images[chosen],
            counts=self.counts[chosen],
            natural=self.natural[chosen],
            chambers=[self.chambers[i] for i in positions],
            frames=self.frames[chosen],
            modalities=[self.modalities[i] for i in positions],
            sizes=self.sizes[here],
            points=self.points[here],
            placed=self.placed[here],
        )

    def _resized(self, factor: float | None, window: int) -> "ImageStore":
        """All images enlarged `factor` times, or (None) each into the window; their numbers in [0, 1]."""
        images, points = [], self.points.clone()
        for k, (height, width) in enumerate(self.sizes.tolist()):
            image = self.spec.scale(self.images[k, :, :height, :width])
            own = min(window / height, window / width) if factor is None else factor
            points[k] *= own
            if factor is None:
                new = max(round(height * own), 1), max(round(width * own), 1)
                points[k] += torch.tensor([(window - new[1]) // 2, (window - new[0]) // 2])
                images.append(into_view(image, (window, window))[0].cpu().numpy())
            else:
                images.append(magnify(image, factor)[0].cpu().numpy())
        canvas, sizes = _canvas(images, np.float32)
        changes = {"dtype": "float32", "range": (0.0, 1.0), "height": "any", "width": "any"}
        spec = self.spec.model_copy(update=changes)
        return replace(
            self,
            images=canvas.to(self.images.device),
            sizes=sizes,
            points=points,
            spec=spec,
            scale=self.scale * (factor or 1.0),
            window=window,
        )


def _canvas(images: list[Pixels], dtype: type) -> tuple[Tensor, Tensor]:
    """Images as one (N, 1, H, W), each in the first rows and columns, and their sizes (N, 2)."""
    sizes = np.array([image.shape for image in images], np.int64).reshape(-1, 2)
    height, width = sizes.max(axis=0, initial=0)
    canvas = np.zeros((len(images), 1, height, width), dtype)
    for k, image in enumerate(images):
        canvas[k, 0, : image.shape[0], : image.shape[1]] = image
    return torch.from_numpy(canvas), torch.from_numpy(sizes)


def _padded(points: dict[int, np.ndarray], n: int) -> Tensor:
    """(n, K, 2) of rows of points, NaN behind the last of each."""
    most = max((len(part) for part in points.values()), default=0)
    padded = torch.full((n, most, 2), torch.nan)
    for row, part in points.items():
        padded[row, : len(part)] = torch.from_numpy(part).float()
    return padded
