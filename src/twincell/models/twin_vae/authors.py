"""The authors' own checkpoints (.pth) as models here: their layer names, no pickle run.

Their public code (github.com/dstallmann/transfer_learning_twinvae and cell_cultivation_analysis, MIT) saves a
dictionary with `state_dict`, whose layers are named `natural_reader`, `synth_reader`, `common_encoder`, `fc1`
(mean), `fc2` (log-variance), `fc3`, `common_decoder`, `natural_writer`, `synth_writer` and `regressor`, each
inside a DataParallel that adds `module.`. Their layers behind the latent vector have no activation.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

import twincell
from twincell.data.modality import asked_modality
from twincell.errors import UserError
from twincell.files import fresh_dir, sha256
from twincell.locks import locked
from twincell.models.base.file import ModelCard, TrainingData, save_model
from twincell.models.twin_vae import METHOD
from twincell.models.twin_vae.settings import NetworkSettings, TwinVAESettings

OUTER, GROWING = 4, 5
"""Convolutions of an outer encoder, transposed ones of an outer decoder."""
UNREADABLE = (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError)
"""What torch.load raises for files that are cut short, of another kind, or hold more than tensors."""
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def import_authors(path: Path, out: Path, modality: str) -> Path:
    """Writes a checkpoint of the authors as a model into a new folder; returns the weights file.

    Args:
        path: .pth file; loaded with `weights_only`, so that nothing in it is run.
        out: run folder to make; it can be counted, translated and transferred with.
        modality: of the images it was trained on, such as bf or pc.

    Raises:
        UserError: no such file, not a checkpoint of this network, missing or unknown or wrongly shaped
            tensors, a folder that holds something.
    """
    modality = asked_modality(modality) or modality
    state, epoch = read_checkpoint(path)
    network, settings = build(state, str(path))
    card = ModelCard(
        name=path.stem,
        method=METHOD.name,
        settings=settings.model_dump(mode="json"),
        modalities=[modality],
        data=TrainingData(
            description=f"imported from the authors' checkpoint {path.name} (SHA-256 {sha256(path)}"
            + (")" if epoch is None else f", epoch {epoch})")
        ),
        twincell_version=twincell.__version__,
    )
    with locked(out):
        return save_model(fresh_dir(out), network, card)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], int | None]:
    """The tensors of a checkpoint under their names without `module.`, and the epochs that were complete.

    Raises:
        UserError: when the file is missing, damaged, or holds anything but tensors by name.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; name a checkpoint (.pth)")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise UserError(
            f"{path}: cannot be read as a checkpoint of weights alone ({str(error).splitlines()[0][:120]}); "
            "copy the file again, or save its state_dict with torch.save"
        ) from error
    state = content.get("state_dict", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not any(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{path}: holds no state_dict, a table of tensors by name; save one with torch.save")
    named: dict[str, Tensor] = {}
    for key, value in state.items():
        name = ".".join(part for part in str(key).split(".") if part != "module")
        if name in named:
            raise UserError(f"{path}: {name} is there twice, with and without `module.`; keep one of them")
        named[name] = value
    if others := [f"{n}, {type(v).__name__}" for n, v in named.items() if not isinstance(v, Tensor)]:
        raise UserError(
            f"{path}: its state_dict holds {len(others)} values that are no tensors ({_few(others)}); save "
            "the network's own state_dict with torch.save"
        )
    epoch = content.get("epoch")
    # They write the number of the epoch that would come next.
    return named, epoch - 1 if isinstance(epoch, int) and epoch > 0 else None


def build(state: Mapping[str, Tensor], where: str) -> tuple[torch.nn.Module, TwinVAESettings]:
    """The network with the checkpoint's weights; its widths are read off the tensors.

    Raises:
        UserError: one sentence, naming `where`, that lists what is missing, unknown or of a wrong shape.
    """
    names = layout()
    missing = sorted(set(names.values()) - state.keys())
    unknown = sorted(state.keys() - set(names.values()))
    if missing or unknown:
        faults = [f"{len(missing)} tensors missing ({_few(missing)})"] if missing else []
        faults += [f"{len(unknown)} unknown ({_few(unknown)})"] if unknown else []
        raise UserError(f"{where}: not a Twin-VAE checkpoint of the authors: {', '.join(faults)}")
    settings = TwinVAESettings(network=_widths(state, where))
    network = METHOD.build(settings)
    expected = network.state_dict()
    bent = [
        f"{theirs} is {tuple(state[theirs].shape)} instead of {tuple(expected[ours].shape)}"
        for ours, theirs in names.items()
        if state[theirs].shape != expected[ours].shape
    ]
    bent += [
        f"{theirs} holds values that are no numbers" for theirs in names.values() if _broken(state[theirs])
    ]
    if bent:
        raise UserError(f"{where}: not a whole Twin-VAE checkpoint of the authors: {_few(bent)}")
    network.load_state_dict({ours: state[theirs] for ours, theirs in names.items()})
    return network.eval(), settings


def layout() -> dict[str, str]:
    """Their name (without `module.`) of each of our tensors."""
    layers = {
        "core.encoder.0": "common_encoder.0",
        "core.mean": "fc1.0",
        "core.log_variance": "fc2.0",
        "core.expand.0": "fc3.0",
        "core.decoder.0": "common_decoder.1",
        "core.decoder.1": "common_decoder.2",
        "regressor.0": "regressor.0",
        "regressor.3": "regressor.2",
        "regressor.6": "regressor.4",
    }
    for origin, theirs in (("natural", "natural"), ("synthetic", "synth")):
        layers |= {f"{origin}.encoder.{i}.0": f"{theirs}_reader.{3 * i}" for i in range(OUTER)}
        layers |= {f"{origin}.decoder.{i}.0": f"{theirs}_writer.{3 * i}" for i in range(GROWING)}
        layers |= {f"{origin}.decoder.{i}.1": f"{theirs}_writer.{3 * i + 1}" for i in range(GROWING - 1)}
    normalised = [ours for ours in layers if ".decoder." in ours and ours.endswith(".1")]
    tensors = {f"{o}.{kind}": f"{t}.{kind}" for o, t in layers.items() for kind in ("weight", "bias")}
    return tensors | {
        f"{ours}.{kind}": f"{layers[ours]}.{kind}" for ours in normalised for kind in STATISTICS
    }


def _widths(state: Mapping[str, Tensor], where: str) -> NetworkSettings:
    def width(name: str, rank: int) -> int:
        tensor = state[f"{name}.weight"]
        if tensor.ndim != rank or not tensor.shape[0]:
            raise UserError(
                f"{where}: not a Twin-VAE checkpoint of the authors: {name}.weight is {tuple(tensor.shape)}"
            )
        return int(tensor.shape[0])

    first, second, third, last = (width(f"natural_reader.{3 * i}", 4) for i in range(OUTER))
    return NetworkSettings(
        channels=(first, second, third, last),
        core=width("common_encoder.0", 4),
        latent=width("fc1.0", 2),
        regressor=(width("regressor.0", 2), width("regressor.2", 2)),
        inner_leak=1.0,
    )


def _broken(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and not bool(tensor.isfinite().all())


def _few(words: list[str]) -> str:
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
