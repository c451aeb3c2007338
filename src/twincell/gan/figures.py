"""Figures of classifiers: confusion matrices, ROC curves, sheets of maps."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix, roc_curve
from torch import Tensor

from twincell.files import write_atomic
from twincell.phase.maps import MapSet


def save(path: Path, figure: Figure) -> Path:
    """Writes a PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return write_atomic(path, file.getvalue())


def confusion_figure(chances: Mapping[str, np.ndarray], maps: MapSet) -> Figure:
    """A confusion matrix in percent of the true class for each way to a classifier, side by side."""
    assert maps.labels is not None
    n = len(maps.classes)
    figure = Figure(figsize=(2.7 * len(chances) + 0.6, 3.0), layout="constrained")
    for axes, (name, own) in zip(
        figure.subplots(1, len(chances), squeeze=False)[0], chances.items(), strict=True
    ):
        counts = confusion_matrix(maps.labels, own.argmax(1), labels=range(n))
        shares = 100 * counts / counts.sum(1, keepdims=True)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
        for i in range(n):
            for j in range(n):
                axes.text(j, i, f"{shares[i, j]:.0f}", ha="center", va="center",
                          color="white" if shares[i, j] > 60 else "black")  # fmt: skip
        axes.set_xticks(range(n), maps.classes, rotation=30, fontsize=7)
        axes.set_yticks(range(n), maps.classes, fontsize=7)
        axes.set(title=name, xlabel="predicted (%)", ylabel="true")
        axes.title.set_fontsize(9)
    return figure


def roc_figure(chances: np.ndarray, maps: MapSet) -> Figure:
    """The ROC curve of each class against the others."""
    assert maps.labels is not None
    figure = Figure(figsize=(4.2, 3.8), layout="constrained")
    axes = figure.subplots()
    for label, name in enumerate(maps.classes):
        false, true, _ = roc_curve(maps.labels == label, chances[:, label])
        axes.plot(false, true, label=name)
    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.set(xlabel="false positives", ylabel="true positives")
    axes.legend(fontsize=8)
    return figure


def sheet_figure(*sheets: Tensor, titles: tuple[str, ...] = ()) -> Figure:
    """Sheets of maps beside one another."""
    figure = Figure(figsize=(4.2 * len(sheets), 4.3), layout="constrained")
    for number, (axes, whole) in enumerate(
        zip(figure.subplots(1, len(sheets), squeeze=False)[0], sheets, strict=True)
    ):
        axes.imshow(whole.numpy(), cmap="viridis", vmin=-1, vmax=1)
        axes.set_axis_off()
        if titles:
            axes.set_title(titles[number], fontsize=9)
    return figure
