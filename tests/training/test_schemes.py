"""Transfer: which parts learn when, and that the others keep every bit, weights and statistics alike."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from helpers.training_toys import toy_settings, write_toy_data
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.models.base.file import load_card
from twincell.presets import load_preset
from twincell.training import fit
from twincell.training.finetune import preset_for, transfer_settings
from twincell.training.freezing import SCHEMES, freeze, frozen_parts

PARTS = METHODS["twin_vae"].parts
OUTER = {f"{origin}.{half}" for origin in ("natural", "synthetic") for half in ("encoder", "decoder")}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def first(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a model of the first modality."""
    out = tmp_path_factory.mktemp("first") / "run"
    return fit(small(), Manifest.read(data), out, progress=False)


def small(**sections: object):
    return toy_settings(
        **({"training__steps": 6, "training__validation": "none", "training__ema": 0.8} | sections)
    )


def moved(before: Path, after: Path) -> set[str]:
    """The named parts in which any weight or statistic differs."""
    old, new = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    differing = {name for name in old if not torch.equal(old[name], new[name])}
    parts = (*PARTS.outer, *PARTS.core, *PARTS.head)
    assert all(name.startswith(parts) for name in differing)
    return {part for part in parts if any(name.startswith(part) for name in differing)}


def transfer(first: Path, data: Path, out: Path, *words: str) -> int:
    common = ["--seed", "1", "--accelerator", "cpu", "--steps", "6", "--set", "synthetic.source=manifest"]
    sets = ["batch.size=8", "synthetic.recount=false", "training.validation=none"]
    sets += ["batch.labelled_share=null", "teacher.kind=none"]
    return run(
        [
            "transfer",
            str(first),
            str(data),
            "--out",
            str(out),
            *common,
            *(w for s in sets for w in ("--set", s)),
            *words,
        ]
    )


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("full", OUTER | {"core", "regressor"}),
        ("frozen-core", OUTER | {"regressor"}),
        ("frozen-outer", {"core", "regressor"}),
        ("thaw", OUTER | {"core", "regressor"}),
    ],
)
def test_only_what_the_scheme_lets_learn_changes_by_a_bit(
    scheme: str, expected: set[str], first: Path, data: Path, tmp_path: Path
) -> None:
    assert transfer(first, data, tmp_path / "run", "--scheme", scheme) == 0
    assert moved(first, tmp_path / "run") == expected
    card = load_card(tmp_path / "run")
    assert card.training["transfer"] == {"scheme": scheme}
    assert card.settings["network"] == load_card(first).settings["network"]


def test_without_decoder_the_decoders_stay_and_nothing_is_reconstructed(
    first: Path, data: Path, tmp_path: Path
) -> None:
    assert transfer(first, data, tmp_path / "run", "--no-decoder") == 0
    assert moved(first, tmp_path / "run") == {"natural.encoder", "synthetic.encoder", "core", "regressor"}
    core = {
        name
        for name in load_file(first / "model.safetensors")
        if name.startswith(("core.decoder", "core.expand"))
    }
    old, new = load_file(first / "model.safetensors"), load_file(tmp_path / "run" / "model.safetensors")
    assert core
    assert all(torch.equal(old[name], new[name]) for name in core)


def test_thawing_releases_from_the_outside_in_by_fifths() -> None:
    steps = 50
    starts = {}
    for i, group in enumerate(PARTS.unfreezing):
        for name in group:
            starts[name] = next(s for s in range(steps) if name not in frozen_parts("thaw", PARTS, s, steps))
            assert starts[name] == i * steps // 5
    assert starts["natural.encoder.0"] == starts["synthetic.decoder.4"] == starts["regressor"] == 0
    assert starts["natural.encoder.1"] == starts["synthetic.decoder.2"] == 10
    assert starts["natural.encoder.2"] == starts["synthetic.decoder.1"] == 20
    assert starts["natural.encoder.3"] == starts["synthetic.decoder.0"] == 30
    assert starts["core"] == 40
    assert frozen_parts("thaw", PARTS, 5, 7) == ("core",)  # a length that fifths do not divide


def test_the_core_keeps_its_bits_until_it_thaws(first: Path, data: Path, tmp_path: Path) -> None:
    """Stopped by time before 4/5 of training, the core has not moved yet; the layers outside it have."""
    settings = transfer_settings(load_card(first), small(training__steps=500), "thaw")
    fit(settings, Manifest.read(data), tmp_path / "run", start=first, max_minutes=0, progress=False)
    assert load_card(tmp_path / "run").steps == 1
    assert moved(first, tmp_path / "run") == OUTER | {"regressor"}
    old, new = load_file(first / "model.safetensors"), load_file(tmp_path / "run" / "model.safetensors")
    still = [
        n
        for n in old
        if n.startswith(("natural.encoder.1", "natural.encoder.3", "natural.decoder.0", "core"))
    ]
    assert still
    assert all(torch.equal(old[n], new[n]) for n in still)


def test_a_resting_part_passes_gradients_on_but_keeps_its_statistics() -> None:
    network = METHODS["twin_vae"].build(small().model).train()
    freeze(network, PARTS.core)
    before = {name: value.clone() for name, value in network.core.state_dict().items()}
    output = network(torch.rand(4, 1, 128, 128), torch.tensor([True, True, False, False]))
    (output.reconstruction.mean() + output.count.mean()).backward()
    assert all(p.grad is None for p in network.core.parameters())
    assert all(p.grad is not None and p.grad.any() for p in network.natural.encoder[0][0].parameters())
    assert all(torch.equal(before[name], value) for name, value in network.core.state_dict().items())
    freeze(network, ())
    assert all(p.requires_grad for p in network.parameters())
    network(torch.rand(4, 1, 128, 128))
    assert not torch.equal(before["decoder.1.running_mean"], network.core.decoder[1].running_mean)


def test_settings_of_a_transfer_come_from_card_and_preset(first: Path) -> None:
    card, preset = load_card(first), load_preset("paper-bf")
    settings = transfer_settings(card, preset, "thaw", decoder=False, ramp=0.1)
    assert settings.model.network.channels == (4, 4, 8, 8)  # type: ignore[attr-defined]
    assert settings.model.loss.pixels == "bce"  # type: ignore[attr-defined]
    assert not settings.model.loss.decode  # type: ignore[attr-defined]
    assert settings.training.warmup == 0.1
    assert settings.transfer is not None
    assert settings.transfer.scheme == "thaw"


def test_the_scheme_words_are_the_settings_words() -> None:
    for scheme in SCHEMES:
        assert load_preset("compact").changed({"transfer": {"scheme": scheme}}).transfer is not None


def test_a_preset_is_found_for_a_method_and_paper_presets_come_last() -> None:
    assert preset_for("twin_vae") == "compact"
    with pytest.raises(UserError, match="no preset is for the method yolo"):
        preset_for("yolo")


def test_bad_words_are_refused_before_work(first: Path, data: Path, tmp_path: Path, capsys) -> None:
    assert transfer(first, data, tmp_path / "run", "--scheme", "melt") == 2
    assert "transfer.scheme" in capsys.readouterr().err
    assert transfer(tmp_path, data, tmp_path / "run") == 2
    assert not (tmp_path / "run").exists()


def test_another_networks_weights_are_refused(first: Path, data: Path, tmp_path: Path) -> None:
    wider = small(model__network={"channels": [4, 4, 8, 16], "core": 16, "latent": 8, "regressor": [8, 8]})
    with pytest.raises(UserError, match="other widths"):
        fit(wider, Manifest.read(data), tmp_path / "run", start=first, progress=False)
    assert not (tmp_path / "run").exists()
