"""The Twin-VAE's network against section 2.3.3 of the paper, restated here layer by layer."""

import pytest
import torch
from torch import Tensor, nn

from twincell.models import METHODS
from twincell.models.twin_vae.network import TwinVAE
from twincell.models.twin_vae.settings import NetworkSettings, TwinVAESettings

SMALL = {"channels": (4, 4, 8, 8), "core": 16, "latent": 8, "regressor": (8, 8)}

# kernel, stride, channels in and out of every convolution, from the pixels in and out again
ENCODER = [(5, 2, 1, 32), (5, 2, 32, 64), (5, 2, 64, 128), (5, 2, 128, 256)]
SHARED = [(5, 2, 256, 512), (5, 2, 512, 256)]
DECODER = [(5, 2, 256, 128), (5, 2, 128, 64), (5, 2, 64, 32), (2, 1, 32, 32), (6, 2, 32, 1)]


@pytest.fixture(scope="module")
def paper() -> TwinVAE:
    torch.manual_seed(0)
    return TwinVAE()


def small() -> TwinVAE:
    torch.manual_seed(0)
    return TwinVAE(**SMALL)  # type: ignore[arg-type]


def convolutions(module: nn.Module) -> list[tuple[int, int, int, int]]:
    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(m.padding == (0, 0) and m.kernel_size[0] == m.kernel_size[1] for m in layers)
    return [(m.kernel_size[0], m.stride[0], m.in_channels, m.out_channels) for m in layers]


