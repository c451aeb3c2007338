"""What a search may change: named parameters of a preset, from a YAML file beside this code or a user's."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from twincell.config import Settings, Strict
from twincell.documents import read_yaml
from twincell.errors import UserError
from twincell.models.base.file import load_card

Value = Any
"""A number, a word, true, false or nothing."""
Point = dict[str, Any]
"""A value for each parameter, by its name."""

Keys = Annotated[tuple[str, ...], BeforeValidator(lambda keys: (keys,) if isinstance(keys, str) else keys)]


class Row(Strict):
    """One line of a space file: one of `set` and `multiply`, the values, and perhaps a scale."""

    set: Keys = ()
    """Settings that take the value itself."""
    multiply: Keys = ()
    """Settings that take the preset's own value times this one."""
    values: Annotated[tuple[bool | int | float | str, ...], Field(min_length=2)]
    """What is tried one after the other."""
    scale: Literal["linear", "log"] | None = None
    """Numbers between the least and the greatest may be tried too, evenly on this scale; None = choices."""


@dataclass(frozen=True)
class Parameter:
    """One thing that is varied.

    Attributes:
        name: for people.
        values: tried one after the other; the preset's own among them.
        scale: linear or log where all numbers between the least and the greatest may be tried, else None.
        own: the preset's own value.
        relative: whether a value multiplies what the preset has.
        base: the settings changed, with what the preset has.
    """

    name: str
    values: tuple[Value, ...]
    scale: Literal["linear", "log"] | None
    own: Value
    relative: bool
    base: Mapping[str, Any]

    def changes(self, value: Value) -> dict[str, Any]:
        """What this value makes of the preset's settings, for `Settings.changed`."""
        if not self.relative:
            return dict.fromkeys(self.base, value)
        return {key: _times(old, float(value)) for key, old in self.base.items()}

    def shown(self, value: Value) -> str:
        """The parameter with a value, for people."""
        number = f"{value:.3g}" if isinstance(value, float) else str(value)
        return f"{self.name} x {number}" if self.relative else f"{self.name} {number}"

    @property
    def unit(self) -> str:
        """What a value is measured in."""
        if not self.relative:
            return ""
        bases = {f"{_greatest(base):g}" for base in self.base.values()}
        return f"times the preset's {bases.pop() if len(bases) == 1 else 'own'}"

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return not self.relative and all(isinstance(value, int) for value in self.values)

    def as_json(self) -> dict[str, Any]:
        """What makes two searches the same."""
        return {"values": list(self.values), "scale": self.scale, "own": self.own, "base": dict(self.base)}


