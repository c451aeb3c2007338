"""An experiment from its options to its tables: planned, and refused, before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.documents import parse_yaml
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.presets import build_settings, load_preset, preset_names
from twincell.reproduce.catalogue import EXPERIMENTS, find
from twincell.reproduce.experiment import Experiment, carry_out, check, chosen
from twincell.reproduce.options import ReproduceOptions
from twincell.reproduce.request import PROTOCOLS, Request
from twincell.reproduce.stage import Job
from twincell.training.options import Changes


@dataclass(frozen=True)
class Planned:
    """An experiment that could start now.

    Attributes:
        experiment: what it shows and how it is told.
        request: what the user asked for, read and checked.
        jobs: the trainings this process was asked for.
    """

    experiment: Experiment
    request: Request
    jobs: list[Job]

    @property
    def left_out(self) -> str:
        """What is not tried with these settings and why; empty for nothing."""
        return self.experiment.leaves_out(self.request)

    def estimated(self) -> str:
        """Time a few steps of each kind of training: a Markdown table of how long all would take."""
        from twincell.reproduce.estimate import estimate, told

        return told(estimate(self.jobs))

    def carry_out(self) -> str:
        """Do the trainings that are not done yet and write the tables; the Markdown is given back.

        Raises:
            UserError: the folder's trials were run with other settings.
            Stopped: a signal came; the same call goes on.
        """
        _same_settings(self.request.out, settings_text(self.request))
        return carry_out(self.experiment, self.request)


@dataclass(frozen=True)
class PlannedAlone:
    """An experiment that draws its own images and could start now; used as `Planned` is."""

    experiment: Experiment
    out: Path
    options: ReproduceOptions
    left_out: str = ""

    def estimated(self) -> str:
        """Nothing is timed: its trainings are no trials."""
        return f"{self.experiment.name}: its length is not foretold; a stopped one goes on in the same --out"

    def carry_out(self) -> str:
        """Do what is not done yet and write the tables; errors as `Planned.carry_out`."""
        assert self.experiment.alone is not None
        return self.experiment.alone(self.out, self.options)


def plan(
    experiment: str | None, manifest: Path | None, out: Path | None, options: ReproduceOptions
) -> Planned | PlannedAlone:
    """Find out which trainings an experiment needs.

    Raises:
        UserError: whatever is missing, unknown or cannot be done, before anything is written.
    """
    if experiment in EXPERIMENTS and EXPERIMENTS[experiment].alone is not None and out is not None:
        return _alone(EXPERIMENTS[experiment], manifest, out, options)
    problems = [
        f"reproduce: no {what} given; {cure}"
        for what, value, cure in (
            ("experiment", experiment, f"name one of {', '.join(EXPERIMENTS)}"),
            ("--manifest", manifest, "name the manifest of the images"),
            ("--out", out, "name a folder for the results"),
        )
        if value is None
    ]
    if options.protocol not in PROTOCOLS:
        problems.append(f"--protocol {options.protocol}: unknown; use {' or '.join(PROTOCOLS)}")
    if options.paper_scale and options.preset is not None:
        problems.append("--paper-scale and --preset: give one of them, both choose the settings")
    if problems or experiment is None or manifest is None or out is None:
        raise UserError(problems)
    found = find(experiment)
    given = {"--rows": options.rows is not None, "--from": bool(options.sources)}
    if foreign := [option for option, used in given.items() if used and option not in found.options]:
        raise UserError([f"{option}: {experiment} has no use for it; leave it out" for option in foreign])
    request = _request(found, Manifest.read(manifest), out, options)
    jobs = chosen(request, found.jobs(request))
    check(jobs)
    return Planned(found, request, jobs)


def _alone(found: Experiment, manifest: Path | None, out: Path, options: ReproduceOptions) -> PlannedAlone:
    given = {
        "--manifest": manifest is not None, "--preset": options.preset is not None,
        "--start": options.start is not None, "--rows": options.rows is not None,
        "--from": bool(options.sources), "--only": options.only is not None,
        "--folds": options.folds is not None, "--modalities": bool(options.modalities),
        "--steps": options.changes.steps is not None, "--epochs": options.changes.epochs is not None,
        "--paper-scale": options.paper_scale,
    }  # fmt: skip
    if foreign := [option for option, used in given.items() if used]:
        raise UserError([f"{option}: {found.name} has no use for it; leave it out" for option in foreign])
    return PlannedAlone(found, out, options)


def _request(found: Experiment, images: Manifest, out: Path, options: ReproduceOptions) -> Request:
    natural = images.table.loc[images.natural, "modality"]
    measured = options.modalities or tuple(sorted(natural.unique()))
    changes = options.changes
    # At the paper's scale single settings change the paper's own, which take the place of these.
    general = replace(changes, settings={}) if options.paper_scale else changes
    return Request(
        manifest=images,
        out=out,
        settings=general.applied_to(load_preset(options.preset or found.preset)),
        start=options.start,
        seeds=options.seeds,
        modalities=measured,
        folds=options.folds,
        only=options.only,
        protocol=options.protocol,
        own=papers(measured, changes) if options.paper_scale else {},
        length=changes.length,
        rows=options.rows,
        sources=options.sources,
    )


def papers(modalities: Sequence[str], changes: Changes) -> dict[str, Settings]:
    """Give the paper's own settings of each modality.

    Raises:
        UserError: for a modality the paper did not look at.
    """
    unknown = [m for m in modalities if f"paper-{m}" not in preset_names()]
    if unknown:
        raise UserError(
            f"--paper-scale: the paper has no settings for {', '.join(unknown)}; choose with --modalities, "
            "or give --preset"
        )
    return {m: changes.applied_to(load_preset(f"paper-{m}")) for m in modalities}


def settings_text(request: Request) -> str:
    """Give the exact settings of a request as they stand in settings.yaml."""
    own = "".join(f"---\n# {modality}\n{settings.to_yaml()}" for modality, settings in request.own.items())
    general = "" if own else request.settings.to_yaml()
    return f"{general}start: {request.start}\nprotocol: {request.protocol}\nfolds: {request.folds}\n{own}"


def _same_settings(out: Path, settings: str) -> None:
    """Write the settings beside the results; results of other settings must not be mixed with these."""
    kept = out / "settings.yaml"
    if kept.exists() and kept.read_text() != settings and _meant(kept.read_text()) != _meant(settings):
        raise UserError(f"{kept}: this folder's trials were run with other settings; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(kept, settings)


def _meant(text: str) -> list[object]:
    """What a text of `settings_text` says; settings that it does not know have their defaults."""
    first, *others = text.split("---\n")
    general, _, request = first.rpartition("start: ")
    told = [build_settings(parse_yaml(part), "settings.yaml") for part in (general, *others) if part.strip()]
    return [request, *(settings.model_dump(mode="json") for settings in told)]
