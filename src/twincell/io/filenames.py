"""Numbers in file names: which of them is the time, the position, the channel, the focal plane."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from pathlib import Path

from twincell.errors import UserError

# Words that stand before a number in the names microscopes write, and the axis they mean.
WORDS = {
    "T": ("t", "time", "timepoint", "tp", "frame", "fr", "f"),
    "P": ("xy", "p", "pos", "position", "s", "series", "scene", "field", "fov", "m", "point", "chamber"),
    "C": ("c", "ch", "channel", "w", "wavelength"),
    "Z": ("z", "slice", "plane"),
}
AXIS_OF = {word: axis for axis, words in WORDS.items() for word in words}
LARGEST_NUMBER = 2**63 - 1
"""No table holds larger whole numbers."""
MOST_NUMBERS = 1_000_000
"""Frames that a recording may span."""
DIGITS = "0123456789"
NUMBER = re.compile(r"(?P<before>[^\d]*)(?P<number>\d+)")


@dataclass(frozen=True)
class NamedFile:
    """An image file and the numbers its name gives it; an axis that does not vary is left out."""

    path: Path
    numbers: dict[str, int] = field(default_factory=dict)


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sorts img2 before img10."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part.lower())
        for part in re.split(r"(\d+)", path.name)
    ]


def number_files(paths: Iterable[Path], where: str, pattern: str | None = None) -> list[NamedFile]:
    """Reads the numbers in the names of one folder's images.

    A number counts only where it varies. `t001`, `frame_12`, `xy03`, `pos-2`, `c1`, `ch00`, `z05` say which
    axis they are; one further varying number with no such word is the time, if nothing else is.

    Args:
        paths: the image files.
        where: the folder, for messages.
        pattern: names as the user describes them, e.g. "img_{P}_{T}.tif"; `{T}`, `{P}`, `{C}`, `{Z}` stand
            for numbers, `*` for anything.

    Returns:
        The files in natural order.

    Raises:
        UserError: names that can be read in more than one way, two files with the same numbers, names that do
            not fit the pattern.
    """
    paths = sorted(paths, key=natural_key)
    found = [_by_pattern(p, pattern, where) for p in paths] if pattern else _by_words(paths, where)
    varying = {a for a in "TPCZ" if len({n.get(a) for n in found}) > 1}
    files = [
        NamedFile(p, {a: n[a] for a in "TPCZ" if a in n and (a in varying or pattern)})
        for p, n in zip(paths, found, strict=True)
    ]
    _refuse_endless(files, where)
    _refuse_twins(files, where)
    return files


def missing_numbers(numbers: Sequence[int]) -> list[int]:
    """Numbers left out of a sequence, given its usual step (5 where frames are numbered 0, 5, 10, ...).

    None where they span more than any recording: they are times of day or the like, and count nothing.
    """
    have = sorted(set(numbers))
    if len(have) < 3:
        return []
    step = reduce(math.gcd, (b - a for a, b in pairwise(have)))
    if (have[-1] - have[0]) // step > MOST_NUMBERS:
        return []
    return sorted(set(range(have[0], have[-1], step)) - set(have))


def word(name: str) -> str:
    """A name that may stand in a path: letters and digits of any script, dot, dash, underscore."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._-") or "recording"


def stem_of(path: Path) -> str:
    """A file's name without its suffix, of which .ome.tif and .ome.zarr are one."""
    return path.stem.removesuffix(".ome")


def names_apart(names: Sequence[str]) -> list[str]:
    """The names made all different: the first of a kind keeps it, later ones get -2, -3, ... that is free."""
    taken, result = set(names), []
    seen: set[str] = set()
    for name in names:
        own = name
        number = 2
        while own in seen or (own != name and own in taken):
            own, number = f"{name}-{number}", number + 1
        seen.add(own)
        result.append(own)
    return result


