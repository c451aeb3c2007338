"""The Twin-VAE's loss against equation 1 of the paper, restated here image by image in plain Python."""

import math

import pytest
import torch

from twincell.batches.batches import Batch
from twincell.models.twin_vae.loss import twin_loss
from twincell.models.twin_vae.network import TwinOutput
from twincell.models.twin_vae.settings import Factors, LossSettings
from twincell.presets import load_preset

NATURAL = [True, True, True, False, False]
COUNTS = [4.0, math.nan, 9.0, 12.0, 1.0]
WEIGHTS = [1.0, 1.0, 0.5, 1.0, 1.0]
L, SIDE = 6, 8


def example() -> tuple[TwinOutput, Batch]:
    g = torch.Generator().manual_seed(0)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=g)

    mean, log_variance = rand(5, L) * 2 - 1, rand(5, L) - 0.5
    output = TwinOutput(rand(5, 1, SIDE, SIDE) * 0.98 + 0.01, rand(5) * 12, mean, log_variance, mean)
    batch = Batch(rand(5, 1, SIDE, SIDE), torch.tensor(COUNTS), torch.tensor(NATURAL), torch.tensor(WEIGHTS))
    return output, batch


def restated(settings: LossSettings, epoch: int) -> dict[str, float]:
    """Equation 1, averaged over the images."""
    output, batch = example()
    sums = {"reconstruction": 0.0, "regression": 0.0, "kl": 0.0}
    for i in range(5):
        c = settings.natural if NATURAL[i] else settings.synthetic
        pixels = [
            (float(x), float(d))
            for x, d in zip(batch.images[i].flatten(), output.reconstruction[i].flatten(), strict=False)
        ]
        if settings.pixels == "mse":
            rec = sum((x - d) ** 2 for x, d in pixels) / len(pixels)
        else:
            rec = sum(-(x * math.log(d) + (1 - x) * math.log(1 - d)) for x, d in pixels) / len(pixels)
        c_reg = (
            0.0 if math.isnan(COUNTS[i]) or epoch < settings.regressor_delay else c.regression * WEIGHTS[i]
        )
        reg = (float(output.count[i]) - COUNTS[i]) ** 2 if c_reg else 0.0
        latent = [(float(m), math.exp(float(v))) for m, v in zip(output.mean[i], output.log_variance[i])]  # noqa: B905
        kl = sum(0.5 * (variance + m * m - 1 - math.log(variance)) for m, variance in latent)
        sums["reconstruction"] += c.reconstruction * (1 - settings.reconstruction_decay) ** epoch * rec
        sums["regression"] += c_reg * reg
        sums["kl"] += c.kl * kl / (SIDE * SIDE)  # beta = 1 / (batch * pixels)
    return {name: value / 5 for name, value in sums.items()}


APART = LossSettings(
    natural=Factors(reconstruction=7, regression=5, kl=3),
    synthetic=Factors(reconstruction=2, regression=11, kl=13),
    regressor_delay=0,
)


@pytest.mark.parametrize(
    ("settings", "epoch"),
    [
        (load_preset("paper-pc").model.loss, 100),  # type: ignore[attr-defined]
        (load_preset("paper-pc").model.loss, 99),  # type: ignore[attr-defined]
        (load_preset("paper-bf").model.loss, 0),  # type: ignore[attr-defined]
        (load_preset("paper-bf").model.loss, 20_000),  # type: ignore[attr-defined]
        (APART, 0),
    ],
)
def test_every_term_is_equation_1(settings: LossSettings, epoch: int) -> None:
    expected = restated(settings, epoch)
    loss = twin_loss(*example(), settings, epoch)
    for name, value in expected.items():
        assert float(getattr(loss, name)) == pytest.approx(value, rel=1e-5), name
    assert float(loss.total) == pytest.approx(sum(expected.values()), rel=1e-5)


def test_plain_terms_are_means_over_the_images_of_their_origin() -> None:
    output, batch = example()
    loss = twin_loss(output, batch, APART, 0)
    error = (output.count - batch.counts) ** 2
    assert float(loss.natural.regression) == pytest.approx(float((error[0] + error[2]) / 2))
    assert float(loss.synthetic.regression) == pytest.approx(float((error[3] + error[4]) / 2))
    squared = ((output.reconstruction - batch.images) ** 2).mean((1, 2, 3))
    assert float(loss.natural.reconstruction) == pytest.approx(float(squared[:3].mean()))
    assert float(loss.synthetic.reconstruction) == pytest.approx(float(squared[3:].mean()))
    assert set(loss.terms()) == {
        *("reconstruction", "regression", "kl"),
        *(f"{o}_{n}" for o in ("natural", "synthetic") for n in ("reconstruction", "regression", "kl")),
    }


def test_unlabelled_images_give_the_counter_no_gradient() -> None:
    output, batch = example()
    count = output.count.clone().requires_grad_()
    twin_loss(
        TwinOutput(output.reconstruction, count, output.mean, output.log_variance, output.latent),
        batch,
        APART,
        0,
    ).total.backward()
    assert count.grad is not None
    assert (count.grad == 0).tolist() == [math.isnan(c) for c in COUNTS]


def test_a_batch_without_labels_or_without_one_origin_is_finite() -> None:
    output, batch = example()
    blank = Batch(batch.images, torch.full((5,), math.nan), torch.ones(5, dtype=torch.bool), batch.weights)
    loss = twin_loss(output, blank, APART, 0)
    assert float(loss.regression) == 0
    assert all(math.isfinite(float(value)) for value in loss.terms().values())


def test_the_regressor_waits_for_its_epoch() -> None:
    paper = load_preset("paper-pc").model.loss  # type: ignore[attr-defined]
    assert float(twin_loss(*example(), paper, 99).regression) == 0
    assert float(twin_loss(*example(), paper, 100).regression) > 0


def test_the_pixel_factor_decays_by_3e_5_an_epoch_and_stays_positive() -> None:
    paper = load_preset("paper-bf").model.loss  # type: ignore[attr-defined]
    start = float(twin_loss(*example(), paper, 0).reconstruction)
    assert float(twin_loss(*example(), paper, 1).reconstruction) == pytest.approx(
        start * (1 - 3e-5), rel=1e-6
    )
    assert float(twin_loss(*example(), paper, 50_000).reconstruction) == pytest.approx(
        start * math.exp(-1.5), rel=1e-3
    )


def test_without_decoding_there_is_no_pixel_term() -> None:
    output, batch = example()
    bare = TwinOutput(None, output.count, output.mean, output.log_variance, output.latent)
    assert float(twin_loss(bare, batch, APART, 0).reconstruction) == 0
    assert float(twin_loss(bare, batch, APART, 0).kl) == float(twin_loss(output, batch, APART, 0).kl)
