"""Transfer between microscopes: what may learn, where to start, how often (paper 3, Figure 10, Table 2)."""

from collections.abc import Sequence

import pandas as pd

from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.models import METHODS
from twincell.models.base.file import find_model
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import (
    RAMP,
    natural_only,
    one_first,
    scratch,
    scratch_short,
    transfer,
    transferred,
    without_synthetic,
)
from twincell.reproduce.plots import plot_curves
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job, Stage, jobs_of, wanted
from twincell.reproduce.stage_table import Key, curves, reached, stage_rows, write_stages
from twincell.training.freezing import SCHEMES
from twincell.training.moved_parts import moved_parts

NAMES = {
    "scratch": "Twin-VAE",
    "scratch-short": "Twin-VAE, as long as a transfer",
    "natural-only": "Twin-VAE (Nat only)",
    "full": "transfer, nothing frozen",
    "frozen-core": "transfer, core frozen",
    "frozen-outer": "transfer, outer layers frozen",
    "thaw": "transfer, thawing",
    "constant": "transfer, constant rate",
    "ramp": "transfer, rate ramped up, then decaying",
    "natural-only-transfer": "transfer (Nat only)",
    "synthetic-first": "transfer, synthetic images first",
    "natural-first": "transfer, natural images first",
    "double": "double transfer",
}


def stages(request: Request) -> list[Stage]:
    """Both directions, and back again to the first modality."""
    first, second = request.pair()
    chain: list[Stage] = []
    for origin, target in ((first, second), (second, first)):
        start = scratch(request, origin)
        changes = without_synthetic(request.settings_for(target))
        natural = {key.replace(".", "__"): value for key, value in changes.items()}
        chain += [scratch(request, target), scratch_short(request, target), natural_only(request, target)]
        chain += [transfer(request, scheme, start, target, scheme) for scheme in SCHEMES]
        chain += [
            transfer(request, "constant", start, target, training__schedule="constant", training__warmup=0),
            transfer(request, "ramp", start, target, training__schedule="cosine", training__warmup=RAMP),
            transfer(request, "natural-only-transfer", start, target, **natural),
            one_first(request, "synthetic-first", start, target, batch__natural=False),
            one_first(request, "natural-first", start, target, **natural),
        ]
    return [*chain, transfer(request, "double", transferred(request, first, second), first)]


def jobs(request: Request) -> list[Job]:
    """All trainings, or those that `--rows` names."""
    return jobs_of(request, wanted(request, stages(request)))


def tell(request: Request, results: Sequence[Result]) -> str:
    """Tables schemes (figures), schemes-parts (what moved) and schemes-speed, and the curves of Figure 10."""
    results = [r for r in results if r.job.stage in NAMES]
    along = curves(results)
    plot_curves(request.out / "schemes.png", along, NAMES, ["scratch-short", *SCHEMES, "double"])
    table = stage_rows(results)
    speed, parts = speeds(along), _parts(results)
    write_atomic(request.out / "schemes-speed.csv", speed.to_csv(index=False))
    write_atomic(request.out / "schemes-parts.csv", parts.to_csv(index=False))
    below = f"\nParts unchanged by a single bit after the transfer:\n\n{_parts_markdown(parts)}"
    if len(speed):
        below += (
            f"\nHow soon a transfer is as good as a whole training from scratch:\n\n{_speed_markdown(speed)}"
        )
    return write_stages(request.out, "schemes", table, NAMES, below)


def speeds(along: dict[Key, pd.DataFrame]) -> pd.DataFrame:
    """When a transfer reaches the final MAE of training from scratch.

    Columns: modality, stage, scratch_steps, scratch_mae, steps (of the transfer until it is as good; NaN:
    never within its length), speed_up.
    """
    rows = []
    for (modality, stage), curve in along.items():
        if stage not in (*SCHEMES, "double") or (modality, "scratch") not in along:
            continue
        whole = along[modality, "scratch"]
        length, mae = int(whole["step"].iloc[-1]), float(whole["mae"].iloc[-1])
        needed = reached(curve, mae)
        rows.append(
            {
                "modality": modality,
                "stage": stage,
                "scratch_steps": length,
                "scratch_mae": mae,
                "steps": needed,
                "speed_up": None if needed is None else length / needed,
            }
        )
    return pd.DataFrame(rows)


def _parts(results: Sequence[Result]) -> pd.DataFrame:
    """For each transfer the parts that kept every bit in every trial: modality, stage, unchanged."""
    moved: dict[Key, set[str]] = {}
    for result in results:
        job = result.job
        if job.settings.transfer is None or job.start is None:
            continue
        parts = METHODS[job.settings.method].parts
        own = moved_parts(find_model(job.start), find_model(job.run), parts)
        moved.setdefault((job.trial.modality, job.stage), set()).update(own)
    rows = []
    for (modality, stage), names in moved.items():
        job = next(r.job for r in results if (r.job.trial.modality, r.job.stage) == (modality, stage))
        parts = METHODS[job.settings.method].parts
        still = [name for name in (*parts.outer, *parts.core, *parts.head) if name not in names]
        rows.append({"modality": modality, "stage": stage, "unchanged": ", ".join(still) or "none"})
    return pd.DataFrame(rows, columns=["modality", "stage", "unchanged"])


def _parts_markdown(parts: pd.DataFrame) -> str:
    rows = [[r["modality"].upper(), NAMES[r["stage"]], r["unchanged"]] for _, r in parts.iterrows()]
    return markdown(["", "training", "unchanged parts"], rows)


def _speed_markdown(speed: pd.DataFrame) -> str:
    rows = [
        [
            r["modality"].upper(),
            NAMES[r["stage"]],
            f"{r['scratch_steps']:.0f}",
            f"{r['scratch_mae']:.3f}",
            "not reached" if pd.isna(r["steps"]) else f"{r['steps']:.0f}",
            "-" if pd.isna(r["speed_up"]) else f"{r['speed_up']:.1f}",
        ]
        for _, r in speed.iterrows()
    ]
    return markdown(
        ["", "training", "steps from scratch", "its MAE", "steps to be as good", "times faster"], rows
    )


EXPERIMENT = Experiment(
    "schemes",
    "the four transfer schemes both ways, starts, double transfer (Figure 10, Table 2)",
    jobs,
    tell,
    preset="compact",
    options=("--rows",),
)
