"""Images at another size: enlarged, or as a whole in a window."""

from torch import Tensor
from torch.nn import functional as F


def magnify(image: Tensor, factor: float) -> Tensor:
    """(1, H, W) in [0, 1] enlarged so many times; smoothed where it shrinks."""
    height, width = (max(round(side * factor), 1) for side in image.shape[1:])
    return _resized(image, height, width)


def into_view(image: Tensor, view: tuple[int, int]) -> Tensor:
    """(1, H, W) resized until it just fits, its shape kept, in the middle of (1, *view) of its own mean."""
    factor = min(view[0] / image.shape[1], view[1] / image.shape[2])
    height, width = (max(round(side * factor), 1) for side in image.shape[1:])
    small = _resized(image, height, width)
    frame = small.mean().expand(1, *view).clone()
    top, left = (view[0] - height) // 2, (view[1] - width) // 2
    frame[:, top : top + height, left : left + width] = small
    return frame


def _resized(image: Tensor, height: int, width: int) -> Tensor:
    if tuple(image.shape[1:]) == (height, width):
        return image
    return F.interpolate(image[None], (height, width), mode="bicubic", antialias=True)[0].clamp(0, 1)
