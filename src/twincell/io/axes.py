"""The axes of a stack: declared by the user or stated by the file itself, never guessed."""

from collections.abc import Sequence

from twincell.errors import UserError

MEANING = {
    "T": "time",
    "P": "position",
    "C": "channel",
    "Z": "focal plane",
    "Y": "row",
    "X": "column",
    "S": "colour sample",
}
LETTERS = "".join(MEANING)


def parse_axes(text: str, where: str = "--axes") -> str:
    """Axes as declared, in capitals, e.g. "TPCYX": one letter per dimension, slowest first.

    Raises:
        UserError: unknown or repeated letters, no Y or X.
    """
    axes = text.strip().upper()
    problems = []
    if unknown := sorted({a for a in axes if a not in MEANING}):
        known = ", ".join(f"{k} {v}" for k, v in MEANING.items())
        problems.append(f"{where}: {text!r} has the unknown axis {', '.join(unknown)}; known are {known}")
    if twice := sorted({a for a in axes if axes.count(a) > 1}):
        problems.append(
            f"{where}: {text!r} has {', '.join(twice)} more than once; give each dimension its own letter"
        )
    if not problems and (lost := [a for a in "YX" if a not in axes]):
        names = " and ".join(f"{a} ({MEANING[a]})" for a in lost)
        problems.append(f"{where}: {text!r} has no {names}; name each dimension, for example TYX")
    if problems:
        raise UserError(problems)
    return axes


def settle_axes(
    declared: str | None,
    own: str | None,
    own_from: str,
    shape: Sequence[int],
    where: str,
    override: bool = False,
    notes: Sequence[str] = (),
) -> tuple[str, str]:
    """The axes to use and who says so.

    Args:
        declared: what the user declared (parsed), or None.
        own: what the file's own metadata says, or None where it says nothing.
        own_from: the name of that metadata, for messages.
        shape: the stack's sizes, one per axis.
        where: the file.
        override: take the declared axes although the file says otherwise.
        notes: what is wrong with the file, said with the fault.

    Returns:
        axes and their source, e.g. ("TYX", "OME metadata").

    Raises:
        UserError: nobody says; the number of letters does not fit; the two disagree in a letter.
    """
    sizes = " x ".join(map(str, shape))
    if declared is None and own is None:
        example = {2: "YX", 3: "TYX", 4: "TCYX", 5: "TPCYX"}.get(len(shape), "TPCZYX")
        raise UserError(
            f"{where}: {''.join(f'{note}; ' for note in notes)}the file does not say what its "
            f"{len(shape)} dimensions ({sizes}) are; declare them, slowest first, for "
            f"example --axes {example}"
        )
    if declared is None:
        assert own is not None  # the case above
        return parse_axes(own, f"{where} ({own_from})"), own_from
    if len(declared) != len(shape):
        own_words = f"; its {own_from} says {own}" if own else ""
        raise UserError(
            f"{where}: --axes {declared} names {len(declared)} dimensions, the file has {len(shape)} "
            f"({sizes}){own_words}; name each dimension once"
        )
    if own is not None and own != declared and not override:
        differ = ", ".join(
            f"{a} ({MEANING[a]}) against {b} ({MEANING.get(b, 'unknown')})"
            for a, b in zip(declared, own, strict=False)
            if a != b
        )
        raise UserError(
            f"{where}: --axes {declared} and the file's {own_from}, {own}, disagree: {differ}; leave --axes "
            "out, or add --override-axes where the file is wrong"
        )
    return (
        declared,
        "--axes" if own is None or own == declared else f"--axes, against the file's {own_from} {own}",
    )


def pick(
    axes: str, shape: Sequence[int], channel: int | None, z: int | None, where: str, names: Sequence[str] = ()
) -> dict[str, int]:
    """Which channel and focal plane to read, as 0-based indices by letter.

    Args:
        channel: 1-based number of the channel, or None.
        z: 1-based number of the focal plane, or None.
        names: the channels' names where the file has them.

    Raises:
        UserError: several to choose from and none chosen, or one that is not there.
    """
    chosen, problems = {}, []
    for letter, number, option in (("C", channel, "--channel"), ("Z", z, "--z")):
        if letter not in axes:
            if number not in (None, 1):
                problems.append(
                    f"{where}: {option} {number} is asked for, but there is no {MEANING[letter]} axis "
                    f"({axes})"
                )
            continue
        size = shape[axes.index(letter)]
        listed = f" ({', '.join(names)})" if letter == "C" and names else ""
        if number is None and size > 1:
            problems.append(
                f"{where}: has {size} {MEANING[letter]}s{listed}; choose one with {option} 1 to {option} "
                f"{size}"
            )
        elif number is not None and not 1 <= number <= size:
            problems.append(
                f"{where}: {option} {number} is not there; it has {size} {MEANING[letter]}(s){listed}"
            )
        else:
            chosen[letter] = (number or 1) - 1
    if problems:
        raise UserError(problems)
    return chosen
