"""What `twincell reproduce` does, from its words to an experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.presets import load_preset, preset_names
from twincell.reproduce.catalogue import EXPERIMENTS, find
from twincell.reproduce.experiment import carry_out, check, chosen
from twincell.reproduce.request import PROTOCOLS, Request
from twincell.reproduce.sources import read_sources
from twincell.training.command import calm_stop, settings_from


def reproduce_and_say(
    experiment: str | None,
    manifest: Path | None,
    out: Path | None,
    *,
    listed: bool,
    preset: str | None,
    start: str | None,
    steps: int | None,
    epochs: int | None,
    assignments: Sequence[str],
    seeds: str,
    modalities: str | None,
    folds: int | None,
    only: str | None,
    protocol: str,
    rows: str | None,
    sources: Sequence[str],
    paper_scale: bool,
    estimate_only: bool,
) -> None:
    """Prints the experiments' names, or how long one would take, or runs one and prints its table."""
    if listed:
        for known in EXPERIMENTS.values():
            print(f"{known.name:20} {known.shows}")
        return
    problems = [
        f"reproduce: no {what} given; {cure}"
        for what, value, cure in (
            ("experiment", experiment, f"name one of {', '.join(EXPERIMENTS)}"),
            ("--manifest", manifest, "name the manifest of the images"),
            ("--out", out, "name a folder for the results"),
        )
        if value is None
    ]
    if protocol not in PROTOCOLS:
        problems.append(f"--protocol {protocol}: unknown; use {' or '.join(PROTOCOLS)}")
    if paper_scale and preset is not None:
        problems.append("--paper-scale and --preset: give one of them, both choose the settings")
    if problems or experiment is None or manifest is None or out is None:
        raise UserError(problems)
    found = find(experiment)
    given = {"--rows": rows is not None, "--from": bool(sources)}
    if foreign := [option for option, used in given.items() if used and option not in found.options]:
        raise UserError([f"{option}: {experiment} has no use for it; leave it out" for option in foreign])
    images = Manifest.read(manifest)
    natural = images.table.loc[images.natural, "modality"]
    measured = tuple(modalities.split(",")) if modalities else tuple(sorted(natural.unique()))
    named = load_preset(preset or found.preset)
    settings = settings_from(named, steps, epochs, () if paper_scale else assignments)
    request = Request(
        manifest=images,
        out=out,
        settings=settings,
        start=start,
        seeds=_numbers("--seeds", seeds),
        modalities=measured,
        folds=folds,
        only=None if only is None else _numbers("--only", only),
        protocol=protocol,
        own=papers(measured, steps, epochs, assignments) if paper_scale else {},
        length={"training.steps": steps, "training.epochs": epochs} if steps or epochs else {},
        rows=None if rows is None else tuple(word.strip() for word in rows.split(",")),
        sources=read_sources(sources),
    )
    jobs = chosen(request, found.jobs(request))  # what cannot be done is refused before anything is written
    check(jobs)
    if left_out := found.leaves_out(request):
        print(left_out, flush=True)
    if estimate_only or paper_scale:
        from twincell.reproduce.estimate import estimate, told

        print(told(estimate(jobs)), flush=True)
        if estimate_only:
            return
    _same_settings(out, written(request))
    with calm_stop():
        print(carry_out(found, request))


def papers(
    modalities: Sequence[str], steps: int | None, epochs: int | None, assignments: Sequence[str]
) -> dict[str, Settings]:
    """The paper's own settings of each modality.

    Raises:
        UserError: for a modality the paper did not look at.
    """
    unknown = [m for m in modalities if f"paper-{m}" not in preset_names()]
    if unknown:
        raise UserError(
            f"--paper-scale: the paper has no settings for {', '.join(unknown)}; choose with --modalities, "
            "or give --preset"
        )
    return {m: settings_from(load_preset(f"paper-{m}"), steps, epochs, assignments) for m in modalities}


def written(request: Request) -> str:
    """The exact settings of a request as they stand in settings.yaml."""
    texts: Mapping[str, str] = {m: s.to_yaml() for m, s in request.own.items()}
    own = "".join(f"---\n# {modality}\n{text}" for modality, text in texts.items())
    general = "" if own else request.settings.to_yaml()
    return f"{general}start: {request.start}\nprotocol: {request.protocol}\nfolds: {request.folds}\n{own}"


def _numbers(option: str, text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() for word in words):
        raise UserError(f"{option} {text!r}: give whole numbers from 0, separated by commas")
    return tuple(int(word) for word in words)


def _same_settings(out: Path, settings: str) -> None:
    """Writes the settings beside the results; results of other settings must not be mixed with these."""
    kept = out / "settings.yaml"
    if kept.exists() and kept.read_text() != settings:
        raise UserError(f"{kept}: this folder's trials were run with other settings; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(kept, settings)
