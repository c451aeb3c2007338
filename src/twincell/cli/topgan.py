"""`twincell topgan`: classes of phase maps from few labelled ones."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli import options


def topgan(
    unlabelled: Annotated[Path, typer.Argument(help="phase maps in nm, a file or folder, of any cell type")],
    labelled: Annotated[Path, typer.Argument(help="a folder that has a folder of phase maps for each class")],
    out: Annotated[Path, typer.Option(help="folder of the run")],
    pretraining: Annotated[
        str, typer.Option(help="self-supervised, or gan: a GAN's discriminator as in TOP-GAN")
    ] = "self-supervised",
    pretraining_steps: Annotated[int, typer.Option(min=1, help="steps over unlabelled maps")] = 1000,
    steps: Annotated[int, typer.Option(min=3, help="steps over labelled maps")] = 200,
    side: Annotated[int, typer.Option(min=32, max=256, help="maps are resized to this side, px")] = 48,
    width: Annotated[int, typer.Option(min=1, max=256, help="channels of the first convolution")] = 16,
    pixel: Annotated[float, typer.Option(min=0.01, help="side of a map's pixel in um")] = 0.5,
    classify: Annotated[
        Path | None, typer.Option(help="new maps to classify, into classified.csv of the run")
    ] = None,
    seed: options.Seed = 0,
    resume: options.Resume = False,
    json: Annotated[Path | None, typer.Option(help="write the figures here, for programs")] = None,
) -> None:
    """Learn to tell classes of cells apart in phase maps, from a few maps of each.

    An encoder learns from many unlabelled maps, which may show other cells; a new last layer and then the
    whole network learn from the labelled ones. Accuracy is measured on labelled maps left out in turn, beside
    that of hand-made features. The run holds the model, its card, left-out.csv, confusion.png and roc.png.

    Example: twincell topgan maps/unlabelled.npy maps/classes --pretraining gan --out runs/cells
    """
    from twincell.cli.show import write_json
    from twincell.files import check_outputs, write_kept
    from twincell.gan.options import checked
    from twincell.gan.topgan import ARM, classified
    from twincell.gan.topgan import topgan as learn

    check_outputs({"--json": json}, [unlabelled, labelled])
    asked = checked(pretraining, pretraining_steps, steps, side, width, pixel, seed, resume)
    made = learn(unlabelled, labelled, out, asked)
    write_json(json, made.metrics)
    for name, words in (
        (ARM[asked.pretraining], f"pre-trained ({pretraining})"),
        ("features", "hand features"),
    ):
        found = made.metrics[name]
        low, high = found["interval"]
        print(f"{words}: {found['accuracy']:.1f} % right ({low:.1f} to {high:.1f}) of {found['n']} left out")
    if classify is not None:
        table = classified(made.folder, classify)
        place = write_kept(made.folder / "classified.csv", table.to_csv(index=False, float_format="%.4g"))
        print(f"{place}: {len(table)} maps classified")
    print(f"{made.folder}: the model, its card and figures")
