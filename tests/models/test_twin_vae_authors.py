"""Checkpoints in the layout of the authors' code: read name by name, the same counts and pictures."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.cli import run
from twincell.models import METHODS
from twincell.models.base.file import load_card, load_model
from twincell.models.twin_vae.authors import layout

CHANNELS, CORE, LATENT, HIDDEN = (4, 6, 8, 10), 12, 5, (7, 3)


def conv(state: dict[str, Tensor], name: str, o: int, i: int, kernel: int, flipped: bool = False) -> None:
    shape = (i, o, kernel, kernel) if flipped else (o, i, kernel, kernel)
    state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(shape) * 0.1, torch.randn(o) * 0.1


def norm(state: dict[str, Tensor], name: str, width: int) -> None:
    state[f"{name}.weight"], state[f"{name}.bias"] = torch.rand(width) + 0.5, torch.randn(width) * 0.1
    state[f"{name}.running_mean"], state[f"{name}.running_var"] = torch.randn(width), torch.rand(width) + 0.5
    state[f"{name}.num_batches_tracked"] = torch.tensor(7)


def linear(state: dict[str, Tensor], name: str, o: int, i: int) -> None:
    state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(o, i), torch.randn(o)


def authors_state(prefix: str = "module.") -> dict[str, Tensor]:
    """Tensors as their model names them, with random values and small widths."""
    torch.manual_seed(0)
    a, b, c, d = CHANNELS
    state: dict[str, Tensor] = {}
    for origin in ("synth", "natural"):
        for index, (o, i) in zip((0, 3, 6, 9), ((a, 1), (b, a), (c, b), (d, c)), strict=True):
            conv(state, f"{origin}_reader.{prefix}{index}", o, i, 5)
        for index, (o, i, kernel) in zip(
            (0, 3, 6, 9, 12), ((c, d, 5), (b, c, 5), (a, b, 5), (a, a, 2), (1, a, 6)), strict=True
        ):
            conv(state, f"{origin}_writer.{prefix}{index}", o, i, kernel, flipped=True)
            if index < 12:
                norm(state, f"{origin}_writer.{prefix}{index + 1}", o)
    conv(state, f"common_encoder.{prefix}0", CORE, d, 5)
    linear(state, f"fc1.{prefix}0", LATENT, CORE)
    linear(state, f"fc2.{prefix}0", LATENT, CORE)
    linear(state, f"fc3.{prefix}0", CORE, LATENT)
    conv(state, f"common_decoder.{prefix}1", d, CORE, 5, flipped=True)
    norm(state, f"common_decoder.{prefix}2", d)
    for index, (o, i) in zip((0, 2, 4), ((7, LATENT), (3, 7), (1, 3)), strict=True):
        linear(state, f"regressor.{prefix}{index}", o, i)
    return state


def by_hand(state: dict[str, Tensor], images: Tensor, origin: str) -> tuple[Tensor, Tensor]:
    """Counts (N,) and pictures (N, 1, 128, 128) from the tensors alone, decoded from the latent mean."""

    def of(name: str) -> tuple[Tensor, Tensor]:
        return state[f"{name}.weight"], state[f"{name}.bias"]

    def grow(x: Tensor, layer: str, index: int, stride: int) -> Tensor:
        x = F.conv_transpose2d(x, *of(f"{layer}.{index}"), stride=stride)
        statistics = (state[f"{layer}.{index + 1}.{kind}"] for kind in ("running_mean", "running_var"))
        return F.leaky_relu(F.batch_norm(x, *statistics, *of(f"{layer}.{index + 1}")), 0.2)

    x = images
    for index in (0, 3, 6, 9):
        x = F.leaky_relu(F.conv2d(x, *of(f"{origin}_reader.{index}"), stride=2), 0.2)
    x = F.leaky_relu(F.conv2d(x, *of("common_encoder.0"), stride=2), 0.2).flatten(1)
    mean = F.linear(x, *of("fc1.0"))
    count = mean
    for index in (0, 2, 4):
        count = F.linear(count, *of(f"regressor.{index}"))
    y = grow(F.linear(mean, *of("fc3.0"))[:, :, None, None], "common_decoder", 1, 2)
    for index, stride in ((0, 2), (3, 2), (6, 2), (9, 1)):
        y = grow(y, f"{origin}_writer", index, stride)
    return count[:, 0], torch.sigmoid(F.conv_transpose2d(y, *of(f"{origin}_writer.12"), stride=2))


def write(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save({"epoch": 50001, "state_dict": state, "optimizer": {"state": {}, "param_groups": []}}, path)
    return path


def imported(path: Path, out: Path) -> int:
    return run(["import", "weights", str(path), "--modality", "pc", "--out", str(out)])


@pytest.mark.parametrize("prefix", ["module.", ""])
def test_a_checkpoint_counts_and_draws_as_its_tensors_say(prefix: str, tmp_path: Path) -> None:
    assert imported(write(tmp_path / "50000.pth", authors_state(prefix)), tmp_path / "run") == 0
    model = load_model(tmp_path / "run")
    assert model.card.modalities == ["pc"]
    assert "epoch 50000" in model.card.data.description
    images = torch.rand(3, 1, 128, 128, generator=torch.Generator().manual_seed(1))
    plain = authors_state("")
    for origin, natural in (("natural", True), ("synth", False)):
        count, picture = by_hand(plain, images, origin)
        with torch.inference_mode():
            found = model.network(images, torch.full((3,), natural))
        torch.testing.assert_close(found.count, count, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(found.reconstruction, picture, rtol=1e-4, atol=1e-4)


def test_a_whole_model_wrapped_for_several_gpus_is_read_too(tmp_path: Path) -> None:
    wrapped = {f"module.{name}": value for name, value in authors_state().items()}
    torch.save(wrapped, tmp_path / "plain.pth")
    assert imported(tmp_path / "plain.pth", tmp_path / "run") == 0


def test_the_layout_covers_every_tensor_of_the_papers_network() -> None:
    with torch.device("meta"):
        network = METHODS["twin_vae"].build(METHODS["twin_vae"].settings_class())
    assert set(layout()) == set(network.state_dict())
    assert set(layout().values()) == set(authors_state(""))


def test_an_imported_model_can_be_transferred(tmp_path: Path) -> None:
    from helpers.training_toys import write_toy_data

    assert imported(write(tmp_path / "a.pth", authors_state()), tmp_path / "run") == 0
    data = write_toy_data(tmp_path / "data")
    words = ["--out", str(tmp_path / "moved"), "--steps", "1", "--set", "synthetic.pool=8"]
    assert run(["transfer", str(tmp_path / "run"), str(data), *words, "--set", "batch.size=4"]) == 0
    assert load_card(tmp_path / "moved").settings["network"]["inner_leak"] == 1.0


def missing(state: dict[str, Tensor]) -> None:
    del state["fc2.module.0.weight"]


def unknown(state: dict[str, Tensor]) -> None:
    state["attention.module.0.weight"] = torch.ones(3)


def bent(state: dict[str, Tensor]) -> None:
    state["synth_reader.module.3.weight"] = torch.ones(6, 4, 3, 3)


def broken(state: dict[str, Tensor]) -> None:
    state["fc1.module.0.bias"][0] = torch.nan


def twice(state: dict[str, Tensor]) -> None:
    state["fc1.0.bias"] = state["fc1.module.0.bias"]


def nested(state: dict[str, Any]) -> None:
    state["fc1.module.0.bias"] = {"a": torch.ones(5)}


def number(state: dict[str, Any]) -> None:
    state["common_decoder.module.2.num_batches_tracked"] = 7


def named_by_number(state: dict[Any, Any]) -> None:
    state[3] = torch.ones(5)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (missing, "1 tensors missing (fc2.0.weight)"),
        (unknown, "1 unknown (attention.0.weight)"),
        (bent, "synth_reader.3.weight is (6, 4, 3, 3) instead of (6, 4, 5, 5)"),
        (broken, "fc1.0.bias holds values that are no numbers"),
        (twice, "fc1.0.bias is there twice"),
        (nested, "1 values that are no tensors (fc1.0.bias, dict)"),
        (number, "1 values that are no tensors (common_decoder.2.num_batches_tracked, int)"),
        (named_by_number, "1 unknown (3)"),
    ],
)
def test_a_damaged_checkpoint_is_refused_in_one_sentence(
    damage, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = authors_state()
    damage(state)
    assert imported(write(tmp_path / "a.pth", state), tmp_path / "run") == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_what_is_no_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = write(tmp_path / "whole.pth", authors_state()).read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.pth").write_text("weights")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    torch.save({"state_dict": {"a": Path("x")}}, tmp_path / "objects.pth")
    for name in ("cut", "text", "empty", "objects", "absent"):
        assert imported(tmp_path / f"{name}.pth", tmp_path / "run") == 2, name
        assert len(capsys.readouterr().err.splitlines()) == 1, name
