"""What a TIFF says of itself: OME, ImageJ and tifffile metadata, tags - and how many images it announces.

Metadata may be damaged like anything else in a file; what cannot be read of it is left unknown.
"""

import math
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import tifffile

from twincell.io.readers.base import micrometres, minutes

NAMES = {"ome": "OME metadata", "imagej": "ImageJ metadata", "shaped": "tifffile metadata"}
OTHER_KINDS = ("micromanager", "lsm", "stk", "metaseries", "scanimage")


@dataclass
class TiffFacts:
    """What a TIFF's metadata says; None or empty where it says nothing.

    Attributes:
        kind: who says it, e.g. "OME metadata".
        axes, sizes: of the images announced, Y and X left out, slowest first; positions are "P".
        pixel_size_um, interval_min, channels, bits: as in `Stack`.
        times: seconds on the file's clock by 0-based (P, T, C, Z).
    """

    kind: str
    axes: str = ""
    sizes: tuple[int, ...] = ()
    pixel_size_um: float | None = None
    interval_min: float | None = None
    channels: Sequence[str] = ()
    bits: int | None = None
    times: dict[tuple[int, ...], float] = field(default_factory=dict)

    @property
    def announced(self) -> int:
        """How many images the metadata speaks of; 0 where it does not say."""
        return math.prod(self.sizes) if self.axes else 0


def read_facts(file: tifffile.TiffFile) -> TiffFacts:
    """All that the file's metadata says."""
    facts = TiffFacts(_kind(file))
    try:
        if file.is_ome and file.ome_metadata:
            _read_ome(facts, file.ome_metadata)
        elif file.is_imagej and file.imagej_metadata:
            _read_imagej(facts, file)
        elif file.is_shaped and file.shaped_metadata:
            _read_shaped(facts, file)
        else:
            facts.pixel_size_um = _pixel_from_tags(file, None)
    except Exception:  # damaged in any way: what was read up to here stands, the rest is unknown
        facts.axes, facts.sizes = "", ()
    if facts.announced > file.filehandle.size or min(facts.sizes, default=1) < 1:
        facts.axes, facts.sizes = "", ()  # no file holds more images than it has bytes: a damaged number
    return facts


def chain_breaks(file: tifffile.TiffFile) -> bool:
    """Whether the last page that can be reached points to a next one that is not there: the file is cut."""
    try:
        return _next_offset(file, file.pages[-1].offset) != 0
    except Exception:  # the last page itself is damaged
        return True


def room_for(file: tifffile.TiffFile) -> int:
    """How many images lie in one piece behind the first page's description, by the place of the next page.

    Programs that write a stack at once put all images behind the first page and the further pages behind
    these. 0 where the space is no whole number of images.
    """
    try:
        first = file.pages[0]
        start, size = first.dataoffsets[0], sum(first.databytecounts)
        whole = first.compression == 1 and len(file.pages) == 1
        room = _next_offset(file, first.offset) - start
    except Exception:  # a damaged page
        return 0
    # Offsets are rounded up to even numbers, or to a few bytes more.
    return room // size if whole and size and room > 0 and room % size < 16 else 0


def _next_offset(file: tifffile.TiffFile, at: int) -> int:
    """Where the page after the one at byte `at` begins, 0 after the last."""
    order, big = file.byteorder, file.is_bigtiff
    handle = file.filehandle
    handle.seek(at)
    (tags,) = struct.unpack(order + ("Q" if big else "H"), handle.read(8 if big else 2))
    handle.seek(at + (8 + 20 * tags if big else 2 + 12 * tags))
    (following,) = struct.unpack(order + ("Q" if big else "I"), handle.read(8 if big else 4))
    return int(following)


def _kind(file: tifffile.TiffFile) -> str:
    for name in (*list(NAMES)[:2], *OTHER_KINDS[:3], "shaped", *OTHER_KINDS[3:]):
        if getattr(file, f"is_{name}", False):
            return NAMES.get(name, f"{name} metadata")
    return "TIFF tags"