def listed(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _by_words(paths: Sequence[Path], where: str) -> list[dict[str, int]]:
    parts = [[(m["before"], int(m["number"])) for m in NUMBER.finditer(p.stem)] for p in paths]
    if len(paths) == 1:
        return [{}]
    shapes = {tuple(_plain(before) for before, _ in row) for row in parts}
    if len(shapes) > 1:
        # Names of different make in one folder: only the words can tell, and each name must have them.
        rows = [_worded(row) for row in parts]
        if any(set(row) != set(rows[0]) or not row for row in rows):
            raise UserError(
                f"{where}: the images' names are not made alike: {_odd_ones(paths, parts)}; move those "
                "away, or describe the names with --names, for example --names 'img_{P}_t{T}.tif'"
            )
        return rows
    columns = range(len(parts[0]))
    varying = [k for k in columns if len({row[k][1] for row in parts}) > 1]
    axis_of = {k: AXIS_OF.get(_word(parts[0][k][0])) for k in varying}
    open_columns = [k for k, axis in axis_of.items() if axis is None]
    taken = [axis for axis in axis_of.values() if axis]
    clash = len(set(taken)) < len(taken)
    if clash or len(open_columns) > 1 or (open_columns and "T" in taken):
        raise UserError(
            f"{where}: the names have {len(varying)} numbers that vary (for example {paths[0].name} and "
            f"{paths[-1].name}) and do not say which is the time; describe them with --names, for example "
            "--names 'img_{P}_{T}.tif'"
        )
    axis_of |= dict.fromkeys(open_columns, "T")
    return [{str(axis_of[k]): row[k][1] for k in varying} for row in parts]


def _odd_ones(paths: Sequence[Path], parts: Sequence[Sequence[tuple[str, int]]]) -> str:
    """The names that are unlike the most common make, and one of that make."""
    makes = [tuple(_plain(before) for before, _ in row) for row in parts]
    common = Counter(makes).most_common(1)[0][0]
    odd = [p.name for p, make in zip(paths, makes, strict=True) if make != common]
    return f"{listed(odd)} beside {paths[makes.index(common)].name}"


def _worded(row: Sequence[tuple[str, int]]) -> dict[str, int]:
    return {AXIS_OF[_word(before)]: number for before, number in row if _word(before) in AXIS_OF}


def _word(before: str) -> str:
    """The word that stands right before a number: letters after the last separator; xy also inside a word."""
    word = re.split(r"[^a-z]+", before.lower().rstrip(" _-.=#"))[-1]
    return "xy" if word.endswith("xy") else word


def _plain(before: str) -> str:
    return before.lower()


def _by_pattern(path: Path, pattern: str, where: str) -> dict[str, int]:
    text = pattern if Path(pattern).suffix else pattern + ".*"
    parts = [part for part in re.split(r"(\{[TPCZ]\}|\*+)", text) if part]
    letters = [part[1] for part in parts if _is_number(part)]
    if not letters or len(set(letters)) < len(letters):
        raise UserError(f"--names {pattern!r}: use each of {{T}}, {{P}}, {{C}}, {{Z}} at most once, and one")
    match = _match(parts, path.name)
    if match is None:
        raise UserError(
            f"{where}: {path.name} does not fit --names {pattern!r}; mend the pattern or move the file"
        )
    return {axis: int(number) for axis, number in match.items()}


def _match(parts: Sequence[str], name: str) -> dict[str, str] | None:
    """The numbers of a name by the parts of a pattern, `*` as short and numbers as long as the rest allows.

    No regular expression: one with several `*` can take years to say no.
    """
    hopeless: set[tuple[int, int]] = set()

    def rest(k: int, at: int) -> dict[str, str] | None:
        if k == len(parts):
            return {} if at == len(name) else None
        if (k, at) in hopeless:
            return None
        part = parts[k]
        if _is_number(part):
            digits = len(name[at:]) - len(name[at:].lstrip(DIGITS))
            ends: Iterable[int] = range(at + digits, at, -1)
        elif part.startswith("*"):
            ends = range(at, len(name) + 1)
        else:
            ends = (at + len(part),) if name.startswith(part, at) else ()
        for end in ends:
            found = rest(k + 1, end)
            if found is not None:
                return {part[1]: name[at:end], **found} if _is_number(part) else found
        hopeless.add((k, at))
        return None

    return rest(0, 0)


def _is_number(part: str) -> bool:
    return len(part) == 3 and part[0] == "{"


def _refuse_endless(files: Sequence[NamedFile], where: str) -> None:
    if long := [f.path.name for f in files if max(f.numbers.values(), default=0) > LARGEST_NUMBER]:
        raise UserError(
            f"{where}: the number in {listed(long)} is longer than any count of frames; give the images "
            "shorter names, or describe them with --names, with * where the number stands for nothing"
        )


def _refuse_twins(files: Sequence[NamedFile], where: str) -> None:
    seen: dict[tuple, Path] = {}
    problems = []
    for file in files:
        key = tuple(sorted(file.numbers.items()))
        if key in seen:
            numbers = ", ".join(f"{a} {n}" for a, n in key) or "no number at all"
            problems.append(
                f"{where}: {seen[key].name} and {file.path.name} both stand for {numbers}; move one of them "
                "away"
            )
        seen[key] = file.path
    if problems:
        raise UserError(problems)
