"""Counting with 8-bit integers, calibrated on the user's frames, and only where counts hold."""

import contextlib
import io
import logging
from typing import Any

import numpy as np

from twincell.errors import UserError
from twincell.export.engines import Counter, Images, counter

SHARE = 0.5
"""Of the frames that the ranges are calibrated on; counts are compared on the others."""


def quantised(model: Any, form: str, images: Images, lost: float) -> tuple[Any, Counter, float]:
    """A float32 model with as much of it in int8 as the counts allow.

    The library puts operations back to float32, those that change the counts most first, until what is lost
    on frames that calibrated nothing is at most `lost` (NNCF, quantisation with accuracy control).

    Args:
        images: (N, 1, H, W) uint8 of the user's own, N from 4.
        lost: cells, the mean difference from the float32 counts.

    Returns:
        The model, something that counts with it, and what it loses in cells on the frames compared.

    Raises:
        UserError: more is lost whatever is put back.
    """
    import nncf

    nncf.set_log_level(logging.ERROR)
    kept = np.arange(len(images)) % 2 == 0
    calibrating, comparing = images[kept], images[~kept]
    exact = counter(model, form)(comparing)

    def score(compiled: Any, places: Any) -> tuple[float, list[float]]:
        apart = [abs(float(_counts(compiled, comparing[i : i + 1], form)[0] - exact[i])) for i in places]
        return 1 - float(np.mean(apart)), [1 - each for each in apart]  # the library divides by the first

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        small = nncf.quantize_with_accuracy_control(
            model,
            nncf.Dataset([image[None] for image in calibrating], lambda image: _fed(image, form)),
            nncf.Dataset(list(range(len(comparing)))),
            score,
            max_drop=lost,
            drop_type=nncf.DropType.ABSOLUTE,
            subset_size=len(calibrating),
        )
    count = counter(small, form)
    apart = float(np.abs(count(comparing) - exact).mean())
    if apart > lost:
        raise UserError(
            f"int8 changes counts by {apart:.2f} cells on average, more than {lost:g}; nothing is written: "
            "export without --int8, or allow more with --lost"
        )
    return small, count, apart


def _fed(image: Images, form: str) -> Any:
    return {"image": image} if form == "onnx" else image


def _counts(compiled: Any, images: Images, form: str) -> Any:
    if form == "onnx":
        return compiled.run(["count"], {"image": images})[0]
    return compiled({"image": images})["count"]
