"""How a model was made: the course of its training, its settings, what it learned from."""

from pathlib import Path

import pandas as pd

from twincell.models.base.file import ModelCard
from twincell.report.chart import Chart
from twincell.report.markup import code, figure, fold, keys, table
from twincell.report.page import Section

PLAIN = ("step", "seconds", "learning_rate", "loss", "count_error", "validation_mae")


def course(history: pd.DataFrame | Path) -> Section | None:
    """Losses and count errors over the steps of a run.

    Args:
        history: a run's history.csv: step, seconds, learning_rate, loss, count_error, the method's own terms,
            validation_mae.
    """
    table_ = pd.read_csv(history) if isinstance(history, Path) else history
    if table_.empty:
        return None
    charts = [_errors(table_), _loss(table_)]
    terms = [name for name in table_.columns if name not in PLAIN and table_[name].notna().any()]
    small = "".join(_term(table_, name) for name in terms)
    body = f'<div class="row">{"".join(charts)}</div>'
    if small:
        body += fold(f"All {len(terms)} terms of the loss", f'<div class="multiples">{small}</div>')
    lead = (
        "The error on the images just learned from falls first; what counts is the error on images "
        "kept aside. Where that one stops falling, more training does not help."
    )
    return Section("Training", lead, body)


def about(card: ModelCard, settings: str = "") -> Section:
    """What the model is, what it was trained on and what is known of it."""
    data = card.data
    rows = [
        ["name", card.name],
        ["method", card.method],
        ["modalities", ", ".join(card.modalities) or "–"],
        ["trained on", data.description or "–"],
        ["images", f"{data.images:,}, of them {data.labelled:,} counted, in {data.chambers:,} chambers"],
        [
            "training",
            f"{card.steps:,} steps in {card.seconds:,.0f} s on {card.machine or 'an unknown machine'}",
        ],
        ["seed", "–" if card.seed is None else str(card.seed)],
        ["licence", card.licence or "not stated"],
        ["twincell", card.twincell_version or "–"],
        ["checksum", card.sha256[:16]],
    ]
    rows += [[f"{name}, as stated", _stated(value)] for name, value in card.metrics.items()]
    body = table(["", ""], rows, text=[1])
    if settings:
        body += fold("All settings", code(settings))
    return Section("The model", "What it is and where it comes from.", body)


def _stated(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_stated(entry)}" for name, entry in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _errors(history: pd.DataFrame) -> str:
    steps = history["step"].tolist()
    columns = [name for name in ("count_error", "validation_mae") if name in history]
    highest = history[columns].max().max()
    limit = min(float(highest), 3 * float(history[columns[0]].median()) + 1)
    chart = Chart((0, steps[-1]), (0, limit * 1.05), 460, 280, "step", "cells", "Count error over training")
    smooth = history["count_error"].clip(upper=limit).rolling(5, min_periods=1, center=True).mean()
    chart.line(steps, smooth.tolist(), "other")
    legend = [("other", "images learned from (augmented)")]
    known = history[history["validation_mae"].notna()] if "validation_mae" in history else history[:0]
    if len(known):
        chart.line(known["step"].tolist(), known["validation_mae"].clip(upper=limit).tolist(), "model")
        chart.dots(known["step"].tolist(), known["validation_mae"].clip(upper=limit).tolist(), "model", 3)
        legend.append(("model", f"images kept aside, best {known['validation_mae'].min():.2f}"))
    return figure(keys(legend) + chart.svg(), "Mean absolute error of the count.")


def _loss(history: pd.DataFrame) -> str:
    losses = history["loss"][history["loss"] > 0]
    if losses.empty:
        return ""
    low, high = 10.0 ** _floor(losses.min()), 10.0 ** (_floor(losses.max()) + 1)
    chart = Chart(
        (0, history["step"].iloc[-1]), (low, high), 460, 280, "step", "loss", "Loss over training", log=True
    )
    chart.line(history["step"].tolist(), history["loss"].tolist(), "model")
    return figure(keys([("model", "what is minimised")]) + chart.svg(), "Logarithmic scale.")


def _term(history: pd.DataFrame, name: str) -> str:
    values = history[name].astype(float)
    chart = Chart(
        (0, history["step"].iloc[-1]), (0, max(float(values.max()), 1e-9)), 250, 130, small=True, title=name
    )
    chart.line(history["step"].tolist(), values.tolist(), "model")
    return figure(chart.svg(), title=name.replace("_", " "), note=f"ends at {values.dropna().iloc[-1]:.3g}")


def _floor(value: float) -> int:
    return int(f"{value:e}".split("e")[1])
