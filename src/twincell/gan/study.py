"""The TOP-GAN study on simulated maps: every arm at every number of labelled maps, over several draws.

Each cell of the study is a file; a finished one is never computed again, so that a study that was stopped
goes on, and one can be enlarged.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field, ValidationError
from sklearn.metrics import confusion_matrix, roc_auc_score

from twincell.config import Positive, Strict, Width, sentences
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.gan.arms import ARMS, TRIES, Arm, Task, accuracy, choose, first
from twincell.gan.few import FewSettings, fit_classifier, probabilities
from twincell.gan.network import fresh_encoder
from twincell.gan.pretrain import load_encoder, load_gan, pretrain, pretraining_settings
from twincell.phase.maps import MapSet
from twincell.phase.simulate import CLASSES, PIXEL_UM, labelled_cells, sperm_cells

UNLABELLED_SEED, TEST_SEED, JUDGE_SEED, REFERENCE_SEED = 7001, 7002, 7003, 7004
POOL_SEED, TUNING_SEED = 8000, 9000
POOL = 100
"""Labelled maps a class that are drawn, of which a k takes the first: a study can be enlarged by other k."""
"""Draw s of labelled maps has the seed POOL_SEED + s; those that settings are tried on have their own."""


class StudySettings(Strict):
    """How large a study is."""

    arms: tuple[str, ...] = tuple(ARMS)
    """Which are measured."""
    k: tuple[Positive, ...] = (3, 5, 10, 25, 50, 100)
    """Labelled maps a class."""
    side: Annotated[int, Field(ge=32, le=256, multiple_of=16)] = 48
    """Pixels along a map."""
    width: Width = 16
    """Channels of the encoder's first convolution."""
    unlabelled: Annotated[int, Field(ge=64)] = 2000
    """Maps of sperm-like cells."""
    gan_steps: Positive = 500
    gan_batch: Annotated[int, Field(ge=2)] = 32
    contrast_steps: Positive = 250
    contrast_batch: Annotated[int, Field(ge=2)] = 64
    steps: Annotated[int, Field(ge=3)] = 200
    """Gradient steps of a classifier."""
    test: Positive = 200
    """Test maps a class, the same for all."""
    tuning_k: Positive = 10
    """Labelled maps a class while settings are tried."""
    tuning_draws: Positive = 1
    reference: Positive = 2500
    """Maps a class that the reference learns from: it says how far these classes can be told apart at all."""
    reference_steps: Positive = 1200
    reference_width: Width = 24
    imagenet: Path | None = None
    """File of EfficientNet-lite0 weights; without it the weights are random, and the table says so."""


def study_settings(changes: dict[str, Any]) -> StudySettings:
    """The defaults with changes.

    Raises:
        UserError: one sentence for each that is not allowed.
    """
    try:
        settings = StudySettings.model_validate(changes)
    except ValidationError as error:
        raise UserError([f"topgan: {problem}" for problem in sentences(error)]) from error
    if unknown := [name for name in settings.arms if name not in ARMS]:
        raise UserError(f"topgan: arms {', '.join(unknown)}: unknown; choose among {', '.join(ARMS)}")
    return settings


