"""A classifier for a lab's own phase maps: many unlabelled ones of any cell type, a few of each class.

How well it does is measured by leaving labelled maps out in turn, beside hand-made features with a support
vector machine on the same parts. The classifier itself learns from all of them.
"""

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedKFold
from statsmodels.stats.proportion import proportion_confint

from twincell.errors import UserError
from twincell.files import fresh_dir, write_atomic
from twincell.gan.arms import ARMS, Task
from twincell.gan.classifier import ClassifierSettings, classify, save_classifier
from twincell.gan.dcgan import sample, sheet
from twincell.gan.few import FewSettings, fit_classifier
from twincell.gan.figures import confusion_figure, roc_figure, save, sheet_figure
from twincell.gan.pretrain import Pretraining, load_encoder, load_gan, pretrain, pretraining_settings
from twincell.gan.study import figures
from twincell.hardware import device_name
from twincell.locks import locked
from twincell.models.base.file import TrainingData
from twincell.phase.maps import MapSet, read_classes, read_maps

FEWEST = 3
"""Labelled maps a class."""
FOLDS = 5
RATE = 3e-4
ARM = {"gan": "topgan", "self-supervised": "self-supervised"}


@dataclass(frozen=True)
class TopganOptions:
    """How a classifier is made.

    Attributes:
        pretraining: what is done with the unlabelled maps.
        pretraining_steps: for how long.
        steps: gradient steps of the classifier, a third of them with a frozen encoder.
        side: pixels along a map, as networks see it.
        width: channels of the first convolution.
        pixel_um: side of a pixel of the maps, for the hand-made features.
        seed: of all chance.
        resume: go on with the run in the folder.
        progress: whether lines are shown.
    """

    pretraining: Pretraining = "self-supervised"
    pretraining_steps: int = 1000
    steps: int = 200
    side: int = 48
    width: int = 16
    pixel_um: float = 0.5
    seed: int = 0
    resume: bool = False
    progress: bool = True


@dataclass(frozen=True)
class TopganRun:
    """What was made.

    Attributes:
        folder: of the run.
        metrics: accuracy in percent and its 95 % interval for the network and the hand-made features.
    """

    folder: Path
    metrics: dict[str, Any]


def topgan(unlabelled: Path, labelled: Path, out: Path, options: TopganOptions | None = None) -> TopganRun:
    """Makes a classifier from phase maps.

    Args:
        unlabelled: a file or folder of maps in nm, of any cell type seen by the same instrument.
        labelled: a folder with a folder for each class.
        out: the run's folder: the model, card, predictions, confusion matrices, figures, the pre-training.
        options: how.

    Raises:
        UserError: maps that cannot be used, too few of them, or a folder of another run.
        Stopped: a signal came while pre-training; `resume` goes on.
    """
    asked = options or TopganOptions()
    many, few = _read(unlabelled, labelled)
    fresh_dir(out, asked.resume)
    with locked(out):
        _same_run(out, many, few, asked)
        if asked.resume and (out / "metrics.json").is_file():
            return TopganRun(out, json.loads((out / "metrics.json").read_text()))
        since = time.monotonic()
        kind = asked.pretraining
        settings = pretraining_settings(kind, asked.pretraining_steps, asked.side, asked.width)
        pretrain(many, settings, out / kind, asked.seed, asked.progress)
        task = _task(out, many, few, asked)
        chances = {name: _left_out(task, name) for name in (ARM[kind], "features")}
        found = {name: measured(own, few) for name, own in chances.items()}
        _write(out, few, chances, ARM[kind])
        if kind == "gan":
            save(out / "samples.png", sheet_figure(sheet(sample(load_gan(out / kind), 64))))
        assert few.labels is not None
        ahead = asked.steps // 3
        network = fit_classifier(
            load_encoder(out / kind), task.images(few), torch.from_numpy(few.labels), task.classes,
            FewSettings(asked.steps - ahead, ahead, RATE), asked.seed,
        )  # fmt: skip
        height, width = few.maps.shape[1:]
        save_classifier(
            out,
            network,
            ClassifierSettings(
                side=asked.side,
                height=height,
                width_px=width,
                width=asked.width,
                classes=few.classes,
                top=task.top,
            ),
            TrainingData(
                fingerprint=few.fingerprint(),
                images=len(many) + len(few),
                labelled=len(few),
                description=f"{len(many)} unlabelled maps ({kind}), {_counted(few)}",
            ),
            found,
            training=asdict(asked) | {"resume": False},
            seed=asked.seed,
            steps=asked.steps,
            seconds=round(time.monotonic() - since, 1),
            machine=device_name(torch.device("cpu")),
        )
        write_atomic(out / "metrics.json", json.dumps(found, indent=2) + "\n")
        return TopganRun(out, found)


