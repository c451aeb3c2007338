"""A model in use: weights (safetensors) beside their card (JSON), checked on every load, never pickle.

A model is two files of one stem: `NAME.safetensors` holds the weights, `NAME.json` the `ModelCard` - how to
rebuild the network, how its images are prepared, what it was trained on, what it scores, and the checksum of
the weights. The same two files give the same counts from the command line, from Python and from an export.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from twincell.errors import UserError
from twincell.files import sha256, write_atomic
from twincell.models import METHODS
from twincell.models.base.method import IMAGE_SIZE, Method, Prediction
from twincell.models.base.weights import plain_state

FORMAT_VERSION = 1
SHIPPED = Path(__file__).parents[2] / "shipped"
IN_A_RUN = "model"  # the stem of a run folder's model file


class Preprocessing(BaseModel):
    """How pixels become what the network sees, and how often it looks.

    `low` and `high` are the grey levels (of 0-255) that become 0 and 1; levels outside are clipped. With
    `test_time_flips` the prediction is the mean over the image and its mirror images (four looks).
    """

    model_config = ConfigDict(extra="forbid")

    low: float = 0.0
    high: float = 255.0
    test_time_flips: bool = False


class TrainingData(BaseModel):
    """What a model was trained on; `fingerprint` is that of the manifest."""

    model_config = ConfigDict(extra="forbid")

    fingerprint: str = ""
    images: int = 0
    labelled: int = 0
    chambers: int = 0
    description: str = ""


class ModelCard(BaseModel):
    """Everything about a model but its weights.

    `settings` are the method's own (its `settings_class`, enough to rebuild the network); `training` keeps
    the whole settings of the run for the record. `modalities` are those the model was trained on. `metrics`
    holds figures by name, each a number or a table of them.
    """

    model_config = ConfigDict(extra="forbid")

    format_version: int = FORMAT_VERSION
    name: str
    method: str
    settings: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    modalities: list[str]
    image_size: int = IMAGE_SIZE
    preprocessing: Preprocessing = Field(default_factory=Preprocessing)
    data: TrainingData = Field(default_factory=TrainingData)
    licence: str = ""
    metrics: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    steps: int = 0
    seconds: float = 0.0
    machine: str = ""
    twincell_version: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to count.

    Attributes:
        card: what is known about it.
        network: in eval mode, float32, on `device`.
        method: how to ask it.
        path: its weights file.
    """

    card: ModelCard
    network: nn.Module
    method: Method
    path: Path
    device: str = "cpu"

    def predict(
        self,
        images: Tensor | NDArray[Any],
        batch: int = 64,
        progress: Callable[[int], None] | None = None,
    ) -> Prediction:
        """Counts images, a batch at a time, in float32 and without chance.

        Args:
            images: (N, 1, 128, 128) or (N, 128, 128), uint8, or float in [0, 1] on the scale of uint8 / 255.
            batch: images per look; equal batches give equal counts to the last bit.
            progress: called after each batch with how many images it held.

        Raises:
            UserError: the images have another shape or size, or floats outside [0, 1].
        """
        stack = self._stack(images)
        parts = []
        for start in range(0, len(stack), batch):
            part = stack[start : start + batch]
            parts.append(self._look(part).cpu())
            if progress is not None:
                progress(len(part))
        return Prediction.join(parts) if parts else Prediction(torch.zeros(0))

    def prepare(self, images: Tensor) -> Tensor:
        """What the network sees: (N, 1, 128, 128) float32 in [0, 1], by the card's preprocessing."""
        rule = self.card.preprocessing
        levels = images.to(self.device, torch.float32)
        if images.dtype != torch.uint8:
            levels = levels * 255
        return ((levels - rule.low) / (rule.high - rule.low)).clamp(0, 1)

    @torch.inference_mode()
    def _look(self, images: Tensor) -> Prediction:
        prepared = self.prepare(images)
        if not self.card.preprocessing.test_time_flips:
            return self.method.predict(self.network, prepared)
        turns: list[tuple[int, ...]] = [(), (-1,), (-2,), (-2, -1)]
        return _mean([_flip(self.method.predict(self.network, prepared.flip(t)), t) for t in turns])

    def _stack(self, images: Tensor | NDArray[Any]) -> Tensor:
        stack = torch.from_numpy(np.ascontiguousarray(images)) if isinstance(images, np.ndarray) else images
        if stack.ndim == 3:
            stack = stack[:, None]
        size = self.card.image_size
        if stack.ndim != 4 or tuple(stack.shape[1:]) != (1, size, size):
            raise UserError(
                f"model {self.card.name}: counts images of shape (N, 1, {size}, {size}), got "
                f"{tuple(images.shape)}; crop and resize them first, or use `twincell count`"
            )
        if stack.dtype == torch.uint8:
            return stack
        if not stack.is_floating_point():
            raise UserError(f"model {self.card.name}: counts uint8 or float images, got {stack.dtype}")
        if len(stack) and not bool(((stack >= 0) & (stack <= 1)).all()):
            raise UserError(
                f"model {self.card.name}: float images must lie in [0, 1], got values from "
                f"{float(stack.min()):g} to {float(stack.max()):g}; divide 8-bit grey levels by 255"
            )
        return stack


