"""A model ready to count: how images of any size, number type and unit are asked of its network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from twincell.data.image_spec import ImageSpec, spec_of
from twincell.data.resize import into_view, magnify
from twincell.errors import UserError
from twincell.hardware import side_by_side
from twincell.models.base.card import ModelCard
from twincell.models.base.method import AnySize, Measuring, Method, Prediction, counting_method
from twincell.models.base.views import GRAIN, predict_any

WIDEST = 1024
"""Side in pixels of the largest part of an image that is seen as a whole: memory is finite."""

TURNS: tuple[tuple[int, ...], ...] = ((), (-2, -1), (-1,), (-2,))
"""Axes that each look turns round."""

Images = Tensor | NDArray[Any] | Sequence[Tensor] | Sequence[NDArray[Any]]


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to count.

    Attributes:
        card: what is known about it.
        network: in eval mode, float32, on `device`.
        method: how to ask it.
        path: its weights file.
        looks: 1, 2 or 4 looks at each image, as it is, turned by half, and its two mirror images; None: as
            the card says.
    """

    card: ModelCard
    network: nn.Module
    method: Method
    path: Path
    device: str = "cpu"
    looks: int | None = None

    @property
    def any_size(self) -> bool:
        """Whether images of any size are counted as they are; else they are resized to fit the view."""
        return isinstance(self.method, AnySize)

    @property
    def measures(self) -> bool:
        """Whether the model says how large cells are (`diameter`) and sees images as a whole."""
        return isinstance(self.method, Measuring) and self.method.measures(self.network)

    def diameter(
        self, images: Sequence[Tensor] | Sequence[NDArray[Any]], spec: ImageSpec | None = None
    ) -> float | None:
        """The cells' diameter in px in images (H, W) of one recording and number type.

        None where no cell is found, and for models that do not measure. `spec` as in `predict`.
        """
        if not isinstance(self.method, Measuring) or not self.measures or not len(images):
            return None
        stack = self._stack(images)
        told = self._spec(stack, spec)
        return self.method.diameter(self.network, [self.prepare(image, told) for image in stack])

    def spec_for(
        self, diameter: float | None, shape: tuple[int, ...] = (), spec: ImageSpec | None = None
    ) -> ImageSpec | None:
        """What to tell `predict` of images whose cells are `diameter` px across.

        `spec` is what is known of them anyway, by default that they have 8 bits; it comes back as it is where
        nothing has to be scaled.
        """
        if diameter is None or not isinstance(self.method, Measuring) or not self.measures:
            return spec
        if self.method.fits(self.network, diameter, shape == self.card.view):
            return spec
        return (spec or ImageSpec()).model_copy(update={"cell_diameter_px": diameter})

    @property
    def fixed_size(self) -> int | None:
        """Side of the square that images are resized to before they are counted; None where `any_size`."""
        return None if self.any_size else self.card.image_size

    def predict(
        self,
        images: Images,
        batch: int = 64,
        progress: Callable[[int], None] | None = None,
        spec: ImageSpec | None = None,
    ) -> Prediction:
        """Counts images, a batch at a time, in float32 and without chance.

        Images of the size of the field of view (`card.view`) are counted as they are. Others are tiled or
        mirrored where `any_size` (see `twincell.models.base.views`), and else resized as a whole.

        Args:
            images: (N, H, W) or (N, 1, H, W), or a list of (H, W) or (1, H, W) of any sizes and one number
                type.
            batch: images or views per look; equal batches give equal counts to the last bit.
            progress: called after each batch with how many images it finished.
            spec: what the numbers mean; None: the card's own where its images are of this type and no grey
                levels, else 0 to 255 for uint8, 0 to 65535 for uint16, 0 to 1 for floats. Where it and the
                card both know the cells' diameter or the pixel size, images are resized to match.

        Raises:
            UserError: the images have another shape, type, unit or range than can be counted.
        """
        stack = self._stack(images)
        if not len(stack):
            return Prediction(torch.zeros(0))
        told = self._spec(stack, spec)
        factor = self.card.preprocessing.scale * told.magnification_to(self.card.image)
        if isinstance(stack, Tensor) and tuple(stack.shape[2:]) == self.card.view and factor == 1:
            return self._predict_views(stack, told, batch, progress)
        ready = [magnify(self.prepare(image, told), factor) for image in stack]
        if self.measures:
            return self._predict_whole(ready, batch, progress)
        if self.any_size:
            return predict_any(self.look, ready, self.card.view, batch, progress)
        views = torch.stack([into_view(image, self.card.view) for image in ready])
        return self._predict_views(views, None, batch, progress)

    def prepare(self, images: Tensor, spec: ImageSpec | None = None) -> Tensor:
        """What the network sees: images of any shape to float32 in [0, 1], by the card's preprocessing."""
        low, high = (spec or spec_of(images)).range
        rule = self.card.preprocessing
        bottom, top = (low + level / 255 * (high - low) for level in (rule.low, rule.high))
        return ((images.to(self.device, torch.float32) - bottom) / (top - bottom)).clamp(0, 1)

    def _predict_views(
        self, stack: Tensor, spec: ImageSpec | None, batch: int, progress: Callable[[int], None] | None
    ) -> Prediction:
        """Counts (N, 1, *view); `spec` None: they are prepared."""

        def counted(part: Tensor) -> Prediction:
            found = self.look(part if spec is None else self.prepare(part, spec)).cpu()
            if progress is not None:
                progress(len(part))
            return found

        return Prediction.join(side_by_side(counted, stack.split(batch), device=self.device))

    def _predict_whole(
        self, ready: Sequence[Tensor], batch: int, progress: Callable[[int], None] | None
    ) -> Prediction:
        """Counts prepared images (1, H, W) whole, those of one size together; the largest in wide tiles."""
        views = [tuple(min(-(-side // GRAIN) * GRAIN, WIDEST) for side in image.shape[1:]) for image in ready]
        parts, order = [], []
        for view in dict.fromkeys(views):
            rows = [row for row, own in enumerate(views) if own == view]
            at_once = max(1, batch * self.card.view[0] * self.card.view[1] // (view[0] * view[1]))
            own = [ready[row] for row in rows]
            parts.append(predict_any(self.look, own, (view[0], view[1]), at_once, progress))
            order += rows
        return Prediction.join(parts).at(torch.tensor(order).argsort())

    @torch.inference_mode()
    def look(self, prepared: Tensor) -> Prediction:
        """What the network says of prepared images (N, 1, H, W), sides multiples of 8; with its flips."""
        method = counting_method(self.method)
        turns = TURNS[: self.looks or (4 if self.card.preprocessing.test_time_flips else 1)]
        if len(turns) == 1:
            return method.predict(self.network, prepared)
        return _mean([_flip(method.predict(self.network, prepared.flip(t)), t) for t in turns])

    def _stack(self, images: Images) -> Tensor | list[Tensor]:
        """(N, 1, H, W), or where sizes differ N times (1, H, W)."""
        if isinstance(images, Tensor | np.ndarray):
            stack = _tensor(images)
            stack = stack[:, None] if stack.ndim == 3 else stack
            if stack.ndim != 4 or stack.shape[1] != 1:
                raise self._misshapen("(N, H, W) or (N, 1, H, W)", tuple(images.shape))
            return stack
        several = [_tensor(image) for image in images]
        several = [image[None] if image.ndim == 2 else image for image in several]
        for image in several:
            if image.ndim != 3 or image.shape[0] != 1 or not image.numel():
                raise self._misshapen("(H, W) each", tuple(image.shape))
        alike = len({(image.shape, image.dtype) for image in several}) == 1
        return torch.stack(several) if alike else several

    def _misshapen(self, wanted: str, found: tuple[int, ...]) -> UserError:
        return UserError(
            f"model {self.card.name}: counts grey images of shape {wanted}, got {found}; give one brightness "
            "per pixel"
        )

    def _spec(self, stack: Tensor | list[Tensor], spec: ImageSpec | None) -> ImageSpec:
        """What the numbers mean; a list's images have to agree in it."""
        own = self.card.image
        first = stack[0]
        if spec is None and own.unit != "grey level" and str(first.dtype) == f"torch.{own.dtype}":
            spec = own
        try:
            told = spec or spec_of(stack if isinstance(stack, Tensor) else first)
            for image in stack if spec is None and not isinstance(stack, Tensor) else ():
                if spec_of(image) != told:
                    raise UserError(
                        f"images of type {first.dtype} and {image.dtype} in one list; count them one type at "
                        "a time"
                    )
        except UserError as error:
            raise UserError([f"model {self.card.name}: {problem}" for problem in error.problems]) from error
        if told.unit != own.unit:
            raise UserError(
                f"model {self.card.name}: counts images in {own.unit}, these are in {told.unit}; use a model "
                "trained on such images"
            )
        return told


def _tensor(image: Any) -> Tensor:
    return image if isinstance(image, Tensor) else torch.from_numpy(np.ascontiguousarray(image))


def _flip(prediction: Prediction, dims: tuple[int, ...]) -> Prediction:
    density = prediction.density
    return Prediction(
        prediction.count,
        prediction.std,
        density.flip(dims) if density is not None and dims else density,
        prediction.novelty,
    )


def _mean(looks: list[Prediction]) -> Prediction:
    """The mean of several looks at the same images; spreads as the root of the mean variance."""

    def over(name: str, power: int = 1) -> Tensor | None:
        values = [getattr(look, name) for look in looks]
        if any(value is None for value in values):
            return None
        return (torch.stack(values) ** power).mean(0) ** (1 / power)

    count = torch.stack([look.count for look in looks]).mean(0)
    return Prediction(count, over("std", 2), over("density"), over("novelty"))