def classified(model: str | Path, place: Path) -> pd.DataFrame:
    """Classes of new maps: columns map (from 0), class, and the chance of each class.

    Raises:
        UserError: as `classify` and `read_maps`.
    """
    maps = read_maps(place)
    chances, classes = classify(model, maps)
    table = pd.DataFrame(chances, columns=list(classes))
    table.insert(0, "class", [classes[i] for i in chances.argmax(1)])
    table.insert(0, "map", range(len(maps)))
    return table


def measured(chances: np.ndarray, maps: MapSet) -> dict[str, Any]:
    """Accuracy in percent, its 95 % interval (Wilson), confusion matrix and area under the ROC curves."""
    found = figures(chances, maps)
    right = int(np.trace(np.array(found["confusion"])))
    low, high = proportion_confint(right, len(maps), method="wilson")
    return found | {"interval": [round(100 * float(low), 2), round(100 * float(high), 2)], "n": len(maps)}


def _read(unlabelled: Path, labelled: Path) -> tuple[MapSet, MapSet]:
    problems, read = [], []
    for place, reader in ((unlabelled, read_maps), (labelled, read_classes)):
        try:
            read.append(reader(place))
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)
    many, few = read
    if many.maps.shape[1:] != few.maps.shape[1:]:
        sizes = [f"{maps.maps.shape[2]} x {maps.maps.shape[1]} px" for maps in read]
        problems.append(f"{unlabelled}: maps of {sizes[0]} and labelled ones of {sizes[1]}; crop both alike")
    assert few.labels is not None
    for label, name in enumerate(few.classes):
        n = int((few.labels == label).sum())
        if n < FEWEST:
            problems.append(f"{labelled}: class {name} has {n} maps and at least {FEWEST} are needed")
    if problems:
        raise UserError(problems)
    return many, few


def _same_run(out: Path, many: MapSet, few: MapSet, asked: TopganOptions) -> None:
    """Writes what the run is; results of other data or options must not be mixed with these."""
    told = {key: value for key, value in asdict(asked).items() if key not in ("resume", "progress")}
    text = json.dumps({"unlabelled": many.fingerprint(), "labelled": few.fingerprint(), **told}, indent=2)
    path = out / "topgan.json"
    if path.is_file() and path.read_text() != text + "\n":
        raise UserError(
            f"{path}: this folder's run had other maps or options; name another folder with --out"
        )
    write_atomic(path, text + "\n")


def _task(out: Path, many: MapSet, few: MapSet, asked: TopganOptions) -> Task:
    kind = asked.pretraining
    return Task(
        few, asked.seed, asked.side, asked.width, asked.steps, asked.pixel_um, few.top(),
        load_gan(out / kind) if kind == "gan" else None,
        load_encoder(out / kind) if kind == "self-supervised" else None,
    )  # fmt: skip


def _left_out(task: Task, name: str) -> np.ndarray:
    """Chances of every labelled map by a classifier that has not seen it."""
    folds = min(FOLDS, int(np.bincount(task.labels).min()))
    chances = np.zeros((len(task.train), task.classes))
    value = RATE if name != "features" else 1.0
    parts = StratifiedKFold(folds, shuffle=True, random_state=task.seed)
    for learned, rest in parts.split(np.zeros(len(task.labels)), task.labels):
        train = task.train.select(learned)
        chances[rest] = ARMS[name].fit(replace(task, train=train), value)(task.train.select(rest))
    return chances


def _write(out: Path, few: MapSet, chances: dict[str, np.ndarray], name: str) -> None:
    assert few.labels is not None
    names = [few.classes[label] for label in few.labels]
    table = pd.DataFrame({"true": names, "predicted": [few.classes[i] for i in chances[name].argmax(1)]})
    for label, word in enumerate(few.classes):
        table[word] = chances[name][:, label]
    write_atomic(out / "left-out.csv", table.to_csv(index=False, float_format="%.4g"))
    save(out / "confusion.png", confusion_figure(chances, few))
    save(out / "roc.png", roc_figure(chances[name], few))


def _counted(few: MapSet) -> str:
    assert few.labels is not None
    return ", ".join(f"{int((few.labels == i).sum())} {name}" for i, name in enumerate(few.classes))