@dataclass(frozen=True)
class Space:
    """The parameters of a search, in the order in which coordinate search takes them.

    Attributes:
        parameters: those varied.
        left_out: one sentence on each parameter of the file that has no effect with this preset.
    """

    parameters: tuple[Parameter, ...]
    left_out: tuple[str, ...] = ()

    @property
    def own(self) -> Point:
        """The preset as it is."""
        return {parameter.name: parameter.own for parameter in self.parameters}

    def changes(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """The changed settings at a point; parameters at the preset's own value change nothing."""
        changed: dict[str, Any] = {}
        for parameter in self.parameters:
            if point[parameter.name] != parameter.own:
                changed |= parameter.changes(point[parameter.name])
        if "start" in changed:
            changed.setdefault("training.start_share", 0.0)  # the share was chosen for the preset's own start
        return changed


def read_space(settings: Settings, path: Path | None = None) -> Space:
    """The user's space, or the common one with the part that belongs to the preset's method.

    Raises:
        UserError: one sentence for each faulty line, each unknown setting and each value it does not allow.
    """
    where = f"space {path or settings.method}"
    rows = _rows(settings.method) if path is None else _read(path)
    found, left_out, problems = [], [], []
    for name, row in rows.items():
        try:
            parameter = _parameter(str(name), row, settings)
            problems += [f"{where}: {name}: {fault}" for fault in _faults(parameter, settings)]
            found.append(parameter)
        except _NoEffect as reason:
            left_out.append(f"{name} is left out: {reason}")
        except UserError as error:
            problems += [f"{where}: {name}: {problem}" for problem in error.problems]
    if problems:
        raise UserError(problems)
    if not found:
        raise UserError([f"{where}: nothing to vary with the preset {settings.name}", *left_out])
    return Space(tuple(found), tuple(left_out))


def _rows(method: str) -> dict[Any, Any]:
    folder = Path(__file__).with_name("spaces")
    own = folder / f"{method}.yaml"
    return _read(folder / "common.yaml") | (_read(own) if own.is_file() else {})


def _read(path: Path) -> dict[Any, Any]:
    if not path.is_file():
        raise UserError(f"--space {path}: there is no such file")
    rows = read_yaml(path, "name a file of settings to vary")
    if not isinstance(rows, dict) or not rows:
        raise UserError(
            f"space {path}: expected lines of NAME: {{set: SETTING, values: [...]}}, found {rows!r}"
        )
    return rows


class _NoEffect(Exception):  # noqa: N818 - no error: the line is for other presets
    """A parameter that changes nothing with this preset."""


def _parameter(name: str, data: Any, settings: Settings) -> Parameter:
    try:
        row = Row.model_validate(data)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))} {fault['msg']}".strip() for fault in error.errors()]
        raise UserError(faults) from error
    if bool(row.set) == bool(row.multiply):
        raise UserError("give one of set and multiply")
    values = tuple(_number(value) for value in row.values)
    if (row.scale or row.multiply) and not all(_is_number(value) for value in values):
        raise UserError(f"values {list(row.values)}: a scale and multiply need numbers")
    numbers = [float(value) for value in values if _is_number(value)]
    if row.scale == "log" and min(numbers) <= 0:
        raise UserError(f"values {list(row.values)}: a log scale needs numbers above 0")
    base = {key: _look_up(settings, key) for key in row.set or row.multiply}
    if row.multiply:
        base = {key: old for key, old in base.items() if _any_number(old)}
        if not base:
            raise _NoEffect(
                f"the preset has no section {' or '.join(row.multiply)} above 0 that could be multiplied"
            )
        own: Value = 1
    else:
        own = next(iter(base.values()))
        if isinstance(own, list | dict):
            raise UserError(f"setting {row.set[0]} is {own!r}, no single value; use multiply")
        if row.scale and not (_is_number(own) and (own > 0 or row.scale == "linear")):
            raise UserError(f"setting {row.set[0]} is {own!r} in the preset, not on a {row.scale} scale")
    if own not in values:
        values = tuple(sorted((*numbers, own))) if row.scale else (own, *values)
    return Parameter(name, values, row.scale, own, bool(row.multiply), base)


def _faults(parameter: Parameter, settings: Settings) -> list[str]:
    """What the settings do not allow, each value tried alone."""
    faults = []
    for value in parameter.values:
        try:
            changed = settings.changed(parameter.changes(value))
            if changed.start != settings.start:
                check_start(changed)
        except UserError as error:
            faults += [f"value {value!r}: {problem}" for problem in error.problems]
    return faults


def check_start(settings: Settings) -> None:
    """Looks at the card of the model that settings start from; widths are compared when it is trained.

    Raises:
        UserError: when it is missing or of another method.
    """
    if settings.start is None:
        return
    method = load_card(settings.start).method
    if method != settings.method:
        raise UserError(
            f"start {settings.start}: its method is {method}, that of the preset {settings.name} is "
            f"{settings.method}; choose a preset of the model's method"
        )


def _look_up(settings: Settings, key: str) -> Any:
    """The preset's value of a setting."""
    section: Any = settings.model_dump(mode="json")
    *sections, name = key.split(".")
    for depth, part in enumerate(sections):
        section = section.get(part, ...)
        if section is None:
            raise _NoEffect(f"the preset has no section {'.'.join(sections[: depth + 1])}")
        if not isinstance(section, dict):
            raise UserError(f"setting {key}: there is no section {part!r} in the preset")
    if name not in section:
        raise UserError(f"setting {key}: is unknown; there are {', '.join(section)}")
    return section[name]


def _times(old: Any, factor: float) -> Any:
    if isinstance(old, list):
        return [_times(value, factor) for value in old]
    if isinstance(old, int):
        return max(round(old * factor), 1)
    return old * factor


def _greatest(value: Any) -> float:
    return max(_greatest(part) for part in value) if isinstance(value, list) else float(value)


def _any_number(value: Any) -> bool:
    """Whether a factor would change it."""
    if isinstance(value, list):
        return any(_any_number(part) for part in value)
    return _is_number(value) and value != 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: Value) -> Value:
    """`1e-4`, which YAML 1.1 reads as text, counts as the number it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
