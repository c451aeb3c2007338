"""The protocols as experiments: published split, whole chambers held out, few labels, all together."""

from collections.abc import Callable, Sequence

from twincell.evaluate.protocols import (
    SHOTS,
    Trial,
    chambers_out,
    label_noise,
    of_modality,
    published,
    with_labels,
)
from twincell.files import write_atomic
from twincell.reproduce.experiment import Experiment, Result, write_summary
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job

PUBLISHED = ("published", "interleaved")


def each(request: Request, make: Callable[[str, int], list[Trial]]) -> list[Job]:
    """A job for each trial of every modality and seed."""
    trials = [t for m in request.modalities for seed in request.seeds for t in make(m, seed)]
    return [Job(t, request.settings_for(t.modality), request.out / t.name, request.start) for t in trials]


def published_jobs(request: Request) -> list[Job]:
    """The manifest's own split."""
    return each(request, lambda m, seed: published(request.manifest, m, seed))


def chamber_jobs(request: Request) -> list[Job]:
    """Whole chambers held out."""
    return each(request, lambda m, seed: chambers_out(request.manifest, m, seed, request.folds))


def label_jobs(request: Request) -> list[Job]:
    """Leave-chamber-out with few labels, and none where counted images are drawn."""

    def shots(modality: str, seed: int) -> list[Trial]:
        tried = SHOTS if request.settings_for(modality).synthetic.drawn else [k for k in SHOTS if k != 0]
        return [t for k in tried for t in with_labels(request.manifest, modality, seed, k, request.folds)]

    return each(request, shots)


def without_labels(request: Request) -> str:
    """Says where trainings without any label are left out."""
    settings = [request.settings_for(modality) for modality in request.modalities]
    bare = sorted({own.name for own in settings if not own.synthetic.drawn})
    if not bare:
        return ""
    return f"k = 0 is left out: {', '.join(bare)} draws no images and learns nothing without labels"


def jobs_of_protocol(request: Request) -> list[Job]:
    """The manifest's own split or whole chambers held out, as the user asked."""
    return published_jobs(request) if request.protocol == "published" else chamber_jobs(request)


def tell_published(request: Request, results: Sequence[Result]) -> str:
    """One row per modality and method."""
    return write_summary(request, results, ("modality", "protocol"), "published")


def tell_chambers(request: Request, results: Sequence[Result]) -> str:
    """One row per modality and method."""
    return write_summary(request, results, ("modality",), "leave-chamber-out")


def tell_labels(request: Request, results: Sequence[Result]) -> str:
    """One row per modality, number of labels and method."""
    return write_summary(request, results, ("modality", "k"), "labels")


def tell_protocols(request: Request, results: Sequence[Result]) -> str:
    """The first two protocols and the scatter of the labels themselves."""
    noise = []
    for modality in request.modalities:
        found = label_noise(of_modality(request.manifest, modality).table)
        noise.append(
            f"- {modality}: {found['labels']:.0f} labels between near ones scatter by {found['std']:.2f} "
            f"cells (upper bound): exact for {found['accuracy']:.0f} % at best, MAE {found['mae']:.2f}.\n"
        )
    leaky = [r for r in results if r.job.trial.protocol in PUBLISHED]
    clean = [r for r in results if r.job.trial.protocol not in PUBLISHED]
    parts = [tell_published(request, leaky)] if leaky else []
    parts += [tell_chambers(request, clean)] if clean else []
    text = "\n".join([*parts, f"Label noise:\n\n{''.join(noise)}"])
    write_atomic(request.out / "protocols.md", text)
    return text


def protocol_jobs(request: Request) -> list[Job]:
    """Published split and leave-chamber-out."""
    return published_jobs(request) + chamber_jobs(request)


PROTOCOLS_EXPERIMENT = Experiment(
    "protocols", "published split, leave-chamber-out and label noise", protocol_jobs, tell_protocols
)
PUBLISHED_EXPERIMENT = Experiment(
    "published", "the published split, which leaks in time", published_jobs, tell_published
)
CHAMBERS_EXPERIMENT = Experiment(
    "leave-chamber-out", "chambers never seen in training", chamber_jobs, tell_chambers
)
LABELS_EXPERIMENT = Experiment(
    "labels",
    "0, 5, 10, 20, 50 and all labels, leave-chamber-out",
    label_jobs,
    tell_labels,
    leaves_out=without_labels,
)
