"""Every experiment that `twincell reproduce` knows: one line each."""

from twincell.errors import UserError
from twincell.reproduce import (
    ablation,
    architecture,
    corruptions,
    data_sets,
    decoder,
    embedding,
    figure9,
    figure14,
    gallery,
    gap,
    protocols,
    ratio,
    readings,
    schemes,
    series,
    table2,
    topgan,
    translation,
    tuning,
)
from twincell.reproduce.experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        protocols.PROTOCOLS_EXPERIMENT,
        protocols.PUBLISHED_EXPERIMENT,
        protocols.CHAMBERS_EXPERIMENT,
        protocols.LABELS_EXPERIMENT,
        series.EXPERIMENT,
        corruptions.EXPERIMENT,
        gap.EXPERIMENT,
        ablation.EXPERIMENT,
        data_sets.TABLE1,
        data_sets.FIGURE2,
        gallery.EXPERIMENT,
        architecture.EXPERIMENT,
        translation.EXPERIMENT,
        figure9.EXPERIMENT,
        tuning.EXPERIMENT,
        schemes.EXPERIMENT,
        decoder.EXPERIMENT,
        ratio.EXPERIMENT,
        embedding.EXPERIMENT,
        readings.EXPERIMENT,
        table2.EXPERIMENT,
        figure14.EXPERIMENT,
        topgan.EXPERIMENT,
    )
}


def find(name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        UserError: for any other word.
    """
    if name not in EXPERIMENTS:
        raise UserError(f"experiment {name!r} is unknown: use one of {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
