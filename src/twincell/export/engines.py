"""The two engines that exported graphs run on, asked alike."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.errors import UserError

Images = NDArray[Any]
Counter = Callable[[Images], NDArray[np.float32]]
"""(N, 1, H, W) images to (N,) counts."""

FORMATS = ("onnx", "openvino")


def require(form: str, int8: bool) -> None:
    """Refuses a format whose libraries are not installed.

    Raises:
        UserError: naming the extra that brings them.
    """
    needed = {"onnx": ["onnx", "onnxscript", "onnxruntime"], "openvino": ["onnx", "onnxscript", "openvino"]}
    if form not in needed:
        raise UserError(f"format {form!r} is not known; choose one of: {', '.join(FORMATS)}")
    missing = [name for name in [*needed[form], *(["nncf"] if int8 else [])] if not _installed(name)]
    if missing:
        raise UserError(
            f"export to {form} needs {', '.join(missing)}; install twincell with its extra: export"
        )


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def from_onnx(graph: bytes, form: str) -> Any:
    """A model of the engine from ONNX bytes."""
    if form == "onnx":
        import onnx

        return onnx.load_from_string(graph)
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(graph)
        return openvino.convert_model(path)


def counter(model: Any, form: str) -> Counter:
    """Something that counts with an engine's model, on this machine's processor."""
    if form == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return lambda images: session.run(["count"], {"image": images})[0]
    import openvino

    compiled = openvino.compile_model(model, "CPU")
    return lambda images: compiled({"image": images})["count"]


def files_of(model: Any, form: str) -> dict[str, bytes]:
    """The bytes to write, by suffix."""
    if form == "onnx":
        return {".onnx": model.SerializeToString()}
    import openvino

    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(FileNotFoundError):
        path = Path(folder) / "model.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        return {".xml": path.read_bytes(), ".bin": path.with_suffix(".bin").read_bytes()}
    raise RuntimeError("openvino wrote no model")
