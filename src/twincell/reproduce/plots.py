"""The experiments' figures, PNG by matplotlib."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from twincell.files import write_atomic

Key = tuple[str, str]  # modality, stage


def save_figure(path: Path, figure: Figure) -> Path:
    """Writes a figure as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=150)
    return write_atomic(path, file.getvalue())


def plot_curves(
    path: Path, curves: Mapping[Key, pd.DataFrame], names: Mapping[str, str], stages: Sequence[str]
) -> None:
    """Test accuracy and MAE along training, a row of two panels per modality (the paper's Figures 10-12).

    Args:
        path: PNG to write.
        curves: columns step, accuracy (percent) and mae (cells) by modality and stage.
        names: words of the stages.
        stages: those shown, in the order of the legend.
    """
    modalities = sorted({modality for modality, stage in curves if stage in stages})
    if not modalities:
        return
    figure = Figure(figsize=(10, 3.6 * len(modalities)), layout="constrained")
    places = figure.subplots(len(modalities), 2, squeeze=False)
    for line, modality in zip(places, modalities, strict=True):
        for axes, column, label in zip(
            line, ("accuracy", "mae"), ("test accuracy (%)", "test MAE (cells)"), strict=True
        ):
            for stage in stages:
                if (modality, stage) in curves:
                    curve = curves[modality, stage]
                    axes.plot(curve["step"], curve[column], label=names.get(stage, stage), linewidth=1.3)
            axes.set(xlabel="step", ylabel=label, title=modality.upper())
            axes.grid(alpha=0.3)
        line[1].set_yscale("log")
        line[0].legend(fontsize=7)
    save_figure(path, figure)


def plot_values(
    path: Path, table: pd.DataFrame, x: str, label: str, log: bool = False, marked: float | None = None
) -> None:
    """MAE and accuracy against a setting, a line per modality.

    Args:
        path: PNG to write.
        table: columns modality, mae, accuracy and `x`.
        x: the column along.
        label: of the axis.
        log: whether the axis is logarithmic.
        marked: a value to mark by a line, the paper's choice.
    """
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    for axes, column, words in zip(
        figure.subplots(1, 2), ("accuracy", "mae"), ("test accuracy (%)", "test MAE (cells)"), strict=True
    ):
        for modality, rows in table.groupby("modality"):
            ordered = rows.sort_values(x)
            axes.plot(ordered[x], ordered[column], "o-", label=str(modality).upper())
        if log:
            axes.set_xscale("log")
        if marked is not None:
            axes.axvline(marked, color="grey", linestyle=":", label="the paper's choice")
        axes.set(xlabel=label, ylabel=words)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    save_figure(path, figure)
