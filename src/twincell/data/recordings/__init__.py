"""Recordings from the microscope: read, registered, turned, cropped and evenly lit (the paper's
preprocessing).

recordings = open_recordings(["night.nd2"])                  # one per position; nothing is read yet
layout = first_look(recordings[0], Wanted(framing_for(None, "bf")))   # drift-free median, rotation, chambers
import_stack(["night.nd2"], "chambers", Chambers("bf"))      # all of it, to a manifest
"""

import importlib
from typing import Any

_HOME = {
    "Background": "brightness",
    "Box": "chambers",
    "Chambers": "stack_import",
    "Imported": "stack_import",
    "Layout": "layout",
    "Motion": "registration",
    "Reading": "sources",
    "Recording": "recording",
    "Wanted": "layout",
    "background": "brightness",
    "build_reference": "reference",
    "find_chambers": "chambers",
    "first_look": "layout",
    "framing_for": "framing",
    "import_stack": "stack_import",
    "make_cutter": "crop",
    "open_recordings": "sources",
    "register": "registration",
    "rotation_angle": "rotation",
    "stand_upright": "upright",
    "treat_frame": "frames",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
