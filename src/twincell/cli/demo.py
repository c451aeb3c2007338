"""`twincell demo`: the whole job on simulated chambers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twincell.demo.result import Demo


def demo(
    out: Annotated[Path | None, typer.Option(help="folder to make; the first free twincell-demo-N")] = None,
    seed: Annotated[int, typer.Option(min=0, help="of chambers and training")] = 0,
    json: Annotated[Path | None, typer.Option(help="write all figures here, for programs")] = None,
) -> None:
    """Adapt a model to two microscopes, count and read growth on simulated chambers, without any data.

    Prints the errors against the simulated truth, and the path of the report last.

    Example: twincell demo --out try-it
    """
    from twincell.cli.show import write_json
    from twincell.demo.run import run_demo
    from twincell.files import check_outputs

    check_outputs({"--json": json})
    made = run_demo(out, seed)
    _show(made)
    write_json(json, made.as_json())
    print(made.report)


def _show(demo: "Demo") -> None:
    """Print the errors against the simulated truth, and how each new chamber grows."""
    from rich.console import Console

    from twincell.cli.show import figures_table
    from twincell.evaluate.metrics import Figures, Scores
    from twincell.evaluate.tables import EXPLAINED

    rows: dict[str, Figures | Scores] = {name: e.scores for name, e in demo.evaluations.items()}
    for name, column in (("all, whole time-lapse", "count"), ("all, image alone", "count_frame")):
        rows[name] = Figures.of(demo.counts[column].to_numpy(float), demo.truth)
    console = Console(markup=False)
    console.print(figures_table("Errors against the simulated truth", rows, "new chambers"))
    console.print(EXPLAINED)
    growing = demo.growth[demo.growth["verdict"] == "growing"]
    for name, found, true in growing[["chamber", "doubling", "doubling_true"]].to_numpy().tolist():
        console.print(
            f"{name}: doubles in {found:.1f} h (an undisturbed cell here divides every {true:.1f} h)"
        )
    others = demo.growth[demo.growth["verdict"] != "growing"]
    for name, verdict, reason in others[["chamber", "verdict", "reason"]].to_numpy().tolist():
        console.print(f"{name}: {verdict}, {reason}")
    inside = demo.as_json()["coverage"]
    console.print(f"{inside:.0f} % of the true counts lie in their 90 % interval")
    console.print(f"done in {sum(demo.seconds.values()) / 60:.1f} minutes; open the page in any browser:")
