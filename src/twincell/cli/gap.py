"""`twincell gap`: why a model that learned from drawn images errs on real ones."""

from pathlib import Path
from typing import Annotated

import typer


def gap(
    real: Annotated[Path, typer.Argument(help="manifest of real images, some of them labelled")],
    synthetic: Annotated[
        str, typer.Argument(help="what draws images: a preset, a preset file, or a folder of twincell synth")
    ],
    out: Annotated[Path, typer.Option(help="folder of the analysis; the same command goes on in it")],
    match: Annotated[
        Path | None, typer.Option(help="preset of twincell match [default: fitted to the real images]")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="presets the fit may start from, separated by commas [default: all]")
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(min=1, help="of the real cells with their rims, px [default: found]")
    ] = None,
    twin: Annotated[
        str | None,
        typer.Option(help="a Twin-VAE that makes drawn images look real [default: no, the renderer]"),
    ] = None,
    trials: Annotated[int, typer.Option(min=2, help="of the fit, 16 images each")] = 60,
    modality: Annotated[str | None, typer.Option(help="of the real images, such as bf")] = None,
    labels: Annotated[int, typer.Option(min=2, help="real labels for the label part")] = 20,
    images: Annotated[
        int | None, typer.Option(min=1, help="images of a training [default: as many as real labels]")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="of each training")] = 400,
    seeds: Annotated[str, typer.Option(help="of trainings, separated by commas")] = "0,1",
    json: Annotated[Path | None, typer.Option(help="write what was found here, for programs")] = None,
) -> None:
    """Split the error on real images into distribution, label and photorealism.

    Small counters learn from drawn images as they are, and with each difference to the real images taken
    away: what is in them (scenes fitted to the real images), what counts (a few labels), how it looks (the
    fitted renderer). All eight combinations are measured on chambers kept aside, beside a counter that
    learned from as many labelled real images. Written are a page, a card, tables, and better.yaml, the
    generator with all that is worth closing closed.

    Example: twincell gap data-bf ellipse-bf --trials 60 --out gap-bf
    """
    from twincell.cli import options
    from twincell.cli.show import write_json
    from twincell.files import check_outputs
    from twincell.gap import GapOptions, measure_gap, write_gap
    from twincell.gap.trainings import PRESET
    from twincell.presets import load_preset

    check_outputs({"--json": json}, [real])
    asked = GapOptions(
        match=match,
        twin=twin,
        starts=options.names(start),
        trials=trials,
        diameter=diameter,
        modality=modality,
        labels=labels,
        images=images,
        seeds=options.numbers("--seeds", seeds),
        settings=load_preset(PRESET).changed({"training.steps": steps}),
    )
    found = measure_gap(real, synthetic, out, asked)
    page = write_gap(found, out)
    write_json(json, found.as_json())
    print(found.card())
    print(f"{page}: the report")
