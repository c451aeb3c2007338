"""twincell: how many cells, in every chamber, at every time, and how sure that is.

The public API in one screen:

- `load(model)`: a trained model by run folder, file or shipped name;
- `count(inputs, model)`: images, folders, stacks or a manifest to a table of counts (`CountResult`);
- `CountOptions`: how to count, all of it in one object;
- `train(manifest, out, preset)`: a model from labelled and unlabelled images;
- `transfer(model, manifest, out, scheme)`: a model for another microscope from a trained one;
- `match(inputs)`: drawn scenes fitted to unlabelled images, to train on;
- `Manifest`: the list of images that all of them work from.

Importing twincell is cheap: each name brings its libraries (torch, pandas, ...) when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "CountOptions",
    "CountResult",
    "Manifest",
    "__version__",
    "count",
    "load",
    "match",
    "train",
    "transfer",
]

_PLACES = {
    "load": ("twincell.models.base.file", "load_model"),
    "count": ("twincell.counting", "count"),
    "CountOptions": ("twincell.counting", "CountOptions"),
    "CountResult": ("twincell.counting", "CountResult"),
    "train": ("twincell.api", "train"),
    "transfer": ("twincell.api", "transfer"),
    "match": ("twincell.matching", "match"),
    "Manifest": ("twincell.data.manifest", "Manifest"),
}

if TYPE_CHECKING:
    from twincell.api import train, transfer
    from twincell.counting import CountOptions, CountResult, count
    from twincell.data.manifest import Manifest
    from twincell.matching import match
    from twincell.models.base.file import load_model as load


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'twincell' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