def _read_ome(facts: TiffFacts, xml: str) -> None:
    images = [element for element in ET.fromstring(xml).iter() if _tag(element) == "Image"]
    sizes = set()
    for p, image in enumerate(images):
        pixels = next(_inside(image, "Pixels"), None)
        if pixels is None:
            continue
        order = str(pixels.get("DimensionOrder", "XYZCT"))[:1:-1]  # the other way round, without X and Y
        samples = [int(c.get("SamplesPerPixel", 1)) for c in _inside(pixels, "Channel")]
        colour = max(samples, default=1)
        sizes.add(tuple((a, int(pixels.get(f"Size{a}", 1)) // (colour if a == "C" else 1)) for a in order))
        size = pixels.get("PhysicalSizeX")
        if facts.pixel_size_um is None and size:
            facts.pixel_size_um = micrometres(float(size), pixels.get("PhysicalSizeXUnit", "µm"))
        step = pixels.get("TimeIncrement")
        if facts.interval_min is None and step:
            facts.interval_min = minutes(float(step), pixels.get("TimeIncrementUnit", "s"))
        if facts.bits is None and pixels.get("SignificantBits"):
            facts.bits = int(pixels.get("SignificantBits", 0))
        if p == 0:
            facts.channels = [c.get("Name", "") for c in _inside(pixels, "Channel")]
        for plane in _inside(pixels, "Plane"):
            if plane.get("DeltaT"):
                place = (p, *(int(plane.get(f"The{a}", 0)) for a in "TCZ"))
                taken = minutes(float(plane.get("DeltaT", 0)), plane.get("DeltaTUnit", "s"))
                facts.times[place] = 60.0 * (taken or 0.0)
    if len(sizes) == 1:
        varying = [(a, n) for a, n in sizes.pop() if n > 1]
        several = [("P", len(images))] if len(images) > 1 else []
        facts.axes = "".join(a for a, _ in [*several, *varying])
        facts.sizes = tuple(n for _, n in [*several, *varying])


def _read_imagej(facts: TiffFacts, file: tifffile.TiffFile) -> None:
    said = file.imagej_metadata or {}
    facts.pixel_size_um = _pixel_from_tags(file, said.get("unit"))
    interval = said.get("finterval")
    facts.interval_min = minutes(float(interval), said.get("tunit", "sec")) if interval else None
    sizes = [("T", "frames"), ("Z", "slices"), ("C", "channels")]
    varying = [(a, int(said[name])) for a, name in sizes if int(said.get(name, 1)) > 1]
    facts.channels = [str(label) for label in said.get("Labels", [])][: dict(varying).get("C", 0)]
    if math.prod(n for _, n in varying) == int(said.get("images", 1)):
        facts.axes = "".join(a for a, _ in varying)
        facts.sizes = tuple(n for _, n in varying)


def _read_shaped(facts: TiffFacts, file: tifffile.TiffFile) -> None:
    facts.pixel_size_um = _pixel_from_tags(file, None)
    said: dict[str, Any] = (file.shaped_metadata or ({},))[0]
    shape, picture = [int(n) for n in said.get("shape", ())], len(file.pages[0].shape)
    if len(shape) > picture:
        facts.sizes = tuple(shape[:-picture])
        axes = str(said.get("axes", ""))
        facts.axes = axes[:-picture] if len(axes) == len(shape) else "Q" * len(facts.sizes)


def _pixel_from_tags(file: tifffile.TiffFile, unit: str | None) -> float | None:
    """XResolution is pixels per unit; ImageJ keeps the unit elsewhere."""
    tags = file.pages.first.tags
    per = tags.get("XResolution")
    if per is None or not per.value[0] or not per.value[1]:
        return None
    if unit is None:
        kind = tags.get("ResolutionUnit")
        unit = {3: "cm"}.get(int(kind.value)) if kind is not None else None  # inches are printers' dots
    return micrometres(per.value[1] / per.value[0], unit)


def _inside(parent: ET.Element, name: str) -> Iterator[ET.Element]:
    return (element for element in parent if _tag(element) == name)


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
