"""All settings of a training run: versioned, validated, unknown keys refused."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, model_validator

from twincell.documents import parse_yaml
from twincell.errors import UserError

Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
# Of networks: far above any that is meant, low enough that none takes hours to be made.
Width = Annotated[int, Field(gt=0, le=16384)]
Depth = Annotated[int, Field(gt=0, le=256)]


class Strict(BaseModel):
    """A settings section: unknown keys are errors, values are checked and never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class AugmentSettings(Strict):
    """How training images are varied, whole batches at once (paper 2.3.4). Everything is off by default."""

    flips: bool = False
    """Horizontal and vertical flips, each with probability 1/2."""
    quarter_turns: bool = False
    """Rotation by 0, 90, 180 or 270 degrees, equally likely."""
    rotation: Annotated[float, Field(ge=0, le=45)] = 0.0
    """Largest small rotation in degrees, before the crop: amplitude uniform from 0, sign at random."""
    crop: Annotated[float, Field(gt=0.5, le=1)] = 1.0
    """Side of a randomly placed window, as a share of the image side, resized to the whole; 1 = no crop."""
    scale: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Magnification uniform in 1 - scale .. 1 + scale."""
    shift: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Translation in x and in y uniform in -shift .. shift, as a share of the image side."""
    gain: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Contrast about the image's mean multiplied by a factor uniform in 1 - gain .. 1 + gain."""
    offset: Share = 0.0
    """Grey level added to the whole image, uniform in -offset .. offset (grey levels are 0..1)."""
    noise: tuple[NotNegative, NotNegative] = (0.0, 0.0)
    """Standard deviation of zero-centred pixel noise in grey levels, drawn per image between the two."""
    calm: Share = 0.0
    """Share of images that `contrast` to `compressed` leave alone; a third of `scale` varies them."""
    mirrored: bool = False
    """Whether cells in the mirrored margin of a shifted or shrunken image count: they are seen as well."""
    contrast: Annotated[float, Field(ge=1)] = 1.0
    """Contrast about the image's mean multiplied by a factor between 1 / contrast and contrast, its logarithm
    uniform."""
    light: Share = 0.0
    """Largest share by which a slanting lamp or a vignette changes the brightness towards the border."""
    invert: Share = 0.0
    """Share of images turned into their negative."""
    blur: NotNegative = 0.0
    """Largest standard deviation of a Gaussian blur, in px; half of the images stay sharp."""
    binned: Share = 0.0
    """Share of images whose pixels are averaged two by two and spread out again."""
    compressed: Share = 0.0
    """Share of images compressed as JPEG does, from hardly to badly."""


class SyntheticSettings(Strict):
    """Where the synthetic half of a batch comes from."""

    source: Literal["pool", "fresh", "manifest", "none"] = "pool"
    """pool: drawn once before training; fresh: drawn anew for every step; manifest: its rows with origin
    synthetic; none: natural images only."""
    presets: tuple[str, ...] = ("ellipse-{modality}",)
    """Renderer presets, used in equal parts; `{modality}` stands for each modality of the natural images."""
    pool: Positive = 3000
    """Images in the pool."""
    backgrounds: Literal["drawn", "mean", "median"] = "drawn"
    """drawn: by the renderer; mean: the mean of training images with fewer than 5 cells (the paper's);
    median: the median image of every training chamber."""
    recount: bool = False
    """Whether cells that augmentation moves out of view leave the count (the paper keeps the label)."""

    tests: Positive | None = None
    """Synthetic test images of an experiment; None = the paper's Table 1: 514 in bright field, 792 in phase
    contrast, 500 elsewhere."""

    @property
    def drawn(self) -> bool:
        """Whether counted images are drawn, so that a network can learn without any label."""
        return self.source in ("pool", "fresh")


