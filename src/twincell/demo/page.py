"""The page of `twincell demo`: the story of a small laboratory, told with its figures."""

import pandas as pd

from twincell.demo.result import NAMES, START, Demo
from twincell.evaluate.evaluate import Evaluation
from twincell.evaluate.metrics import Figures
from twincell.evaluate.tables import EXPLAINED, HEAD, cells
from twincell.models.base.file import LoadedModel
from twincell.report.markup import table
from twincell.report.page import Figure, Page, Section, command_line
from twincell.report.pages import examples
from twincell.report.sections import accuracy, training
from twincell.report.sections import examples as looks
from twincell.report.sections.curves import curves, strips
from twincell.report.sections.growth import growth_section
from twincell.report.sections.notes import caution


def demo_page(demo: Demo, models: dict[str, LoadedModel]) -> Page:
    """The whole story; `models` by modality."""
    series = Figures.of(demo.counts["count"].to_numpy(float), demo.truth)
    growing = demo.growth[demo.growth["verdict"] == "growing"]
    known = demo.counts[["chamber", "frame"]].assign(count=demo.truth)
    return Page(
        title="A night's recording, counted",
        subtitle="The whole job on simulated chambers: a shipped model adapts to two microscopes it has "
        "never seen from twenty labelled frames each, counts new chambers and reads their growth.",
        figures=[
            Figure("new chambers", str(len(demo.growth)), f"{len(demo.counts)} frames, none of them counted"),
            Figure("MAE", f"{series.mae:.2f}", "cells, whole time-lapse"),
            Figure("exactly right", f"{series.accuracy:.0f} %", "of the frames"),
            Figure("growing", f"{len(growing)} of {len(demo.growth)}", _doubling(growing)),
            Figure(
                "interval holds",
                f"{demo.as_json()['coverage']:.0f} %",
                "of the true counts; 90 % are promised",
            ),
            Figure("took", f"{sum(demo.seconds.values()) / 60:.1f} min", "drawing, learning, counting"),
        ],
        sections=[
            _story(demo, models),
            _bought(demo),
            curves(demo.counts, demo.films, known, truth="true count"),
            strips(demo.counts, demo.films),
            growth_section(demo.growth),
            _true_growth(demo.growth),
            accuracy.against_truth(demo.counts, demo.truth),
            *(_map(models[key], _clicked(demo, key), f"Where the cells are, {NAMES[key]}") for key in models),
            caution(demo.counts, demo.notes),
            training.about(models["bf"].card),
        ],
        command=command_line(),
    )


def _story(demo: Demo, models: dict[str, LoadedModel]) -> Section:
    """What was done, step by step, with the command that does it."""
    rows = [
        [
            "draw chambers",
            "cells by Fourier optics, growing and dividing",
            "twincell synth",
            "drawing chambers",
        ]
    ]
    rows += [
        ["adapt", f"{START} to {key}", "twincell transfer", key]
        for key in demo.evaluations
        if "frames" in key
    ]
    rows += [
        [
            "count",
            f"{len(demo.counts)} frames of new chambers",
            "twincell count",
            "counting the new chambers",
        ],
        ["growth", f"{len(demo.growth)} chambers", "twincell growth", "growth"],
    ]
    shown = [[what, how, command, f"{demo.seconds[key]:.0f} s"] for what, how, command, key in rows]
    lead = (
        "No microscope was used: the chambers are drawn, so the true number of cells is known in every "
        f"frame and each error below is a real one. They look as {START} never saw any: "
        "fainter and noisier, in phase contrast out of focus with faint rings, in bright field lit a little "
        "from one side. The frames learned from, early and late ones of several chambers, are of others "
        "than those counted here."
    )
    return Section("What was done", lead, table(["step", "with", "by", "took"], shown, text=[1, 2]))


def _bought(demo: Demo) -> Section:
    """The model as it is, after counted and after clicked frames, on the same new chambers."""
    rows: list[list[str]] = []
    strong: list[int] = []
    for name, found in demo.evaluations.items():
        if "frames" in name:
            strong.append(len(rows))
        rows.append([name, *cells(found.scores)])
    for key, said in NAMES.items():
        own = _clicked(demo, key).baselines.items()
        rows += [[f"{said}: {name}, no image", *cells(scores)] for name, scores in own]
    lead = (
        "Frames of the new chambers, each counted from its image alone. Counting a frame tells the model "
        "how many cells it holds; a click on each of them, which takes a person little longer, tells it "
        "where they are as well. The last rows look at no image: a model must beat them."
    )
    body = table(["", *HEAD], rows, EXPLAINED, strong=strong)
    return Section("What counts and clicks buy", lead, body)


def _clicked(demo: Demo, modality: str) -> Evaluation:
    """The model that is used, on the new chambers."""
    return demo.evaluations[f"{NAMES[modality]}: {demo.labels[modality]} clicked frames"]


def _map(model: LoadedModel, result: Evaluation, title: str) -> Section | None:
    section = looks.where(model, *examples(result, 8))
    return section and Section(title, section.lead, section.body)


def _true_growth(growth: pd.DataFrame) -> Section:
    rows = []
    for row in growth.to_dict("records"):
        found = "–" if row["doubling"] != row["doubling"] else f"{row['doubling']:.1f} h"
        true = "rests" if row["doubling_true"] == float("inf") else f"{row['doubling_true']:.1f} h"
        rows.append([str(row["chamber"]), str(row["verdict"]), found, true])
    lead = (
        "Doubling time of the whole chamber as fitted, beside the time an undisturbed cell of that "
        "chamber takes. Some cells die, rest or are washed out, and a handful of cells divides by "
        "chance, so the two differ."
    )
    return Section(
        "Growth against the truth",
        lead,
        table(["chamber", "found", "doubling", "a cell's cycle"], rows, text=[1]),
    )


def _doubling(growing: pd.DataFrame) -> str:
    return f"doubling in {growing['doubling'].median():.0f} h (median)" if len(growing) else ""
