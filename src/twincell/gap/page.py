"""The files of an analysis: page, card, JSON, tables and a figure."""

import base64
import io
import json
from pathlib import Path

from matplotlib.figure import Figure

from twincell.files import write_atomic
from twincell.gap.card import (
    HEAD_PARTS,
    NOTHING_TO_DO,
    parts_rows,
    subset_rows,
    table,
    together_rows,
    verdict,
)
from twincell.gap.gap import Gap
from twincell.gap.measured import REAL
from twincell.gap.shapley import DISTRIBUTION, EVERYTHING, LABEL, NOTHING, PHOTOREALISM, name_of
from twincell.gap.split import Split
from twincell.report import markup
from twincell.report.page import Figure as Headline
from twincell.report.page import Page, Section, command_line

COLOURS = {DISTRIBUTION: "#0072B2", LABEL: "#E69F00", PHOTOREALISM: "#009E73"}
LEFT = "#999999"


def write_gap(found: Gap, out: str | Path) -> Path:
    """Writes gap.json, gap.csv, images.csv, gap.md, gap.png and report.html, anew where they stand already.

    Returns:
        The page.
    """
    out = Path(out)
    numbers = table(found.split, found.measured.bias)
    write_atomic(out / "gap.json", json.dumps(found.as_json(), indent=1) + "\n")
    write_atomic(out / "gap.csv", numbers.to_csv(index=False, float_format="%.4f", lineterminator="\n"))
    write_atomic(out / "images.csv", found.measured.images.to_csv(index=False, lineterminator="\n"))
    write_atomic(out / "gap.md", found.card())
    picture = png(drawn({found.generator.name: found.split}))
    write_atomic(out / "gap.png", picture)
    return page(found, picture).write(out / "report.html")


def page(found: Gap, picture: bytes) -> Page:
    """What a person reads."""
    split, bias = found.split, found.measured.bias
    source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    image = f'<img src="{source}" alt="Parts of the gap, in cells" width="720">'
    conventions = [f"seed {seed}: {own}" for seed, own in found.measured.conventions.items()]
    return Page(
        title="The gap between drawn and real images",
        subtitle=f"{found.generator.name}, {split.images} real images of {split.chambers} chambers",
        figures=[
            Headline("as given", _cells(split, name_of(NOTHING)), "mean absolute error, cells"),
            Headline("everything closed", _cells(split, name_of(EVERYTHING)), "scenes, look and labels"),
            Headline("real labels", _cells(split, REAL), f"{found.n} images, the same counter"),
        ],
        sections=[
            Section(
                "Which part is the largest",
                verdict(split).replace("**", ""),
                markup.figure(image, "Mean over all orders of closing; bars are 90 % intervals.")
                + markup.table(HEAD_PARTS, parts_rows(split), text=[5]),
            ),
            Section(
                "What to change, first thing first",
                "Settings that differ most between the generator and what was fitted to the real images. "
                "better.yaml is the generator with all that is surely worth closing closed.",
                markup.listing(found.steps() or [NOTHING_TO_DO]),
            ),
            Section(
                "All eight combinations",
                "Each row is a counter that learned with these differences closed; where the label part "
                "is, its counts are corrected. [90 % intervals] over seeds and chambers.",
                markup.table(("closed", "error, cells", "bias"), subset_rows(split, bias)),
            ),
            Section(
                "What belongs together",
                "Below zero, two parts take away the same error, so closing one is nearly enough; above "
                "zero, one is worth more once the other is closed.",
                markup.table(("together", "beyond each alone, cells", ""), together_rows(split), text=[2]),
            ),
            Section(
                "What people count",
                "Fitted on a few real labels, with the model that is nearest to the real images. A bias that "
                "no other part explains ends up here, too.",
                markup.listing(conventions),
            ),
        ],
        command=command_line(),
    )


def drawn(splits: dict[str, Split]) -> Figure:
    """Bars of each part with intervals, and the error that is left, a row an analysis."""
    figure = Figure(figsize=(7.2, 1.1 + 1.15 * len(splits)), layout="constrained")
    axes = figure.subplots()
    names = list(splits)
    for row, split in enumerate(splits.values()):
        for k, part in enumerate((DISTRIBUTION, LABEL, PHOTOREALISM)):
            worth = split.worth[part]
            place = row + (k - 1) * 0.22
            axes.barh(place, worth.value, 0.2, color=COLOURS[part], label=part if row == 0 else None)
            axes.plot([worth.lower, worth.upper], [place, place], color="black", linewidth=1.2)
        axes.barh(
            row + 0.44, split.left.value, 0.2, color=LEFT, label="left to real labels" if row == 0 else None
        )
        axes.plot([split.left.lower, split.left.upper], [row + 0.44] * 2, color="black", linewidth=1.2)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks([row + 0.11 for row in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xlabel("mean absolute error that closing it takes away (cells)")
    axes.legend(fontsize=8, frameon=False)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=130)
    return file.getvalue()


def _cells(split: Split, name: str) -> str:
    return f"{split.errors[name].value:.2f}"