def outputs(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Every module's output, by name."""
    seen: dict[str, Tensor] = {}
    hooks = [
        module.register_forward_hook(lambda _, __, out, name=name: seen.__setitem__(name, out))
        for name, module in network.named_modules()
        if name
    ]
    network(images)
    for hook in hooks:
        hook.remove()
    return seen


def test_the_size_is_the_papers(paper: TwinVAE) -> None:
    convolution = sum(k * k * i * o + o for k, _, i, o in 2 * ENCODER + SHARED + 2 * DECODER)
    linear = sum(i * o + o for i, o in [(512, 256), (512, 256), (256, 512), (256, 256), (256, 128), (128, 1)])
    norms = 2 * (256 + 2 * (128 + 64 + 32 + 32))
    parameters = sum(p.numel() for p in paper.parameters())
    assert parameters == convolution + linear + norms
    assert round(parameters / 1e6, 2) == 11.36


def test_every_layer_is_the_papers(paper: TwinVAE) -> None:
    for twin in (paper.natural, paper.synthetic):
        assert convolutions(twin.encoder) == ENCODER
        assert convolutions(twin.decoder) == DECODER
        assert [type(m) for m in twin.encoder.modules() if not list(m.children())] == [
            nn.Conv2d,
            nn.LeakyReLU,
            nn.Dropout,
        ] * 4
        leaves = [type(m) for m in twin.decoder.modules() if not list(m.children())]
        assert leaves == [nn.ConvTranspose2d, nn.BatchNorm2d, nn.LeakyReLU] * 4 + [
            nn.ConvTranspose2d,
            nn.Sigmoid,
        ]
    assert convolutions(paper.core) == SHARED
    assert [(m.in_features, m.out_features) for m in paper.core.modules() if isinstance(m, nn.Linear)] == [
        (512, 256),
        (512, 256),
        (256, 512),
    ]
    assert [(m.in_features, m.out_features) for m in paper.regressor if isinstance(m, nn.Linear)] == [
        (256, 256),
        (256, 128),
        (128, 1),
    ]
    assert {m.p for m in paper.modules() if isinstance(m, nn.Dropout)} == {0.1}
    assert {m.negative_slope for m in paper.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}


def test_every_shape_is_the_papers_and_so_is_the_work(paper: TwinVAE) -> None:
    seen = outputs(paper.eval(), torch.rand(2, 1, 128, 128))
    sides = {name: out.shape[-1] for name, out in seen.items() if isinstance(out, Tensor) and out.ndim == 4}
    assert [sides[f"natural.encoder.{i}"] for i in range(4)] == [62, 29, 13, 5]
    assert sides["core.encoder"] == 1
    assert sides["core.decoder"] == 5
    assert [sides[f"natural.decoder.{i}"] for i in range(5)] == [13, 29, 61, 62, 128]
    assert seen["core.mean"].shape == seen["core.log_variance"].shape == (2, 256)
    assert not any(name.startswith("synthetic") for name in seen)

    # A convolution multiplies once per weight and output pixel, a transposed one per weight and input pixel.
    work = sum(k * k * i * o * side**2 for (k, _, i, o), side in zip(ENCODER, [62, 29, 13, 5], strict=True))
    work += sum(
        k * k * i * o * side**2 for (k, _, i, o), side in zip(DECODER, [5, 13, 29, 61, 62], strict=True)
    )
    work += sum(k * k * i * o for k, _, i, o in SHARED) + 3 * 512 * 256
    assert round(work / 1e6) == 226


def test_weights_start_orthogonal_and_biases_zero(paper: TwinVAE) -> None:
    layers = [m for m in paper.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    assert len(layers) == 2 * (4 + 5) + 2 + 3 + 3
    for layer in layers:
        weight = layer.weight.detach().flatten(1)
        short = weight if weight.shape[0] <= weight.shape[1] else weight.T
        assert torch.allclose(short @ short.T, torch.eye(len(short)), atol=1e-4)
        assert layer.bias is not None
        assert not layer.bias.any()


def test_each_origin_has_its_own_outer_layers_and_both_share_the_core() -> None:
    network = small().eval()
    images, natural = torch.rand(4, 1, 128, 128), torch.tensor([True, False, False, True])
    before = network(images, natural)
    assert torch.allclose(before.count[natural], network(images[natural]).count, atol=1e-5)
    with torch.no_grad():
        for parameter in network.synthetic.parameters():
            parameter.add_(0.1)
    after = network(images, natural)
    assert torch.equal(before.count[natural], after.count[natural])
    assert torch.equal(before.reconstruction[natural], after.reconstruction[natural])
    assert (before.count[~natural] != after.count[~natural]).all()
    with torch.no_grad():
        network.core.mean.bias.add_(1.0)
    moved = network(images, natural)
    assert (moved.count != after.count).all()


def test_decoding_by_the_other_origin_translates() -> None:
    network = small().eval()
    image, natural = torch.rand(1, 1, 128, 128), torch.tensor([True])
    mean, _ = network.encode(image, natural)
    assert torch.equal(network.decode(mean, natural), network(image, natural).reconstruction)
    assert not torch.equal(network.decode(mean, ~natural), network.decode(mean, natural))


def test_the_latent_is_sampled_in_training_and_its_mean_used_in_counting() -> None:
    network = small()
    network.core.log_variance.bias.data.fill_(-2.0)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    images = torch.rand(1, 1, 128, 128).expand(400, 1, 128, 128)
    output = network.train()(images, decode=False)
    noise = output.latent - output.mean
    assert torch.allclose(noise.std(0), (0.5 * output.log_variance[0]).exp(), rtol=0.2)
    assert noise.mean(0).abs().max() < 0.1
    quiet = network.eval()(images[:2], decode=False)
    assert torch.equal(quiet.latent, quiet.mean)
    assert torch.equal(quiet.count, network.regressor(quiet.mean)[:, 0])


def test_without_decoding_the_decoders_are_not_computed() -> None:
    network = small().train()
    seen = outputs(network, torch.rand(2, 1, 128, 128))
    assert "natural.decoder.0" in seen
    calls: list[str] = []
    for name in ("natural.decoder", "synthetic.decoder", "core.decoder", "core.expand"):
        network.get_submodule(name).register_forward_hook(lambda *_, name=name: calls.append(name))
    assert (
        network(torch.rand(2, 1, 128, 128), torch.tensor([True, False]), decode=False).reconstruction is None
    )
    assert calls == []


def test_counts_are_never_negative_and_repeat() -> None:
    method = METHODS["twin_vae"]
    settings = TwinVAESettings(network=NetworkSettings(**SMALL))  # type: ignore[arg-type]
    network = method.build(settings).eval()
    network.regressor[-1].bias.data.fill_(-5.0)
    images = torch.rand(3, 1, 128, 128)
    first = method.predict(network, images)
    assert first.count.shape == (3,)
    assert first.count.dtype == torch.float32
    assert torch.equal(first.count, torch.zeros(3))
    network.regressor[-1].bias.data.fill_(5.0)
    assert torch.equal(method.predict(network, images).count, method.predict(network, images).count)


def test_the_named_parts_are_all_of_the_network() -> None:
    network, parts = small(), METHODS["twin_vae"].parts

    def parameters(names: tuple[str, ...]) -> list[int]:
        return [id(p) for name in names for p in network.get_submodule(name).parameters()]

    everything = sorted(id(p) for p in network.parameters())
    assert sorted(parameters((*parts.outer, *parts.core, *parts.head))) == everything
    assert sorted(parameters(tuple(name for group in parts.unfreezing for name in group))) == everything
    assert len(parts.unfreezing) == 5
