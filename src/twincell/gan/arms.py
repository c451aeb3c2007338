"""Ways to a classifier from few labelled maps: TOP-GAN and what it has to be compared with.

Every arm has the same budget: `TRIES` settings, tried on draws of labelled maps that no figure is measured
on, and as many gradient steps a try as every other arm that takes steps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor

from twincell.errors import UserError
from twincell.gan.few import FewSettings, fit_classifier, probabilities
from twincell.gan.network import Encoder, Gan, fresh_encoder, plain
from twincell.gan.sgan import fit_sgan
from twincell.gan.views import turned
from twincell.phase.maps import MapSet
from twincell.phase.measures import measures
from twincell.seeding import generator_for

TRIES = 4
"""Settings that each arm may try."""
RATES = (0.0, 3e-4, 1e-3, 3e-3)
"""Learning rates of a pre-trained encoder; 0 = it stays frozen."""
FRESH_RATES = (3e-4, 1e-3, 3e-3, 1e-2)
"""Learning rates of an encoder of random weights."""
PENALTIES = (0.1, 1.0, 10.0, 100.0)
"""C of the support vector machine and of the regression on ImageNet features."""
IMAGENET_SIDE = 64
IMAGENET_VIEWS = 4


@dataclass(frozen=True)
class Task:
    """What an arm is given.

    Attributes:
        train: labelled maps.
        seed: of all chance.
        side: pixels that networks see.
        width: of the encoder.
        steps: gradient steps of a training.
        pixel_um: side of a pixel of the maps.
        top: delay in nm that becomes 1.
        gan, contrast: what was learned from the unlabelled maps; None where it was not.
        unlabelled: these maps, (M, 1, side, side) in [-1, 1].
        imagenet: file of EfficientNet-lite0 weights; None = random weights.
    """

    train: MapSet
    seed: int
    side: int
    width: int
    steps: int
    pixel_um: float
    top: float
    gan: Gan | None = None
    contrast: Encoder | None = None
    unlabelled: Tensor = field(default_factory=lambda: torch.zeros(0))
    imagenet: Path | None = None

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.train.classes)

    def images(self, maps: MapSet) -> Tensor:
        """Maps as networks see them."""
        return maps.scaled(self.top, self.side)

    @property
    def labels(self) -> np.ndarray:
        """(N,) of the training maps."""
        assert self.train.labels is not None
        return self.train.labels


Predict = Callable[[MapSet], np.ndarray]
"""Maps to chances (N, classes)."""


@dataclass(frozen=True)
class Arm:
    """A way to a classifier.

    Attributes:
        words: for tables.
        tries: values of its one setting.
        fit: learns with one of them.
    """

    words: str
    tries: tuple[float, ...]
    fit: Callable[[Task, float], Predict]


def _network(task: Task, encoder: Encoder, rate: float, augment: bool, frozen: bool) -> Predict:
    """An encoder, its last layer anew: a third of the steps frozen where it was pre-trained."""
    ahead = task.steps // 3 if frozen else 0
    settings = FewSettings(task.steps - ahead, ahead, rate, augment)
    labels = torch.from_numpy(task.labels)
    network = fit_classifier(encoder, task.images(task.train), labels, task.classes, settings, task.seed)
    return lambda maps: probabilities(network, task.images(maps)).numpy()


def _scratch(task: Task, rate: float) -> Predict:
    return _network(task, fresh_encoder(task.width, task.seed), rate, augment=False, frozen=False)


def _augmented(task: Task, rate: float) -> Predict:
    return _network(task, fresh_encoder(task.width, task.seed), rate, augment=True, frozen=False)


def _topgan(task: Task, rate: float) -> Predict:
    assert task.gan is not None
    return _network(task, task.gan.encoder, rate, augment=True, frozen=True)


def _self_supervised(task: Task, rate: float) -> Predict:
    assert task.contrast is not None
    return _network(task, plain(task.contrast), rate, augment=True, frozen=True)


def _sgan(task: Task, rate: float) -> Predict:
    assert task.gan is not None
    settings = FewSettings(task.steps, 0, rate)
    labels = torch.from_numpy(task.labels)
    images = task.images(task.train)
    network = fit_sgan(task.gan, images, labels, task.classes, task.unlabelled, settings, task.seed)
    return lambda maps: probabilities(network, task.images(maps)).numpy()


def _by_hand(task: Task, penalty: float) -> Predict:
    seen = np.nan_to_num(measures(task.train.maps, task.pixel_um))
    machine = make_pipeline(StandardScaler(), SVC(C=penalty, random_state=0))
    machine.fit(seen, task.labels)

    def predict(maps: MapSet) -> np.ndarray:
        # Votes of pairs of classes as chances: Platt's scaling has nothing to be fitted on with three maps.
        found = _once("hand", maps, task.pixel_um, lambda: measures(maps.maps, task.pixel_um))
        scores = machine.decision_function(np.nan_to_num(found))
        scores = np.stack([-scores, scores], 1) if scores.ndim == 1 else scores
        return torch.from_numpy(scores).softmax(1).numpy()

    return predict


def _imagenet(task: Task, penalty: float) -> Predict:
    backbone = imagenet_backbone(task.imagenet)
    images = task.images(task.train)
    generator = generator_for(task.seed, 0)
    views = torch.cat([images, *(turned(images, generator) for _ in range(IMAGENET_VIEWS - 1))])
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=penalty / 100, max_iter=500))
    regression.fit(backbone(views), np.tile(task.labels, IMAGENET_VIEWS))

    def predict(maps: MapSet) -> np.ndarray:
        found = _once(f"imagenet {task.imagenet}", maps, task.top, lambda: backbone(task.images(maps)))
        return regression.predict_proba(found)

    return predict


_kept: dict[tuple[str, str, float], np.ndarray] = {}
"""Features that no training changes, of the last few sets of maps: a study often asks for the same ones."""


def _once(kind: str, maps: MapSet, scale: float, compute: Callable[[], np.ndarray]) -> np.ndarray:
    key = (kind, maps.fingerprint(), scale)
    if key not in _kept:
        while len(_kept) >= 8:
            _kept.pop(next(iter(_kept)))
        _kept[key] = compute()
    return _kept[key]


def imagenet_backbone(weights: Path | None) -> Callable[[Tensor], np.ndarray]:
    """The pooled features of EfficientNet-lite0, frozen, of maps in [-1, 1].

    Raises:
        UserError: the package is missing, or the file holds other weights.
    """
    from twincell.models.efficientnet.network import LiteCounter

    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network = LiteCounter(IMAGENET_SIDE, 8, 0.0, 0.0, 0.01)
    if weights is not None:
        try:
            state = torch.load(weights, map_location="cpu", weights_only=True)
            network.backbone.load_state_dict({k: v for k, v in state.items() if not k.startswith("_fc.")})
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(f"{weights}: holds no EfficientNet-lite0 weights ({error})") from error
    network.eval()

    @torch.no_grad()
    def features(images: Tensor) -> np.ndarray:
        return torch.cat([network.features((part + 1) / 2) for part in images.split(64)]).numpy()

    return features


ARMS: Mapping[str, Arm] = {
    "scratch": Arm("from scratch", FRESH_RATES, _scratch),
    "augmentation": Arm("augmentation only", FRESH_RATES, _augmented),
    "features": Arm("hand features + SVM", PENALTIES, _by_hand),
    "imagenet": Arm("EfficientNet-lite0, frozen", PENALTIES, _imagenet),
    "sgan": Arm("SGAN", FRESH_RATES, _sgan),
    "topgan": Arm("TOP-GAN", RATES, _topgan),
    "self-supervised": Arm("self-supervised (SimCLR)", RATES, _self_supervised),
}
"""By their names."""


def choose(arm: Arm, tasks: list[Task], judged: MapSet) -> tuple[float, dict[str, Any]]:
    """The try with the most right answers on `judged`, and the accuracy of every one in percent."""
    found = {
        value: float(np.mean([accuracy(arm.fit(task, value)(judged), judged) for task in tasks]))
        for value in arm.tries
    }
    best = max(found, key=lambda value: found[value])
    return best, {f"{value:g}": round(100 * right, 2) for value, right in found.items()}


def accuracy(chances: np.ndarray, maps: MapSet) -> float:
    """Share of maps whose likeliest class is theirs."""
    assert maps.labels is not None
    return float((chances.argmax(1) == maps.labels).mean())


def first(maps: MapSet, k: int) -> MapSet:
    """The first `k` maps of each class: those of a smaller k are among those of a larger one.

    Raises:
        UserError: a class has fewer.
    """
    assert maps.labels is not None
    rows = []
    for label, name in enumerate(maps.classes):
        own = np.flatnonzero(maps.labels == label)
        if len(own) < k:
            raise UserError(f"{maps.root}: {k} maps of class {name} wanted and {len(own)} there; use fewer")
        rows.append(own[:k])
    return maps.select(np.concatenate(rows))


def reseeded(task: Task, train: MapSet, seed: int) -> Task:
    """The same task with other labelled maps."""
    return replace(task, train=train, seed=seed)
