"""What to change in the generator, first thing first, as settings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from twincell.gap.convention import Convention
from twincell.gap.generator import in_the_light_of
from twincell.gap.measured import Measured
from twincell.gap.shapley import DISTRIBUTION, LABEL, NOTHING, PHOTOREALISM, Closed, name_of
from twincell.gap.split import Split
from twincell.simulate.presets import Preset

MOST = 6
"""Settings that are named of each part: those that differ most."""
LEAST = 0.25
"""Difference, in their own width, below which settings are alike."""
MORE = "scene.place.visitors and scene.cells.ghosts (cells that are drawn and do not count)"
NOT_IN_ADVICE = ("modality", "renderer", "kind", "style", "block")


@dataclass(frozen=True)
class Change:
    """A setting that differs between the generator and what was fitted to the real images.

    Attributes:
        setting: its dotted name.
        given: its value in the generator; None = not there.
        fitted: its value that makes images like the real ones.
        size: how far these are apart, in their width or their own size.
    """

    setting: str
    given: Any
    fitted: Any
    size: float

    def __str__(self) -> str:
        return f"{self.setting}: {_short(self.given)} -> {_short(self.fitted)}"


@dataclass(frozen=True)
class Step:
    """One thing to do: a part, what closing it is worth, and how."""

    part: str
    worth: str
    what: str
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        told = f"{self.part} ({self.worth} cells): {self.what}"
        return told + (f" ({'; '.join(map(str, self.changes))})" if self.changes else "")


@dataclass(frozen=True)
class Advice:
    """What to do, first thing first.

    Attributes:
        steps: those that are surely worth it, on the mean or after the others, the one worth most first.
        worth_closing: of distribution and photorealism, what is.
        head: one line on that for the preset that has them closed.
    """

    steps: tuple[Step, ...]
    worth_closing: Closed
    head: str

    def as_json(self) -> list[dict[str, Any]]:
        """The steps as plain values."""
        return [
            {
                "part": s.part,
                "worth": s.worth,
                "what": s.what,
                "settings": {c.setting: c.fitted for c in s.changes},
            }
            for s in self.steps
        ]


def advise(found: Split, measured: Measured, given: Preset, fitted: Preset, twin: str = "") -> Advice:
    """Turns the parts that are surely worth closing into settings.

    Args:
        found: the gap in parts.
        measured: with what people count.
        given, fitted: the generator, and what makes images like the real ones.
        twin: the model that translated drawn images, where one closed photorealism.
    """
    steps: list[Step] = []
    for part in found.order:
        worth = found.worth[part]
        # What helps only once the rest is closed is worth closing as well, but not by itself.
        if max(worth.lower, found.last[part].lower) <= 0:
            continue
        changes: tuple[Change, ...] = ()
        if part == LABEL:
            what = _of_labels(list(measured.conventions.values()))
        elif part == DISTRIBUTION:
            changes = tuple(differences(given, fitted, "scene")) + tuple(_of_light(given, fitted))
            what = "draw scenes as the real ones are: better.yaml has all of it"
        else:
            changes = tuple(_of_look(given, fitted))
            what = f"draw with the {fitted.look.renderer} renderer as fitted: better.yaml has all of it"
            if twin:
                what, changes = f"translate drawn images: twincell translate {twin} IMAGES --to natural", ()
        if part != LABEL and not changes and not (part == PHOTOREALISM and twin):
            continue
        if found.first[part].upper < 0:
            what += f"; not by itself, where it makes the error larger by {-found.first[part].value:.2f}"
        steps.append(Step(part, str(worth), what, changes[:MOST]))
    done = frozenset(step.part for step in steps)
    if found.errors[name_of(done)].value >= found.errors[name_of(NOTHING)].value:
        steps = []  # all of it together would make the error larger: the fit is not like the real images
    closing = frozenset(step.part for step in steps) - {LABEL}
    head = f"{given.name} as twincell gap found it better, closed: {name_of(closing)}"
    return Advice(tuple(steps), closing, head)


def _of_labels(conventions: list[Convention]) -> str:
    gain = float(np.mean([own.gain for own in conventions]))
    offset = float(np.mean([own.offset for own in conventions]))
    less = gain * 10 + offset < 10
    told = f"people count {Convention(offset, gain)} where the generator counts n: "
    if less:
        return (
            told
            + f"some of what counts as drawn does not for them; raise {MORE}, or calibrate on a few labels"
        )
    return told + f"they count more than is drawn as counting; lower {MORE}, or calibrate on a few labels"


def _of_look(given: Preset, fitted: Preset) -> list[Change]:
    """Settings of the look; another renderer has others altogether."""
    one, other = given.look.renderer, fitted.look.renderer
    if one != other:
        return [Change("look.renderer", one, other, 1.0)]
    return differences(given, fitted, "look")


def _of_light(given: Preset, fitted: Preset) -> Iterator[Change]:
    """Brightness that changes with the distribution."""
    lit = Preset(given.name, given.scene, in_the_light_of(given.look, fitted.look))
    yield from (c for c in differences(given, lit, "look") if c.setting.startswith("look.camera."))


def differences(given: Preset, fitted: Preset, part: str) -> list[Change]:
    """Settings of `scene` or `look` that differ, those that differ most first."""
    before, after = (_flat(getattr(preset, part).model_dump(mode="json"), part) for preset in (given, fitted))
    changes = []
    for key, value in after.items():
        if key.rpartition(".")[2] in NOT_IN_ADVICE or value is None:
            continue
        size = apart(before.get(key), value)
        if size >= LEAST:
            changes.append(Change(key, before.get(key), value, size))
    counts = given.scene.counts, fitted.scene.counts
    if part == "scene" and counts[0] != counts[1]:
        tables = [np.array([*([0.0] * c.least), *c.table()]) for c in counts]
        most = max(map(len, tables))
        sums = [np.pad(t, (0, most - len(t))).cumsum() for t in tables]
        spread = np.sqrt(max(1.0, float(sum(t @ np.arange(len(t)) for t in tables)) / 2))
        size = float(np.abs(sums[0] - sums[1]).sum() / spread)
        changes.append(Change("scene.counts", _told(counts[0]), counts[1].model_dump(mode="json"), size))
    return sorted(changes, key=lambda change: -change.size)


def apart(one: Any, other: Any) -> float:
    """How far two settings are apart: limits by their middles in their mean width, numbers in their size."""
    if one is None or isinstance(one, str | bool) or isinstance(other, str | bool):
        return float(one != other)
    low, high = (np.atleast_1d(np.asarray(value, float)) for value in (one, other))
    if low.shape != high.shape:
        return 1.0
    middle = abs(low.mean() - high.mean())
    width = (float(np.ptp(low)) + float(np.ptp(high))) / 2
    unit = width if width > 0 else max(abs(low.mean()), abs(high.mean()))
    return float(middle / unit) if unit > 0 else 0.0


def _flat(tree: dict[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if key == "counts":
            continue
        name = f"{prefix}.{key}"
        found |= _flat(value, name) if isinstance(value, dict) else {name: value}
    return found


def _told(counts: Any) -> str:
    return f"{counts.least} to {counts.most}"


def _short(value: Any) -> str:
    if value is None:
        return "not there"
    if isinstance(value, dict):
        table = np.array(
            value["weights"] or [value["offset"] - k for k in range(value["least"], value["most"] + 1)]
        )
        mean = float(table @ np.arange(value["least"], value["most"] + 1) / table.sum())
        return f"{value['least']} to {value['most']}, {mean:.1f} on average"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"[{', '.join(map(_short, value))}]" if isinstance(value, list | tuple) else str(value)
