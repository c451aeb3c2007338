"""A model in use: weights (safetensors) beside their card (JSON), checked on every load, never pickle.

A model is two files of one stem: `NAME.safetensors` holds the weights, `NAME.json` the `ModelCard` - how to
rebuild the network, how its images are prepared, what it was trained on, what it scores, and the checksum of
the weights. The same two files give the same counts from the command line, from Python and from an export.
"""

from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors.torch import save
from torch import nn

from twincell.documents import read_json
from twincell.errors import UserError
from twincell.files import sha256, write_atomic
from twincell.models import METHODS
from twincell.models.base.card import FORMAT_VERSION, ModelCard, Preprocessing, TrainingData
from twincell.models.base.loaded import LoadedModel
from twincell.models.base.weights import checked_weights, plain_state

__all__ = [
    "LoadedModel",
    "ModelCard",
    "Preprocessing",
    "TrainingData",
    "find_model",
    "load_card",
    "load_model",
    "save_model",
    "shipped_models",
]

SHIPPED = Path(__file__).parents[2] / "shipped"
IN_A_RUN = "model"  # the stem of a run folder's model file


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
        UserError: no such model, a damaged or changed file, a file of a newer format, an unknown method,
            weights that are no numbers or of other shapes than the card's network, a device this machine
            lacks.
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
        settings = method.settings_class.model_validate(card.settings)
        # Our own files need no look at shapes beforehand, which loads half of torch's compiler.
        ours = weights.parent == SHIPPED
        state = checked_weights(weights, None if ours else lambda: method.build(settings))
        network = method.build(settings)
        network.load_state_dict(state)
    except (ValueError, RuntimeError) as error:  # pydantic's are ValueErrors
        raise UserError(
            f"{weights}: its weights do not fit the method {card.method!r} of this twincell "
            f"({_reason(error)}); the model was written by version {card.twincell_version or '?'}"
        ) from error
    # Channels next to each other in memory: convolutions are a fifth faster on processors, more on GPUs.
    network = network.to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return LoadedModel(card, network, method, weights, device)


def _reason(error: Exception) -> str:
    """What does not fit, in one line of bounded length."""
    lines = [line.strip() for line in str(error).splitlines() if "url" not in line and "https" not in line]
    return " ".join(lines)[:300]


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
    read = read_json(path, "copy the model's two files again", "a model card")
    if not isinstance(read, dict):
        raise UserError(f"{path}: is not a model card (it holds no names); copy the model's two files again")
    version = read.get("format_version")
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
