"""How many synthetic images per natural one a transfer wants: 0.25 to 10 (paper 4.2, Figure 12).

As in the paper there are ratio times as many synthetic images as natural ones, in all and in each step; every
training sees the natural images equally often, and a step costs more the more synthetic ones there are.
"""

from collections.abc import Sequence

from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import at_ratio, scratch, transfer
from twincell.reproduce.plots import plot_curves, plot_values
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job, Stage, jobs_of, wanted
from twincell.reproduce.stage_table import curves, stage_rows, write_stages

RATIOS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
PAPER = 2.0
NAMES = {f"ratio-{ratio:g}": f"{ratio:g} : 1" for ratio in RATIOS}


def stages(request: Request, ratios: Sequence[float] = RATIOS) -> list[Stage]:
    """Transfers from the first modality to the second at each ratio."""
    first, second = request.pair()
    start, short = scratch(request, first), request.transfer_settings_for(second)
    return [
        transfer(request, f"ratio-{ratio:g}", start, second, "full", **at_ratio(short, ratio))
        for ratio in ratios
    ]


def jobs(request: Request) -> list[Job]:
    """All trainings, or those that `--rows` names."""
    return jobs_of(request, wanted(request, stages(request)))


def tell(request: Request, results: Sequence[Result]) -> str:
    """Table ratio, its curves, and accuracy and error against the ratio (Figure 12)."""
    own = [r for r in results if r.job.stage in NAMES]
    plot_curves(request.out / "ratio-curves.png", curves(own), NAMES, list(NAMES))
    table = stage_rows(own)
    last = table[table["method"] == "model"].copy()
    last["ratio"] = last["stage"].str.removeprefix("ratio-").astype(float)
    plot_values(
        request.out / "ratio.png", last, "ratio", "synthetic images per natural one", log=True, marked=PAPER
    )
    return write_stages(request.out, "ratio", table, NAMES)


EXPERIMENT = Experiment(
    "ratio",
    "0.25 to 10 synthetic images per natural one in a transfer (Figure 12)",
    jobs,
    tell,
    preset="compact",
    options=("--rows",),
)
