"""`twincell synth`: labelled synthetic images."""

from pathlib import Path
from typing import Annotated

import typer


def synth(
    preset: Annotated[str, typer.Argument(help="such as optics-pc or open-bf, or a .yaml of twincell match")],
    out: Annotated[Path, typer.Option(help="new folder for images, manifest.csv and centres.csv")],
    n: Annotated[int, typer.Option("-n", help="how many images")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same images")] = 0,
    start: Annotated[int, typer.Option(help="number of the first image: go on where another call ended")] = 0,
    backgrounds: Annotated[
        Path | None, typer.Option(help="a manifest whose natural training images give the backgrounds")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="one setting, such as scene.counts.most=10")
    ] = None,
    counts_plot: Annotated[bool, typer.Option("--counts-plot", help="also write counts.png")] = False,
    json: Annotated[Path | None, typer.Option(help="also write a summary to this file")] = None,
) -> None:
    """Draw labelled synthetic images: the paper's ellipses, or cells as a microscope shows them.

    Image 7 of a seed is the same whether 10 or 10,000 are made. Positions and counts are written beside the
    images.

    Example: twincell synth optics-pc -n 500 --seed 1 --out synthetic --set scene.counts.most=20
    """
    from twincell.cli.show import write_json
    from twincell.config import parse_overrides
    from twincell.files import check_outputs
    from twincell.simulate import load_preset, write_images
    from twincell.simulate.backgrounds import natural_backgrounds

    check_outputs({"--json": json}, [backgrounds] if backgrounds else [])
    drawn = load_preset(preset, parse_overrides(set_ or []))
    grounds = None if backgrounds is None else natural_backgrounds(backgrounds, drawn)
    summary = write_images(out, drawn, n, seed, start, grounds, counts_plot)
    write_json(json, summary)
    cells = [int(count) for count in summary["counts"]]
    print(
        f"{n} images of {preset} with {min(cells)}-{max(cells)} cells, mean {summary['mean']:.3f}, "
        f"std {summary['std']:.3f}: {out / 'manifest.csv'}"
    )
