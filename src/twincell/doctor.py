"""What works on this machine, how fast it counts, and what would help: `twincell doctor`."""

import platform
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from twincell.models.base.file import LoadedModel

EXTRAS = {
    "nd2": "reads Nikon ND2 files",
    "zarr": "reads OME-Zarr",
    "bioio-czi": "reads Zeiss CZI files (under the GPL, so not one of our own requirements)",
    "optuna": "searches for settings (twincell tune)",
    "onnx": "writes models for other engines (twincell export)",
    "openvino": "counts with Intel's engine (twincell export --format openvino)",
    "qpretrieve": "reads phase maps off holograms (twincell phase)",
    "h5py": "reads phase maps from HDF5 (twincell topgan)",
    "umap-learn": "draws the paper's embedding (twincell reproduce embedding)",
    "transformers": "the BiT baseline",
    "efficientnet-lite-pytorch": "the EfficientNet baseline",
}
"""Packages that not everybody needs, and what each does."""

LITTLE_DISK = 2.0
"""GB free in a folder below which a long recording may not fit."""

LITTLE_MEMORY = 4.0
"""GB of memory below which a training is tight."""

FRAMES = 64
"""Blank frames counted to measure the speed."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        what: its name.
        value: what was found, in words.
        state: ok; missing (an extra, fine if not needed); trouble (something will not work).
        cure: what to do, empty where nothing is needed.
    """

    what: str
    value: str
    state: Literal["ok", "missing", "trouble"] = "ok"
    cure: str = ""


def examine(folder: str | Path = ".") -> list[Finding]:
    """Look at machine, packages, models and folder; nothing is changed.

    Args:
        folder: where results would be written.

    Returns:
        Findings in the order a person wants them; the speed is that of the shipped model on blank frames.
    """
    return [*_machine(), *_folders(Path(folder)), *_torch(), *_models(), *_extras()]


def _machine() -> list[Finding]:
    from twincell.hardware import cpu_cores, cpu_name, memory_gb

    supported = sys.version_info >= (3, 11)
    memory = memory_gb()
    tight = memory is not None and memory < LITTLE_MEMORY
    return [
        Finding(
            "Python",
            f"{platform.python_version()} on {platform.system()} {platform.machine()}",
            "ok" if supported else "trouble",
            "" if supported else "install Python 3.11 or newer",
        ),
        Finding("processor", f"{cpu_name()}, {cpu_cores()} cores for this process"),
        Finding(
            "memory",
            "not known" if memory is None else f"{memory:.1f} GB",
            "trouble" if tight else "ok",
            "close other programs before training" if tight else "",
        ),
    ]


def _folders(folder: Path) -> list[Finding]:
    return [
        _writable("this folder", folder),
        _writable("temporary folder", Path(tempfile.gettempdir())),
    ]


def _writable(what: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / 1e9
    value = f"{folder.resolve()}, {free:.1f} GB free"
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as failure:
        return Finding(
            what, f"{value}, cannot be written ({failure.strerror})", "trouble", "use another folder"
        )
    if free < LITTLE_DISK:
        return Finding(what, value, "trouble", "make room, or write to another disk")
    return Finding(what, value)


def _torch() -> list[Finding]:
    import torch

    from twincell.hardware import has_bfloat16
    from twincell.words import number

    threads = torch.get_num_threads()
    fast = "bfloat16 in hardware" if has_bfloat16(torch.device("cpu")) else "no bfloat16 in hardware"
    found = [Finding("torch", f"{torch.__version__}, {number(threads, 'thread')}, {fast}")]
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        found.append(Finding("GPU", f"{', '.join(names)}; train with --accelerator gpu"))
    else:
        found.append(Finding("GPU", "none that torch can use; counting and training work without"))
    if _version("torchvision") is not None:
        found.append(
            Finding(
                "torchvision",
                f"{_version('torchvision')} is installed and not used; beside a CPU torch it breaks training",
                "trouble",
                "pip uninstall torchvision",
            )
        )
    return found


def _models() -> list[Finding]:
    from twincell.errors import UserError
    from twincell.models.base.file import load_model, shipped_models

    found = []
    for name in shipped_models():
        try:
            model = load_model(name)
        except UserError as failure:
            found.append(Finding(f"model {name}", failure.problems[0], "trouble", "install twincell again"))
            continue
        speed = _frames_per_second(model)
        found.append(Finding(f"model {name}", f"whole, counts {speed:,.0f} chambers (128 x 128 px) a second"))
    return found


def _frames_per_second(model: "LoadedModel") -> float:
    """Chambers of 128 x 128 px that the network counts in a second, reading not included."""
    import numpy as np

    blank = np.zeros((FRAMES, 128, 128), np.uint8)
    model.predict(blank[:8])  # the first look sets memory up
    began = time.perf_counter()
    model.predict(blank)
    return FRAMES / (time.perf_counter() - began)


def _extras() -> list[Finding]:
    return [
        Finding(package, f"{version}: {does}")
        if (version := _version(package)) is not None
        else Finding(package, f"not installed: {does}", "missing", f"pip install {package}")
        for package, does in EXTRAS.items()
    ]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
