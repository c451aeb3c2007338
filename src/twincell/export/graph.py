"""One network from raw pixels to counts: levels, size, views, mirror images and joining included.

What `LoadedModel.predict` does with images of one size, as one module of plain tensor operations, so that it
can leave Python: the graph gives the counts of the package.
"""

import torch
from torch import Tensor, nn

from twincell.data.image_spec import ImageSpec
from twincell.errors import UserError
from twincell.models.base.loaded import WIDEST, LoadedModel
from twincell.models.base.method import Prediction
from twincell.models.base.views import GRAIN, Grid

OUTPUTS = ("count", "density", "novelty", "std")
"""What a graph may give, in this order; what a model does not tell is left out."""


class CountingGraph(nn.Module):
    """Counts images of one size.

    Args:
        model: any that counts.
        size: height and width of the images, in pixels.
        spec: what their numbers mean; where it tells the cells' diameter, and the model knows it too, images
            are scaled as `LoadedModel.predict` does.

    Attributes:
        tells: the names of the outputs, in the order of `OUTPUTS`.

    Raises:
        UserError: the model counts images of its own size alone, and these have another.
    """

    def __init__(self, model: LoadedModel, size: tuple[int, int], spec: ImageSpec) -> None:
        super().__init__()
        self.network = model.network
        self._model, self._spec = model, spec
        factor = model.card.preprocessing.scale * spec.magnification_to(model.card.image)
        self.rows: Tensor
        self.columns: Tensor
        self.register_buffer("rows", _resizing(size[0], factor))
        self.register_buffer("columns", _resizing(size[1], factor).T.contiguous())
        self._resizes = factor != 1
        scaled = (self.rows.shape[0], self.columns.shape[1])
        self._grid = _grid(model, scaled)
        probe = model.look(torch.zeros(1, 1, *self._grid.view))
        self.tells = tuple(name for name in OUTPUTS if getattr(probe, name) is not None)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(N, 1, H, W) in the spec's numbers -> what `tells` names, shaped as in `Prediction`."""
        ready = self._model.prepare(image, self._spec)
        if self._resizes:
            ready = (self.rows @ ready @ self.columns).clamp(0, 1)
        found = self._look(ready)
        return tuple(getattr(found, name) for name in self.tells)

    def _look(self, ready: Tensor) -> Prediction:
        if self._grid.size == self._grid.view:
            return self._model.look(ready)
        views = torch.stack(list(self._grid.views(ready)), 1)
        return self._grid.joined(self._model.look(views.flatten(0, 1)))


def _grid(model: LoadedModel, size: tuple[int, int]) -> Grid:
    """The views that `LoadedModel.predict` would cut images of this size into."""
    view = model.card.view
    if model.measures:
        height, width = (min(-(-side // GRAIN) * GRAIN, WIDEST) for side in size)
        view = (height, width)
    elif size != view and not model.any_size:
        raise UserError(
            f"model {model.card.name} sees {view[1]} x {view[0]} pixels, these images have {size[1]} x "
            f"{size[0]}; export it for images of its own size, or use a model with a density map"
        )
    return Grid.over(size, view)


def _resizing(side: int, factor: float) -> Tensor:
    """(new side, side) the matrix that resizes along one axis: resizing is linear, but for its clipping."""
    if factor == 1:
        return torch.eye(side)
    new = max(round(side * factor), 1)
    # The function of `magnify`, applied to the unit images of one column.
    return nn.functional.interpolate(
        torch.eye(side)[None, None], (new, side), mode="bicubic", antialias=True
    )[0, 0]
