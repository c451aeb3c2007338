"""Pascal VOC: one XML file an image, a box round each object. Pixels are numbered from 1, edges included."""

import math
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from twincell.io.points_formats.table import Point, table, unreadable


def read(path: Path) -> pd.DataFrame:
    """The middles of the boxes."""
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # what could make a small file huge when read
        raise unreadable(path, "it declares XML entities", "remove the declarations")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as problem:
        raise unreadable(path, problem) from problem
    if root.tag != "annotation":
        raise unreadable(path, f"its root is <{root.tag}>, not <annotation>")
    image = (root.findtext("filename") or "").strip()
    return table(_middle(path, image, item) for item in root.iter("object"))


def _middle(path: Path, image: str, item: ElementTree.Element) -> Point:
    try:
        left, top, right, bottom = (
            float(item.findtext(f"bndbox/{name}") or "") for name in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError as problem:
        raise unreadable(path, "an object has no whole <bndbox>") from problem
    if not all(map(math.isfinite, (left, top, right, bottom))) or left > right or top > bottom:
        raise unreadable(path, f"a box goes from ({left:g}, {top:g}) to ({right:g}, {bottom:g})")
    label = (item.findtext("name") or "").strip()
    return image, 0, (left - 1 + right) / 2, (top - 1 + bottom) / 2, label
