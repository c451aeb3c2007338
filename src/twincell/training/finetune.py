"""A trained model moved to other images (paper section 3): its network, a preset's training, a scheme."""

from pathlib import Path
from typing import Any

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.files import fresh_dir
from twincell.matching import MatchOptions, match_images, write_match
from twincell.models.base.file import ModelCard, load_card, load_model
from twincell.presets import load_preset, preset_names
from twincell.training.adaptation.material import unlabelled
from twincell.training.adaptation.run import adapt, adapts
from twincell.training.adaptation.scenes import Scenes
from twincell.training.options import RunOptions, TransferOptions
from twincell.training.train import train, without_chambers


def transfer(
    model: str | Path,
    manifest: str | Path | Manifest,
    out: str | Path,
    how: TransferOptions | None = None,
    options: RunOptions | None = None,
) -> Path:
    """Move a model to other images: adapt it to few labels, or train on from it.

    A density network is adapted to up to 100 labelled images (`twincell.training.adaptation`) where neither
    `how` nor `options` say how to train.

    Args:
        model: the start: a run folder, a model file, or the name of a model that ships.
        manifest: the new images, as in `train`.
        out: the run folder to write.
        how: what learns, and by which preset.
        options: how the training is run.

    Returns:
        The run folder.

    Raises:
        UserError: as `train`, and for an unknown scheme or a model of another method.
    """
    how, options, card = how or TransferOptions(), options or RunOptions(), load_card(model)
    plain = how.says_nothing_of_training and options.says_nothing_of_training
    if how.match and not (plain and card.method == "density_network"):
        raise UserError(
            "--match teaches a density network by few steps of its own; leave out --scheme, --preset, "
            f"--steps, --set and the like, and start from a model such as any, not one of {card.method}"
        )
    if plain:
        data = manifest if isinstance(manifest, Manifest) else Manifest.read(manifest)
        data = without_chambers(data, options.leave_out)
        if how.match:
            return _matched(model, data, Path(out), how.scenes, options)
        if adapts(card, data):
            return adapt(model, data, out, options.seed, options.progress)
    named = load_preset(how.preset or preset_for(card.method))
    settings = transfer_settings(card, named, how.scheme or "full", how.decoder, how.ramp)
    return train(manifest, out, settings, options, start=model)


def _matched(
    model: str | Path, data: Manifest, out: Path, preset: str | Path | None, options: RunOptions
) -> Path:
    """Adapts a model to drawn scenes like the images, fitted first unless given, and to labels."""
    fresh_dir(out)
    if preset is not None:
        return adapt(model, data, out, options.seed, options.progress, Scenes.read(preset))
    images, modality = unlabelled(data, load_model(model))
    found = match_images(images, modality, MatchOptions(seed=options.seed, progress=options.progress))
    adapt(model, data, out, options.seed, options.progress, Scenes.fitted(found))
    write_match(found, out / "scenes.yaml")
    return out


def transfer_settings(
    card: ModelCard, preset: Settings, scheme: str = "full", decoder: bool = True, ramp: float | None = None
) -> Settings:
    """The preset's training with the old model's network.

    The network's settings come from the model's card; those of its loss, which may differ between modalities,
    from the preset.

    Args:
        card: of the model that is moved.
        preset: how to train.
        scheme: full, frozen-core, frozen-outer or thaw; see `twincell.training.freezing.frozen_parts`.
        decoder: off leaves out the decoders and the pixel loss; a step then costs less.
        ramp: share of the steps over which the learning rate rises; None keeps the preset's.

    Raises:
        UserError: when the preset is of another method, or a value is not allowed.
    """
    if preset.method != card.method:
        raise UserError(
            f"preset {preset.name} is for {preset.method}, the model {card.name} is of method {card.method}: "
            "choose a preset of that method"
        )
    model: dict[str, Any] = dict(card.settings)
    own = preset.model.model_dump(mode="json")
    if "loss" in model and "loss" in own:
        model["loss"] = own["loss"]
    changes: dict[str, Any] = {"model": model, "transfer": {"scheme": scheme}}
    settings = preset.changed(changes)
    if not decoder:
        settings = settings.changed({"model.loss.decode": False})
    return settings if ramp is None else settings.changed({"training.warmup": ramp})


USUAL = ("best", "compact")
"""The presets people mean when they name none."""


def preset_for(method: str) -> str:
    """The preset to train a method with unless one is named: the usual one of that method, else its first."""
    names = [name for name in preset_names() if load_preset(name).method == method]
    if not names:
        raise UserError(f"no preset is for the method {method}; give one with --preset FILE.yaml")
    return next((name for name in USUAL if name in names), names[0])
