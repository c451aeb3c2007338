"""Networks, losses and figures of the GAN room against plain restatements."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from twincell.errors import UserError
from twincell.gan.arms import ARMS, TRIES, Task, choose, first
from twincell.gan.few import FewSettings, fit_classifier, probabilities
from twincell.gan.kid import FixedFeatures, kid
from twincell.gan.network import Discriminator, Gan, fresh_encoder, plain
from twincell.gan.pretrain import pretrain, pretraining_settings
from twincell.gan.simclr import nt_xent
from twincell.gan.study import figures
from twincell.gan.views import disturbed, turned
from twincell.phase.maps import MapSet
from twincell.phase.simulate import CLASSES, labelled_cells, sperm_cells


def few(k: int, seed: int = 1) -> MapSet:
    maps, labels = labelled_cells(k, seed)
    return MapSet(Path("drawn"), maps, labels, CLASSES)


def task(train: MapSet, **more: object) -> Task:
    return Task(train, 0, 48, 4, 6, 0.5, train.top(), **more)  # type: ignore[arg-type]


def test_an_encoder_without_its_norm_computes_the_same() -> None:
    network = Discriminator(4)
    images = torch.rand(3, 1, 48, 48)
    for _ in range(3):
        network(images)  # moves the estimates of the norms
    network.eval()
    copy = plain(network.encoder)
    assert next(name for name, _ in copy.named_parameters()) == "layers.0.weight"
    torch.testing.assert_close(copy(images), network.encoder(images))


def test_a_discriminator_moves_no_further_than_its_input() -> None:
    """Spectral norm: each matrix of weights stretches nothing by more than 1."""
    network = Discriminator(4)
    for _ in range(60):
        network(torch.rand(2, 1, 48, 48))
    for layer in network.encoder.layers:
        assert torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2) == pytest.approx(1, abs=0.02)


def test_kid_is_the_formula() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(1, 1, size=(4, 3))

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return (a @ b / 3 + 1) ** 3

    xx = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    yy = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    xy = np.mean([k(a, b) for a in x for b in y])
    assert kid(torch.tensor(x), torch.tensor(y)) == pytest.approx(xx + yy - 2 * xy)


def test_kid_tells_cells_from_other_cells() -> None:
    sperm = MapSet(Path(), sperm_cells(120, 3))
    images = sperm.scaled(sperm.top(), 48)
    others = few(20).scaled(few(20).top(), 48)
    fixed = FixedFeatures(images[:60])
    same, apart = (kid(fixed(images[:60]), fixed(seen)) for seen in (images[60:], others))
    assert abs(same) < 0.1 * apart


def test_contrast_is_the_formula() -> None:
    views = torch.nn.functional.normalize(
        torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), dim=1
    )
    a, b, t = views[:3], views[3:], 0.3
    both = torch.cat([a, b]).tolist()

    def likeness(i: int, j: int) -> float:
        return math.exp(sum(u * v for u, v in zip(both[i], both[j], strict=True)) / t)

    terms = [
        -math.log(likeness(i, (i + 3) % 6) / sum(likeness(i, j) for j in range(6) if j != i))
        for i in range(6)
    ]
    assert float(nt_xent(a, b, t)) == pytest.approx(sum(terms) / 6, rel=1e-5)


def test_turned_maps_keep_their_mass() -> None:
    maps = few(4)
    images = maps.scaled(maps.top(), 48)
    seen = turned(images, torch.Generator().manual_seed(0))
    assert not torch.equal(seen, images)
    torch.testing.assert_close((seen + 1).sum((1, 2, 3)), (images + 1).sum((1, 2, 3)), rtol=0.03, atol=0)
    assert disturbed(images, torch.Generator().manual_seed(0)).abs().max() <= 1


def test_figures_of_known_answers() -> None:
    maps = MapSet(Path(), np.zeros((4, 2, 2)), np.array([0, 0, 1, 1]), ("a", "b"))
    found = figures(np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]]), maps)
    assert found["accuracy"] == 75
    assert found["confusion"] == [[1, 1], [0, 2]]
    assert found["auc"] == [1.0, 1.0]


def test_a_classifier_learns_what_is_easy() -> None:
    """Two classes that differ tenfold in height."""
    maps = few(10).select(np.arange(20))
    maps.maps[10:] *= 0.1
    easy = MapSet(maps.root, maps.maps, np.repeat([0, 1], 10), ("high", "low"))
    images, labels = easy.scaled(easy.top(), 48), torch.from_numpy(easy.labels)
    network = fit_classifier(fresh_encoder(4, 0), images, labels, 2, FewSettings(25, 0, 1e-2), 0)
    assert (probabilities(network, images).argmax(1) == labels).all()


def test_the_frozen_phase_leaves_the_encoder_as_it_was() -> None:
    maps = few(3)
    encoder = fresh_encoder(4, 0)
    before = [parameter.clone() for parameter in encoder.parameters()]
    images, labels = maps.scaled(maps.top(), 48), torch.from_numpy(maps.labels)
    fit_classifier(encoder, images, labels, 3, FewSettings(0, 4, 1e-2), 0)
    assert all(torch.equal(a, b) for a, b in zip(before, encoder.parameters(), strict=True))
    fit_classifier(encoder, images, labels, 3, FewSettings(2, 0, 1e-2), 0)
    assert not any(torch.equal(a, b) for a, b in zip(before, encoder.parameters(), strict=True))


def test_few_maps_are_among_more() -> None:
    pool = few(5)
    small, large = first(pool, 2), first(pool, 4)
    assert small.labels.tolist() == [0, 0, 1, 1, 2, 2]
    kept = {m.tobytes() for m in large.maps}
    assert all(m.tobytes() in kept for m in small.maps)
    with pytest.raises(UserError, match="use fewer"):
        first(pool, 6)


def test_every_arm_has_as_many_tries_and_gives_chances() -> None:
    train = few(3)
    many = MapSet(Path(), sperm_cells(16, 1))
    known = {"gan": Gan(4, 8, 48), "contrast": fresh_encoder(4, 1), "unlabelled": many.scaled(many.top(), 48)}
    for name, arm in ARMS.items():
        if name == "imagenet":
            pytest.importorskip("efficientnet_lite_pytorch")
        assert len(arm.tries) == TRIES
        chances = arm.fit(task(train, **known), arm.tries[0])(few(2, seed=2))
        assert chances.shape == (6, 3)
        np.testing.assert_allclose(chances.sum(1), 1, atol=1e-5)


def test_the_best_try_is_taken() -> None:
    arm = ARMS["features"]
    value, found = choose(arm, [task(few(4))], few(6, seed=3))
    assert len(found) == TRIES
    assert found[f"{value:g}"] == max(found.values())


def test_a_pretraining_refuses_what_it_cannot_learn_from(tmp_path: Path) -> None:
    maps = MapSet(Path("few"), sperm_cells(4, 1))
    with pytest.raises(UserError, match="at least 16"):
        pretrain(maps, pretraining_settings("gan", 2, 48, 4, 4), tmp_path / "run", 0, progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gan", "self-supervised"])
def test_a_stopped_pretraining_ends_with_the_same_weights(kind: str, tmp_path: Path) -> None:
    """Two halves, resumed from the checkpoint, are one whole."""
    from twincell.training.run import fit

    maps = MapSet(Path("sperm"), sperm_cells(24, 1))
    settings = pretraining_settings(kind, 4, 32, 2, 8).changed({"training.save_steps": 2})  # type: ignore[arg-type]
    whole = pretrain(maps, settings, tmp_path / "whole", 0, progress=False)

    class StopError(Exception):
        pass

    import lightning as L

    class StopAfterTwo(L.Callback):
        def on_train_batch_start(self, trainer, task, batch, index) -> None:  # type: ignore[no-untyped-def]
            if task.steps_done == 2:
                raise StopError

    with pytest.raises(StopError):
        fit(settings, maps, tmp_path / "halves", seed=0, progress=False, watch=StopAfterTwo())
    halves = pretrain(maps, settings, tmp_path / "halves", 0, progress=False)
    for a, b in zip(whole.parameters(), halves.parameters(), strict=True):
        assert torch.equal(a, b)
