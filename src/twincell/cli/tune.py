"""`twincell tune`: which settings count best."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twincell.cli import options

if TYPE_CHECKING:
    from twincell.tuning.results import Found


def tune(
    manifest: Annotated[Path, typer.Argument(help="manifest.csv, or a folder that has one")],
    out: Annotated[Path, typer.Option(help="folder of the search; processes with the same one share it")],
    preset: Annotated[str, typer.Option(help="what to start from: a preset or a .yaml file")] = "best",
    method: Annotated[
        str, typer.Option(help="tpe (learns where to look), or coordinate (one parameter after the other)")
    ] = "tpe",
    space: Annotated[
        Path | None, typer.Option(help="a .yaml file of what to vary, not the method's own")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="of the whole search [default: 20; none with --minutes]")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="stop after this time; goes on if repeated")
    ] = None,
    folds: Annotated[
        int, typer.Option(min=2, help="trainings per trial, each with other chambers held out")
    ] = 3,
    rungs: Annotated[int, typer.Option(min=1, help="looks at each training, to stop poor trials early")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="of proposals and trainings")] = 0,
    start: options.Start = None,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    set_: options.Sets = None,
    storage: Annotated[
        str | None, typer.Option(help="a database for several machines, such as postgresql://...")
    ] = None,
    study: Annotated[str, typer.Option(help="name of the search in that database")] = "tune",
    json: Annotated[Path | None, typer.Option(help="write a summary here")] = None,
) -> None:
    """Search for better settings on training chambers held out; rows of split test are never read.

    Writes best.yaml (for --preset), trials.csv and panels.png. Repeated, it goes on where it was.

    Example: twincell tune data/manifest.csv --preset best --trials 30 --out tuned
    """
    from twincell.cli.show import write_json
    from twincell.config import parse_overrides
    from twincell.files import check_outputs
    from twincell.training.options import Changes
    from twincell.tuning.options import TuneOptions
    from twincell.tuning.tune import tune as search

    # A search that goes on tells its newest state, so its own file may be replaced, and no other.
    check_outputs({"--json": json}, [manifest], force=True)
    asked = TuneOptions(
        preset=preset,
        start=start,
        changes=Changes(steps, epochs, settings=parse_overrides(set_ or [])),
        method=method,
        space=space,
        trials=trials,
        minutes=minutes,
        folds=folds,
        rungs=rungs,
        seed=seed,
        storage=storage,
        study=study,
    )
    found = search(manifest, out, asked)
    _show(found, out)
    write_json(json, found.as_json(), force=True)


def _show(results: "Found", out: Path) -> None:
    """Print how the trials ended, the best one and what it changes."""
    counts = results.as_json()["trials"]
    print(", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no trial yet")
    best, preset = results.best, results.preset
    if best is None:
        print("no trial is finished; the same command goes on")
        return
    own = "" if preset is None else f"; the preset itself {preset['mae']:.3f}"
    print(f"best: trial {best['number']}, MAE {best['mae']:.3f} cells, {best['accuracy']:.1f} % exact{own}")
    for parameter in results.space.parameters:
        if best[parameter.name] != parameter.own:
            print(f"  {parameter.shown(best[parameter.name])}")
    print(f"{out / 'best.yaml'}: use it with --preset, and measure it anew: the least error flatters")
