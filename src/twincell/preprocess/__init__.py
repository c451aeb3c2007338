"""Recordings from the microscope: read, registered, turned, cropped and evenly lit (the paper's
preprocessing).

recordings = open_recordings(["night.nd2"])                  # one per position; nothing is read yet
layout = first_look(recordings[0], Wanted(framing_for(None, "bf")))   # drift-free median, rotation, chambers
import_stack(["night.nd2"], "chambers", Chambers("bf"))      # all of it, to a manifest
"""

import importlib
from typing import Any

_HOME = {
    "Background": "intensity",
    "Box": "chambers.find",
    "Chambers": "import_stack",
    "Imported": "import_stack",
    "Layout": "chambers.layout",
    "Motion": "registration.registration",
    "Wanted": "chambers.layout",
    "background": "intensity",
    "build_reference": "registration.reference",
    "find_chambers": "chambers.find",
    "first_look": "chambers.layout",
    "framing_for": "chambers.framing",
    "import_stack": "import_stack",
    "make_cutter": "chambers.crop",
    "register": "registration.registration",
    "rotation_angle": "registration.rotation",
    "stand_upright": "registration.deskew",
    "treat_frame": "frames",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
