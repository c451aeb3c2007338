"""Is the decoder needed in a transfer? C_rec down to zero, and no decoder at all (paper 4.1, Figure 11)."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from twincell.config import Settings
from twincell.files import write_atomic
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import scratch, transfer, transferred
from twincell.reproduce.plots import plot_curves
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job, Stage, jobs_of, wanted
from twincell.reproduce.stage_table import curves, stage_rows, write_stages

SHARES = (0.1, 0.01, 0.0)
"""Of the preset's C_rec; the whole of it is the plain transfer."""
OFF = "decoder-off"
NAMES = {
    "full": "C_rec as in the preset",
    **{f"decoder-{share:g}": f"C_rec times {share:g}" for share in SHARES},
    OFF: "decoder switched off",
}


def stages(request: Request) -> list[Stage]:
    """Transfers from the first modality to the second."""
    first, second = request.pair()
    start, chain = scratch(request, first), [transferred(request, first, second)]
    for share in SHARES:
        changes = lowered(request.transfer_settings_for(second), share)
        chain.append(transfer(request, f"decoder-{share:g}", start, second, **changes))
    return [*chain, transfer(request, OFF, start, second, model__loss__decode=False)]


def lowered(settings: Settings, share: float) -> dict[str, Any]:
    """Changes that multiply C_rec of both origins by `share`."""
    loss = settings.model.model_dump()["loss"]
    return {
        f"model__loss__{origin}__reconstruction": share * loss[origin]["reconstruction"]
        for origin in ("natural", "synthetic")
    }


def jobs(request: Request) -> list[Job]:
    """All trainings, or those that `--rows` names."""
    return jobs_of(request, wanted(request, stages(request)))


def tell(request: Request, results: Sequence[Result]) -> str:
    """Table decoder, curves of Figure 11, and what a step costs with and without the decoder."""
    own = [r for r in results if r.job.stage in NAMES]
    plot_curves(request.out / "decoder.png", curves(own), NAMES, list(NAMES))
    told = ""
    if any(r.job.stage == OFF for r in own):
        cost = _step_cost(request, own)
        told = (
            f"\nA training step took {cost['seconds']:.3f} s with the decoder and {cost['seconds_off']:.3f} s"
            f" with it switched off, {cost['seconds'] / cost['seconds_off']:.2f} times as long "
            f"({cost['machine']}), for {cost['operations'] / cost['operations_off']:.2f} times as many "
            "multiplications and additions.\n"
        )
    table = stage_rows(own) if own else pd.DataFrame(columns=["modality", "stage"])
    return write_stages(request.out, "decoder", table, NAMES, told)


def _step_cost(request: Request, results: Sequence[Result]) -> dict[str, Any]:
    """Measured once, on one division, and kept in decoder-step.json."""
    from twincell.hardware import device_name
    from twincell.reproduce.estimate import best_device, operations_per_step, seconds_per_step

    path = request.out / "decoder-step.json"
    if not path.exists():
        off = next(r.job for r in results if r.job.stage == OFF)
        on, rows, device = (
            off.settings.changed({"model.loss.decode": True}),
            off.trial.manifest,
            best_device(),
        )
        found: dict[str, Any] = {
            "seconds": seconds_per_step(on, rows, device),
            "seconds_off": seconds_per_step(off.settings, rows, device),
            "operations": operations_per_step(on, rows),
            "operations_off": operations_per_step(off.settings, rows),
            "machine": device_name(device),
        }
        write_atomic(path, json.dumps(found, indent=2) + "\n")
    return dict(json.loads(path.read_text()))


EXPERIMENT = Experiment(
    "decoder",
    "is the decoder needed in a transfer, and what does it cost (Figure 11)",
    jobs,
    tell,
    preset="compact",
    options=("--rows",),
)