class BatchSettings(Strict):
    """What a training batch is made of."""

    size: Annotated[int, Field(ge=2)] = 128
    """Images per step, natural and synthetic together, over all devices."""
    synthetic_per_natural: NotNegative = 1.0
    """Synthetic images per natural image; 0 = natural only. Synthetic only: see `natural`."""
    natural: bool = True
    """Off: no natural image is trained on at all, labelled or not."""
    drawn_first: Share = 0.0
    """Share of the steps at the beginning that learn from synthetic images alone."""
    through_natural: Share = 0.0
    """Share of a step's synthetic images that pass for natural ones: natural layers learn from them."""
    labelled_share: Share | None = None
    """Share of natural images drawn from those with a label or target; None = each image once an epoch."""
    few: NotNegative = 0.0
    """That share is multiplied by n / (n + few) for n counted images: a handful is not learned by heart."""
    teacher: Literal["draw", "weigh"] = "draw"
    """What a teacher's weights are: draw = the chance to be drawn; weigh = the weight in the loss."""
    window: Annotated[int, Field(gt=0, multiple_of=8)] = 128
    """Side in pixels of what a network sees of an image in training. Larger images are cropped where places
    of cells are known or no count is; one with a count alone has to fit, so all are shrunk by one factor
    where it does not. Smaller images are surrounded by their mean."""
    density: Count = 0
    """Side of the density map, for images whose cells have known places, drawn or marked; 0 = none."""
    density_sigma: NotNegative = 4.0
    """Standard deviation of one cell in the density map, in image pixels."""


class TeacherSettings(Strict):
    """Soft labels for unlabelled frames that lie between two labelled frames of the same chamber."""

    kind: Literal["none", "time"] = "none"
    weight: Share = 0.5
    """Weight of an interpolated count next to 1 for a counted one."""
    decay: NotNegative = 0.1
    """The weight is divided by 1 + decay * frames to the nearest counted frame."""
    births: NotNegative = 0.0
    """The weight is divided by 1 + births * the variance, in cells squared, that chance divisions add."""


