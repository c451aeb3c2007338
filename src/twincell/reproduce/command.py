"""What `twincell reproduce` does, from its words to an experiment."""

from collections.abc import Sequence
from pathlib import Path

from twincell.config import load_preset
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.reproduce.experiments import EXPERIMENTS, Request, find
from twincell.training.command import settings_from


def reproduce_and_say(
    experiment: str | None,
    manifest: Path | None,
    out: Path | None,
    *,
    listed: bool,
    preset: str,
    start: str | None,
    steps: int | None,
    epochs: int | None,
    assignments: Sequence[str],
    seeds: str,
    modalities: str | None,
    folds: int | None,
    only: str | None,
) -> None:
    """Prints the experiments' names, or runs one and prints its table."""
    if listed:
        for known in EXPERIMENTS.values():
            print(f"{known.name:20} {known.shows}")
        return
    missing = [
        f"reproduce: no {what} given; {cure}"
        for what, value, cure in (
            ("experiment", experiment, f"name one of {', '.join(EXPERIMENTS)}"),
            ("--manifest", manifest, "name the manifest of the images"),
            ("--out", out, "name a folder for the results"),
        )
        if value is None
    ]
    if experiment is None or manifest is None or out is None:
        raise UserError(missing)
    chosen = find(experiment)
    settings = settings_from(load_preset(preset), steps, epochs, assignments)
    images = Manifest.read(manifest)
    natural = images.table.loc[images.natural, "modality"]
    request = Request(
        manifest=images,
        out=out,
        settings=settings,
        start=start,
        seeds=_numbers("--seeds", seeds),
        modalities=tuple(modalities.split(",")) if modalities else tuple(sorted(natural.unique())),
        folds=folds,
        only=None if only is None else _numbers("--only", only),
    )
    _same_settings(out, settings.to_yaml() + f"start: {start}\n")
    print(chosen.run(request))


def _numbers(option: str, text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() for word in words):
        raise UserError(f"{option} {text!r}: give whole numbers from 0, separated by commas")
    return tuple(int(word) for word in words)


def _same_settings(out: Path, settings: str) -> None:
    """Writes the settings beside the results; results of other settings must not be mixed with these."""
    kept = out / "settings.yaml"
    if kept.exists() and kept.read_text() != settings:
        raise UserError(f"{kept}: this folder's trials were run with other settings; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(kept, settings)
