"""A model's card: everything about a model but its weights."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twincell.data.image_spec import FIRST_RELEASE, ImageSpec

FORMAT_VERSION = 1
LARGEST_SCALE = 32.0
"""How many times images may be enlarged, or shrunk; beyond it a few images fill the memory."""
LARGEST_VIEW = 4096
"""Pixels along a side of a network's field of view."""


class Preprocessing(BaseModel):
    """How pixels become what the network sees, and how often it looks.

    `low` and `high` are the levels that become 0 and 1, on a scale where the images' own range is 0 to 255;
    levels outside are clipped. Images are enlarged by `scale` first (below 1: shrunk), as the training images
    were. With `test_time_flips` the prediction is the mean over the image and its mirror images (four looks).
    """

    model_config = ConfigDict(extra="forbid")

    low: float = Field(default=0.0, allow_inf_nan=False)
    high: float = Field(default=255.0, allow_inf_nan=False)
    scale: float = Field(default=1.0, ge=1 / LARGEST_SCALE, le=LARGEST_SCALE)
    test_time_flips: bool = False

    @model_validator(mode="after")
    def _levels_are_a_range(self) -> "Preprocessing":
        if not self.low < self.high:
            raise ValueError(
                f"low {self.low:g} has to be below high {self.high:g}, or every image looks empty"
            )
        return self


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
    the whole settings of the run for the record. `modalities` are those the model was trained on. `image` is
    what the network saw in training: its height and width are the field of view. `metrics` holds figures by
    name, each a number or a table of them. `spread`, where labels gave it, is half the width of a 90 %
    interval of a single image's count in units of sqrt(count + 1) cells.
    """

    model_config = ConfigDict(extra="forbid")

    format_version: int = FORMAT_VERSION
    name: str
    method: str
    settings: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    modalities: list[str]
    image: ImageSpec = FIRST_RELEASE
    preprocessing: Preprocessing = Field(default_factory=Preprocessing)
    data: TrainingData = Field(default_factory=TrainingData)
    licence: str = ""
    metrics: dict[str, Any] = Field(default_factory=dict)
    spread: float | None = Field(default=None, ge=0)
    seed: int | None = None
    steps: int = 0
    seconds: float = 0.0
    machine: str = ""
    twincell_version: str = ""
    sha256: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_first_release(cls, told: Any) -> Any:
        """The first release's cards give the side of a square 8-bit image alone, as `image_size`."""
        if not isinstance(told, dict) or "image_size" not in told:
            return told
        side = told["image_size"]
        rest = {key: value for key, value in told.items() if key != "image_size"}
        return rest | {"image": FIRST_RELEASE.model_dump() | {"height": side, "width": side}}

    @model_validator(mode="after")
    def _view_is_known(self) -> "ModelCard":
        if not (isinstance(self.image.height, int) and isinstance(self.image.width, int)):
            raise ValueError("image: height and width are the network's field of view and cannot be 'any'")
        if self.image_size > LARGEST_VIEW:
            raise ValueError(f"image: a field of view of {self.image.size()} pixels; at most {LARGEST_VIEW}")
        return self

    @property
    def view(self) -> tuple[int, int]:
        """Height and width of the network's field of view, in pixels."""
        assert isinstance(self.image.height, int)
        assert isinstance(self.image.width, int)
        return self.image.height, self.image.width

    @property
    def image_size(self) -> int:
        """The longer side of the field of view, in pixels."""
        return max(self.view)
