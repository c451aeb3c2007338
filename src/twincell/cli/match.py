"""`twincell match`: drawn scenes like the user's images."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli.options import Axes, Convert, Modality


def match(
    inputs: Annotated[
        list[Path],
        typer.Argument(help="unlabelled images, folders, recordings or a manifest; 10 to 500 images"),
    ],
    out: Annotated[Path, typer.Option(help="preset to write, ending in .yaml; .json and .png go beside it")],
    start: Annotated[
        str | None, typer.Option(help="presets to start from, separated by commas [default: all looks]")
    ] = None,
    diameter: Annotated[
        float | None,
        typer.Option(min=1, help="of the cells with their rims, px [default: found in the images]"),
    ] = None,
    trials: Annotated[int, typer.Option(min=2, help="sets of settings to draw, 16 images each")] = 120,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="of processor time, after which drawing ends")
    ] = None,
    modality: Modality = None,
    axes: Axes = None,
    convert: Convert = False,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same preset")] = 0,
    json: Annotated[Path | None, typer.Option(help="write a summary here, for programs")] = None,
) -> None:
    """Fit the settings of drawn scenes to unlabelled images.

    Scenes are drawn, compared with the images by statistics and by the features of a model that ships, and
    drawn again nearer to them. Written are the preset (for twincell synth and twincell transfer --match), the
    distances before and after, and a sheet of real beside drawn images: look at it.

    Example: twincell match my/recording --trials 200 --out my-lab.yaml
    """
    from twincell.cli import options
    from twincell.cli.show import write_json
    from twincell.counting.inputs import Choices
    from twincell.files import check_outputs
    from twincell.matching import MatchOptions, write_match
    from twincell.matching import match as fit
    from twincell.matching.matched import outputs

    places = outputs(out)
    check_outputs({**places, "--json": json}, inputs)
    choices = Choices(axes=axes, modality=modality)
    asked = MatchOptions(choices, convert, diameter, options.names(start), trials, minutes, seed)
    found = fit(inputs, asked)
    written = write_match(found, out)
    write_json(json, found.as_json())
    print(found.sentence())
    print(f"{written['--out']}: the preset; look at {written['the sheet']} before you use it")
