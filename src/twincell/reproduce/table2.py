"""The paper's Table 2: its figures, its methods made again, our own, the baselines, and what each costs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from twincell.config import Settings
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.presets import load_preset, preset_names
from twincell.reproduce import schemes
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import natural_only, scratch
from twincell.reproduce.request import PROTOCOLS, Request
from twincell.reproduce.sources import figures_of, finished
from twincell.reproduce.stage import Job, Stage, jobs_of
from twincell.reproduce.table2_table import Measured, as_markdown, rows_of

STAGES = {
    "twin-vae-natural": "natural-only",
    "twin-vae": "scratch",
    "transfer-natural": "natural-only-transfer",
    "transfer": "full",
    "double-transfer": "double",
}
"""The paper's rows, by the stages that train them (those of the experiment `schemes`)."""
ALONE = ("twin-vae-natural", "twin-vae")
PRESETS = (
    "best",
    "bit",
    "efficientnet",
    "efficientnet-frozen",
    "density-regression",
    "watershed",
    "nearest",
)
"""Rows that are a preset each, trained as it stands."""


def jobs(request: Request) -> list[Job]:
    """All trainings that are not taken from elsewhere, by both protocols."""
    rows = [row for row in request.rows or (*STAGES, *PRESETS) if row not in request.sources]
    found: dict[Path, Job] = {}
    for protocol in PROTOCOLS:
        asked = replace(request, protocol=protocol)
        stages = _stages(asked, [row for row in rows if row in STAGES])
        own = [job for row in rows if row not in STAGES for job in _preset_jobs(asked, row)]
        found |= {job.folder: job for job in (*jobs_of(asked, stages), *own)}
    return list(found.values())


def _stages(request: Request, rows: Sequence[str]) -> list[Stage]:
    """The stages of the paper's rows; transfers need two modalities."""
    if rows and request.settings_for(request.modalities[0]).method != "twin_vae":
        raise UserError(
            f"preset {request.settings.name}: rows {', '.join(rows)} are the paper's Twin-VAE; give a preset "
            f"of it, such as compact, or name other rows with --rows ({', '.join(PRESETS)})"
        )
    chosen = [STAGES[row] for row in rows]
    alone = [stage for m in request.modalities for stage in (natural_only(request, m), scratch(request, m))]
    chains = schemes.stages(request) if set(rows) - set(ALONE) else []
    return [stage for stage in (*alone, *chains) if stage.name in chosen]


def _preset_jobs(request: Request, row: str) -> list[Job]:
    """Every division of one protocol, trained by a preset of the row's name or in its file."""
    settings = _preset(request, row)
    # The divisions of the paper's rows, so that all rows of the table are measured alike.
    trials = [t for m in request.modalities for seed in request.seeds for t in request.divisions(m, seed)]
    return [Job(trial, settings, request.out / settings.name / trial.name) for trial in trials]


def _preset(request: Request, row: str) -> Settings:
    if row not in preset_names() and Path(row).suffix not in (".yaml", ".yml"):
        raise UserError(
            f"--rows {row}: is no row; use {', '.join((*STAGES, *PRESETS))}, another preset or a .yaml file"
        )
    settings = load_preset(row)
    return settings.changed(dict(request.length)) if request.length else settings


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes table2.csv and table2.md: the paper's rows, then every finished training of ours."""
    row_of = {stage: row for row, stage in STAGES.items()}
    measured = [
        Measured(row_of.get(r.job.stage, r.job.folder.parent.name), r.figures, r.job.run) for r in results
    ]
    trained = [row for row in request.rows or (*STAGES, *PRESETS) if row not in request.sources]
    wanted = {_name(row) for row in trained}
    measured = [m for m in measured if m.row in wanted]  # without stages that only others start from
    for row, folders in request.sources.items():
        trials = [trial for folder in folders for trial in finished(folder)]
        measured += [Measured(row, figures_of(trial), trial / "run") for trial in trials]
    table = rows_of(measured, request.modalities)
    text = as_markdown(table)
    write_atomic(request.out / "table2.csv", table.to_csv(index=False))
    write_atomic(request.out / "table2.md", text)
    return text


def _name(row: str) -> str:
    return row if row in STAGES else load_preset(row).name


EXPERIMENT = Experiment(
    "table2",
    "every method beside the paper's figures, both protocols, with costs (Table 2)",
    jobs,
    tell,
    preset="compact",
    options=("--rows", "--from"),
)