@dataclass(frozen=True)
class Study:
    """A study in a folder.

    Attributes:
        settings: how large.
        out: its folder.
        seeds: draws of labelled maps.
        progress: whether lines are shown.
    """

    settings: StudySettings
    out: Path
    seeds: tuple[int, ...]
    progress: bool = True

    def run(self) -> None:
        """Computes what is not there yet."""
        for name, arm in self.arms.items():
            self._cell(f"tries-{name}", self._choose, arm)
        for seed in self.seeds:
            for k in self.settings.k:
                for name, arm in self.arms.items():
                    self._cell(self.name_of(name, k, seed), self._measure, arm, name, k, seed)
        self._cell("reference", self._reference)

    def results(self) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
        """Finished cells: arm, k, seed, figures."""
        for seed in self.seeds:
            for k in self.settings.k:
                for name in self.arms:
                    if found := self.read(self.name_of(name, k, seed)):
                        yield name, k, seed, found

    @property
    def arms(self) -> dict[str, Arm]:
        """Those measured, by name."""
        return {name: ARMS[name] for name in self.settings.arms}

    def read(self, cell: str) -> dict[str, Any] | None:
        """The figures of a finished cell, else None."""
        path = self._place(cell)
        return json.loads(path.read_text()) if path.is_file() else None

    def name_of(self, arm: str, k: int, seed: int) -> str:
        """The name of a cell."""
        return f"{arm}-k{k}-s{seed}"

    def chances(self, arm: str, k: int, seed: int) -> np.ndarray:
        """(N, classes) of the test maps, from a finished cell."""
        return np.load(self._place(self.name_of(arm, k, seed)).with_suffix(".npy"))

    @cached_property
    def test(self) -> MapSet:
        """The test maps."""
        return self._labelled(self.settings.test, TEST_SEED)

    @cached_property
    def unlabelled(self) -> MapSet:
        """The unlabelled maps, of the other cell type."""
        return MapSet(self.out, sperm_cells(self.settings.unlabelled, UNLABELLED_SEED, self.settings.side))

    @cached_property
    def top(self) -> float:
        """The delay in nm that becomes 1, from maps apart, so that no draw has its own scale."""
        return self._labelled(100, TUNING_SEED).top()

    def task(self, train: MapSet, seed: int) -> Task:
        """What arms are given."""
        s = self.settings
        return Task(
            train, seed, s.side, s.width, s.steps, PIXEL_UM, self.top, self._gan, self._contrast,
            self.unlabelled.scaled(self.unlabelled.top(), s.side), s.imagenet,
        )  # fmt: skip

    @cached_property
    def _gan(self) -> Any:
        if not {"topgan", "sgan"} & set(self.settings.arms):
            return None
        s = self.settings
        made = pretraining_settings("gan", s.gan_steps, s.side, s.width, s.gan_batch)
        pretrain(self.unlabelled, made, self.out / "gan", 0, self.progress)
        return load_gan(self.out / "gan")

    @cached_property
    def _contrast(self) -> Any:
        if "self-supervised" not in self.settings.arms:
            return None
        s = self.settings
        made = pretraining_settings("self-supervised", s.contrast_steps, s.side, s.width, s.contrast_batch)
        pretrain(self.unlabelled, made, self.out / "contrast", 0, self.progress)
        return load_encoder(self.out / "contrast")

    def _labelled(self, n: int, seed: int) -> MapSet:
        maps, labels = labelled_cells(n, seed, self.settings.side)
        return MapSet(self.out, maps, labels, CLASSES)

    def _choose(self, arm: Arm) -> dict[str, Any]:
        s = self.settings
        judged = self._labelled(max(s.test // 2, 1), JUDGE_SEED)
        tasks = [
            self.task(self._labelled(s.tuning_k, TUNING_SEED + 1 + draw), draw)
            for draw in range(s.tuning_draws)
        ]
        assert len(arm.tries) == TRIES
        value, found = choose(arm, tasks, judged)
        return {"value": value, "tries": found}

    def _measure(self, arm: Arm, name: str, k: int, seed: int) -> dict[str, Any]:
        tried = self.read(f"tries-{name}")
        assert tried is not None
        pool = self._labelled(max(POOL, *self.settings.k), POOL_SEED + seed)
        chances = arm.fit(self.task(first(pool, k), seed), tried["value"])(self.test)
        file = self._place(self.name_of(name, k, seed)).with_suffix(".npy")
        with file.open("wb") as stream:  # complete before the figures, which say that the cell is finished
            np.save(stream, chances.astype(np.float32))
        return figures(chances, self.test)

    def _reference(self) -> dict[str, Any]:
        s = self.settings
        train = self._labelled(s.reference, REFERENCE_SEED)
        assert train.labels is not None
        settings = FewSettings(s.reference_steps, 0, 1.5e-3)
        encoder = fresh_encoder(s.reference_width, 0)
        images, labels = train.scaled(self.top, s.side), torch.from_numpy(train.labels)
        network = fit_classifier(encoder, images, labels, len(CLASSES), settings, 0)
        return figures(probabilities(network, self.test.scaled(self.top, s.side)).numpy(), self.test)

    def _cell(self, name: str, compute: Callable[..., dict[str, Any]], *what: Any) -> None:
        if self._place(name).is_file():
            return
        self._place(name).parent.mkdir(parents=True, exist_ok=True)
        since = time.process_time()
        found = compute(*what)
        found["cpu_seconds"] = round(time.process_time() - since, 2)
        write_atomic(self._place(name), json.dumps(found) + "\n")
        if self.progress:
            print(
                f"{name}: {found.get('accuracy', found.get('tries', ''))}, {found['cpu_seconds']} s",
                flush=True,
            )

    def _place(self, name: str) -> Path:
        return self.out / "cells" / f"{name}.json"


def figures(chances: np.ndarray, maps: MapSet) -> dict[str, Any]:
    """Accuracy in percent, the confusion matrix (rows = true class) and the area under each class's ROC."""
    assert maps.labels is not None
    n = chances.shape[1]
    own = [maps.labels == label for label in range(n)]
    return {
        "accuracy": round(100 * accuracy(chances, maps), 3),
        "confusion": confusion_matrix(maps.labels, chances.argmax(1), labels=range(n)).tolist(),
        "auc": [round(float(roc_auc_score(true, chances[:, label])), 4) for label, true in enumerate(own)],
    }
