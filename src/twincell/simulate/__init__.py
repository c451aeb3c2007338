"""How a scene looks: the paper's ellipses, or bright field and phase contrast by Fourier optics."""

from typing import TYPE_CHECKING, Any

from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.render.settings import load_look
from twincell.simulate.synthesise import Rendered, draw, synthesise

if TYPE_CHECKING:
    from twincell.simulate.recordings import Recording, recording, write_chambers
    from twincell.simulate.write import write_images

__all__ = [
    "Preset",
    "Recording",
    "Rendered",
    "draw",
    "load_look",
    "load_preset",
    "recording",
    "synthesise",
    "write_chambers",
    "write_images",
]

_WRITERS = {
    "Recording": "recordings",
    "recording": "recordings",
    "write_chambers": "recordings",
    "write_images": "write",
}


def __getattr__(name: str) -> Any:
    """What writes files is loaded when it is asked for: it needs manifests, which pure drawing does not."""
    if name not in _WRITERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"twincell.simulate.{_WRITERS[name]}"), name)
