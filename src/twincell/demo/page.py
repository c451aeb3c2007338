"""The page of `twincell demo`: the story of a small laboratory, told with its figures."""

import pandas as pd

from twincell.demo.result import Demo
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
    before, after = (demo.evaluations[f"bright field, {when} the move"] for when in ("before", "after"))
    pc = demo.evaluations["phase contrast, new chambers"]
    return Page(
        title="A night's recording, counted",
        subtitle="The whole job on simulated chambers: learn from a few counted frames, move to another "
        "microscope, count chambers never seen, read their growth.",
        figures=[
            Figure("new chambers", str(len(demo.growth)), f"{len(demo.counts)} frames, none of them counted"),
            Figure("MAE", f"{series.mae:.2f}", "cells, whole time-lapse"),
            Figure("exactly right", f"{series.accuracy:.0f} %", "of the frames"),
            Figure("growing", f"{len(growing)} of {len(demo.growth)}", _doubling(growing)),
            Figure("took", f"{sum(demo.seconds.values()) / 60:.1f} min", "drawing, learning, counting"),
        ],
        sections=[
            _story(demo, models),
            curves(demo.counts, demo.films, known, truth="true count"),
            strips(demo.counts, demo.films),
            growth_section(demo.growth),
            _true_growth(demo.growth),
            accuracy.against_truth(demo.counts, demo.truth),
            _moved(before, after, pc),
            _map(models["pc"], pc, "Where the cells are"),
            _map(models["bf"], after, "Where the cells are, bright field"),
            training.course(demo.out / "model-pc" / "history.csv"),
            caution(demo.counts, demo.notes),
            training.about(models["pc"].card, (demo.out / "model-pc" / "settings.yaml").read_text()),
        ],
        command=command_line(),
    )


def _story(demo: Demo, models: dict[str, LoadedModel]) -> Section:
    """What was done, step by step, with the command that does it."""
    pc, bf = models["pc"].card.data, models["bf"].card.data
    rows = [
        [
            "draw chambers",
            "cells by Fourier optics, growing and dividing",
            "twincell synth",
            "drawing chambers",
        ],
        [
            "train",
            f"{pc.labelled} counted of {pc.images} phase-contrast frames",
            "twincell train",
            "training on phase contrast",
        ],
        [
            "transfer",
            f"{bf.labelled} counted of {bf.images} bright-field frames",
            "twincell transfer",
            "moving it to bright field",
        ],
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
        "No microscope was used: the chambers are drawn, so the true number of cells is known in "
        "every frame and each error below is a real one. The models saw other chambers than those "
        "counted here."
    )
    return Section("What was done", lead, table(["step", "with", "by", "took"], shown, text=[1, 2]))


def _moved(before: Evaluation, after: Evaluation, pc: Evaluation) -> Section:
    """One model on its own microscope, on the other one, and after the move."""
    entries = {
        "phase contrast: its own model": pc.scores,
        "bright field: the phase-contrast model": before.scores,
        "bright field: after the move": after.scores,
        **{f"bright field: {name}, no image": scores for name, scores in after.baselines.items()},
    }
    lead = (
        "Each frame of the new chambers is counted from its image alone. A model that is shown "
        "another kind of picture fails; a few counted frames and drawn ones of the new kind mend "
        "that. The last rows look at no image: a model must beat them."
    )
    body = table(
        ["", *HEAD], [[name, *cells(scores)] for name, scores in entries.items()], EXPLAINED, strong=[0, 2]
    )
    flagged = int((before.frames["novelty"] > 1).sum())
    if before.frames["novelty"].notna().any():
        share = f"{flagged} of {len(before.frames)} pictures"
        body += f"<p>Before the move, the model itself called {share} unlike its training.</p>"
    return Section("To another microscope", lead, body)


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
