"""What the model sees in one frame, on demand: its count and a dot on each cell."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from twincell.label.dataset import Dataset

KEPT = 2_000


class Seer:
    """A model that is loaded when it is first asked; one frame at a time.

    Args:
        model: a name, run folder or file.
        diameters: px, of the cells, by modality, as the count of all frames found them.
    """

    def __init__(self, model: str, diameters: Mapping[str, float | None]) -> None:
        self.model, self._diameters, self._lock = model, diameters, threading.Lock()
        self._loaded: Any = None
        self._known: OrderedDict[tuple[int, int | None], dict[str, Any]] = OrderedDict()

    def look(self, dataset: Dataset, row: int, cells: int | None = None) -> dict[str, Any]:
        """The model's view of a frame.

        Args:
            row: of the frame.
            cells: how many places to name; None: as many as the image alone says.

        Returns:
            count (cells, of the image alone) and dots [[x, y], ...] in px, None where the model has no map.

        Raises:
            UserError: the frame cannot be read, or the model not be loaded.
        """
        with self._lock:
            if (row, cells) in self._known:
                return self._known[row, cells]
            from twincell.counting.positions import places
            from twincell.models.base.file import load_model

            if self._loaded is None:
                self._loaded = load_model(self.model)
            image = dataset.grey(row)
            modality = str(dataset.manifest.table["modality"].iloc[row])
            spec = self._loaded.spec_for(self._diameters.get(modality), image.shape)
            said = self._loaded.predict([image], spec=spec)
            count, dots = float(said.count[0]), None
            if said.density is not None:
                found = places(said.density[0, 0].numpy(), round(count) if cells is None else cells)
                dots = (found * [image.shape[1], image.shape[0]]).round(2).tolist()
            self._known[row, cells] = {"count": round(count, 2), "dots": dots}
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return self._known[row, cells]
