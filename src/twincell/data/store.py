"""All images of a manifest, read once and kept as bytes; nothing is read again while training."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from twincell.data.manifest import Manifest
from twincell.data.read_all import SIZE, read_all, size_fault
from twincell.faults import Fault, refuse


@dataclass(frozen=True)
class ImageStore:
    """The images and what is known of each, index by index.

    Attributes:
        images: (N, 1, 128, 128) uint8, 0 black to 255 white, on the device asked for.
        counts: (N,) float32, cells; NaN = unlabelled.
        natural: (N,) bool, from a microscope (False: drawn).
        chambers: N names, one per time-lapse.
        frames: (N,) int64, number inside the time-lapse.
        modalities: N words, bf, pc or others.
    """

    images: Tensor
    counts: Tensor
    natural: Tensor
    chambers: list[str]
    frames: Tensor
    modalities: list[str]

    @classmethod
    def load(
        cls, manifest: Manifest, device: str | torch.device = "cpu", progress: bool = True
    ) -> "ImageStore":
        """Reads every image of the manifest.

        Raises:
            UserError: one sentence for each image that cannot be read, is not 8-bit grey or not 128 x 128.
        """
        images = np.empty((len(manifest), 1, SIZE, SIZE), np.uint8)
        faults: list[Fault] = []
        read = read_all(manifest.paths, manifest.table["page"].tolist(), progress)
        for row, (path, image) in enumerate(zip(manifest.paths, read, strict=True)):
            if isinstance(image, Fault):
                faults.append(image)
            elif fault := size_fault(image, path):
                faults.append(fault)
            else:
                images[row, 0] = image
        refuse(faults)
        table = manifest.table
        return cls(
            images=torch.from_numpy(images).to(device),
            counts=torch.tensor(table["count"].to_numpy(np.float32)).to(device),
            natural=torch.tensor(manifest.natural).to(device),
            chambers=table["chamber"].tolist(),
            frames=torch.tensor(table["frame"].to_numpy(np.int64)).to(device),
            modalities=table["modality"].tolist(),
        )

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, index: Tensor | np.ndarray | list[int]) -> "ImageStore":
        """The images at these positions, in that order, or under this boolean mask (N,)."""
        chosen = torch.as_tensor(index, device=self.images.device)
        if chosen.dtype == torch.bool:
            chosen = chosen.nonzero().squeeze(1)
        chosen = chosen.long()
        positions = chosen.tolist()
        return replace(
            self,
            images=self.images[chosen],
            counts=self.counts[chosen],
            natural=self.natural[chosen],
            chambers=[self.chambers[i] for i in positions],
            frames=self.frames[chosen],
            modalities=[self.modalities[i] for i in positions],
        )
