"""What a Twin-VAE may be told beyond the paper's numbers; models of release 1 are told nothing new."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from helpers.training_toys import toy_settings, toy_store
from twincell.batches.batches import Batches
from twincell.models import METHODS
from twincell.models.base.task import Plan, StepInfo
from twincell.models.twin_vae.network import GREY_STD, TwinVAE
from twincell.models.twin_vae.settings import NetworkSettings, TwinVAESettings
from twincell.presets import load_preset

SMALL: dict[str, Any] = {"channels": (4, 4, 8, 8), "core": 16, "latent": 8, "regressor": (8, 8)}


def network(**changes: Any) -> TwinVAE:
    torch.manual_seed(0)
    return TwinVAE(**SMALL, **changes)


def test_cards_of_release_1_mean_what_they_meant() -> None:
    old = NetworkSettings.model_validate({"channels": (32, 64, 128, 256), "core": 512, "latent": 256})
    assert (old.bottleneck_dropout, old.regressor_reads, old.grey, old.calibrate) == (
        "behind", "latent", "plain", False,
    )  # fmt: skip
    loss = TwinVAESettings().loss
    assert loss.decode
    assert loss.decode_from == 0
    plain = load_preset("compact").batch
    assert plain.drawn_first == plain.through_natural == 0


def test_every_choice_keeps_the_weights_of_the_others() -> None:
    """A checkpoint of release 1 loads whatever is asked for, but where the regressor has another input."""
    before = network().state_dict()
    for changes in ({"bottleneck_dropout": "whole"}, {"grey": "centred"}, {"calibrate": True}):
        assert network(**changes).state_dict().keys() == before.keys()


def test_dropout_acts_on_mean_and_log_variance_where_the_whole_bottleneck_is_meant() -> None:
    maps = torch.rand(400, 8, 5, 5)
    for where, share in (("behind", 0.0), ("whole", 0.1)):
        core = network(bottleneck_dropout=where, dropout=0.1).core.train()
        for part in core.encode(maps):
            assert abs(float((part == 0).float().mean()) - share) < 0.03
        assert not any(bool((part == 0).any()) for part in core.eval().encode(maps))


def test_the_regressor_can_read_the_shared_decoder() -> None:
    with torch.device("meta"):
        sizes = [
            sum(p.numel() for p in TwinVAE(regressor_reads=what).parameters())
            for what in ("latent", "decoder")
        ]
    assert [round(size / 1e6, 2) for size in sizes] == [11.36, 12.94]
    reads = network(regressor_reads="decoder").eval()
    images = torch.rand(3, 1, 128, 128)
    output = reads(images)
    maps = reads.core.decode(output.latent)
    assert maps.shape == (3, 8, 5, 5)
    assert torch.allclose(output.count, reads.regressor(maps.flatten(1))[:, 0])
    assert torch.allclose(METHODS["twin_vae"].predict(reads, images).count, output.count.clamp_min(0))
    assert torch.equal(reads.count(output.latent), output.count)


def test_centred_grey_levels_forget_lamp_and_level() -> None:
    images = 0.3 + 0.1 * torch.rand(2, 1, 128, 128)
    centred, plain = network(grey="centred").eval(), network().eval()
    assert torch.allclose(centred(images).count, centred(images + 0.2).count, atol=1e-4)
    assert not torch.allclose(plain(images).count, plain(images + 0.2).count, atol=1e-4)
    own = (images - images.mean((1, 2, 3), keepdim=True)) / GREY_STD
    assert torch.allclose(centred(images).count, plain(own).count, atol=1e-5)


@pytest.mark.parametrize("asked", [True, False])
def test_counts_are_scaled_once_training_has_ended_where_asked(asked: bool) -> None:
    method, net = METHODS["twin_vae"], network(calibrate=asked).eval()
    with torch.no_grad():
        net.regressor[-1].bias.fill_(10.0)
    images = torch.rand(60, 1, 128, 128)
    before = method.predict(net, images).count
    with torch.inference_mode():
        method.finalize(net, images, images, 1.2 * before)  # type: ignore[attr-defined]
    factor = float((method.predict(net, images).count / before).mean().detach())
    assert 1.1 < factor < 1.2 if asked else factor == 1.0  # drawn towards 1, as labels are few


def batches(**changes: Any) -> Batches:
    settings = toy_settings(training__steps=10, **changes)
    return Batches(toy_store(), settings)


def test_drawn_images_come_first_and_partly_through_the_natural_layers() -> None:
    made = batches(batch__drawn_first=0.5, batch__through_natural=0.5)
    first, later = made.make(4), made.make(5)
    assert len(first) == len(later) == 8
    assert first.labelled.all()  # drawn: every one counted
    assert first.natural.tolist() == [True] * 4 + [False] * 4
    assert later.natural.tolist() == [True] * 6 + [False] * 2  # 4 natural images, and half of 4 drawn ones
    usual = batches().make(4)
    assert usual.natural.tolist() == [True] * 4 + [False] * 4
    assert torch.equal(batches(batch__drawn_first=0.5).make(5).images, batches().make(5).images)


def test_decoders_are_left_out_until_their_share_of_the_steps() -> None:
    settings = toy_settings(training__steps=10, model__loss__decode_from=0.5)
    method: Any = METHODS["twin_vae"]
    task = method.task(method.build(settings.model), settings)
    made = Batches(toy_store(), settings)
    task.plan = Plan(made, 10, 0)
    early, late = (task.losses(made.make(0), StepInfo(step, 10, 0)).terms for step in (4, 5))
    assert float(early["reconstruction"]) == 0
    assert float(late["reconstruction"].detach()) > 0


def test_twin_fast_is_the_papers_network_and_loss() -> None:
    fast, paper = load_preset("twin-fast"), load_preset("paper-pc")
    method = METHODS["twin_vae"]
    with torch.device("meta"):
        assert round(sum(p.numel() for p in method.build(fast.model).parameters()) / 1e6, 2) == 11.36

    def told(settings: Any) -> dict[str, Any]:
        return settings.model.model_dump()

    same = (
        "channels",
        "core",
        "latent",
        "regressor",
        "dropout",
        "bottleneck_dropout",
        "leak",
        "regressor_reads",
    )
    assert all(told(fast)["network"][name] == told(paper)["network"][name] for name in same)
    for name in ("pixels", "natural", "synthetic"):
        assert told(fast)["loss"][name] == told(paper)["loss"][name]


def test_an_untrained_network_of_release_1_draws_and_counts_as_then() -> None:
    """The forward pass restated as it was: encode, sample, count, decode."""
    net, images = network().eval(), torch.rand(2, 1, 128, 128)
    natural = torch.tensor([True, False])
    vector = torch.cat([net.natural.encoder(images[:1]), net.synthetic.encoder(images[1:])])
    mean = net.core.mean(net.core.encoder(vector).flatten(1))
    maps: Tensor = net.core.decoder(net.core.expand(mean)[:, :, None, None])
    drawn = torch.cat([net.natural.decoder(maps[:1]), net.synthetic.decoder(maps[1:])])
    output = net(images, natural)
    assert torch.allclose(output.count, nn.Sequential(*net.regressor)(mean)[:, 0], atol=1e-6)
    assert torch.allclose(output.reconstruction, drawn, atol=1e-6)
