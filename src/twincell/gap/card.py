"""What was found, as text: a table of parts, a table of subsets, what to change."""

import math
from collections.abc import Sequence

import pandas as pd

from twincell.evaluate.tables import markdown
from twincell.gap.measured import BY_COUNTS, REAL, Measured
from twincell.gap.shapley import DISTRIBUTION, EVERYTHING, LABEL, NOTHING, PHOTOREALISM, SUBSETS, name_of
from twincell.gap.split import Split, Value

CLOSED_BY = {
    DISTRIBUTION: "scenes and light fitted to the real images",
    LABEL: "a line through a few labels",
    PHOTOREALISM: "the fitted renderer, or a twin",
}
"""What takes each part away."""
NOTHING_TO_DO = "Nothing is surely worth it."
HEAD_PARTS = ("part", "worth, cells", "share", "alone", "after the others", "closed by")


def parts_rows(found: Split) -> list[list[str]]:
    """The parts, the one that is worth most first, with 90 % intervals."""
    return [
        [
            part,
            str(found.worth[part]),
            percent(found.share[part]),
            str(found.first[part]),
            str(found.last[part]),
            CLOSED_BY[part],
        ]
        for part in found.order
    ]


def percent(share: Value) -> str:
    """A share with its interval; a dash where nothing was closed that could be shared."""
    if not math.isfinite(share.value):
        return "-"
    return f"{100 * share.value:.0f} % [{100 * share.lower:.0f}, {100 * share.upper:.0f}]"


def subset_rows(found: Split, bias: dict[str, float]) -> list[list[str]]:
    """Errors of the eight subsets and of what they are compared with."""
    named = [name_of(subset) for subset in SUBSETS]
    also = [name for name in (BY_COUNTS, REAL) if name in found.errors]
    return [[name, str(found.errors[name]), f"{bias[name]:+.2f}"] for name in [*named, *also]]


def together_rows(found: Split) -> list[list[str]]:
    """What pairs of parts are worth together beyond each alone."""
    return [
        [f"{one} and {other}", str(value), how(value.lower, value.upper)]
        for (one, other), value in found.together.items()
    ]


def how(lower: float, upper: float) -> str:
    """What an interaction means."""
    if lower > 0:
        return "one helps more once the other is closed"
    return "both take away the same error" if upper < 0 else "not surely any"


def card(found: Split, measured: Measured, steps: Sequence[str], head: str) -> str:
    """Everything as Markdown."""
    conventions = "; ".join(f"seed {seed}: {own}" for seed, own in measured.conventions.items())
    return "\n".join(
        [
            f"# {head}\n",
            f"{verdict(found)}\n",
            f"Error of the generator as given less that of as many labelled real images: {found.gap} cells; "
            f"left with everything closed: {found.left}. {found.images} images of {found.chambers} chambers, "
            f"{found.seeds} seeds; mean absolute error of rounded counts, [90 % intervals] over seeds and "
            "chambers.\n",
            markdown(HEAD_PARTS, parts_rows(found)),
            markdown(("closed", "error, cells", "bias"), subset_rows(found, measured.bias)),
            markdown(("together", "beyond each alone, cells", ""), together_rows(found)),
            f"Where the generator counts n, people count: {conventions}.\n",
            "## What to change, first thing first\n",
            "".join(f"{k}. {step}\n" for k, step in enumerate(steps, start=1))
            or "Nothing that is surely worth it.\n",
        ]
    )


def verdict(found: Split) -> str:
    """Which part is the largest, and how sure that is, in one sentence."""
    surely = [part for part in found.order if found.worth[part].lower > 0]
    if not surely:
        none = "No part is surely above zero: nothing that is closed here makes the error surely smaller."
        if found.errors[name_of(EVERYTHING)].lower > found.errors[name_of(NOTHING)].upper:
            none = (
                "Closing everything makes the error surely larger: what was fitted does not resemble the "
                "real images. Look at the sheet beside the fit; name a nearer start or the diameter."
            )
        return none + together_told(found)
    first, rest = surely[0], surely[1:]
    share = found.share[first]
    half = "more" if share.lower > 0.5 else "less" if share.upper < 0.5 else "perhaps more, perhaps less"
    also = (
        f"; {' and '.join(rest)} {'is' if len(rest) == 1 else 'are'} surely above zero, too" if rest else ""
    )
    return (
        f"**{first.capitalize()}** is the largest part: {found.worth[first]} cells, "
        f"{100 * share.value:.0f} % of what the three close together ({half} than half){also}."
        f"{together_told(found)}"
    )


def together_told(found: Split) -> str:
    """Pairs that surely interact, in a sentence; empty where none does."""
    told = [
        f"{one} and {other}: {how(value.lower, value.upper)} ({value} cells)"
        for (one, other), value in found.together.items()
        if value.is_sure
    ]
    return f" Interactions: {'; '.join(told)}." if told else ""


def table(found: Split, bias: dict[str, float]) -> pd.DataFrame:
    """Everything that has an interval: what, of what, value, lower, upper (cells; shares from 0 to 1)."""
    groups = {
        "error": found.errors,
        "worth": found.worth,
        "share": found.share,
        "alone": found.first,
        "after the others": found.last,
        "together": {" and ".join(pair): value for pair, value in found.together.items()},
        "gap": {"to real labels": found.gap},
        "left": {"to real labels": found.left},
    }
    rows = [
        {"what": what, "of": of, "value": value.value, "lower": value.lower, "upper": value.upper}
        for what, values in groups.items()
        for of, value in values.items()
    ]
    rows += [{"what": "bias", "of": of, "value": value} for of, value in bias.items()]
    return pd.DataFrame(rows)
