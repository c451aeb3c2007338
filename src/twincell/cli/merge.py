"""`twincell merge`: the shards of a count, joined to one table."""

from pathlib import Path
from typing import Annotated

import typer


def merge(
    shards: Annotated[list[Path], typer.Argument(help="the folders that `twincell count --shard` wrote")],
    out: Annotated[Path, typer.Option(help="the table to write")] = Path("counts.csv"),
    json: Annotated[Path | None, typer.Option(help="write a summary here, for programs")] = None,
) -> None:
    """Join the shards of a count and read each time-lapse as a whole.

    The table is bit for bit what one process would have written. Shards that are missing or unfinished are
    named before anything is done.

    Example: twincell merge counts.csv.shard-* --out counts.csv
    """
    from twincell.cli.show import console, write_json
    from twincell.counting.shards import merge as merge_shards
    from twincell.files import check_outputs

    check_outputs({"--out": out, "--json": json}, shards)
    result = merge_shards([*shards], out)
    console().print(f"{result.sentence()}: {out}")
    write_json(json, {"out": str(out), **result.summary()})