class TrainingSettings(Strict):
    """Length, optimiser, schedule, validation and what is kept."""

    epochs: Positive | None = None
    """Passes over the natural training images (one of `epochs` and `steps` is given)."""
    steps: Positive | None = None
    """Optimiser steps."""
    optimizer: Literal["adam", "radam", "adamw", "sgd"] = "adam"
    """sgd: stochastic gradient descent with momentum 0.9."""
    learning_rate: Annotated[float, Field(gt=0)] = 1.3e-4
    weight_decay: NotNegative = 0.0
    schedule: Literal["constant", "cosine", "one-cycle", "staircase"] = "constant"
    warmup: Share = 0.0
    """Share of the steps over which the learning rate ramps up from zero (one-cycle: its rising part)."""
    drops: tuple[Share, ...] = ()
    """staircase: shares of the steps after which the learning rate is divided by 10, each once more."""
    clip: NotNegative = 0.0
    """Largest norm of the gradient; 0 = not limited."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay per step of the running average of the weights, which is then validated and saved; 0 = off."""
    start_share: Share = 0.0
    """The model lies between its start (1) and where training led (0). This holds for the settings' own
    `start` alone: of any other that a run is given, nothing is kept.
    """
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 autocast where the device computes it in hardware, else float32."""
    validation: Literal["auto", "rows", "none"] = "auto"
    """rows: rows with split val, if any; auto: these, else a part of the training chambers."""
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Part of the labelled training chambers that `auto` takes (rounded, at least one; needs 3 chambers)."""
    validate_every: Positive = 100
    """Steps between validations."""
    patience: Count = 0
    """Validations without a better MAE before training stops early; 0 = never."""
    keep: Literal["best", "last"] = "best"
    """Which weights become the model: of the best validation MAE, or the last (so without validation)."""
    save_steps: Positive = 500
    """Steps between checkpoints."""
    save_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Seconds after which a checkpoint is written even before `save_steps` have passed."""
    log_every: Positive = 10
    """Steps between rows of history.csv."""

    @model_validator(mode="after")
    def _one_length(self) -> "TrainingSettings":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of epochs and steps")
        return self


class CountingSettings(Strict):
    """How the trained model counts; written into the model file."""

    test_time_flips: bool = False
    """Whether a count is the mean over the image and its three mirror images (four times the work)."""


class TransferSettings(Strict):
    """How a trained network moves to new data (paper 3.1)."""

    scheme: Literal["full", "frozen-core", "frozen-outer", "thaw"] = "full"


class Settings(Strict):
    """Everything a training run needs besides its data and its seed.

    `model` is an instance of the method's own `settings_class`; see `parse` and `twincell.presets`.
    """

    version: Literal[1] = 1
    name: str
    method: str
    model: SerializeAsAny[BaseModel]
    augment: AugmentSettings = AugmentSettings()
    synthetic: SyntheticSettings = SyntheticSettings()
    batch: BatchSettings = BatchSettings()
    teacher: TeacherSettings = TeacherSettings()
    training: TrainingSettings
    counting: CountingSettings = CountingSettings()
    transfer: TransferSettings | None = None
    start: str | None = None
    """A model whose weights are the start where the caller names none; None = random weights."""

    def changed(self, changes: dict[str, Any]) -> "Settings":
        """A copy with other values, checked again: `{"training.steps": 10}`; None unsets a value.

        Raises:
            UserError: one sentence for each name or value that is not allowed; the method cannot be changed.
        """
        data = self.model_dump(mode="json")
        for key, value in changes.items():
            *sections, name = key.split(".")
            section = data
            for part in sections:
                if not isinstance(section.get(part), dict):
                    known = ", ".join(section)
                    raise UserError(f"setting {key}: there is no section {part!r}, only {known}")
                section = section[part]
            section[name] = value
        if data["method"] != self.method:
            raise UserError(
                f"setting method: {self.name} trains {self.method}; name a preset of {data['method']} instead"
            )
        return parse(data, type(self.model), self.name)

    def to_yaml(self) -> str:
        """The settings as a file that `load_preset` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def parse(data: dict[str, Any], model_class: type[BaseModel], where: str) -> Settings:
    """Settings from plain values; `data["model"]` is read by the method's own `model_class`.

    Raises:
        UserError: one sentence per fault, each naming `where`.
    """
    problems = []
    if isinstance(data.get("model"), dict):
        try:
            data = {**data, "model": model_class.model_validate(data["model"])}
        except ValidationError as error:
            problems = sentences(error, "model.")
    if not problems:
        try:
            return Settings.model_validate(data)
        except ValidationError as error:
            problems = sentences(error)
    raise UserError([f"settings {where}: {problem}" for problem in problems])


def parse_overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """`["training.steps=100", "augment.flips=false"]` as changes for `Settings.changed`.

    Raises:
        UserError: one sentence for each word that names no setting or whose value is no YAML.
    """
    changes: dict[str, Any] = {}
    problems = []
    for text in assignments:
        name, mark, value = text.partition("=")
        try:
            if not mark or not name.strip():
                raise ValueError
            changes[name.strip()] = _value(value)
        except ValueError:
            problems.append(f"--set {text!r}: write it as section.name=value")
    if problems:
        raise UserError(problems)
    return changes


def _value(text: str) -> Any:
    """A YAML value; `1e-4`, which YAML 1.1 reads as text, counts as the number it is."""
    value = parse_yaml(text)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def sentences(error: ValidationError, prefix: str = "") -> list[str]:
    """One sentence per fault: the key, what is wrong and the value seen."""
    sentences = []
    for fault in error.errors():
        key = prefix + ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            sentences.append(f"{key}: no such setting; correct its name or remove it")
        elif fault["type"] == "missing":
            sentences.append(f"{key}: is missing; give it a value")
        else:
            sentences.append(f"{key}: {fault['msg'].removeprefix('Value error, ')}, found {fault['input']!r}")
    return sentences
