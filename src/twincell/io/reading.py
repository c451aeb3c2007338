"""How files are to be read: what the user says, for every command alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """How files are to be read; None means: as the file says.

    Attributes:
        axes: letters of TPCZYXS, slowest first; `override_axes` lets them stand against the file's metadata.
        names: pattern of single images' names, e.g. "img_{P}_t{T}.tif".
        channel, z: 1-based (or, for single images, as in their names).
        pixel_size_um, interval_min: instead of the file's own.
        bit_depth: the camera's bits, 8 to 16, instead of what metadata or values say.
        loose: take what cannot be put in order of time as images for themselves, and what cannot be read as
            frames to be flagged; else both are refused.
        single: every image of a folder is one for itself.
    """

    axes: str | None = None
    override_axes: bool = False
    names: str | None = None
    channel: int | None = None
    z: int | None = None
    pixel_size_um: float | None = None
    interval_min: float | None = None
    bit_depth: int | None = None
    loose: bool = False
    single: bool = False
