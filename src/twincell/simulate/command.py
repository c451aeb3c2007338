"""What `twincell synth` does, from its words to its last line."""

import json as json_format
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.render.settings import EllipseLook
from twincell.simulate.write import write_images


def synth_and_say(
    preset: str,
    out: Path,
    n: int,
    seed: int,
    start: int,
    backgrounds: Path | None,
    assignments: Sequence[str],
    counts_plot: bool,
    json: Path | None,
) -> None:
    """Writes the images and says where they are and how bright.

    Raises:
        UserError: as `write_images`; a setting that cannot be read; a manifest without what is needed.
    """
    chosen = load_preset(preset, parse_assignments(assignments))
    grounds = None if backgrounds is None else natural_backgrounds(backgrounds, chosen)
    summary = write_images(out, chosen, n, seed, start, grounds, counts_plot)
    if json is not None:
        write_atomic(json, json_format.dumps(summary, indent=1))
    cells = [int(k) for k in summary["counts"]]
    print(
        f"{n} images of {preset} with {min(cells)}-{max(cells)} cells, mean {summary['mean']:.3f}, "
        f"std {summary['std']:.3f}: {out / 'manifest.csv'}"
    )


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """Settings from words such as `scene.counts.most=10` or `look.camera.gain=[0.9,1.1]`.

    Raises:
        UserError: all words that have no `=` or whose value cannot be read.
    """
    settings, problems = {}, []
    for word in assignments:
        key, mark, text = word.partition("=")
        try:
            settings[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            mark = ""
        if not mark or not key:
            problems.append(f"--set {word}: cannot be read; write it as scene.counts.most=10")
    if problems:
        raise UserError(problems)
    return settings


def natural_backgrounds(path: Path, preset: Preset) -> Tensor:
    """(M, 1, 128, 128) backgrounds from a manifest's natural training images of the preset's modality: their
    mean over images with fewer than 5 cells for ellipses (as in the paper), the median of each chamber for
    optics.

    Raises:
        UserError: the manifest cannot be read or has no such image.
    """
    from twincell.batches import synthetic_source as drawn
    from twincell.data.manifest import Manifest
    from twincell.data.store import ImageStore

    modality = preset.look.modality
    manifest = Manifest.read(path)
    table = manifest.table
    chosen = (table["origin"] == "natural") & (table["split"] == "train") & (table["modality"] == modality)
    if not chosen.any():
        raise UserError(
            f"{path}: has no natural training image of modality {modality} to take a background from"
        )
    store = ImageStore.load(manifest.select(chosen.to_numpy()))
    kind = "mean" if isinstance(preset.look, EllipseLook) else "median"
    grounds = drawn.backgrounds(store, kind, modality)
    assert grounds is not None
    return grounds