def save_model(folder: Path | str, network: nn.Module, card: ModelCard, name: str = IN_A_RUN) -> Path:
    """Writes `name.safetensors` and `name.json` into `folder`; each appears whole or not at all.

    The checksum of the weights is filled into the card. Returns the path of the weights.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    weights, described = place / f"{name}.safetensors", place / f"{name}.json"
    write_atomic(weights, save(plain_state(network)))
    filled = card.model_copy(update={"sha256": sha256(weights)})
    write_atomic(described, filled.model_dump_json(indent=2) + "\n")
    return weights


def shipped_models() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.json"))


def load_card(model: str | Path) -> ModelCard:
    """The card of a model, without its weights; errors as `load_model`."""
    return _card(find_model(model))


def load_model(model: str | Path, device: str = "cpu") -> LoadedModel:
    """A model by run folder, by file (`.safetensors` or `.json`) or by the name of a shipped one.

    A bare name that ships with the package always means that one; write `./NAME` for a folder of that name.

    Raises:
        UserError: no such model, a damaged or changed file, a file of a newer format, an unknown method, a
            device this machine lacks.
    """

    _require_device(device)
    weights = find_model(model)
    card = _card(weights)
    if card.method not in METHODS:
        raise UserError(
            f"{weights.with_suffix('.json')}: method {card.method!r} is unknown here; "
            f"this twincell knows {', '.join(sorted(METHODS))}"
        )
    if sha256(weights) != card.sha256:
        raise UserError(
            f"{weights}: its checksum is not the one in {weights.stem}.json, so the file is damaged or "
            "belongs to another card; copy both files again, or train anew"
        )
    method = METHODS[card.method]
    try:
        network = method.build(method.settings_class.model_validate(card.settings))
        network.load_state_dict(load_file(weights))
    except (ValidationError, RuntimeError) as error:
        raise UserError(
            f"{weights}: its weights do not fit the method {card.method!r} of this twincell "
            f"({str(error).splitlines()[0]}); the model was written by version {card.twincell_version or '?'}"
        ) from error
    return LoadedModel(card, network.to(device).eval(), method, weights, device)


def _require_device(device: str) -> None:
    there = ["cpu"]
    if torch.accelerator.is_available():
        kind, number = torch.accelerator.current_accelerator(), torch.accelerator.device_count()
        there += [str(kind), *(f"{kind}:{i}" for i in range(number))]
    if device not in there:
        raise UserError(f"device {device!r} cannot be used here; use one of {', '.join(there)}")


def find_model(model: str | Path) -> Path:
    """The weights file that MODEL means; its card lies beside it."""
    name, path = str(model), Path(model)
    if name in shipped_models():
        return SHIPPED / f"{name}.safetensors"
    if path.is_dir():
        return _both(path / f"{IN_A_RUN}.safetensors", f"{path}: no finished model in this folder")
    if path.suffix in (".safetensors", ".json") and path.exists():
        return _both(path.with_suffix(".safetensors"), f"{path}: its other half is missing")
    raise UserError(
        f"no model {name!r}: neither a run folder nor a .safetensors file is there, and the models that "
        f"come with twincell are {', '.join(shipped_models()) or 'none'}"
    )


def _both(weights: Path, otherwise: str) -> Path:
    missing = [p.name for p in (weights, weights.with_suffix(".json")) if not p.is_file()]
    if missing:
        raise UserError(
            f"{otherwise} ({' and '.join(missing)} not found); give a run folder, a file or a name"
        )
    return weights


def _card(weights: Path) -> ModelCard:
    path = weights.with_suffix(".json")
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        version = read.get("format_version")
    except (OSError, UnicodeDecodeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: not a model card ({error}); copy the model's two files again") from error
    if version != FORMAT_VERSION:
        raise UserError(
            f"{path}: model format {version!r}, this twincell reads format {FORMAT_VERSION}; "
            "upgrade twincell or train the model anew"
        )
    if isinstance(read.get("method"), str):
        read["method"] = METHODS.current(read["method"])
    try:
        return ModelCard.model_validate(read)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {place}: {first['msg']}; the card was changed or damaged") from error


def _flip(prediction: Prediction, dims: tuple[int, ...]) -> Prediction:
    density = prediction.density
    return Prediction(
        prediction.count,
        prediction.std,
        density.flip(dims) if density is not None and dims else density,
        prediction.novelty,
    )


def _mean(looks: list[Prediction]) -> Prediction:
    """The mean of several looks at the same images; spreads as the root of the mean variance."""

    def over(name: str, power: int = 1) -> Tensor | None:
        values = [getattr(look, name) for look in looks]
        if any(value is None for value in values):
            return None
        return (torch.stack(values) ** power).mean(0) ** (1 / power)

    count = torch.stack([look.count for look in looks]).mean(0)
    return Prediction(count, over("std", 2), over("density"), over("novelty"))
